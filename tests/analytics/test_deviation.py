"""The deviation rule: what is usual, what is far from it, and what explains it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.deviation import deviations, history_days, shared_change
from analytics.usual import MAD_SCALE, HourClock, hour_clock, level, scatter, usual
from core.calendars import HOLIDAY, RESTDAY, WORKDAY, Calendar, DatedDay, DayKind
from core.model import Name
from core.rules import Deviation

NAN = float("nan")
HOUR_US = 3_600_000_000
MONDAY_US = 1_767_571_200_000_000  # 2026-01-05, UTC
ALONE = Deviation(
    window_h=1, history_days=14, warm_up_days=5, level_days=0, week_ago=False, peers=0, minimum_share=0.0
)
SHORT = Deviation(history_days=14, warm_up_days=7, window_h=6, peers=3)


def days(number, start_us=MONDAY_US):
    return hour_clock(start_us + HOUR_US * np.arange(number * 24, dtype=np.int64), "UTC", None)


def noisy(meters, number, seed=0):
    """Hours of meters that take more at noon and less at weekends."""
    rng = np.random.default_rng(seed)
    clock = days(number)
    shape = (2 + np.sin(clock.hour / 4)) * np.where(clock.kind == WORKDAY, 1.0, 0.6)
    return shape * rng.gamma(50, 0.02, (meters, len(clock))), clock


def noon_of(values):
    """One meter that takes 1.0 at every hour, and these values at noon of consecutive workdays."""
    clock = days(-(-len(values) // 5) * 7)
    amount = np.ones((1, len(clock)))
    noon = np.flatnonzero((clock.hour == 12) & (clock.kind == WORKDAY))[: len(values)]
    amount[0, noon] = values
    return amount, clock, noon


def test_usual_is_the_median_and_scatter_the_scaled_deviation_of_earlier_days():
    amount, clock, noon = noon_of([10.0, 12.0, 11.0, 90.0, 13.0, 77.0])
    middle, count = usual(amount, clock, 14, 0)
    by, _ = scatter(amount, clock, 14, 0)
    assert count[0, noon].tolist() == [0, 0, 0, 0, 4, 5]
    assert middle[0, noon[4]] == 11.5  # of 10, 12, 11, 90
    assert middle[0, noon[5]] == 12.0  # of 10, 12, 11, 90, 13
    assert by[0, noon[5]] == pytest.approx(MAD_SCALE * 1.0)  # apart by 2, 0, 1, 78, 1
    assert np.isnan(middle[0, noon[:4]]).all()


def test_days_of_rest_and_hours_that_were_not_measured_say_nothing_of_workdays():
    amount, clock, noon = noon_of([10.0, NAN, 10.0, 10.0, 10.0, 10.0])
    amount[0, (clock.kind == RESTDAY) & (clock.hour == 12)] = 500.0
    middle, count = usual(amount, clock, 14, 0)
    assert (middle[0, noon[5]], count[0, noon[5]]) == (10.0, 4)


def test_what_is_older_than_the_history_is_forgotten():
    amount, clock, noon = noon_of([99.0] * 5 + [10.0] * 11)
    middle, _ = usual(amount, clock, 14, 0)
    assert middle[0, noon[9]] == pytest.approx((10.0 + 99.0) / 2, abs=45)
    assert middle[0, noon[15]] == 10.0


def test_a_holiday_is_held_against_days_of_rest_until_there_are_holidays():
    name = Name("楼", "building")
    calendar = Calendar("one", name, days=(DatedDay("2026-02-04", DayKind.HOLIDAY),))
    clock = hour_clock(MONDAY_US + HOUR_US * np.arange(31 * 24, dtype=np.int64), "UTC", calendar)
    assert (clock.kind == HOLIDAY).sum() == 24
    amount = np.where(clock.kind == WORKDAY, 10.0, 4.0)[None, :]
    middle, _ = usual(amount, clock, 28, 0)
    assert (middle[0, clock.kind == HOLIDAY] == 4.0).all()


def test_the_level_is_the_median_of_the_last_days():
    clock = days(10)
    expected = np.full((1, len(clock)), 2.0)
    amount = expected * np.repeat([1, 1, 1, 1, 1.2, 1.2, 1.2, 9.0, 1.2, 1.2], 24)
    assert level(amount, expected, clock, 3)[0, ::24] == pytest.approx(
        [1.0, 1, 1, 1, 1, 1, 1.2, 1.2, 1.2, 1.2]
    )


def test_limits_by_hand():
    amount, clock, noon = noon_of([10.0, 12.0, 10.0, 12.0] * 6)
    amount[0, noon[-1]] = 30.0
    said = deviations(amount, clock, ALONE)
    at = noon[-1]
    # Ten workdays before: 10 and 12 in turn, so the median is 11 and each is 1 from it.
    assert said.usual[0, at] == 11.0
    assert said.scatter[0, at] == pytest.approx(MAD_SCALE)
    assert said.upper[0, at] == pytest.approx(11.0 + 3.7 * MAD_SCALE)
    assert said.lower[0, at] == pytest.approx(11.0 - 2.5 * MAD_SCALE)
    assert (said.value[0, at], said.breach[0, at], said.waste[0, at]) == (30.0, True, 19.0)


def test_a_rule_that_does_not_look_below_is_content_with_nothing():
    amount, clock = noisy(1, 40)
    amount[0, -6:] = 0.0
    below = deviations(amount, clock, SHORT, len(clock) - 1)
    assert below.breach.all()
    assert (below.limit == below.lower).all()
    above = deviations(amount, clock, replace(SHORT, below=False), len(clock) - 1)
    assert above.clear.all()
    assert (above.limit == above.upper).all()


def test_nothing_is_said_before_the_warm_up_or_of_an_hour_that_was_not_measured():
    amount, clock = noisy(1, 40)
    amount[0, -1] = NAN
    said = deviations(amount, clock, replace(SHORT, warm_up_days=14))
    assert not said.known[0, : 14 * 24].any()
    assert said.known[0, -20:-1].all()
    assert not (said.known | said.breach | said.clear)[0, -1]
    assert np.isnan([said.value[0, -1], said.upper[0, -1], said.usual[0, -1]]).all()


def test_what_the_other_meters_do_as_well_is_no_breach():
    amount, clock = noisy(6, 40)
    cold = amount.copy()
    cold[:, -8:] *= 1.6
    assert not deviations(cold, clock, SHORT, len(clock) - 1).breach.any()
    alone = amount.copy()
    alone[0, -8:] *= 1.6
    assert deviations(alone, clock, SHORT, len(clock) - 1).breach[:, 0].tolist() == [True] + 5 * [False]
    change = shared_change(cold, clock, SHORT, len(clock) - 1)
    assert not deviations(cold[:1], clock, SHORT, len(clock) - 1, change).breach.any()


def test_what_went_on_last_week_as_well_is_no_breach():
    amount, clock = noisy(1, 40)
    amount[0, -8:] *= 1.6
    assert deviations(amount, clock, SHORT, len(clock) - 1).breach.all()
    amount[0, -8 - 168 : -168] *= 1.6
    assert not deviations(amount, clock, SHORT, len(clock) - 1).breach.any()


def test_a_day_of_rest_is_looked_at_more_sharply():
    amount, clock = noisy(1, 41)  # the last day is a Saturday
    assert clock.kind[-1] == RESTDAY
    sharp = replace(SHORT, minimum_share=0.0)
    even = replace(sharp, rest_factor=sharp.factor)
    upper, other = (deviations(amount, clock, one, len(clock) - 1).upper[0, 0] for one in (sharp, even))
    assert upper < other


@settings(max_examples=8)
@given(st.integers(1, 24 * 20), st.floats(0.0, 50.0))
def test_what_comes_later_changes_nothing(back, value):
    amount, clock = noisy(4, 60)
    before = deviations(amount, clock, SHORT)
    amount[:, -back:] = value
    after = deviations(amount, clock, SHORT)
    same = slice(None, -back)
    for name in ("value", "usual", "lower", "upper", "breach", "clear"):
        np.testing.assert_array_equal(getattr(before, name)[:, same], getattr(after, name)[:, same])


@settings(max_examples=8)
@given(st.integers(history_days(SHORT) * 24, 60 * 24 - 1), st.booleans())
def test_hours_judged_in_two_runs_are_judged_as_in_one(split, holes):
    amount, clock = noisy(4, 60)
    if holes:
        amount[np.random.default_rng(1).random(amount.shape) < 0.1] = NAN
    whole = deviations(amount, clock, SHORT)
    start = int(np.searchsorted(clock.day, clock.day[split] - history_days(SHORT)))
    part = HourClock(clock.day[start:], clock.hour[start:], clock.kind[start:])
    later = deviations(amount[:, start:], part, SHORT, split - start)
    for name in (
        "value",
        "usual",
        "scatter",
        "lower",
        "upper",
        "samples",
        "known",
        "breach",
        "clear",
        "waste",
    ):
        np.testing.assert_array_equal(getattr(whole, name)[:, split:], getattr(later, name))


@settings(max_examples=8)
@given(st.sampled_from([0.25, 4.0, 1024.0]))
def test_the_unit_does_not_matter(scale):
    amount, clock = noisy(4, 50)
    amount[1, -30:] *= 0.5
    one, other = deviations(amount, clock, SHORT), deviations(amount * scale, clock, SHORT)
    assert one.breach.any()
    np.testing.assert_array_equal(one.breach, other.breach)
    np.testing.assert_array_equal(one.clear, other.clear)
    np.testing.assert_array_equal(one.upper * scale, other.upper)
