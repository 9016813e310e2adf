"""The ledger conserves energy and depends on the set of readings only."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import counters, ledger
from analytics.belief import believe
from core.batch import BASE_US, IntervalBatch, ReadingBatch
from core.quality import Quality
from tests.columns import register_columns as columns

MINUTE_US = 60_000_000


def batch(register, time_us, value):
    size = len(time_us)
    rows = ReadingBatch(
        np.broadcast_to(np.asarray(register, np.int32), (size,)),
        np.asarray(time_us, np.int64),
        np.asarray(value, np.float64),
        np.zeros(size, np.uint8),
        np.zeros(size, np.int64),
    )
    return rows.take(np.lexsort((rows.event_time_us, rows.register)))


def run(batches, table):
    """Feed batches through both steps; returns every interval, the newest ones included."""
    state = counters.CounterState.empty(len(table.ratio))
    book = ledger.LedgerState.empty(len(table.ratio))
    closed = []
    for readings in batches:
        state, segments, late = counters.step(state, readings, table)
        assert len(late) == 0
        book, rows = ledger.step(book, segments)
        closed.append(rows)
    _, newest = ledger.open_rows(book)
    rows = IntervalBatch.concat([*closed, newest])
    return rows.take(np.lexsort((rows.start_us, rows.register)))


def minutes(*rows):
    time, value = zip(*rows, strict=True)
    return batch(0, np.array(time) * MINUTE_US, value)


def test_energy_is_split_at_the_edge_by_time():
    rows = run([minutes((10, 0.0), (25, 15.0))], columns())
    assert rows.start_us.tolist() == [0, BASE_US]
    assert rows.amount.tolist() == [5.0, 10.0]
    assert rows.covered_us.tolist() == [5 * MINUTE_US, 10 * MINUTE_US]


def test_a_reading_on_the_edge_closes_the_interval():
    rows = run([minutes((0, 1.0), (15, 3.0), (30, 3.0))], columns())
    assert rows.amount.tolist() == [2.0, 0.0]
    assert not (rows.quality & Quality.OPEN).any()
    assert rows.last_us.tolist() == [15 * MINUTE_US, 30 * MINUTE_US]


def test_an_interval_that_still_fills_is_open():
    rows = run([minutes((0, 1.0), (15, 3.0), (20, 4.0))], columns())
    assert [bool(flags & Quality.OPEN) for flags in rows.quality] == [False, True]


def test_hourly_readings_are_interpolated_inside_the_hour_but_not_at_its_edges():
    rows = run([minutes((0, 0.0), (60, 8.0))], columns(expected_s=3600))
    start, end = Quality.START_INTERPOLATED, Quality.END_INTERPOLATED
    assert rows.quality.tolist() == [end, start | end, start | end, start]
    assert rows.amount.tolist() == [2.0] * 4
    assert rows.covered_us.tolist() == [BASE_US] * 4


def test_the_energy_of_a_gap_is_spread_and_flagged_and_not_covered():
    rows = run([minutes((0, 0.0), (60, 4.0))], columns(expected_s=900))
    assert rows.amount.tolist() == [1.0] * 4
    assert rows.covered_us.tolist() == [0, 0, 0, BASE_US]
    assert all(flags & Quality.GAP_SPREAD for flags in rows.quality)


def test_first_and_last_reading_are_kept_and_missing_ones_are_nan():
    rows = run([minutes((5, 1.0), (10, 2.0), (50, 8.0))], columns())
    assert rows.first_value.tolist()[0] == 1.0
    assert rows.last_value.tolist()[0] == 2.0
    assert np.isnan(rows.first_value[1])
    assert rows.first_value.tolist()[3] == rows.last_value.tolist()[3] == 8.0


@st.composite
def streams(draw):
    """Readings of two registers with falls, gaps and repeated values, in order of time."""
    parts = []
    for register in (0, 1):
        count = draw(st.integers(1, 25))
        steps_s = draw(st.lists(st.integers(1, 7200), min_size=count, max_size=count))
        rises = draw(st.lists(st.integers(-300, 1000), min_size=count, max_size=count))
        value, values = 500, []
        for rise in rises:
            value = max(0, value + rise) if rise > -250 else 0
            values.append(float(value))
        parts.append(batch(register, np.cumsum(steps_s).astype(np.int64) * 1_000_000, values))
    return parts


def explained(readings, table):
    """Last minus first believed reading plus the jumps that resets and rollovers explain."""
    found = believe(readings, table)
    segments = found.segments
    jumps = segments.amount - (segments.end_value - segments.start_value)
    return found.bases.value[0] - readings.value[0] + jumps.sum()


@given(streams(), st.lists(st.integers(1, 20), max_size=6))
def test_any_split_into_batches_conserves_energy_and_gives_the_same_ledger(parts, cuts):
    table = columns(2, rollover_at=1500)
    whole = ReadingBatch.concat(parts)
    by_time = whole.take(np.argsort(whole.event_time_us, kind="stable"))
    edges = sorted({0, len(whole), *(cut % len(whole) for cut in cuts)})
    pieces = [
        batch(rows.register, rows.event_time_us, rows.value)
        for rows in (by_time.take(slice(a, b)) for a, b in pairwise(edges))
    ]
    at_once, split = run([whole], table), run(pieces, table)
    for name, column in at_once.columns().items():
        if name in {"amount", "first_value", "last_value"}:
            np.testing.assert_allclose(column, split.columns()[name], rtol=1e-9, atol=1e-9)
        else:
            np.testing.assert_array_equal(column, split.columns()[name], err_msg=name)
    for register in (0, 1):
        assert split.amount[split.register == register].sum() == pytest.approx(
            explained(parts[register], table), abs=1e-6
        )
    assert (split.covered_us <= BASE_US).all()


@given(streams(), st.data())
@settings(max_examples=60)
def test_recomputing_from_any_believed_reading_gives_what_the_steps_gave(parts, data):
    table = columns(2)
    chain = parts[0]
    rows = run([chain], table)
    known = np.flatnonzero(~np.isnan(rows.last_value))
    if len(known) < 2:
        return
    first = int(data.draw(st.sampled_from(known[:-1].tolist())))
    base = chain.take(chain.event_time_us == rows.last_us[first])
    base.value[:] = rows.last_value[first]
    after = chain.take(chain.event_time_us > rows.last_us[first])
    start_us = int(rows.start_us[first]) + BASE_US
    again = ledger.recompute(ReadingBatch.concat([base, after]), table, start_us, 2**62)
    expected = rows.take(slice(first + 1, None))
    for name, column in expected.columns().items():
        if name in {"amount", "first_value", "last_value"}:
            np.testing.assert_allclose(again.columns()[name], column, rtol=1e-9, atol=1e-9)
        elif name == "quality":
            np.testing.assert_array_equal(again.quality, column & ~np.uint16(Quality.OPEN))
        else:
            np.testing.assert_array_equal(again.columns()[name], column, err_msg=name)
