"""Demand by quarter-hours: what is billed, what will be, and what made it."""

from dataclasses import replace

import numpy as np
import pytest

from core.batch import BASE_US
from core.model import Device, DeviceKind, Name, Place, PlaceKind, RegisterSettings
from core.quality import Quality
from tests.api.asks import fixes_of, get, refused
from tests.api.world import ENERGY, SHANGHAI, us

pytestmark = pytest.mark.anyio

DAY = us("2018-07-01")
MINUTE_US = 60_000_000


@pytest.fixture
def contract(world):
    """b0 has contracted 100 kW."""
    world.registry.put_place(replace(world.catalog.places["b0"], contract_demand_w=100_000.0))
    world.reload()


async def test_25_kwh_in_a_quarter_hour_are_100_kw_of_demand(world, client):
    world.meter("m0", DAY, [10.0, 25.0, 5.0])
    answer = await get(client, "demand", place="b0", from_="2018-07-01", to="2018-07-02")
    assert [item["demand_w"] for item in answer["items"][:4]] == [40_000.0, 100_000.0, 20_000.0, None]
    assert answer["maximum"] == {
        "start": "2018-07-01T00:15:00+08:00",
        "end": "2018-07-01T00:30:00+08:00",
        "demand_w": 100_000.0,
        "coverage": 1.0,
        "quality": ["measured"],
    }
    assert (answer["unit"], answer["window_s"], answer["basis"]) == ("W", 900, "block")
    assert answer["coverage"] == pytest.approx(3 / 96)
    assert answer["next_action"] is None


async def test_a_longer_period_shows_its_highest_window_and_when_it_was(world, client):
    world.meter("m0", DAY, [1.0] * 96 + [2.0, 3.0])
    answer = await get(client, "demand", place="b0", from_="2018-07-01", to="2018-07-04", interval="1d")
    assert [(item["demand_w"], item["at"]) for item in answer["items"]] == [
        (4_000.0, "2018-07-01T00:00:00+08:00"),
        (12_000.0, "2018-07-02T00:15:00+08:00"),
        (None, None),
    ]


@pytest.mark.usefixtures("contract")
async def test_above_the_contract_there_is_something_to_do(world, client):
    world.meter("m0", DAY, [26.0])
    answer = await get(client, "demand", place="b0", from_="2018-07-01", to="2018-07-02")
    assert answer["contract_demand_w"] == 100_000.0
    assert "demand/maximum" in answer["next_action"]["en"]
    assert answer["next_action"]["zh"]


async def test_a_sub_meter_adds_nothing_to_the_demand(world, client):
    world.meter("m0", DAY, [10.0])
    world.meter("m1", DAY, [4.0])
    answer = await get(client, "demand", place="b0", from_="2018-07-01", to="2018-07-02")
    assert answer["maximum"]["demand_w"] == 40_000.0
    assert answer["meters"] == ["m0"]


def running(world, minute, kwh, power_w):
    """The window from 10:00 on with so much used up to a minute of it, and live power."""
    begin = us("2018-07-02T10:00:00")
    world.now_us = begin + minute * MINUTE_US
    world.meter("m0", begin, [kwh], covered_us=minute * MINUTE_US, quality=Quality.OPEN)
    rows = world.store.intervals(np.array([world.register("m0")], np.int32), begin, begin + BASE_US)
    world.store.put_intervals(replace(rows, last_us=np.array([world.now_us]), last_value=np.array([1.0])))
    world.feed.last[world.register("m0", "power_active")] = (world.now_us, power_w)
    world.feed.last[world.register("m0")] = (world.now_us, 1.0)


@pytest.mark.usefixtures("contract")
async def test_the_running_window_is_projected_to_its_end(world, client):
    running(world, 5, 10.0, 90_000.0)
    answer = await get(client, "demand/now", place="b0")
    # 10 kWh and 10 minutes at 90 kW are 25 kWh: 100 kW. 15 kWh are left for 10 minutes: 90 kW.
    assert (answer["used_kwh"], answer["power_w"], answer["projected_w"]) == (10.0, 90_000.0, 100_000.0)
    assert (answer["allowed_w"], answer["share"], answer["state"]) == (90_000.0, 1.0, "near")
    assert (answer["start"], answer["end"]) == ("2018-07-02T10:00:00+08:00", "2018-07-02T10:15:00+08:00")
    assert answer["remaining_s"] == 600.0
    assert (answer["meters"], answer["reporting"], answer["coverage"]) == (1, 1, 1.0)
    assert answer["quality"] == ["open"]


@pytest.mark.usefixtures("contract")
async def test_a_window_that_will_exceed_the_contract_says_what_to_keep_below(world, client):
    running(world, 10, 20.0, 120_000.0)
    answer = await get(client, "demand/now", place="b0")
    # 20 kWh and 5 minutes at 120 kW: 30 kWh, 120 kW. 5 kWh in 5 minutes: 60 kW.
    assert (answer["projected_w"], answer["allowed_w"], answer["state"]) == (120_000.0, 60_000.0, "exceeding")
    assert answer["next_action"]["en"] == (
        "Keep the load below 60.0 kW until 10:15, or this window exceeds the contract"
    )


async def test_a_meter_without_power_is_projected_by_its_last_intervals(world, client):
    world.meter("m2", us("2018-07-02T09:45:00"), [5.0])
    world.feed.last[world.register("m2")] = (us("2018-07-02T10:00:00"), 1.0)
    world.now_us = us("2018-07-02T10:06:00")
    answer = await get(client, "demand/now", place="b1")
    assert (answer["used_kwh"], answer["power_w"], answer["projected_w"]) == (0.0, 20_000.0, 20_000.0)
    assert answer["state"] == "no_contract"


@pytest.mark.usefixtures("contract")
async def test_a_silent_meter_makes_the_projection_unknown(client):
    answer = await get(client, "demand/now", place="b0")
    assert (answer["projected_w"], answer["share"], answer["state"]) == (None, None, "unknown")
    assert (answer["reporting"], answer["coverage"]) == (0, 0.0)
    assert "1 of 1 meters are silent" in answer["next_action"]["en"]


@pytest.mark.usefixtures("contract")
async def test_a_months_maximum_names_what_made_it(world, client):
    world.meter("m0", DAY, [10.0, 30.0])
    world.meter("m1", DAY, [4.0, 18.0])
    answer = await get(client, "demand/maximum", place="b0", month="2018-07")
    assert answer["maximum"]["demand_w"] == 120_000.0
    assert answer["maximum"]["start"] == "2018-07-01T00:15:00+08:00"
    assert answer["contributors"] == [
        {"device": "m1", "place": "b0", "demand_w": 72_000.0, "share": 0.6, "part": "meter"},
        {"device": "m0", "place": "b0", "demand_w": 48_000.0, "share": 0.4, "part": "remainder"},
    ]
    assert (answer["share"], answer["billed"], answer["silent"]) == (1.2, "block", [])
    assert answer["next_action"]["en"].startswith("20.0 % above the contract: the largest load is m1")


async def test_contributors_of_a_city_add_up_to_its_maximum(world, client):
    world.meter("m0", DAY, [10.0])
    world.meter("m2", DAY, [30.0])
    answer = await get(client, "demand/maximum", place="city", month="2018-07")
    assert [one["device"] for one in answer["contributors"]] == ["m2", "m0"]
    assert sum(one["demand_w"] for one in answer["contributors"]) == answer["maximum"]["demand_w"]
    assert answer["silent"] == ["m1"]


async def test_a_charger_on_another_account_is_there_and_still_once_in_the_building(world, client):
    name = Name("充电", "Chargers")
    world.registry.put_place(Place("other", PlaceKind.ORGANISATION, name, SHANGHAI, "city"))
    world.registry.put_device(Device("ev", DeviceKind.METER, "b0", name, "m0", organisation_id="other"))
    world.registry.add_registers([("ev", ENERGY)])
    world.reload()
    world.meter("m0", DAY, [10.0])
    world.meter("ev", DAY, [2.0])
    other = await get(client, "demand/maximum", place="other", month="2018-07")
    assert [(one["device"], one["demand_w"]) for one in other["contributors"]] == [("ev", 8_000.0)]
    building = await get(client, "demand/maximum", place="b0", month="2018-07")
    assert building["maximum"]["demand_w"] == 40_000.0
    assert [(one["device"], one["demand_w"]) for one in building["contributors"]] == [
        ("m0", 32_000.0),
        ("ev", 8_000.0),
    ]


async def test_a_month_of_silence_has_no_maximum(client):
    answer = await get(client, "demand/maximum", place="b0", month="2018-06")
    assert (answer["maximum"], answer["sliding"], answer["contributors"]) == (None, None, [])
    assert (answer["coverage"], answer["quality"]) == (0.0, [])


def dense(world, first_minute, last_minute, days):
    """60 kW between two minutes since the start of 1 July, nothing else; m0 reports every minute."""
    world.registry.put_device(replace(world.catalog.devices["m0"], expected_interval_s=60.0))
    world.reload()
    world.now_us = DAY + days * 96 * BASE_US
    minutes = np.arange(-5, days * 24 * 60 + 6)
    kwh = np.clip(minutes - first_minute, 0, last_minute - first_minute).astype(np.float64)
    rows = zip((DAY + minutes * MINUTE_US).tolist(), kwh.tolist(), strict=True)
    world.readings("m0", ENERGY, rows)
    world.meter("m0", DAY, np.diff(kwh[5:-5:15]).tolist())


async def test_dense_readings_show_the_maximum_that_slides(world, client):
    dense(world, 490, 500, 1)  # 08:10 to 08:20
    answer = await get(client, "demand/maximum", place="b0", month="2018-07")
    assert answer["maximum"]["demand_w"] == 20_000.0
    assert answer["sliding"] == {"demand_w": 40_000.0, "end": "2018-07-01T08:20:00+08:00", "days": 1}


async def test_a_window_may_slide_across_midnight(world, client):
    dense(world, 1435, 1445, 2)  # 23:55 to 00:05
    answer = await get(client, "demand/maximum", place="b0", month="2018-07")
    assert answer["maximum"]["demand_w"] == 20_000.0
    assert answer["sliding"] == {"demand_w": 40_000.0, "end": "2018-07-02T00:05:00+08:00", "days": 2}


async def test_a_day_with_a_reset_has_no_sliding_maximum(world, client):
    dense(world, 490, 500, 1)
    world.meter("m0", DAY, [0.0], quality=Quality.RESET)
    assert (await get(client, "demand/maximum", place="b0", month="2018-07"))["sliding"] is None


async def test_the_sliding_maximum_is_that_of_the_ratio(world, client):
    world.registry.put_register(RegisterSettings("m0", ENERGY, ratio=2.0))
    dense(world, 490, 500, 1)
    answer = await get(client, "demand/maximum", place="b0", month="2018-07")
    assert answer["sliding"]["demand_w"] == 80_000.0


async def test_requests_that_can_not_be_answered_say_why(client):
    assert "b0" in fixes_of(await refused(client, "demand", 422, place="empty"))["place"]
    assert "b0" in fixes_of(await refused(client, "demand/now", 404, place="nowhere"))["place"]
    found = fixes_of(await refused(client, "demand/maximum", 422, place="b0", month="July"))
    assert found["month"] == "write month=2018-07"
    found = fixes_of(
        await refused(client, "demand", 422, place="b0", from_="2018-07-01T00:07:00+08:00", to="2018-07-02")
    )
    assert found["from"].startswith("2018-07-01T00:00:00+08:00 or")
    long = await refused(client, "demand", 422, place="b0", from_="2015-01-01", to="2018-07-02")
    assert "year" in fixes_of(long)["to"]
    many = await refused(client, "demand", 422, place="b0", from_="2017-07-02", to="2018-07-02")
    assert "interval=1h" in fixes_of(many)["interval"]
