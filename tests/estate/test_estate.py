"""A recorded estate through the line: every figure equals the file, and faults show exactly where they are.

Three buildings and a half-year; `python -m tests.estate FOLDER` takes a whole estate for years.
"""

from pathlib import Path

import numpy as np
import pytest

from tests.estate.faults import disturbed, undisturbed
from tests.estate.recorded import HOUR_US, read
from tests.estate.told import compare, play

SAMPLE = Path(__file__).parents[2] / "simulators" / "sample" / "electricity_hourly.csv.gz"
ENERGY = "energy_active_import_total"
FIRST_US = 1_519_862_400_000_000  # 2018-03-01: the clocks change in the month and in October
HOURS = 24 * 260


@pytest.fixture(scope="module")
def recorded():
    return read(SAMPLE, ENERGY, first_us=FIRST_US, hours=HOURS)


@pytest.fixture(scope="module")
def whole(recorded, tmp_path_factory):
    plans = [undisturbed(one) for one in recorded]
    line = play(tmp_path_factory.mktemp("whole"), plans, batch_hours=24 * 40)
    yield {plan.recorded.building: compare(line, plan) for plan in plans}
    line.close()


@pytest.fixture(scope="module")
def faulty(recorded, tmp_path_factory):
    rng = np.random.default_rng(17)
    what = {"b0": {"replaced": True}, "b36": {"rolls_over": True}}
    plans = [disturbed(one, rng, **what.get(one.building, {})) for one in recorded]
    line = play(tmp_path_factory.mktemp("faulty"), plans)
    yield {plan.recorded.building: (plan, compare(line, plan)) for plan in plans}
    line.close()


def test_every_hour_month_and_year_equals_the_file(whole):
    for told in whole.values():
        assert told.worst_hour_kwh < 1e-6
        assert told.worst_month_kwh < 1e-6
        assert told.worst_year_kwh < 1e-6
        assert told.missing_kwh == pytest.approx(0, abs=1e-6)
        assert told.uncovered == told.wrong_gaps == told.other_flags == 0


def test_no_energy_is_lost_but_what_was_never_sent(faulty):
    for plan, told in faulty.values():
        assert told.missing_kwh == pytest.approx(told.never_told_kwh, abs=1e-6)
        assert told.worst_hour_kwh < 1e-6, plan.recorded.building
        assert told.worst_month_kwh < 1e-6


def test_coverage_and_flags_tell_exactly_where_something_was_missing(faulty):
    for plan, told in faulty.values():
        assert (told.wrong_coverage, told.wrong_gaps, told.other_flags) == (0, 0, 0)
        assert told.uncovered == (~plan.measured).sum() > 50


def test_a_replacement_and_a_rollover_are_flagged_in_their_hour_and_nowhere_else(faulty):
    plan, told = faulty["b0"]
    assert told.replaced == [(plan.replaced_us - FIRST_US) // HOUR_US]
    plan, told = faulty["b36"]
    fell = np.flatnonzero(np.diff(plan.value) < 0)
    first, last = ((plan.time_us[fell[0] + n] - FIRST_US) // HOUR_US for n in (0, 1))
    assert told.rolled_over == list(range(first, last))
    assert [name for name, (_, told) in faulty.items() if told.replaced or told.rolled_over] == ["b0", "b36"]
