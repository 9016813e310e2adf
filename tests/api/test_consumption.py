"""Consumption of places and meters: exact figures, local periods, helpful refusals."""

import pytest

from api.services import Limits
from core.batch import BASE_US
from core.quality import Quality
from tests.api.asks import fixes_of, get, refused
from tests.api.conftest import client_of
from tests.api.world import BERLIN, us

pytestmark = pytest.mark.anyio

DAY = us("2018-07-01")


async def test_a_day_is_the_sum_of_its_intervals_with_their_coverage(world, client):
    world.meter("m0", DAY, [1.0] * 96)
    answer = await get(
        client,
        "consumption",
        place="b0",
        energy="electricity",
        from_="2018-07-01",
        to="2018-07-02",
        interval="1d",
    )
    assert answer == {
        "place": "b0",
        "device": None,
        "energy": "electricity",
        "unit": "kWh",
        "timezone": "Asia/Shanghai",
        "from": "2018-07-01T00:00:00+08:00",
        "to": "2018-07-02T00:00:00+08:00",
        "interval": "1d",
        "total": 96.0,
        "coverage": 1.0,
        "quality": ["measured"],
        "meters": ["m0"],
        "pending": 0,
        "items": [
            {
                "start": "2018-07-01T00:00:00+08:00",
                "end": "2018-07-02T00:00:00+08:00",
                "amount": 96.0,
                "coverage": 1.0,
                "quality": ["measured"],
            }
        ],
    }


async def test_a_sub_meter_is_not_counted_again(world, client):
    world.meter("m0", DAY, [1.0] * 4)
    world.meter("m1", DAY, [0.5] * 4)
    span = {"from_": "2018-07-01", "to": "2018-07-02", "interval": "1d"}
    building = await get(client, "consumption", place="b0", energy="electricity", **span)
    meter = await get(client, "consumption", device="m1", **span)
    assert building["total"] == 4.0
    assert (meter["total"], meter["place"], meter["device"]) == (2.0, None, "m1")


async def test_a_place_above_sums_the_places_below(world, client):
    world.meter("m0", DAY, [1.0])
    world.meter("m2", DAY, [10.0])
    answer = await get(
        client, "consumption", place="city", energy="electricity", from_="2018-07-01", to="2018-07-02"
    )
    assert answer["total"] == 11.0
    assert answer["meters"] == ["m0", "m2"]


async def test_missing_is_not_zero(world, client):
    world.meter("m0", DAY, [0.0, None, None, None, None])
    answer = await get(
        client,
        "consumption",
        place="b0",
        energy="electricity",
        from_="2018-07-01",
        to="2018-07-01T02:00:00+08:00",
    )
    first, second = answer["items"]
    assert (first["amount"], first["coverage"]) == (0.0, 0.25)
    assert (second["amount"], second["coverage"], second["quality"]) == (None, 0.0, [])
    assert (answer["total"], answer["coverage"]) == (0.0, 0.125)


async def test_the_noise_of_floating_point_sums_is_not_shown(world, client):
    world.meter("m0", DAY, [0.1, 0.1, 0.1, 21.299999999813735])
    answer = await get(
        client, "consumption", device="m0", from_="2018-07-01", to="2018-07-01T01:00:00+08:00", interval="15m"
    )
    assert [item["amount"] for item in answer["items"]] == [0.1, 0.1, 0.1, 21.3]
    assert answer["total"] == 21.6


async def test_nothing_heard_at_all_has_no_total(client):
    answer = await get(
        client, "consumption", place="b0", energy="electricity", from_="2018-07-01", to="2018-07-02"
    )
    assert (answer["total"], answer["coverage"], answer["quality"]) == (None, 0.0, [])
    assert len(answer["items"]) == 24


async def test_a_period_that_has_not_ended_is_covered_up_to_now(world, client):
    world.meter("m0", us("2018-07-02"), [1.0] * 40)  # until 10:00, which is now
    answer = await get(client, "consumption", place="b0", energy="electricity", interval="1d")
    assert answer["from"] == "2018-07-02T00:00:00+08:00"
    assert answer["to"] == "2018-07-03T00:00:00+08:00"
    assert (answer["total"], answer["coverage"]) == (40.0, 1.0)


async def test_days_are_23_and_25_hours_long_when_the_clocks_change(world, client):
    spring = us("2018-03-24", BERLIN)
    world.meter("m2", spring, [1.0] * (96 + 92 + 96))
    answer = await get(client, "consumption", place="b1", from_="2018-03-24", to="2018-03-27", interval="1d")
    assert [item["amount"] for item in answer["items"]] == [96.0, 92.0, 96.0]
    assert answer["items"][1] == {
        "start": "2018-03-25T00:00:00+01:00",
        "end": "2018-03-26T00:00:00+02:00",
        "amount": 92.0,
        "coverage": 1.0,
        "quality": ["measured"],
    }
    world.now_us = us("2018-12-01", BERLIN)
    world.meter("m2", us("2018-10-28", BERLIN), [1.0] * 100)
    autumn = await get(client, "consumption", place="b1", from_="2018-10-28", to="2018-10-29", interval="1h")
    assert len(autumn["items"]) == 25
    assert autumn["total"] == 100.0
    assert [item["start"] for item in autumn["items"][2:4]] == [
        "2018-10-28T02:00:00+02:00",
        "2018-10-28T02:00:00+01:00",
    ]


@pytest.mark.parametrize(
    ("interval", "periods"), [("15m", 35040), ("1h", 8760), ("1d", 365), ("1w", 53), ("1mo", 12), ("1y", 1)]
)
async def test_every_interval_sums_to_the_same_year(world, interval, periods):
    world.meter("m0", us("2017-01-01"), [0.25] * 35040)
    async with client_of(world.app(limits=Limits(points=40_000))) as client:
        answer = await get(
            client,
            "consumption",
            place="b0",
            energy="electricity",
            from_="2017-01-01",
            to="2018-01-01",
            interval=interval,
        )
    assert len(answer["items"]) == periods
    assert answer["total"] == 8760.0
    assert sum(item["amount"] for item in answer["items"]) == 8760.0
    assert all(item["coverage"] == 1.0 for item in answer["items"])


async def test_reading_in_pieces_gives_the_same_figures(world):
    for number, device in enumerate(("m0", "m1", "m2")):
        world.meter(device, DAY, [float(number + 1)] * (3 * 96))
    query = {"place": "city", "energy": "electricity", "from_": "2018-07-01", "to": "2018-07-04"}
    async with client_of(world.app()) as whole, client_of(world.app(limits=Limits(ledger_rows=1))) as pieces:
        assert await get(whole, "consumption", **query) == await get(pieces, "consumption", **query)


async def test_quality_names_what_happened(world, client):
    flags = [
        int(Quality.RESET),
        int(Quality.START_INTERPOLATED),
        0,
        int(Quality.LATE | Quality.END_INTERPOLATED),
    ]
    world.meter("m0", DAY, [1.0] * 4, quality=flags)
    answer = await get(
        client,
        "consumption",
        place="b0",
        energy="electricity",
        from_="2018-07-01",
        to="2018-07-01T01:00:00+08:00",
    )
    assert answer["items"][0]["quality"] == ["interpolated", "reset", "late"]


async def test_late_data_that_is_not_in_yet_is_announced(world, client):
    world.feed.pending = 3
    answer = await get(client, "consumption", place="b0", energy="electricity")
    assert answer["pending"] == 3


async def test_the_only_kind_of_energy_need_not_be_named(world, client):
    world.meter("m2", us("2018-07-02", BERLIN), [2.0])
    answer = await get(client, "consumption", place="b1")
    assert (answer["energy"], answer["total"]) == ("electricity", 2.0)


async def test_different_units_are_never_added(world, client):
    world.meter("gas-m3", DAY, [3.0], "gas_volume_total")
    world.meter("gas-kwh", DAY, [30.0], "gas_energy_total")
    query = {"place": "b0", "energy": "gas", "from_": "2018-07-01", "to": "2018-07-02"}
    found = await refused(client, "consumption", 422, **query)
    assert fixes_of(found) == {"unit": "unit=kWh or unit=m3"}
    assert (await get(client, "consumption", unit="m3", **query))["total"] == 3.0
    kwh = await get(client, "consumption", unit="kWh", **query)
    assert (kwh["unit"], kwh["total"], kwh["meters"]) == ("kWh", 30.0, ["gas-kwh"])
    assert fixes_of(await refused(client, "consumption", 422, unit="MWh", **query)) == {
        "unit": "unit=kWh or unit=m3"
    }


async def test_an_unknown_place_is_told_which_exist(client):
    found = await refused(client, "consumption", 404, place="b9", energy="electricity")
    assert "b0" in fixes_of(found)["place"]
    assert "GET /api/v1/places" in fixes_of(found)["place"]


async def test_an_unknown_device_is_told_which_exist(client):
    found = await refused(client, "consumption", 404, device="m9")
    assert "m0" in fixes_of(found)["device"]


async def test_energy_that_is_not_metered_here_is_told_what_is(client):
    found = await refused(client, "consumption", 422, place="b0", energy="water")
    assert fixes_of(found)["energy"] == "one of electricity, gas"
    assert (
        fixes_of(await refused(client, "consumption", 422, place="b0"))["energy"] == "one of electricity, gas"
    )
    assert fixes_of(await refused(client, "consumption", 422, place="empty"))["energy"] == "there is none yet"


async def test_place_and_device_are_one_or_the_other(client):
    assert "place" in fixes_of(await refused(client, "consumption", 422))
    assert "place" in fixes_of(await refused(client, "consumption", 422, place="b0", device="m0"))


async def test_edges_off_the_quarter_of_an_hour_are_told_the_nearest_good_ones(client):
    found = await refused(
        client,
        "consumption",
        422,
        place="b0",
        energy="electricity",
        from_="2018-07-01T08:07:00+08:00",
        to="2018-07-01T01:00:30Z",
    )
    assert fixes_of(found) == {
        "from": "2018-07-01T08:00:00+08:00 or 2018-07-01T08:15:00+08:00",
        "to": "2018-07-01T09:00:00+08:00 or 2018-07-01T09:15:00+08:00",
    }


async def test_a_span_that_is_none_is_refused(client):
    query = {"place": "b0", "energy": "electricity"}
    assert "to" in fixes_of(
        await refused(client, "consumption", 422, from_="2018-07-02", to="2018-07-02", **query)
    )
    assert "to" in fixes_of(
        await refused(client, "consumption", 422, from_="2018-07-03", to="2018-07-02", **query)
    )


async def test_too_many_periods_are_told_a_coarser_interval(client):
    query = {
        "place": "b0",
        "energy": "electricity",
        "from_": "2010-01-01",
        "to": "2018-01-01",
        "interval": "15m",
    }
    found = await refused(client, "consumption", 422, **query)
    assert fixes_of(found)["interval"] == "interval=1d, or ask for at most 208 days at a time"
    assert len((await get(client, "consumption", **(query | {"interval": "1d"})))["items"]) == 2922


async def test_exactly_as_many_periods_as_allowed_are_served(world):
    query = {"place": "b0", "energy": "electricity", "interval": "15m", "from_": "2018-07-01T00:00:00+08:00"}
    async with client_of(world.app(limits=Limits(points=4))) as client:
        assert len((await get(client, "consumption", to="2018-07-01T01:00:00+08:00", **query))["items"]) == 4
        await refused(client, "consumption", 422, to="2018-07-01T01:15:00+08:00", **query)


async def test_a_correction_replaces_what_was_there(world, client):
    world.meter("m0", DAY, [1.0, 1.0])
    world.meter("m0", DAY, [5.0], quality=int(Quality.LATE), covered_us=BASE_US)
    answer = await get(
        client, "consumption", place="b0", energy="electricity", from_="2018-07-01", to="2018-07-02"
    )
    assert answer["total"] == 6.0
    assert answer["quality"] == ["late"]
