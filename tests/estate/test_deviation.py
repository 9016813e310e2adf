"""The experiment on the deviation rule counts what it says it counts: three buildings and seven months."""

from pathlib import Path

import numpy as np
import pytest

from analytics.calendars import WORKDAY
from tests.estate.deviation import RULE, WARM_UP_H, EstateData, fired_in, run, score
from tests.estate.injected import KINDS, Fault, Kind, faults
from tests.estate.recorded import read

SAMPLE = Path(__file__).parents[2] / "simulators" / "sample" / "electricity_hourly.csv.gz"
FIRST_US = 1_519_862_400_000_000  # 2018-03-01: the clocks change in the month
HOURS = 24 * 210


@pytest.fixture(scope="module")
def recorded():
    return read(SAMPLE, "energy_active_import_total", first_us=FIRST_US, hours=HOURS)


@pytest.fixture(scope="module")
def estate(recorded):
    return EstateData(recorded)


@pytest.fixture(scope="module")
def clock(estate):
    return estate.clocks[True]


def test_faults_do_to_the_meter_what_their_kind_says(estate, clock):
    for one in faults(estate.kwh, clock, [0, 2], seed=3, each=4):
        recorded = estate.kwh[one.row, one.begin : one.end]
        hour, kind = clock.hour[one.begin : one.end], clock.kind[one.begin : one.end]
        assert one.row in {0, 2}
        if one.kind is Kind.STUCK:
            assert not one.kwh.any()
        elif one.kind is Kind.NIGHT:
            assert one.kwh == pytest.approx(recorded * np.where((hour >= 22) | (hour < 6), 2, 1))
        elif one.kind is Kind.PHASE:
            assert one.kwh == pytest.approx(recorded * 2 / 3)
        else:
            assert (kind != WORKDAY).all()
            assert one.kwh[:20] == pytest.approx(estate.kwh[one.row, one.begin - 24 : one.begin - 4])


def test_a_leak_adds_the_same_to_every_hour_also_where_nothing_is_used(estate, clock):
    idle = np.where(np.arange(HOURS) < 48, 60.0, 0.0)
    kwh = np.stack([estate.kwh[0], idle])
    leaks = faults(kwh, clock, [0, 1], seed=3, each=8, kinds=[Kind.LEAK])
    assert {one.row for one in leaks} == {0, 1}
    for one in leaks:
        added = one.kwh - kwh[one.row, one.begin : one.end]
        assert added == pytest.approx(kwh[one.row].mean() / 2)
        assert 3 * 24 <= len(added) <= 14 * 24


def test_a_weekend_of_which_nothing_is_recorded_is_not_one_left_on(estate, clock):
    kwh = np.stack([estate.kwh[0], np.where(clock.kind == WORKDAY, 10.0, 0.0)])
    assert {one.row for one in faults(kwh, clock, [0, 1], seed=3, each=8, kinds=[Kind.WEEKEND])} == {0}


def test_the_same_seed_makes_the_same_faults(estate, clock):
    def places(seed):
        return [(one.kind, one.row, one.begin, one.end) for one in faults(estate.kwh, clock, [0, 1], seed, 3)]

    assert places(5) == places(5) != places(6)


def test_a_hit_is_an_alert_that_begins_within_the_fault(estate):
    injected = [Fault(Kind.STUCK, 0, begin, begin + 24, np.zeros(24), -1.0) for begin in (900, 1000, 1100)]
    told = [[890, 905], [999, 1024], [1123]]
    alerts = [[100, 910, 3000], [], []]
    found = score(estate, [0, 1], injected, alerts, told)
    stuck = found.kinds[Kind.STUCK]
    assert (stuck.hits, stuck.faults, stuck.by_chance, found.hits) == (2, 3, 1, 2)
    assert stuck.delay_h == np.median([6, 24])
    # The alert at hour 100 is before the warm-up: two are left, of two meters.
    assert found.false_alarms == pytest.approx(1 / ((HOURS - WARM_UP_H) / 730.5))


def test_a_standing_counter_is_found_and_the_same_meter_without_it_is_quiet(estate):
    begin = 24 * 100 + 8
    recorded = estate.kwh[1, begin : begin + 72]
    injected = [
        Fault(Kind.STUCK, 1, begin, begin + 72, np.zeros(72), -1.0),
        Fault(Kind.STUCK, 1, begin, begin + 72, recorded, 0.0),
    ]
    found, quiet = fired_in(RULE, estate, injected)
    assert any(begin <= hour < begin + 72 for hour in found)
    assert not [hour for hour in quiet if begin <= hour < begin + 72]


@pytest.mark.parametrize("energy", KINDS)
def test_the_experiment_tries_every_kind_of_its_energy_in_both_halves(recorded, energy):
    halves = run(RULE, EstateData(recorded, energy), each=1)
    for one in halves:
        assert {kind: hits.faults for kind, hits in one.kinds.items()} == dict.fromkeys(KINDS[energy], 1)
        assert one.hits == sum(kind.hits for kind in one.kinds.values())
        assert one.false_alarms >= 0
