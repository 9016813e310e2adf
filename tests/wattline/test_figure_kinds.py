"""Every kind of rule on figures from a real store to an alert."""

from dataclasses import replace

import numpy as np
import pytest

from core.quality import Quality
from core.quantities import Energy
from core.rules import (
    DemandProjected,
    Deviation,
    Imbalance,
    Implausible,
    NightFlow,
    OffHours,
    PowerFactorLow,
    QuotaBurn,
    Scope,
    Selector,
    Unbalance,
)
from tests.wattline.figures import CURRENTS, HOUR_US, MINUTE_US, REACTIVE, WATER, Plant, rule, us

DAY = 96
START = "2026-05-04T00:00"  # a Monday


@pytest.fixture
def plant(tmp_path):
    made = []

    def make(*rules, **more):
        made.append(Plant(tmp_path, rules, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def office_day(base=0.25, work=5.0):
    """15-minute amounts of a day worked from 8 to 18."""
    return [work if 32 <= slot < 72 else base for slot in range(DAY)]


def test_what_was_left_on_fires_goes_on_through_the_day_and_ends_with_a_quiet_night(plant):
    one = plant(rule("left-on", OffHours(), for_s=3600.0))
    normal, weekend = office_day(), [0.25] * DAY
    before = (normal * 5 + weekend * 2) * 4
    left_on = normal[:72] + [3.0] * 24
    next_day = [3.0] * 32 + normal[32:]
    one.book("main", us("2026-04-06T00:00"), before + left_on + next_day)
    found = one.every("2026-05-04T17:02", "2026-05-05T20:02")
    assert [(us_ - us(START), what) for us_, *what in found] == [
        (20 * HOUR_US + 2 * MINUTE_US, ["firing", "left-on", "place:hall"]),
        (43 * HOUR_US + 2 * MINUTE_US, ["resolved", "left-on", "place:hall"]),
    ]
    alert = one.published[0].alert
    # 12 kW, 1 kW of which is base load; another 1 kW would be normal.
    assert (alert.value, alert.limit, alert.unit) == (pytest.approx(11_000), pytest.approx(1_000), "W")
    waste = one.published[1].alert.waste
    assert (waste.amount, waste.basis) == (pytest.approx(14 * 11.0), "base_load")


def test_off_hours_watch_buildings_and_what_is_named(plant):
    one = plant(
        rule("all", OffHours()),
        rule("named", OffHours(), select=Selector(places=("city",))),
        rule("meters", OffHours(scope=Scope.DEVICE), select=Selector(devices=("sub-a",))),
    )
    one.at(START)
    assert set(one.watch.states()) == {
        ("all", "place:hall"),
        ("all", "place:annex"),
        ("named", "place:city"),
        ("named", "place:hall"),
        ("named", "place:annex"),
        ("meters", "device:sub-a"),
    }


def test_water_that_runs_for_two_nights_is_a_leak(plant):
    one = plant(rule("leak", NightFlow()))
    day = [0.0] * 24 + [0.1] * 72
    running = [0.05] * DAY
    one.book("water", us("2026-05-01T00:00"), day * 3 + running * 2 + day, WATER)
    found = one.every("2026-05-03T04:02", "2026-05-06T05:02")
    assert [(us_, state) for us_, state, _, _ in found] == [
        (us("2026-05-05T04:02"), "firing"),
        (us("2026-05-06T04:02"), "resolved"),
    ]
    alert = one.published[0].alert
    assert (alert.value, alert.unit, alert.waste.amount) == (
        pytest.approx(0.2), "m3/h", pytest.approx(4.8),
    )  # fmt: skip
    assert alert.waste.cost is None  # there is no tariff for water


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_leak_is_seen_in_the_night_in_which_the_clocks_change(plant, day):
    one = plant(rule("leak", NightFlow(nights=1)))
    one.book("water", us(f"{day}T00:00") - 24 * HOUR_US, [0.0] * DAY + [0.05] * DAY, WATER)
    one.at(us(f"{day}T00:30"))
    assert one.at(us(f"{day}T04:02")) == [("firing", "leak", "device:water")]


def test_a_meter_whose_children_miss_a_tenth_leaks(plant):
    one = plant(rule("balance", Imbalance()))
    one.book("main", us(START), [10.0] * DAY * 2)
    one.book("sub-a", us(START), [6.0] * DAY * 2)
    one.book("sub-b", us(START), [3.0] * DAY + [4.0] * DAY)
    one.at("2026-05-04T12:00")
    assert one.at("2026-05-05T00:02") == [("firing", "balance", "device:main")]
    alert = one.published[0].alert
    # Class 1 each: 9.6 + 5.76 + 2.88 kWh are explained; 3 % of 960 kWh are more.
    assert (alert.value, alert.limit) == (pytest.approx(96.0), pytest.approx(28.8))
    assert alert.waste.amount == pytest.approx(96.0 - 18.24)
    assert one.at("2026-05-06T00:02") == [("resolved", "balance", "device:main")]


def test_a_silent_child_is_no_leak(plant):
    one = plant(rule("balance", Imbalance()))
    one.book("main", us(START), [10.0] * DAY)
    one.book("sub-a", us(START), [6.0] * DAY)
    one.book("sub-b", us(START), [3.0] * 90)
    one.at("2026-05-04T12:00")
    assert one.every("2026-05-05T00:02", "2026-05-05T02:02") == []


def test_the_power_factor_is_that_of_counted_energy(plant):
    one = plant(rule("cos-phi", PowerFactorLow()))
    one.book("main", us("2026-05-04T09:00"), [1.0] * 4 + [0.1] * 4 + [1.0] * 4)
    one.book("main", us("2026-05-04T09:00"), [0.8] * 4 + [0.8] * 4 + [0.1] * 4, REACTIVE)
    assert one.at("2026-05-04T10:02") == [("firing", "cos-phi", "device:main")]
    assert one.published[0].alert.value == pytest.approx(1 / np.hypot(1, 0.8))
    assert one.at("2026-05-04T11:02") == []  # 400 W say nothing, and are no silence
    assert one.at("2026-05-04T12:02") == [("resolved", "cos-phi", "device:main")]


def test_the_power_factor_of_a_meter_that_only_shows_it_is_weighted_with_power(plant):
    one = plant(rule("cos-phi", PowerFactorLow(), select=Selector(devices=("shows",))),
                devices=(Plant.meter("shows", "hall"),))  # fmt: skip
    one.registry.add_registers([("shows", "power_active"), ("shows", "power_factor")])
    one.catalog = one.registry.catalog()
    times = [us("2026-05-04T09:00") + n * MINUTE_US for n in range(60)]
    one.read("shows", "power_active", [(t, 3000.0 if n < 30 else 1000.0) for n, t in enumerate(times)])
    one.read("shows", "power_factor", [(t, 0.9 if n < 30 else 0.5) for n, t in enumerate(times)])
    assert one.at("2026-05-04T10:02") == [("firing", "cos-phi", "device:shows")]
    assert one.published[0].alert.value == pytest.approx((3 * 0.9 + 0.5) / 4)


def test_phases_that_are_apart_are_unbalanced_while_the_line_is_loaded(plant):
    one = plant(rule("phases", Unbalance()))
    one.book("main", us("2026-05-03T09:00"), [2.0] * DAY + [2.0] * 4 + [0.05] * 4 + [2.0] * 4)
    hours = ((9, (10.0, 8.0, 9.0)), (10, (0.4, 0.1, 0.1)), (11, (10.0, 9.5, 9.9)))
    for hour, phases in hours:
        for name, amps in zip(CURRENTS, phases, strict=True):
            first_us = us(f"2026-05-04T{hour:02}:00")
            one.read("main", name, [(first_us + n * MINUTE_US, amps) for n in range(60)])
    assert one.at("2026-05-04T10:02") == [("firing", "phases", "device:main")]
    assert (one.published[0].alert.value, one.published[0].alert.unit) == (pytest.approx(20.0), "%")
    assert one.at("2026-05-04T11:02") == []
    assert one.at("2026-05-04T12:02") == [("resolved", "phases", "device:main")]


def test_a_meter_that_is_not_believed_is_implausible(plant):
    one = plant(rule("doubted", Implausible(), select=Selector(devices=("main",))))
    one.book("main", us("2026-05-04T09:00"), [1.0] * 2, quality=Quality.DOUBTED)
    one.book("main", us("2026-05-04T09:30"), [1.0] * 6)
    assert one.at("2026-05-04T10:02") == [("firing", "doubted", "device:main")]
    assert one.published[0].alert.value == pytest.approx(0.5)
    assert one.at("2026-05-04T11:02") == [("resolved", "doubted", "device:main")]


def test_demand_that_will_exceed_the_contract_is_told_before_the_window_ends(plant):
    one = plant(rule("demand", DemandProjected()))
    begin_us = us("2026-05-04T10:00")
    one.book("main", begin_us - 15 * MINUTE_US, [3.5])
    for minute in range(15):
        one.now_us = begin_us + minute * MINUTE_US
        one.book("main", begin_us, [14.0 * minute / 60], last_us=one.now_us)
        one.read("main", "power_active", [(one.now_us, 14_000.0)])
        one.read("main", "energy_active_import_total", [(one.now_us, 1000.0 + minute)])
        found = one.at(one.now_us + 5_000_000)
        assert found == ([("firing", "demand", "place:hall")] if minute == 5 else [])
    alert = one.published[0].alert
    assert (alert.limit, alert.unit, alert.active_at_us) == (10_000.0, "W", begin_us + 5 * MINUTE_US)
    assert alert.value == pytest.approx(14_000.0)


def test_a_quota_that_will_not_last_is_told_once_a_day_is_over(plant):
    one = plant(rule("quota", QuotaBurn()))
    # 1,000 kWh a year are 2.74 a day; it used 3 a day up to 4 May, then saves.
    one.book("main", us("2026-01-01T00:00"), [3.0 / DAY] * (DAY * 123 - 4))
    assert one.at("2026-05-04T00:02") == [("firing", "quota", "place:hall")]
    alert = one.published[0].alert
    assert (alert.value, alert.limit, alert.unit) == (pytest.approx(1.095, abs=0.002), 1.0, "1")
    assert one.every("2026-05-04T01:02", "2026-05-04T23:02") == []


def test_a_meter_that_is_too_quiet_deviates_as_well(plant):
    quiet = Deviation(warm_up_days=7, history_days=28, window_h=1, below=True)
    one = plant(rule("far", quiet, select=Selector(devices=("main",))))
    usual = np.random.default_rng(0).normal(2.0, 0.05, DAY * 28).tolist()
    one.book("main", us("2026-04-06T00:00"), [*usual, *([2.0] * 40), *([0.2] * 4), *([2.0] * 4)])
    found = one.every("2026-05-04T09:02", "2026-05-04T12:02")
    assert [(us_, state) for us_, state, _, _ in found] == [
        (us("2026-05-04T11:02"), "firing"),
        (us("2026-05-04T12:02"), "resolved"),
    ]
    assert (one.published[0].alert.comparator, one.published[0].alert.waste) == ("below", None)


def test_water_rules_watch_water_meters_alone(plant):
    one = plant(
        rule("leak", NightFlow()),
        rule("far", Deviation(energy=Energy.WATER)),
        rule("place", replace(NightFlow(), scope=Scope.PLACE)),
    )
    one.at(START)
    assert set(one.watch.states()) == {
        ("leak", "device:water"),
        ("far", "device:water"),
        ("place", "place:hall"),
        ("place", "place:city"),
    }
