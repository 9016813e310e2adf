"""Demand: windows, maxima and projections that a person can check by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.demand import WINDOW_US, block_demand_w, maxima, own_amounts, project, sliding_maximum

NAN = np.nan
MINUTE_US = 60_000_000
T0 = 1_700_000_100_000_000 // WINDOW_US * WINDOW_US


def test_25_kwh_in_a_quarter_hour_are_100_kw():
    assert block_demand_w(np.array([25.0, 0.0]))[0] == 100_000.0
    assert np.isnan(block_demand_w(np.array([NAN]))[0])


def test_the_maximum_of_a_month_is_its_highest_known_window():
    demand_w = np.array([1.0, 5.0, NAN, 5.0, NAN, NAN, 2.0])
    highest, where = maxima(demand_w, np.array([0, 4, 6]))
    assert highest.tolist()[0] == 5.0
    assert np.isnan(highest[1])
    assert where.tolist() == [1, -1, 6]


def counter(*rows):
    minutes, kwh = zip(*rows, strict=True)
    return T0 + np.array(minutes, np.int64) * MINUTE_US, np.array(kwh, np.float64)


def test_a_load_across_the_quarter_hour_shows_only_where_the_window_slides():
    # 60 kW from minute 10 to minute 20: a third of the first window, a third of the second,
    # two thirds of a window that slides over all of it.
    minutes = list(range(31))
    load = counter(*[(m, float(min(max(m - 10, 0), 10))) for m in minutes])
    peak = sliding_maximum([load], T0, T0 + 30 * MINUTE_US)
    assert peak.demand_w == pytest.approx(40_000.0)
    assert T0 + 20 * MINUTE_US <= peak.end_us <= T0 + 25 * MINUTE_US
    blocks = block_demand_w(np.array([5.0, 5.0]))
    assert blocks.max() == 20_000.0


def test_readings_a_quarter_hour_apart_allow_no_sliding_maximum():
    coarse = counter((0, 0.0), (15, 1.0), (30, 2.0))
    dense = counter(*[(m, m * 0.1) for m in range(31)])
    assert sliding_maximum([coarse], T0, T0 + 30 * MINUTE_US) is None
    assert sliding_maximum([dense, coarse], T0, T0 + 30 * MINUTE_US) is None
    assert sliding_maximum([dense], T0, T0 + 30 * MINUTE_US).demand_w == pytest.approx(6_000.0)
    assert sliding_maximum([dense], T0, T0 + 40 * MINUTE_US) is None
    assert sliding_maximum([], T0, T0 + 30 * MINUTE_US) is None


@given(st.lists(st.lists(st.floats(0, 50), min_size=60, max_size=60), min_size=1, max_size=3))
def test_the_sliding_maximum_is_never_below_any_block(rises):
    time_us = T0 + np.arange(61, dtype=np.int64) * MINUTE_US
    counters = [(time_us, np.concatenate([[0.0], np.cumsum(one)])) for one in rises]
    peak = sliding_maximum(counters, T0, T0 + 60 * MINUTE_US)
    blocks_kwh = sum(np.diff(kwh[::15]) for _, kwh in counters)
    assert peak.demand_w >= block_demand_w(blocks_kwh).max() - 1e-6 * (1 + peak.demand_w)


def projected(used, until_min, power, now_min, contract=NAN):
    until_us = T0 + np.array(until_min, np.int64) * MINUTE_US
    end_us, now_us = T0 + WINDOW_US, T0 + now_min * MINUTE_US
    return project(
        np.array(used), until_us, np.array(power), end_us=end_us, now_us=now_us, contract_w=contract
    )


def test_energy_so_far_and_live_power_for_the_rest_make_the_projection():
    # 10 kWh in 5 minutes, then 90 kW for the other 10 minutes: 10 + 15 = 25 kWh = 100 kW.
    found = projected([10.0], [5], [90_000.0], 5, contract=85_000.0)
    assert found.used_kwh == 10.0
    assert found.projected_w == pytest.approx(100_000.0)
    # 85 kW are 21.25 kWh: 11.25 kWh are left for 10 minutes, 67.5 kW.
    assert found.allowed_w == pytest.approx(67_500.0)


def test_what_ran_since_the_last_reading_can_not_be_saved_any_more():
    # Read at minute 5, asked at minute 10: 7.5 kWh more are gone. 3.75 kWh in 5 minutes: 45 kW.
    found = projected([10.0], [5], [90_000.0], 10, contract=85_000.0)
    assert found.projected_w == pytest.approx(100_000.0)
    assert found.allowed_w == pytest.approx(45_000.0)
    assert projected([30.0], [10], [0.0], 10, contract=85_000.0).allowed_w == 0.0


def test_a_silent_meter_is_left_out_and_said():
    found = projected([10.0, 0.0], [5, 0], [90_000.0, NAN], 5)
    assert (found.missing, found.projected_w) == (1, pytest.approx(100_000.0))
    assert np.isnan(found.allowed_w)
    nothing = projected([0.0], [0], [NAN], 5)
    assert nothing.missing == 1
    assert np.isnan(nothing.projected_w)


def test_a_reading_before_the_window_adds_no_time_to_it():
    assert projected([0.0], [-3], [40_000.0], 2).projected_w == pytest.approx(40_000.0)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=5), st.integers(0, 15))
def test_the_projection_of_a_steady_load_does_not_change_while_the_window_runs(loads_kw, minute):
    loads = np.array(loads_kw)
    found = projected(loads * minute / 60, [minute] * len(loads), loads * 1000, minute)
    assert found.projected_w == pytest.approx(loads.sum() * 1000)


def test_a_sub_meter_is_taken_from_its_parent_and_counts_once():
    own, split = own_amounts(np.array([25.0, 10.0, 4.0]), np.array([-1, 0, 1], np.int32))
    assert own.tolist() == [15.0, 6.0, 4.0]
    assert split.tolist() == [True, True, False]


def test_below_a_silent_meter_the_known_one_above_pays():
    own, split = own_amounts(np.array([25.0, NAN, 4.0]), np.array([-1, 0, 1], np.int32))
    assert own[0] == 21.0
    assert np.isnan(own[1])
    assert split.tolist() == [True, False, False]


@given(
    st.lists(
        st.tuples(st.one_of(st.just(NAN), st.floats(0, 100)), st.integers(-1, 8)), min_size=1, max_size=10
    )
)
def test_contributions_add_up_to_the_top_meters(rows):
    amount = np.array([one for one, _ in rows])
    parent = np.array([min(above, row - 1) for row, (_, above) in enumerate(rows)], np.int32)
    own, _ = own_amounts(amount, parent)

    def is_top(row):
        above = parent[row]
        while above >= 0 and np.isnan(amount[above]):
            above = parent[above]
        return above < 0

    tops = sum(amount[row] for row in range(len(rows)) if is_top(row) and not np.isnan(amount[row]))
    assert np.nansum(own) == pytest.approx(tops, abs=1e-9)
