"""Working hours against off-hours: figures that add up, base loads that were measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.profiles import by_day, profile

NAN = np.nan
SLOTS = np.arange(96)
MINUTE = SLOTS * 15
OFFICE = (MINUTE >= 9 * 60) & (MINUTE < 17 * 60)  # 8 hours, 32 slots


def test_working_hours_and_off_hours_share_the_day():
    # 10 kW in 8 working hours, 2 kW in 16 others.
    found = profile(np.where(OFFICE, 2.5, 0.5), OFFICE, MINUTE)
    assert (found.working.energy_kwh, found.off.energy_kwh) == (80.0, 32.0)
    assert (found.working.mean_w, found.off.mean_w) == (10_000.0, 2_000.0)
    assert found.off_share == pytest.approx(32 / 112)
    assert found.mean_base_load_w == 2_000.0
    assert found.base_load_ratio == pytest.approx(0.2)
    assert found.waste_kwh.sum() == 0.0


def test_the_base_load_is_a_tenth_from_below_of_the_same_hour_of_other_days():
    # Twelve nights at 1 o'clock: eleven hours at 1 kW, and one evening somebody left 9 kW on.
    days = 12
    energy = np.full((days, 96), 0.25)
    energy[5, 4:8] = 2.25
    found = profile(energy.ravel(), np.zeros(days * 96, np.bool_), np.tile(MINUTE, days))
    assert found.base_load_w.tolist() == [1_000.0] * 24
    assert found.base_slots.tolist() == [48] * 24
    assert found.waste_kwh.sum() == pytest.approx(4 * 2.0)
    days_of, waste = by_day(found.waste_kwh, np.repeat(np.arange(days), 96))
    assert days_of[waste > 0].tolist() == [5]


def test_the_base_load_is_a_power_that_was_measured():
    # Ten quarter-hours of the first hour: 1 to 10 kWh. A tenth of them lie at or below the first.
    energy, minute = np.arange(1.0, 11.0), np.zeros(10, np.int64)
    found = profile(energy, np.zeros(10, np.bool_), minute)
    assert found.base_load_w[0] == 4_000.0
    assert found.waste_kwh.sum() == 55.0 - 10 * 1.0


def test_hours_that_are_always_worked_have_no_base_load():
    found = profile(np.ones(96), OFFICE, MINUTE)
    assert np.isnan(found.base_load_w[9:17]).all()
    assert not np.isnan(found.base_load_w[:9]).any()
    assert np.isnan(found.working_w[0])
    assert found.working_w[9] == 4_000.0


def test_missing_slots_are_neither_use_nor_base():
    energy = np.where(OFFICE, NAN, 0.5)
    energy[:4] = NAN
    found = profile(energy, OFFICE, MINUTE)
    assert (found.working.known_slots, found.working.slots) == (0, 32)
    assert np.isnan(found.working.mean_w)
    assert np.isnan(found.base_load_ratio)
    assert np.isnan(found.base_load_w[0])
    assert (found.off.known_slots, found.off.slots) == (60, 64)
    assert found.off.energy_kwh == 30.0


@given(st.lists(st.one_of(st.just(NAN), st.floats(0, 1e4)), min_size=96, max_size=96), st.data())
def test_nothing_is_lost_between_the_parts_and_waste_is_within_off_hours(energy, data):
    energy = np.array(energy)
    working = np.array(data.draw(st.lists(st.booleans(), min_size=96, max_size=96)))
    found = profile(energy, working, MINUTE)
    assert found.working.energy_kwh + found.off.energy_kwh == pytest.approx(np.nansum(energy))
    assert 0 <= found.waste_kwh.sum() <= found.off.energy_kwh * (1 + 1e-9)
    assert (found.waste_kwh[working] == 0).all()
