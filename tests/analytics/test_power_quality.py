"""Power factor and unbalance, against figures done by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.power_quality import (
    aligned,
    factor_of_energy,
    period_of,
    quantile95,
    share_above,
    unbalance_of_current,
    unbalance_of_voltage,
    weighted_mean,
)

NAN = np.nan


def test_80_kwh_beside_60_kvarh_are_a_power_factor_of_0_8():
    assert factor_of_energy(np.array([80.0, 5.0]), np.array([60.0, 0.0])).tolist() == [0.8, 1.0]
    assert np.isnan(factor_of_energy(np.array([0.0]), np.array([0.0]))[0])


def test_the_day_weighs_more_than_the_idle_night():
    # 0.3 at 1 kW in the night, 0.9 at 9 kW by day: 0.84, not 0.6.
    found = weighted_mean(np.array([0.3, -0.9]), np.array([1.0, 9.0]), np.zeros(2, np.int64), 2)
    assert found[0] == pytest.approx(0.84)
    assert np.isnan(found[1])
    assert np.isnan(weighted_mean(np.array([NAN]), np.array([1.0]), np.zeros(1, np.int64), 1)[0])


def test_unbalance_of_current_is_its_range_over_the_largest():
    current = np.array([[100.0, 50.0], [90.0, 50.0], [80.0, -50.0]])
    assert unbalance_of_current(current).tolist() == [pytest.approx(0.2), 0.0]


def test_an_idle_line_has_no_unbalance():
    current = np.array([[100.0, 0.2, 0.0], [100.0, 0.0, 0.0], [100.0, 0.1, 0.0]])
    found = unbalance_of_current(current)
    assert found[0] == 0.0
    assert np.isnan(found[1:]).all()
    assert len(unbalance_of_current(np.empty((3, 0)))) == 0


def test_unbalance_of_voltage_is_the_largest_deviation_from_the_mean():
    # Mean 220, furthest 228.8: 4 %.
    voltage = np.array([[228.8, 0.0], [215.0, 0.0], [216.2, 0.0]])
    found = unbalance_of_voltage(voltage)
    assert found[0] == pytest.approx(0.04)
    assert np.isnan(found[1])


def test_only_readings_of_the_same_moment_are_compared():
    times = [np.array([1, 2, 4]), np.array([2, 3, 4]), np.array([0, 2, 4])]
    values = [np.array([10.0, 20.0, 40.0]), np.array([2.0, 3.0, 4.0]), np.array([7.0, 8.0, 9.0])]
    common, rows = aligned(times, values)
    assert common.tolist() == [2, 4]
    assert rows.tolist() == [[20.0, 40.0], [2.0, 4.0], [8.0, 9.0]]


def test_a_reading_belongs_to_the_period_that_it_falls_into():
    edges = np.array([0, 10, 30])
    assert period_of(np.array([-1, 0, 9, 10, 29, 30]), edges).tolist() == [-1, 0, 0, 1, 1, -1]


def test_the_limit_may_be_exceeded_for_a_twentieth_of_the_time():
    values = np.concatenate([np.full(95, 0.01), np.full(5, 0.05), [NAN]])
    assert quantile95(values) == 0.01
    assert quantile95(np.concatenate([np.full(94, 0.01), np.full(6, 0.05)])) == 0.05
    assert share_above(values, 0.02) == pytest.approx(0.05)
    assert np.isnan(quantile95(np.array([NAN])))
    assert np.isnan(share_above(np.array([]), 0.02))


@given(st.lists(st.tuples(*[st.floats(0.1, 1e4)] * 3), min_size=1, max_size=20), st.floats(0.1, 1e3))
def test_unbalance_knows_neither_scale_nor_order_of_the_phases(rows, scale):
    phases = np.array(rows).T
    for unbalance in (unbalance_of_current, unbalance_of_voltage):
        found = unbalance(phases)
        np.testing.assert_allclose(found, unbalance(phases[::-1] * scale), rtol=1e-6, atol=1e-9)
        assert ((found >= 0) | np.isnan(found)).all()
