import numpy as np
import pytest

from analytics.counters import CounterState, step
from core.batch import ReadingBatch
from core.errors import UnorderedBatch
from core.quality import Quality
from tests.columns import register_columns as columns


def readings(*rows, received_us=0):
    """rows: (register, minutes, value)."""
    register, minutes, value = zip(*rows, strict=True) if rows else ((), (), ())
    size = len(rows)
    return ReadingBatch(
        np.array(register, np.int32),
        (np.array(minutes, np.float64) * 60e6).astype(np.int64),
        np.array(value, np.float64),
        np.zeros(size, np.uint8),
        np.full(size, received_us, np.int64),
    )


def test_the_first_reading_of_a_register_makes_no_segment():
    state, segments, late = step(CounterState.empty(1), readings((0, 0, 7.0)), columns())
    assert len(segments) == 0
    assert len(late) == 0
    assert state.last_value[0] == 7.0


def test_segments_join_over_batches():
    state, _, _ = step(CounterState.empty(2), readings((0, 0, 7.0), (1, 0, 1.0)), columns(2))
    _, segments, _ = step(state, readings((0, 15, 9.0), (0, 30, 12.0), (1, 15, 1.5)), columns(2))
    assert segments.register.tolist() == [0, 0, 1]
    assert segments.amount.tolist() == [2.0, 3.0, 0.5]


def test_an_older_reading_is_late_and_a_repetition_is_neither():
    state, _, _ = step(CounterState.empty(1), readings((0, 30, 9.0)), columns())
    state, segments, late = step(state, readings((0, 15, 8.0), (0, 30, 9.0)), columns())
    assert len(segments) == 0
    assert late.value.tolist() == [8.0]


def test_another_value_for_the_newest_time_is_a_correction():
    state, _, _ = step(CounterState.empty(1), readings((0, 30, 9.0)), columns())
    _, _, late = step(state, readings((0, 30, 9.5)), columns())
    assert late.value.tolist() == [9.5]


def test_only_the_last_expected_interval_before_the_end_of_a_gap_is_covered():
    state, _, _ = step(CounterState.empty(1), readings((0, 0, 0.0)), columns())
    _, segments, _ = step(state, readings((0, 60, 4.0)), columns())
    assert segments.covered_from_us.tolist() == [45 * 60_000_000]
    assert segments.quality.tolist() == [Quality.GAP_SPREAD]


def test_an_unordered_batch_is_refused():
    with pytest.raises(UnorderedBatch):
        step(CounterState.empty(2), readings((1, 0, 1.0), (0, 0, 1.0)), columns(2))
