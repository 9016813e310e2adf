"""How runs become figures, and that the measured process is where it should be."""

import os

import pytest

from bench.cores import alone, leave_one_core, medians, percentiles


def test_several_runs_give_a_median_and_a_range():
    runs = [{"per_s": 3.0}, {"per_s": 1.0}, {"per_s": 2.0}]
    assert medians(runs) == {"per_s": 2.0, "per_s_range": [1.0, 3.0]}


def test_one_run_has_no_range():
    assert medians([{"per_s": 3.0}]) == {"per_s": 3.0}


def test_percentiles_are_values_that_were_measured():
    assert percentiles([float(value) for value in range(1, 101)]) == {
        "p50": 50.0,
        "p95": 95.0,
        "p99": 99.0,
        "max": 100.0,
    }
    assert percentiles([7.0]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0, "max": 7.0}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system can't pin processes")
def test_what_is_measured_has_its_core_alone():
    before = os.sched_getaffinity(0)
    try:
        core = leave_one_core()
        rest = os.sched_getaffinity(0)
        own = alone(core, os.sched_getaffinity, 0)
    finally:
        os.sched_setaffinity(0, before)
    assert own == ({core} if len(before) > 1 else before)
    assert own.isdisjoint(rest) or len(before) == 1
