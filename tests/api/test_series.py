"""Readings, tracks and live power."""

import pytest

from api.pages import encode
from core.batch import ReadingBatch
from core.ports import PlacePower
from tests.api.asks import fixes_of, get, refused
from tests.api.test_estate import pages
from tests.api.world import NAN, NOW_US, us

pytestmark = pytest.mark.anyio

DAY = us("2018-07-01")
MINUTE = 60_000_000


async def test_readings_come_with_both_times_and_their_quality(world, client):
    world.readings("m0", "power_active", [(DAY, 100.5), (DAY + MINUTE, 101.0, 1), (DAY + 2 * MINUTE, 7.0, 3)])
    answer = await get(
        client, "readings", device="m0", quantity="power_active", from_="2018-07-01", to="2018-07-02"
    )
    assert (answer["device"], answer["quantity"], answer["unit"]) == ("m0", "power_active", "W")
    assert answer["items"][0] == {
        "time": "2018-07-01T00:00:00+08:00",
        "value": 100.5,
        "received": "2018-07-02T02:00:00Z",
        "quality": ["good"],
    }
    assert [item["quality"] for item in answer["items"][1:]] == [["receive_time"], ["receive_time", "manual"]]


async def test_readings_are_cut_at_the_span_and_paged_without_loss(world, client):
    world.readings("m0", "power_active", [(DAY + i * MINUTE, float(i)) for i in range(-3, 25)])
    query = {
        "device": "m0",
        "quantity": "power_active",
        "from_": "2018-07-01T00:00:00+08:00",
        "to": "2018-07-01T00:20:00+08:00",
    }
    whole, _ = await pages(client, "readings", **query)
    paged, count = await pages(client, "readings", limit=7, **query)
    assert [item["value"] for item in whole] == [float(i) for i in range(20)]
    assert (paged, count) == (whole, 3)


@pytest.mark.parametrize("time_us", [-1, 2**62, 10**30])
async def test_a_cursor_beyond_all_times_is_refused(client, time_us):
    cursor = encode(time_us)
    found = await refused(client, "readings", 422, device="m0", quantity="power_active", cursor=cursor)
    assert "cursor" in fixes_of(found)


async def test_readings_without_a_span_are_todays(world, client):
    world.readings("m0", "power_active", [(us("2018-07-01T23:59:59"), 1.0), (us("2018-07-02"), 2.0)])
    answer = await get(client, "readings", device="m0", quantity="power_active")
    assert [item["value"] for item in answer["items"]] == [2.0]


async def test_a_quantity_that_a_device_does_not_report_is_told_what_it_does(client):
    found = await refused(client, "readings", 422, device="m0", quantity="frequency")
    assert fixes_of(found)["quantity"] == "one of energy_active_import_total, power_active"


async def test_what_is_needed_is_named(client):
    assert set(fixes_of(await refused(client, "readings", 422))) == {"device", "quantity"}
    assert set(fixes_of(await refused(client, "track", 422))) == {"vehicle"}


async def test_a_track_is_the_fixes_in_order(world, client):
    rows = [("car1", DAY + i * MINUTE, 29.5 + i / 1000, 106.5, 30 + i, 1) for i in range(9)]
    world.store.append(*_batches(world, [*rows, ("car2", DAY, 0.0, 0.0, 0, 0)]))
    query = {"vehicle": "car1", "from_": "2018-07-01", "to": "2018-07-02"}
    whole, _ = await pages(client, "track", **query)
    paged, count = await pages(client, "track", limit=4, **query)
    assert (paged, count) == (whole, 3)
    assert whole[2] == {
        "time": "2018-07-01T00:02:00+08:00",
        "lat": 29.502,
        "lon": 106.5,
        "speed_kmh": 32.0,
        "course_deg": 90.0,
        "ignition": True,
    }


async def test_what_a_fix_does_not_say_is_null(world, client):
    world.store.append(*_batches(world, [("car1", DAY, 29.5, 106.5, NAN, NAN)]))
    point = (await get(client, "track", vehicle="car1", from_="2018-07-01", to="2018-07-02"))["items"][0]
    assert (point["speed_kmh"], point["ignition"]) == (None, None)


async def test_a_meter_has_no_track(client):
    found = await refused(client, "track", 404, vehicle="m0")
    assert fixes_of(found)["vehicle"].startswith("one of car1, car2, car3")


async def test_power_is_of_all_places_one_or_a_subtree(world, client):
    world.feed.powers = [
        PlacePower("city", 300.0, 2, 2, NOW_US),
        PlacePower("org", 300.0, 2, 2, NOW_US),
        PlacePower("b0", 200.0, 1, 1, NOW_US),
        PlacePower("b1", None, 1, 0, 0),
    ]
    assert len((await get(client, "power"))["items"]) == 4
    assert (await get(client, "power", place="b0"))["items"] == [
        {"place": "b0", "power_w": 200.0, "meters": 1, "reporting": 1, "at": "2018-07-02T02:00:00Z"}
    ]
    assert [item["place"] for item in (await get(client, "power", under="org"))["items"]] == [
        "org",
        "b0",
        "b1",
    ]
    assert (await get(client, "power", place="b1"))["items"][0]["at"] is None
    assert (await get(client, "power", place="empty"))["items"] == []
    assert "under" in fixes_of(await refused(client, "power", 404, under="b9"))


def _batches(world, rows):
    return ReadingBatch.empty(), world.fixes(*rows)
