"""A site whose ledger is kept by 5 minutes beside one of 15: the same readings are the same figures."""

import numpy as np
import pytest

from analytics import ledger
from core.batch import MINUTE_US, ReadingBatch
from core.columns import RegisterColumns
from core.estate import Estate
from core.model import Device, DeviceKind, Name
from tests.api.asks import fixes_of, get, problem, refused
from tests.api.world import ENERGY, SHANGHAI, us

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("lab")]

DAY = us("2018-07-01")
NAME = Name("实验室", "Lab")
LAB = {
    "id": "lab",
    "kind": "building",
    "parent_id": "city",
    "name": {"zh": "实验室", "en": "Lab"},
    "timezone": SHANGHAI,
    "base_minutes": 5,
}


@pytest.fixture
async def lab(world, client):
    """m0 (15 minutes) and lab1 (5 minutes) show the same for a day; half is lab1 by half."""
    answer = await client.post("/api/v1/places", json=LAB)
    assert answer.status_code < 300, answer.text
    half = Device("half", DeviceKind.VIRTUAL, "empty", NAME, formula="0.5 * [lab1]")
    both = Device("both", DeviceKind.VIRTUAL, "empty", NAME, formula="[lab1] - [m0]")
    world.registry.put_estate(Estate(devices=(Device("lab1", DeviceKind.METER, "lab", NAME),)))
    world.registry.add_registers([("lab1", ENERGY)])
    world.registry.put_estate(Estate(devices=(half, both)))
    world.reload()
    # Mostly every 5 minutes, 20 seconds past; two hours of silence in the afternoon.
    minutes = np.array([minute for minute in range(-5, 1445, 5) if not 840 < minute < 960])
    value = np.cumsum(minutes % 7) * 0.25
    columns = RegisterColumns.of(world.catalog)
    for device in ("m0", "lab1"):
        register = np.full(len(minutes), world.register(device), np.int32)
        time_us = DAY + minutes * MINUTE_US + 20_000_000
        flags = np.zeros(len(minutes), np.uint8)
        batch = ReadingBatch(register, time_us, value, flags, time_us)
        world.store.put_intervals(ledger.recompute(batch, columns, DAY, DAY + 1440 * MINUTE_US))


SPAN = {"from_": "2018-07-01", "to": "2018-07-02"}


async def test_a_place_shows_and_takes_its_base(client):
    assert (await get(client, "places/lab"))["base_minutes"] == 5
    assert (await get(client, "places/b0"))["base_minutes"] is None
    refusal = problem(await client.post("/api/v1/places", json=LAB | {"base_minutes": 7}), 422)
    assert [error["field"] for error in refusal["errors"]] == ["base_minutes"]


@pytest.mark.parametrize("interval", ["15m", "1h", "1d"])
async def test_periods_of_15_minutes_and_more_are_the_same_at_both(client, interval):
    answers = [
        await get(client, "consumption", device=one, interval=interval, **SPAN) for one in ("m0", "lab1")
    ]
    for name in ("total", "coverage", "quality"):
        assert answers[1][name] == pytest.approx(answers[0][name])
    for mine, theirs in zip(*(one["items"] for one in answers), strict=True):
        assert mine["amount"] == pytest.approx(theirs["amount"])
        assert mine | {"amount": 0} == theirs | {"amount": 0}


async def test_periods_of_5_minutes_add_up_to_the_quarters(client):
    asked = {"place": "lab", "energy": "electricity", **SPAN}
    fine = (await get(client, "consumption", interval="5m", **asked))["items"]
    quarters = (await get(client, "consumption", interval="15m", **asked))["items"]
    assert len(fine) == 288
    assert fine[1]["start"] == "2018-07-01T00:05:00+08:00"
    sums = np.array([one["amount"] for one in fine]).reshape(-1, 3).sum(axis=1)
    np.testing.assert_allclose(sums, [one["amount"] for one in quarters], atol=1e-5)
    coverage = np.array([one["coverage"] for one in fine]).reshape(-1, 3).mean(axis=1)
    np.testing.assert_allclose(coverage, [one["coverage"] for one in quarters])
    assert fine[0]["quality"] == ["measured"]
    assert set(fine[14 * 12 + 6]["quality"]) == {"interpolated", "gap_spread"}


async def test_shorter_periods_than_the_ledger_knows_are_refused_with_what_it_does(client):
    refusal = await refused(client, "consumption", 422, device="m0", interval="5m", **SPAN)
    assert "m0" in refusal["detail"]
    assert fixes_of(refusal) == {"interval": "ask for interval=15m, or give its place base_minutes 5"}
    refusal = await refused(client, "consumption", 422, device="lab1", interval="1m", **SPAN)
    assert fixes_of(refusal)["interval"].startswith("ask for interval=5m")
    city = {"place": "city", "energy": "electricity", "interval": "5m"}
    assert "m0" in (await refused(client, "consumption", 422, **city, **SPAN))["detail"]
    await refused(client, "consumption", 422, place="city", group_by="energy", interval="5m", **SPAN)
    await refused(client, "consumption", 422, device="lab1", interval="5m", with_="cost", **SPAN)
    await refused(client, "demand", 422, place="lab", interval="5m", **SPAN)


async def test_a_virtual_meter_has_the_longest_base_of_its_meters(client):
    half = await get(client, "consumption", device="half", interval="5m", **SPAN)
    whole = await get(client, "consumption", device="lab1", interval="5m", **SPAN)
    assert [one["amount"] for one in half["items"]] == pytest.approx(
        [one["amount"] / 2 for one in whole["items"]], abs=1e-5
    )
    assert "m0" in (await refused(client, "consumption", 422, device="both", interval="5m", **SPAN))["detail"]
    rest = await get(client, "consumption", device="both", interval="15m", **SPAN)
    assert [one["amount"] for one in rest["items"]] == pytest.approx([0.0] * 96, abs=1e-6)


async def test_windows_profiles_and_quality_scores_are_the_same_at_both(client):
    demand = [await get(client, "demand", place=one, **SPAN) for one in ("b0", "lab")]
    assert [one["demand_w"] for one in demand[0]["items"]] == pytest.approx(
        [one["demand_w"] for one in demand[1]["items"]]
    )
    months = [await get(client, "demand/maximum", place=one, month="2018-07") for one in ("b0", "lab")]
    assert months[0]["maximum"] == months[1]["maximum"]
    explained = [
        (await get(client, "consumption", device=one, interval="1d", explain="true", **SPAN))["explanation"]
        for one in ("m0", "lab1")
    ]
    behind = [one["registers"][0] for one in explained]
    assert behind[0]["flags"] == behind[1]["flags"]
    assert (behind[0]["first"], behind[0]["last"]) == (behind[1]["first"], behind[1]["last"])
