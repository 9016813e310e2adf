"""Data quality and power quality of meters, through the API."""

from dataclasses import replace

import numpy as np
import pytest

from core.quality import Quality
from tests.api.asks import fixes_of, get, refused
from tests.api.world import BERLIN, ENERGY, us

pytestmark = pytest.mark.anyio

DAY = us("2018-07-01", BERLIN)  # where m2 stands
QUARTER_US = 900_000_000
TIMES = (DAY + QUARTER_US * np.arange(96)).tolist()


def rule(item, name):
    return next(one for one in item["rules"] if one["rule"] == name)


def good_day(world, device, kwh, start=DAY):
    """Readings and intervals of a day on which a meter used so much each quarter-hour."""
    world.readings(device, ENERGY, [(start + QUARTER_US * row, 100 + kwh * row) for row in range(96)])
    world.meter(device, start, [kwh] * 96)


async def test_a_day_in_order_scores_100(world, client):
    good_day(world, "m2", 2.5)
    answer = await get(client, "reports/data-quality", place="b1", day="2018-07-01")
    (item,) = answer["items"]
    assert (item["device"], item["score"], item["failed"], item["readings"]) == ("m2", 100.0, [], 96)
    assert (item["coverage"], item["next_action"]) == (1.0, None)
    assert [one["number"] for one in item["rules"]] == list(range(1, 12))
    assert rule(item, "completeness") == {
        "number": 9,
        "rule": "completeness",
        "asks": "readings that came of those expected",
        "result": "passed",
        "share": 1.0,
        "found": 0,
        "of": 96,
        "next_action": None,
    }
    assert rule(item, "power_triangle")["result"] == "not_checked"
    assert (answer["score"], answer["next"], answer["next_action"]) == (100.0, None, None)
    assert "weight" in answer["formula"]
    assert answer["weights"]["completeness"] == 3.0


async def test_a_silent_meter_scores_0_and_says_what_to_do(client):
    answer = await get(client, "reports/data-quality", place="b1", day="2018-07-01")
    (item,) = answer["items"]
    assert (item["score"], item["readings"], item["coverage"]) == (0.0, 0, 0.0)
    assert item["failed"] == ["stale", "completeness", "gaps"]
    assert item["next_action"] == rule(item, "completeness")["next_action"]
    assert answer["next_action"]["en"].startswith("Check the network")


async def test_a_reset_that_nobody_explained_is_asked_about(world, client):
    good_day(world, "m2", 2.5)
    world.meter("m2", DAY + 40 * QUARTER_US, [2.5], quality=Quality.RESET)
    (item,) = (await get(client, "reports/data-quality", place="b1", day="2018-07-01"))["items"]
    assert item["failed"] == ["falls"]
    assert "register the replacement" in item["next_action"]["en"]
    assert item["score"] < 100


async def test_sub_meters_that_count_more_than_their_parent_are_found(world, client):
    good_day(world, "m0", 2.5, us("2018-07-01"))
    good_day(world, "m1", 3.0, us("2018-07-01"))
    answer = await get(client, "reports/data-quality", place="b0", day="2018-07-01")
    parent = next(one for one in answer["items"] if one["device"] == "m0")
    found = rule(parent, "balance")
    assert (found["result"], found["share"]) == ("failed", pytest.approx(2.5 / 3, abs=1e-6))
    child = next(one for one in answer["items"] if one["device"] == "m1")
    assert rule(child, "balance")["result"] == "not_checked"
    good_day(world, "m1", 2.54, us("2018-07-01"))  # 1 % and 1 % of 240 and 243.84 kWh: 4.84 kWh may be wrong
    answer = await get(client, "reports/data-quality", place="b0", day="2018-07-01")
    parent = next(one for one in answer["items"] if one["device"] == "m0")
    assert rule(parent, "balance")["result"] == "passed"


async def test_a_balance_is_judged_only_where_everything_was_measured(world, client):
    good_day(world, "m0", 2.5, us("2018-07-01"))
    good_day(world, "m1", 3.0, us("2018-07-01"))
    world.meter("m1", us("2018-07-01"), [3.0] * 8, covered_us=0, quality=Quality.GAP_SPREAD)
    answer = await get(client, "reports/data-quality", device="m0", day="2018-07-01")
    assert rule(answer["items"][0], "balance")["result"] == "not_checked"


async def test_the_rated_power_bounds_what_a_counter_may_rise(world, client):
    world.registry.put_device(replace(world.catalog.devices["m2"], rated_power_w=4_000.0))
    world.reload()
    good_day(world, "m2", 2.5)  # 10 kW
    (item,) = (await get(client, "reports/data-quality", place="b1", day="2018-07-01"))["items"]
    assert item["failed"] == ["rate"]
    assert rule(item, "rate")["found"] == 95


async def test_a_running_day_is_judged_up_to_now(world, client):
    start = us("2018-07-02")
    world.readings("m2", ENERGY, [(start + QUARTER_US * row, 100 + row) for row in range(41)])
    world.now_us = us("2018-07-02T10:00:00") + 1
    world.meter("m2", us("2018-07-02"), [1.0] * 40)
    answer = await get(client, "reports/data-quality", place="city", day="2018-07-02")
    item = next(one for one in answer["items"] if one["device"] == "m2")
    assert rule(item, "completeness")["result"] == "passed"
    assert rule(item, "stale")["result"] == "passed"
    assert answer["to"].startswith("2018-07-02T10:00:00")


async def test_many_meters_come_in_pages(client):
    first = await get(client, "reports/data-quality", place="city", day="2018-07-01", limit=4)
    rest = await get(client, "reports/data-quality", place="city", day="2018-07-01", cursor=first["next"])
    devices = [one["device"] for one in first["items"] + rest["items"]]
    assert devices == ["gas-kwh", "gas-m3", "m0", "m1", "m2", "pv"]
    assert rest["next"] is None


PHASES = ("voltage_l1", "voltage_l2", "voltage_l3", "current_l1", "current_l2", "current_l3")


def report(world, quantities, rows):
    """Readings of m2 at the first times of the day: one row a time, one value a quantity."""
    world.registry.add_registers([("m2", one) for one in quantities])
    world.reload()
    for quantity, values in zip(quantities, zip(*rows, strict=True), strict=True):
        world.readings("m2", quantity, list(zip(TIMES, values, strict=False)))


async def power(client, **of):
    answer = await get(
        client, "reports/power-quality", device="m2", from_="2018-07-01", to="2018-07-02", **of
    )
    return answer, answer["items"][0]


async def test_power_factor_comes_from_active_and_reactive_energy_where_both_are_counted(world, client):
    report(world, ["energy_reactive_import_total"], [(0.0,)])
    world.meter("m2", DAY, [20.0] * 8)
    world.meter("m2", DAY, [15.0] * 4 + [0.0] * 4, "energy_reactive_import_total")
    answer, item = await power(client)
    assert (item["basis"], item["active_kwh"], item["reactive_kvarh"]) == ("energy", 160.0, 60.0)
    assert item["power_factor"] == pytest.approx(160 / np.hypot(160, 60), abs=1e-6)
    assert [one["power_factor"] for one in item["items"][:3]] == [0.8, 1.0, None]
    assert item["next_action"] is None
    assert {one["quantity"]: one["value"] for one in answer["limits"]}["power_factor"] == 0.9


async def test_a_shown_power_factor_is_weighted_with_its_power(world, client):
    report(world, ["power_active", "power_factor"], [(1_000.0, 0.3), (9_000.0, 0.9)])
    answer, item = await power(client, interval="1d")
    assert (item["basis"], item["power_factor"]) == ("readings", pytest.approx(0.84))
    assert "compensation" in item["next_action"]["en"]
    assert answer["next_action"] == item["next_action"]
    assert len(item["items"]) == 1


async def test_active_and_reactive_power_make_a_power_factor(world, client):
    report(world, ["power_active", "power_reactive"], [(800.0, -600.0), (100.0, 0.0)])
    _, item = await power(client)
    # 900 W of 1000 VA and 100 VA: the larger load weighs more.
    assert (item["basis"], item["power_factor"]) == ("power", pytest.approx(9 / 11, abs=1e-6))


async def test_unbalance_is_shown_with_its_share_above_the_limit(world, client):
    rows = [(228.8, 215.0, 216.2, 100.0, 90.0, 80.0)] + [(220.0, 220.0, 220.0, 100.0, 100.0, 100.0)] * 3
    report(world, PHASES, rows)
    answer, item = await power(client)
    assert (item["current_unbalance"], item["current_unbalance_above_share"]) == (0.05, 0.25)
    assert (item["voltage_unbalance"], item["voltage_unbalance_p95"]) == (0.01, 0.04)
    assert item["items"][0]["voltage_unbalance"] == 0.01
    assert item["items"][0]["readings"] == 4
    assert (item["power_factor"], item["basis"], item["quality"]) == (None, None, ["good"])
    assert "ask the supplier" in item["next_action"]["en"]
    assert all(one["source"] for one in answer["limits"])


async def test_a_place_lists_the_meters_that_report_power(world, client):
    report(world, ["power_active", "power_factor"], [(1_000.0, 0.95)])
    answer = await get(client, "reports/power-quality", place="org", from_="2018-07-01", to="2018-07-02")
    assert [one["device"] for one in answer["items"]] == ["m2"]  # m0 reports its active power alone
    assert answer["next_action"] is None


async def test_requests_that_can_not_be_answered_say_why(client):
    found = await refused(client, "reports/data-quality", 422, place="b0", day="2018-13-01")
    assert fixes_of(found)["day"] == "write day=2018-07-02"
    found = await refused(client, "reports/data-quality", 422, place="b0", day="2018-08-01")
    assert fixes_of(found)["day"] == "give today or an earlier day"
    assert "m0" in fixes_of(await refused(client, "reports/power-quality", 404, device="nothing"))["device"]
    found = await refused(client, "reports/power-quality", 422, device="m0", place="b0")
    assert fixes_of(found) == {"place": "give exactly one of the two"}
    found = await refused(
        client, "reports/power-quality", 422, device="m0", from_="2018-01-01", to="2018-06-01"
    )
    assert fixes_of(found) == {"to": "ask by the month"}
