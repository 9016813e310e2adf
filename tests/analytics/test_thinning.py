"""Thinning lets readings go and changes no figure."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import counters, ledger, segments
from analytics.thinning import thinned
from core.batch import BASE_US, ReadingBatch
from core.quality import Quality, ReadingQuality
from storage.columns import latest_readings
from tests.columns import register_columns

MINUTE_US = 60_000_000
SPAN_US = 12 * BASE_US
BEFORE, AFTER = ReadingQuality.THINNED_BEFORE, ReadingQuality.THINNED_AFTER


def columns(*counts, confirm=3):
    return register_columns(len(counts), counts=counts, expected_s=60.0, rollover_at=1000.0, confirm=confirm)


COUNTER, GAUGE, AT_ONCE = columns(True), columns(False), columns(True, confirm=1)


def minutes(*rows, quality=0):
    time, value = zip(*rows, strict=True)
    return batch(np.array(time) * MINUTE_US, value, quality)


def batch(time_us, value, quality=0):
    size = len(time_us)
    return ReadingBatch(
        np.zeros(size, np.int32),
        np.asarray(time_us, np.int64),
        np.asarray(value, np.float64),
        np.full(size, quality, np.uint8),
        np.zeros(size, np.int64),
    )


def rows(found):
    return list(zip((found.event_time_us / MINUTE_US).tolist(), found.value.tolist(), strict=True))


def figures(readings, table=COUNTER):
    """What the ledger makes of readings, from scratch."""
    return ledger.recompute(readings, table, 0, SPAN_US)


def assert_same_figures(found, wanted):
    for name, column in wanted.columns().items():
        if name == "amount":
            np.testing.assert_allclose(found.amount, column, rtol=1e-12, atol=1e-9)
        else:
            np.testing.assert_array_equal(found.columns()[name], column, err_msg=name)


def merged(early, late):
    late.received_at_us[:] = 1
    return latest_readings(ReadingBatch.concat([early, late]))


@st.composite
def histories(draw, most=60):
    """A counter over three hours: rises, stands still, falls, is silent, reports on the edges."""
    size = draw(st.integers(1, most))
    steps = st.sampled_from(
        [1_000_000, 30_000_000, MINUTE_US, 89_999_999, 90_000_001, 4 * MINUTE_US, BASE_US]
    )
    time_us = np.cumsum(draw(st.lists(steps, min_size=size, max_size=size)))
    time_us = time_us[time_us <= SPAN_US]
    rises = st.one_of(st.just(0.0), st.floats(0.001, 50), st.floats(-900, -0.5))
    value = 500.0 + np.cumsum(draw(st.lists(rises, min_size=len(time_us), max_size=len(time_us))))
    return batch(time_us, np.abs(value))


@settings(max_examples=200)
@given(histories())
def test_the_ledger_of_thinned_readings_is_the_ledger_of_all(history):
    assert_same_figures(figures(thinned(history, COUNTER)), figures(history))


@settings(max_examples=200)
@given(histories(), st.lists(st.integers(0, 60), max_size=6))
def test_where_batches_are_cut_when_all_is_derived_again_does_not_matter(history, cuts):
    kept = thinned(history, COUNTER)
    state, book = counters.CounterState.empty(1), ledger.LedgerState.empty(1)
    edges = sorted({0, len(kept), *(cut for cut in cuts if cut < len(kept))})
    found = []
    for start, end in pairwise(edges):
        state, segments, _ = counters.step(state, kept.take(slice(start, end)), COUNTER)
        book, closed = ledger.step(book, segments)
        found.append(closed)
    covered = sum(int(part.covered_us.sum()) for part in found) + int(book.covered_us[0])
    assert covered == figures(history).covered_us.sum()


@settings(max_examples=200)
@given(histories(), st.lists(st.booleans(), min_size=60, max_size=60), st.booleans())
def test_a_late_reading_counts_as_if_nothing_had_gone(history, is_late, falls):
    if not falls:
        history.value[:] = np.maximum.accumulate(history.value)
    came_late = np.array(is_late[: len(history)], np.bool_)
    # A fall that has to be confirmed is confirmed by readings of which some may have gone.
    table = AT_ONCE if falls else COUNTER
    kept = merged(thinned(history.take(~came_late), table), history.take(came_late))
    found, wanted = figures(kept, table), figures(history, table)
    np.testing.assert_array_equal(found.start_us, wanted.start_us)
    np.testing.assert_array_equal(found.covered_us, wanted.covered_us)
    # What went can't be compared with a late value: a fall may be seen beside another reading.
    if not falls:
        np.testing.assert_allclose(found.amount, wanted.amount, rtol=1e-12, atol=1e-9)


@settings(max_examples=200)
@given(histories(), histories(20))
def test_corrections_and_additions_leave_coverage_as_if_nothing_had_gone(history, late):
    kept = merged(thinned(history, AT_ONCE), late)
    found, wanted = figures(kept, AT_ONCE), figures(merged(history, late), AT_ONCE)
    np.testing.assert_array_equal(found.start_us, wanted.start_us)
    np.testing.assert_array_equal(found.covered_us, wanted.covered_us)
    gap = np.uint16(Quality.GAP_SPREAD)
    np.testing.assert_array_equal(found.quality & gap, wanted.quality & gap)


@settings(max_examples=200)
@given(histories(), histories(20))
def test_thinning_again_changes_nothing_but_takes_up_late_readings(history, late):
    once = thinned(history, COUNTER)
    assert_same_batch(thinned(once, COUNTER), once)
    both = merged(once, late)
    again = thinned(both, COUNTER)
    assert_same_figures(figures(again), figures(both))
    assert_same_batch(thinned(again, COUNTER), again)


def assert_same_batch(found, wanted):
    for name, column in wanted.columns().items():
        np.testing.assert_array_equal(found.columns()[name], column, err_msg=name)


def test_a_gauge_keeps_its_first_last_lowest_and_highest():
    values = [(1, 5.0), (2, 7.0), (3, 9.0), (4, 9.0), (5, 8.0), (6, 1.0), (7, 3.0), (8, 4.0)]
    found = thinned(minutes(*values), GAUGE)
    assert rows(found) == [(1, 5.0), (3, 9.0), (6, 1.0), (8, 4.0)]
    assert found.quality.tolist() == [AFTER, AFTER | BEFORE, AFTER | BEFORE, BEFORE]


def test_a_gauge_may_fall_without_being_kept():
    assert len(thinned(minutes(*((n, 100.0 - n) for n in range(1, 16))), GAUGE)) == 2


def test_a_counter_keeps_what_decides_whether_a_fall_is_believed():
    values = [(1, 1.0), (2, 2.0), (3, 3.0), (4, 0.5), (5, 1.0), (6, 1.5), (7, 0.25), (8, 1.0), (9, 2.0)]
    found = thinned(minutes(*values), COUNTER)
    assert rows(found) == [(1, 1.0), (3, 3.0), (4, 0.5), (5, 1.0), (6, 1.5), (7, 0.25), (8, 1.0), (9, 2.0)]


def test_a_silence_keeps_both_its_ends_and_stays_a_gap():
    values = [(n, n) for n in (1, 2, 3, 8, 9, 10)]
    found = thinned(minutes(*values), COUNTER)
    assert [time for time, _ in rows(found)] == [1, 3, 8, 10]
    assert segments.gaps(found, COUNTER).tolist() == [False, True, False]


def test_what_a_person_entered_stays():
    readings = minutes(*((n, n) for n in range(1, 10)))
    readings.quality[4] = ReadingQuality.MANUAL
    assert [time for time, _ in rows(thinned(readings, COUNTER))] == [1, 5, 9]


def test_a_reading_on_the_edge_belongs_to_the_interval_that_it_closes():
    found = thinned(minutes(*((n, n) for n in range(31))), COUNTER)
    assert [time for time, _ in rows(found)] == [0, 1, 15, 16, 30]


def test_registers_are_thinned_apart():
    one = minutes(*((n, n) for n in range(1, 16)))
    table = columns(True, True, False)
    many = ReadingBatch.concat(
        [
            ReadingBatch(np.full(15, register, np.int32), *list(one.columns().values())[1:])
            for register in range(3)
        ]
    )
    found = thinned(many, table)
    assert found.register.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.event_time_us.tolist() == [MINUTE_US, BASE_US] * 3


def test_few_readings_are_all_kept():
    for size in range(3):
        readings = batch(np.arange(size) * MINUTE_US, np.arange(size))
        assert_same_batch(thinned(readings, COUNTER), readings)
