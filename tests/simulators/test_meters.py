"""The simulated meters: registers, sums, and electrical consistency."""

from datetime import date

import numpy as np
import pytest

from core.errors import StartError
from core.quantities import QUANTITIES
from simulators.load import ORIGIN_US, Profile, occupancy_at
from simulators.metering import MeterType, contracted_power_w
from simulators.meters import MeterFleet, losses
from simulators.vehicles import VehicleFleet
from simulators.workdays import DayType, day_type, is_workday

DAY_US = 86_400_000_000
NOW_US = ORIGIN_US + 400 * DAY_US + 9 * 3_600_000_000


@pytest.fixture(scope="module")
def meters() -> MeterFleet:
    return MeterFleet(5, VehicleFleet(5))


def times(span_s: int, step_s: int, start_us: int = NOW_US) -> np.ndarray:
    return start_us + np.arange(0, span_s, step_s, dtype=np.int64) * 1_000_000


def test_the_same_seed_makes_the_same_registers(meters):
    again = MeterFleet(5, VehicleFleet(5))
    assert np.array_equal(meters.at(times(600, 60)).register, again.at(times(600, 60)).register)


def test_another_seed_makes_other_registers(meters):
    other = MeterFleet(6, VehicleFleet(6))
    assert not np.array_equal(meters.at(times(60, 60)).register, other.at(times(60, 60)).register)


def test_a_register_after_a_restart_continues_where_it_was(meters):
    whole = meters.at(times(7200, 10)).register
    restarted = MeterFleet(5, VehicleFleet(5)).at(times(3600, 10, NOW_US + 3_600_000_000)).register
    assert np.array_equal(whole[360:], restarted)


def test_registers_never_fall(meters):
    snapshot = meters.at(times(3 * 86_400, 60))
    assert (np.diff(snapshot.register, axis=0) >= 0).all()
    assert (np.diff(snapshot.exported, axis=0) >= 0).all()


def test_registers_never_fall_across_the_model_s_blocks(meters):
    edge_us = ORIGIN_US + 13 * 720 * 3_600_000_000
    assert (np.diff(meters.at(times(40, 1, edge_us - 20_000_000)).register, axis=0) >= 0).all()


def test_a_parent_is_exactly_its_children_and_losses(meters):
    snapshot = meters.at(times(7200, 60))
    parents = {meter.parent for meter in meters.meters} - {None}
    assert len(parents) > 20
    for parent in parents:
        column = meters.index[parent]
        below = snapshot.register[:, [n for n, m in enumerate(meters.meters) if m.parent == parent]].sum(
            axis=1
        )
        lost = losses(below, meters.meters[column].loss_ppm)
        assert np.array_equal(snapshot.register[:, column], below + lost)
        assert (np.diff(lost) >= 0).all()


def test_published_registers_show_the_same_sum(meters):
    snapshot = meters.at(times(60, 60))
    shown = {m.id: meters.samples(snapshot, 0, n).values for n, m in enumerate(meters.meters)}
    main = "m-hospital-inpatient-main"
    children = [m.id for m in meters.meters if m.parent == main]
    below = sum(round(shown[child]["energy_active_import_total"] * 1000) for child in children)
    expected = below + below * 14_000 // 1_000_000
    assert round(shown[main]["energy_active_import_total"] * 1000) == expected


def test_power_is_the_slope_of_the_register(meters):
    snapshot = meters.at(times(1800, 1))
    kwh = (snapshot.register[-1] - snapshot.register[0]) / 1000
    for n, meter in enumerate(meters.meters):
        if meter.type is MeterType.MAIN:
            power_w = snapshot.power_w[:, n]
            mean_w = (power_w[1:] + power_w[:-1]).mean() / 2
            assert kwh[n] / (1799 / 3600) * 1000 == pytest.approx(mean_w, rel=1e-3)


def test_power_is_the_sum_of_voltage_current_and_power_factor(meters):
    for hour in range(24):
        snapshot = meters.at(np.array([NOW_US + hour * 3_600_000_000]))
        for n, meter in enumerate(meters.meters):
            if meter.type is MeterType.MAIN:
                v = meters.samples(snapshot, 0, n).values
                apparent = sum(v[f"voltage_l{k}"] * v[f"current_l{k}"] for k in (1, 2, 3))
                assert v["power_active"] == pytest.approx(apparent * v["power_factor"], rel=2e-3)
                assert all(198 < v[f"voltage_l{k}"] < 236 for k in (1, 2, 3))
                assert 49.8 < v["frequency"] < 50.2


def test_no_building_exceeds_its_contracted_power_by_itself(meters):
    for first_day in (10, 190):  # coldest and hottest weeks of a year
        snapshot = meters.at(times(30 * 86_400, 3600, ORIGIN_US + first_day * DAY_US))
        for n, meter in enumerate(meters.meters):
            if meter.type is MeterType.MAIN:
                assert snapshot.power_w[:, n].max() < 0.9 * contracted_power_w(meter.building)


def test_every_quantity_is_canonical_and_believable(meters):
    snapshot = meters.at(times(60, 60))
    for n in range(len(meters.meters)):
        sample = meters.samples(snapshot, 0, n)
        for name, value in sample.values.items():
            assert QUANTITIES[name].minimum <= value <= QUANTITIES[name].maximum


def test_panels_export_by_day_and_not_by_night(meters):
    column = meters.index["m-culture-stadium-pv"]
    noon_us = ORIGIN_US + 400 * DAY_US + 12 * 3_600_000_000
    snapshot = meters.at(np.array([noon_us - 12 * 3_600_000_000, noon_us]))
    assert snapshot.power_w[0, column] > 0 > snapshot.power_w[1, column]
    assert snapshot.exported[1, column] > snapshot.exported[0, column]


def test_a_brief_sample_has_the_same_register_and_power(meters):
    snapshot = meters.at(times(60, 60))
    whole, brief = meters.samples(snapshot, 0, 0).values, meters.samples(snapshot, 0, 0, brief=True).values
    assert brief.items() <= whole.items()


def test_a_clock_before_the_simulation_is_a_clear_error(meters):
    with pytest.raises(StartError, match="set the clock"):
        meters.at(np.array([ORIGIN_US - 1]))


def test_make_up_saturdays_are_worked_and_holidays_are_not():
    assert not is_workday(date(2026, 10, 1))
    assert is_workday(date(2026, 10, 10))  # a Saturday, worked for the week of National Day
    assert not is_workday(date(2026, 10, 17))
    assert day_type((date(2026, 10, 9) - date(1970, 1, 1)).days) is DayType.WORK


def test_offices_are_emptier_on_a_holiday():
    days = np.array([(date(2026, 10, d) - date(1970, 1, 1)).days for d in (1, 9)])
    busy = occupancy_at(np.array([Profile.OFFICE]), days, np.array([10, 10]))
    assert busy[0, 0] < 0.2 < busy[1, 0]
