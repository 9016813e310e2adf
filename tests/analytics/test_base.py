"""A ledger with a finer base says of every quarter of an hour what one of 15 minutes says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import counters, late, ledger
from analytics.thinning import thinned
from core.batch import BASE_US, MINUTE_US, IntervalBatch, ReadingBatch
from core.quality import Quality
from core.sums import IntervalSums, merged
from tests.analytics.test_conservation import booked, lives
from tests.columns import register_columns

START_US = 1_760_000_400_000_000
BASES = [MINUTE_US, 5 * MINUTE_US, BASE_US]
bases = st.sampled_from(BASES)


@st.composite
def readings(draw):
    """Of two registers, whose readings come at odd times, with silences."""
    parts = []
    for register in (0, 1):
        steps_s = draw(st.lists(st.one_of(st.integers(1, 400), st.integers(900, 4000)), max_size=25))
        rises = draw(st.lists(st.integers(0, 9), min_size=len(steps_s), max_size=len(steps_s)))
        time_us = START_US + np.cumsum([0, *steps_s]).astype(np.int64) * 1_000_000
        size = len(time_us)
        value = np.cumsum([0.0, *rises])
        flags = np.zeros(size, np.uint8)
        parts.append(ReadingBatch(np.full(size, register, np.int32), time_us, value, flags, time_us))
    return ReadingBatch.concat(parts)


def stepped(batch, edges, **columns):
    """All intervals, the readings taken in pieces, at bases of 0 and 1."""
    table = register_columns(2, expected_s=300.0, **columns)
    state, book = counters.CounterState.empty(2), ledger.LedgerState.empty(2)
    parts = []
    for piece in np.array_split(np.argsort(batch.event_time_us, kind="stable"), edges):
        rows = batch.take(np.sort(piece))
        state, segments, _ = counters.step(state, rows, table)
        book, closed = ledger.step(book, segments)
        parts.append(closed)
    _, newest = ledger.open_rows(book)
    rows = IntervalBatch.concat([*parts, newest])
    return rows.take(np.lexsort((rows.start_us, rows.register)))


def assert_same(found, wanted):
    for name, column in wanted.columns().items():
        if name == "amount":
            np.testing.assert_allclose(found.amount, column, rtol=1e-9, atol=1e-9)
        else:
            np.testing.assert_array_equal(getattr(found, name), column, err_msg=name)


@settings(max_examples=200, deadline=None)
@given(readings(), st.tuples(bases, bases), st.integers(1, 6))
def test_finer_intervals_add_up_to_those_of_15_minutes(batch, base_us, pieces):
    fine = stepped(batch, pieces, base_us=list(base_us))
    coarse = stepped(batch, 1)
    assert not np.any(fine.start_us % np.array(base_us)[fine.register])
    assert_same(merged(fine), coarse)
    hours = np.unique(np.append(coarse.start_us // BASE_US * BASE_US, START_US // BASE_US * BASE_US))
    edges_us = np.append(hours, hours[-1] + BASE_US)
    sums = [IntervalSums.empty(np.array([0, 1], np.int32), edges_us) for _ in (fine, coarse)]
    for into, rows in zip(sums, (fine, coarse), strict=True):
        into.add(rows)
    np.testing.assert_array_equal(sums[0].quality, sums[1].quality)
    np.testing.assert_array_equal(sums[0].covered_us, sums[1].covered_us)
    np.testing.assert_allclose(sums[0].amount, sums[1].amount, atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(lives(), st.lists(st.integers(1, 60), max_size=6), bases)
def test_what_is_booked_is_what_was_used_at_each_base(life, cuts, base_us):
    rows = booked(life, cuts, base_us=base_us)
    assert rows.amount.sum() == pytest.approx(life.used, abs=1e-6)
    assert (rows.covered_us <= base_us).all()
    assert not np.any(rows.start_us % base_us)


@settings(max_examples=100, deadline=None)
@given(readings(), bases)
def test_thinned_readings_say_the_same_at_their_base(batch, base_us):
    table = register_columns(2, expected_s=300.0, base_us=base_us)
    rows = thinned(batch, table)
    again = ledger.recompute(rows, table, 0, 2**62)
    wanted = ledger.recompute(batch, table, 0, 2**62)
    assert_same(again, wanted)


def test_a_longer_base_takes_the_shorter_intervals_amounts_away():
    table = register_columns(1, expected_s=300.0)
    fine = register_columns(1, expected_s=300.0, base_us=5 * MINUTE_US)
    at = START_US + np.arange(8) * 5 * MINUTE_US
    zero = np.zeros(8, np.int32)
    batch = ReadingBatch(zero, at, np.arange(8.0), zero.astype(np.uint8), at)
    before, after = (ledger.recompute(batch, one, 0, 2**62) for one in (fine, table))
    changed = late.revised(before, after, table.base_us)
    amounts = dict(zip(before.start_us.tolist(), before.amount.tolist(), strict=True))
    amounts |= dict(zip(changed.start_us.tolist(), changed.amount.tolist(), strict=True))
    assert np.nansum(list(amounts.values())) == pytest.approx(7.0)
    gone = changed.take(np.isnan(changed.amount))
    assert set(gone.start_us.tolist()) == set(before.start_us[before.start_us % BASE_US != 0].tolist())
    assert not gone.quality.any()
    assert not gone.covered_us.any()
    stored = IntervalBatch.concat([before.take(~np.isin(before.start_us, changed.start_us)), changed])
    stored = stored.take(np.argsort(stored.start_us))
    assert len(late.revised(stored, after, table.base_us)) == 0
    back = late.revised(stored, before, fine.base_us)
    assert set(gone.start_us.tolist()) < set(back.start_us.tolist())
    assert set(back.amount.tolist()) == {1.0}


def test_an_edge_off_the_quarter_is_no_edge_of_a_quarter():
    table = register_columns(1, expected_s=300.0, base_us=5 * MINUTE_US)
    at = START_US + np.array([2, 20]) * MINUTE_US  # over 5, 10 and 15 past
    zero = np.zeros(2, np.int32)
    rows = ledger.recompute(
        ReadingBatch(zero, at, np.array([0.0, 18.0]), zero.astype(np.uint8), at), table, 0, 2**62
    )
    inner, start, end = Quality.INNER_INTERPOLATED, Quality.START_INTERPOLATED, Quality.END_INTERPOLATED
    gap = Quality.GAP_SPREAD
    assert rows.quality.tolist() == [gap | inner, gap | inner, gap | inner | end, gap | start]
    assert rows.amount.tolist() == [3.0, 5.0, 5.0, 5.0]
    assert merged(rows).quality.tolist() == [gap | end, gap | start]
