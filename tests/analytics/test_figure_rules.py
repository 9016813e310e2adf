"""Rules on figures, each against cases computed by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.deviation import deviations, hour_clock
from analytics.figure_rules import (
    EVALUATORS,
    Found,
    consumption,
    demand_projected,
    deviation,
    imbalance,
    implausible,
    night_flow,
    off_hours,
    power_factor_low,
    quota_burn,
    unbalance,
)
from analytics.figure_rules.night_flow import least_flow
from analytics.figure_rules.off_hours import Slots
from analytics.grouping import Amounts
from core.model import Comparator
from core.quality import Quality
from core.quantities import Energy
from core.rules import (
    CONDITIONS,
    Consumption,
    DemandProjected,
    Deviation,
    FigureCondition,
    Imbalance,
    Implausible,
    NightFlow,
    OffHours,
    Period,
    PowerFactorLow,
    QuotaBurn,
    Unbalance,
)

NAN = np.nan
HOUR_US = 3_600_000_000


def amounts(amount, coverage=1.0, *, due=True):
    amount = np.atleast_2d(np.array(amount, np.float64))
    return Amounts(
        np.arange(amount.shape[1] + 1) * HOUR_US,
        amount,
        np.broadcast_to(np.asarray(coverage, np.float64), amount.shape),
        np.broadcast_to(np.asarray(due), amount.shape),
        np.zeros(amount.shape, np.uint16),
    )


def said(found: Found):
    """One word a cell: breach, clear, between, unknown."""
    words = np.where(found.breach, "breach", np.where(found.clear, "clear", "between"))
    return np.where(found.known, words, "unknown").tolist()


def test_every_condition_on_figures_has_an_evaluator():
    of_figures = {kind for kind, one in CONDITIONS.items() if one in FigureCondition.__args__}
    assert set(EVALUATORS) == of_figures


ABOVE_100 = Consumption(Energy.ELECTRICITY, Period.DAY, Comparator.ABOVE, 100.0, 80.0)


def test_consumption_between_its_thresholds_is_neither_breach_nor_clear():
    found = consumption(ABOVE_100, amounts([100.1, 100.0, 80.1, 80.0, NAN]), np.array([NAN]))
    assert said(found) == [["breach", "between", "between", "clear", "unknown"]]
    assert found.waste[0] == pytest.approx([0.1, NAN, NAN, NAN, NAN], nan_ok=True)


def test_consumption_that_was_not_measured_well_says_nothing():
    found = consumption(ABOVE_100, amounts([500.0, 500.0, 10.0], [0.9, 0.89, 0.5]), np.array([NAN]))
    assert said(found) == [["breach", "unknown", "unknown"]]


def test_consumption_below_is_a_breach_below_and_wastes_nothing():
    rule = Consumption(Energy.WATER, Period.DAY, Comparator.BELOW, 2.0, 3.0)
    found = consumption(rule, amounts([1.9, 2.0, 3.0]), np.array([NAN]))
    assert said(found) == [["breach", "between", "clear"]]
    assert np.isnan(found.waste).all()


def test_consumption_of_floor_area_wastes_kwh_and_not_kwh_per_m2():
    rule = Consumption(Energy.ELECTRICITY, Period.DAY, Comparator.ABOVE, 0.5, per_m2=True)
    found = consumption(rule, amounts([[60.0], [60.0]]), np.array([100.0, NAN]))
    assert said(found) == [["breach"], ["unknown"]]
    assert (found.value[0, 0], found.waste[0, 0]) == pytest.approx((0.6, 10.0))


def quarter_hours(days, base_kwh, *, left_on=(), working=range(8, 18)):
    """Slots of weekdays: 10 kWh in working hours, base_kwh in others but in the slots left_on."""
    slot = np.arange(days * 96)
    hour = slot % 96 // 4
    works = np.isin(hour, list(working))
    energy = np.where(works, 10.0, base_kwh)
    energy[list(left_on)] = 5.0
    return energy, slot, hour, works


def judged_off_hours(energy, slot, works, judge_from_day, rule):
    hours = np.where(slot >= judge_from_day * 96, (slot - judge_from_day * 96) // 4, -1)
    slots = Slots(slot // 96, slot % 96 * 15, works, hours)
    return off_hours(rule, np.atleast_2d(energy), slots)


LEFT_ON = OffHours(factor=1.5, minimum_w=1000.0, history_days=28)


def test_what_was_left_on_is_power_above_the_base_load():
    night = range(30 * 96 + 80, 30 * 96 + 88)  # 20:00 to 22:00 of day 30
    energy, slot, _, works = quarter_hours(31, 1.0, left_on=night)
    found = judged_off_hours(energy, slot, works, 30, LEFT_ON)
    # Base load 4 kW, left on 20 kW: 16 kW above, of which max(0.5 x 4, 1) kW are normal.
    assert said(found)[0][20:22] == ["breach", "breach"]
    assert found.value[0, 20] == pytest.approx(16_000.0)
    assert found.limit[0, 20] == pytest.approx(2_000.0)
    assert found.waste[0, 20] == pytest.approx(16.0)
    assert said(found)[0][22:] == ["clear", "clear"]


def test_an_hour_of_work_is_no_silence_and_ends_nothing():
    energy, slot, _, works = quarter_hours(31, 1.0)
    found = judged_off_hours(energy, slot, works, 30, LEFT_ON)
    assert said(found)[0] == ["clear"] * 8 + ["between"] * 10 + ["clear"] * 6


def test_off_hours_say_nothing_before_there_is_a_base_load():
    energy, slot, _, works = quarter_hours(7, 1.0, left_on=range(6 * 96 + 80, 7 * 96))
    assert said(judged_off_hours(energy, slot, works, 6, LEFT_ON))[0][20] == "unknown"
    energy, slot, _, works = quarter_hours(8, 1.0, left_on=range(7 * 96 + 80, 8 * 96))
    assert said(judged_off_hours(energy, slot, works, 7, LEFT_ON))[0][20] == "breach"


def test_an_off_hour_with_a_hole_in_it_is_not_judged():
    energy, slot, _, works = quarter_hours(31, 1.0)
    energy[30 * 96 + 81] = NAN
    assert said(judged_off_hours(energy, slot, works, 30, LEFT_ON))[0][19:22] == ["clear", "unknown", "clear"]


@given(st.integers(0, 30), st.floats(0.1, 50.0))
def test_a_building_that_is_the_same_every_night_leaves_nothing_on(seed, base_kwh):
    energy, slot, hour, works = quarter_hours(31, base_kwh)
    energy = np.where(works, energy, base_kwh * (1 + np.random.default_rng(seed).random(24))[hour] / 2)
    found = judged_off_hours(energy, slot, works, 30, LEFT_ON)
    assert not found.breach.any()


def test_demand_is_held_against_shares_of_the_contract():
    rule = DemandProjected(share=1.0, clear_share=0.9, earliest_s=300.0)
    projected = np.array([[101.0], [95.0], [90.0], [90.0], [101.0], [NAN]])
    complete = np.array([[True], [True], [True], [False], [False], [False]])
    found = demand_projected(rule, projected, np.full((6, 1), 100.0), np.full((6, 1), 300.0), complete)
    # What is known of some meters is a lower bound: it may be too much, and can't be enough.
    assert said(found) == [["breach"], ["between"], ["clear"], ["unknown"], ["breach"], ["unknown"]]


def test_demand_early_in_the_window_says_nothing():
    found = demand_projected(
        DemandProjected(), np.array([[200.0]]), np.array([[100.0]]), np.array([[299.0]]), np.array([[True]])
    )
    assert said(found) == [["unknown"]]


def test_quota_is_a_share_of_what_is_allowed():
    found = quota_burn(QuotaBurn(), np.array([[990.0, 1001.0, 980.0, NAN]]), np.full((1, 4), 1000.0))
    assert said(found) == [["between", "breach", "clear", "unknown"]]
    assert found.value[0, 1] == pytest.approx(1.001)


def test_a_leak_is_what_the_meters_below_do_not_explain():
    # Tolerance: 1 % of 100 and 1 % of each child; 3 % of the parent is more.
    found = imbalance(
        Imbalance(), amounts([[100.0, 100.0, 100.0], [60.0, 60.0, 60.0], [38.0, 36.0, 44.0]]), np.ones(3)
    )
    assert said(found) == [["clear", "breach", "breach"]]
    assert found.value[0] == pytest.approx([2.0, 4.0, -4.0])
    assert found.limit[0] == pytest.approx([3.0, 3.0, -3.0])
    assert found.waste[0] == pytest.approx([NAN, 4.0 - 1.96, NAN], nan_ok=True)


def test_a_balance_with_a_silent_meter_says_nothing():
    coverage = np.array([[1.0], [0.97], [1.0]])
    found = imbalance(Imbalance(), amounts([[100.0], [60.0], [10.0]], coverage), np.ones(3))
    assert said(found) == [["unknown"]]


def test_a_meter_that_did_not_stand_below_adds_nothing():
    due = np.array([[True], [True], [False]])
    found = imbalance(
        Imbalance(), amounts([[100.0], [99.0], [NAN]], [[1.0], [1.0], [0.0]], due=due), np.ones(3)
    )
    assert said(found) == [["clear"]]


def test_a_low_power_factor_counts_while_power_flows():
    found = power_factor_low(
        PowerFactorLow(),
        np.array([[0.89, 0.91, 0.92, 0.5, NAN, 0.5]]),
        np.array([[1000.0, 1000.0, 1000.0, 999.0, 0.0, NAN]]),
        np.ones((1, 6), np.bool_),
    )
    assert said(found) == [["breach", "between", "clear", "between", "between", "unknown"]]
    assert not np.isnan(found.value[found.known]).any()


def test_unbalance_is_in_percent_and_an_idle_line_is_no_silence():
    found = unbalance(
        Unbalance(), np.array([[0.16, 0.13, 0.12, NAN, 0.5]]), np.array([[True, True, True, True, False]])
    )
    assert said(found) == [["breach", "between", "clear", "between", "unknown"]]
    assert found.value[0, 0] == pytest.approx(16.0)


def test_water_that_never_stops_for_two_nights():
    night = np.repeat(np.arange(4), 8)
    amount = np.full((1, 32), 0.05)  # 0.2 m3 an hour
    amount[0, 10] = 0.0
    flow = least_flow(amount, night)
    assert flow[0] == pytest.approx([0.2, 0.0, 0.2, 0.2])
    found = night_flow(NightFlow(), flow, np.full(4, 24.0), 0)
    # The first night has none before it, the third follows one that was still.
    assert said(found) == [["between", "clear", "between", "breach"]]
    assert found.waste[0, 3] == pytest.approx(4.8)


def test_a_night_with_a_hole_in_it_says_nothing():
    amount = np.full((1, 16), 0.05)
    amount[0, 3] = NAN
    flow = least_flow(amount, np.repeat([0, 1], 8))
    assert said(night_flow(NightFlow(), flow, np.full(2, 24.0), 0)) == [["unknown", "between"]]


def test_nights_of_history_are_not_judged_and_count():
    flow = np.array([[0.3, 0.3, 0.3]])
    assert said(night_flow(NightFlow(nights=3), flow, np.full(3, 24.0), 2)) == [["breach"]]


def test_disbelieved_intervals_are_a_share_of_the_period():
    quality = np.zeros((2, 8), np.uint16)
    quality[0, :2] = Quality.DOUBTED, Quality.JUMP
    quality[1, :] = Quality.LATE
    heard = np.ones((2, 8), np.bool_)
    heard[1, 4:] = False
    found = implausible(Implausible(share=0.25), quality, heard, np.repeat([0, 1], 4), 2)
    assert said(found) == [["breach", "clear"], ["clear", "unknown"]]
    assert found.value[0, 0] == pytest.approx(0.5)


def test_a_doubled_hour_is_far_from_the_usual_one():
    hours = 24 * 60
    clock = hour_clock(np.arange(hours) * HOUR_US, "UTC", None)
    amount = np.random.default_rng(1).normal(10.0, 0.5, (2, hours))
    amount[0, -1], amount[1, -1] = 20.0, NAN
    found = deviation(Deviation(window_h=1), amount, clock, hours - 2)
    assert said(found) == [["clear", "breach"], ["clear", "unknown"]]
    assert found.waste[0, 1] == pytest.approx(10.0, abs=0.5)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 24), min_size=3, max_size=6))
def test_meters_heard_on_few_days_change_nothing_of_the_others(days_heard):
    days, rule = 26, Deviation(window_h=2, history_days=7, warm_up_days=5, level_days=3, peers=2)
    clock = hour_clock(np.arange(days * 24) * HOUR_US, "UTC", None)
    amount = np.random.default_rng(3).normal(10.0, 1.0, (len(days_heard), days * 24))
    for row, heard in enumerate(days_heard):
        amount[row, : (days - heard) * 24] = NAN
    found, whole = deviation(rule, amount, clock, 24 * 24), deviations(amount, clock, rule, 24 * 24)
    np.testing.assert_array_equal(found.known, whole.known)
    np.testing.assert_array_equal(found.breach, whole.breach)
    np.testing.assert_array_equal(found.limit[found.known], whole.limit[whole.known])


@given(
    st.lists(st.floats(0.0, 200.0), min_size=1, max_size=20),
    st.lists(st.floats(0.0, 1.0), min_size=20, max_size=20),
)
def test_nothing_unknown_is_a_breach_and_no_breach_is_clear(values, coverage):
    found = consumption(ABOVE_100, amounts(values, coverage[: len(values)]), np.array([NAN]))
    assert not (found.breach & found.clear).any()
    assert not ((found.breach | found.clear) & ~found.known).any()
    assert np.isnan(found.waste[~found.breach]).all()
