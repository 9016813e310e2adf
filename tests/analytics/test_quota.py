"""A quota's burn-down, with years that a person can add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.quota import QuotaState, burn_down, elapsed_share, projected, shape

NAN = np.nan


def test_without_a_last_year_the_rest_goes_on_evenly():
    even = shape(None, 365)
    assert even.sum() == pytest.approx(1.0)
    assert elapsed_share(even, 73.0) == pytest.approx(0.2)
    assert projected(np.full(73, 100 / 73), even, 73.0) == pytest.approx(500.0)


def test_last_years_summer_is_expected_again():
    # Half of last year fell into its last 100 days: 500 used in the first 265 are half of the year.
    last = np.concatenate([np.full(265, 100 / 265), np.full(100, 1.0)])
    used = np.full(265, 500 / 265)
    assert projected(used, shape(last, 365), 265.0) == pytest.approx(1000.0)
    assert projected(used, shape(None, 365), 265.0) == pytest.approx(500 * 365 / 265)


def test_days_line_up_across_a_leap_year():
    leap = np.ones(366)
    leap[59], leap[60] = 7.0, 3.0  # 29 February and 1 March
    assert shape(leap, 365)[59] == pytest.approx(3.0 / leap[np.arange(366) != 59].sum())
    plain = np.ones(365)
    plain[58] = 5.0  # 28 February
    longer = shape(plain, 366)
    assert longer[58] == longer[59]
    assert len(longer) == 366


def test_a_day_of_last_year_that_nobody_measured_is_a_mean_day():
    last = np.full(365, 2.0)
    last[10] = NAN
    assert shape(last, 365)[10] == pytest.approx(1 / 365)
    assert shape(np.full(365, NAN), 365)[0] == pytest.approx(1 / 365)
    assert shape(np.zeros(365), 365)[0] == pytest.approx(1 / 365)


def test_the_day_on_which_nothing_will_be_left_is_named():
    # 2 a day for 100 days: 200 of 500 used; 300 are left for 150 days, until the end of day 249.
    found = burn_down(500.0, np.full(100, 2.0), shape(None, 365), 100.0)
    assert (found.used, found.left, found.used_share) == (200.0, 300.0, 0.4)
    assert found.projected == pytest.approx(730.0)
    assert found.planned == pytest.approx(500 * 100 / 365)
    assert found.used_up_day == 249
    assert found.state is QuotaState.WILL_EXCEED


def test_the_day_on_which_it_was_used_up_is_named_afterwards():
    found = burn_down(150.0, np.full(100, 2.0), shape(None, 365), 100.0)
    assert (found.used_up_day, found.state) == (74, QuotaState.EXCEEDED)
    assert found.left == -50.0


@pytest.mark.parametrize(
    ("used", "state"),
    [(1.0, QuotaState.WITHIN), (1.6, QuotaState.WARNING), (2.0, QuotaState.EXCEEDED)],
)
def test_somebody_is_told_at_80_and_100_percent(used, state):
    by_day = np.zeros(364)
    by_day[0] = 365.0 * used / 2
    found = burn_down(365.0, by_day, shape(None, 365), 364.0)
    assert found.state is state


def test_half_a_day_that_has_passed_counts_half():
    found = burn_down(365.0, np.append(np.ones(20), 0.5), shape(None, 365), 20.5)
    assert found.projected == pytest.approx(365.0)
    assert found.used_up_day is None


def test_nothing_is_projected_from_less_than_two_weeks():
    few, enough = np.full(13, 9.0), np.full(14, 9.0)
    assert np.isnan(projected(few, shape(None, 365), 13.0))
    assert projected(enough, shape(None, 365), 14.0) == pytest.approx(9.0 * 365)
    early = burn_down(365.0, few, shape(None, 365), 13.0)
    assert (early.state, early.used_up_day) == (QuotaState.WITHIN, None)
    gone = burn_down(100.0, few, shape(None, 365), 13.0)
    assert (gone.state, gone.used_up_day) == (QuotaState.EXCEEDED, 11)
    with_gaps = np.where(np.arange(20) < 7, NAN, 9.0)
    assert np.isnan(projected(with_gaps, shape(None, 365), 20.0))


def test_unknown_days_add_nothing():
    found = burn_down(1000.0, np.array([1.0, NAN, *[1.0] * 20]), shape(None, 365), 22.0)
    assert found.used == 21.0
    # The year ends as if the unknown day had been like the known ones.
    assert found.projected == pytest.approx(365.0)


@given(
    st.lists(st.floats(0.01, 100), min_size=365, max_size=365),
    st.integers(14, 364),
    st.floats(0.1, 10.0),
)
def test_a_year_that_repeats_the_last_one_ends_where_it_did(last, days, scale):
    last = np.array(last)
    found = burn_down(float(last.sum()), last[:days] * scale, shape(last, 365), float(days))
    assert found.projected == pytest.approx(last.sum() * scale)
