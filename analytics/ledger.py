"""Segments to intervals of 15, 5 or 1 minute: the one source of every consumption figure.

In: segments ordered by register and time. Out: closed intervals, to be stored for good;
the newest interval of each register stays open in the state and can be asked for.
Conservation: the intervals of a register add up to the amounts of its segments.
"""

from dataclasses import dataclass, fields

import numpy as np

from analytics.belief import Belief, believe
from analytics.counters import CounterState, one_an_identity
from analytics.segments import Segments
from core.batch import BASE_US, F64, I32, I64, U16, IntervalBatch, Mask, ReadingBatch
from core.columns import RegisterColumns
from core.quality import Quality

NONE_US = np.iinfo(np.int64).min
"""Start of the open interval of a register that has none."""


@dataclass(slots=True)
class LedgerState:
    """The newest interval of every register, by register id; touched since last asked for."""

    start_us: I64
    amount: F64
    covered_us: I64
    quality: U16
    first_us: I64
    first_value: F64
    last_us: I64
    last_value: F64
    touched: Mask

    @classmethod
    def empty(cls, size: int) -> "LedgerState":
        """State of registers without any interval."""
        return cls(
            np.full(size, NONE_US, np.int64),
            np.zeros(size),
            np.zeros(size, np.int64),
            np.zeros(size, np.uint16),
            np.zeros(size, np.int64),
            np.full(size, np.nan),
            np.zeros(size, np.int64),
            np.full(size, np.nan),
            np.zeros(size, np.bool_),
        )

    def grow(self, size: int) -> None:
        """Make room for registers up to size - 1."""
        more = size - len(self.start_us)
        if more > 0:
            fresh = LedgerState.empty(more)
            for column in fields(self):
                grown = np.concatenate([getattr(self, column.name), getattr(fresh, column.name)])
                setattr(self, column.name, grown)

    def rows(self, register: I32) -> IntervalBatch:
        """The newest intervals of the given registers; flagged OPEN unless they are full."""
        return IntervalBatch(
            register,
            self.start_us[register],
            self.amount[register],
            self.covered_us[register],
            self.quality[register],
            self.first_us[register],
            self.first_value[register],
            self.last_us[register],
            self.last_value[register],
            np.zeros(len(register), np.int32),
        )

    def put(self, rows: IntervalBatch, base_us: I64) -> None:
        """Make rows, each so long, the newest intervals; one row a register."""
        register = rows.register
        for column in fields(self):
            if column.name != "touched":
                getattr(self, column.name)[register] = getattr(rows, column.name)
        # One that is full goes on as a part of its 15 minutes, which are open until they end.
        end_us = rows.start_us + base_us
        full = (rows.last_us >= end_us) & (end_us % BASE_US == 0)
        self.quality[register] |= np.where(full, 0, Quality.OPEN).astype(np.uint16)
        self.touched[register] = True


def step(state: LedgerState, segments: Segments) -> tuple[LedgerState, IntervalBatch]:
    """Add segments that follow on from the state; returns the intervals that are now closed."""
    if len(segments) == 0:
        return state, IntervalBatch.empty()
    rows = intervals(segments)
    ends = np.append(segments.register[1:] != segments.register[:-1], np.True_)
    is_first = np.append(np.True_, rows.register[1:] != rows.register[:-1])
    is_last = np.append(is_first[1:], np.True_)
    first = np.flatnonzero(is_first)
    register = rows.register[first]

    # The newest interval so far goes on in the first row, or is closed by it.
    goes_on = state.start_us[register] == rows.start_us[first]
    had_one = state.start_us[register] != NONE_US
    closed_now = state.rows(register[had_one & ~goes_on])
    closed_now.quality[:] &= ~np.uint16(Quality.OPEN)
    _merge(rows, first[goes_on], state.rows(register[goes_on]))

    state.put(rows.take(is_last), segments.base_us[ends])
    return state, IntervalBatch.concat([closed_now, rows.take(~is_last)])


def open_rows(state: LedgerState) -> tuple[LedgerState, IntervalBatch]:
    """The newest intervals that changed since this was last asked."""
    register = np.flatnonzero(state.touched).astype(np.int32)
    state.touched[register] = False
    return state, state.rows(register)


def recompute(chain: ReadingBatch, columns: RegisterColumns, start_us: int, end_us: int) -> IntervalBatch:
    """Intervals of registers in [start_us, end_us), from scratch.

    chain: readings by register, then time, one an identity; the first of each register is
    believed (see analytics.belief). The edges lie on interval edges. Intervals in which
    nothing is known have no row.
    """
    if len(chain) == 0:
        return IntervalBatch.empty()
    rows = intervals(believe(one_an_identity(chain), columns).segments)
    return rows.take((rows.start_us >= start_us) & (rows.start_us < end_us))


def continue_from(
    state: LedgerState, counters: CounterState, chain: ReadingBatch, found: Belief, rows: IntervalBatch
) -> None:
    """Go on from a recomputation of registers up to their newest readings; changes both states.

    chain: their readings, the last of each being its newest. found, rows: what they make.
    """
    register = found.bases.register
    ends = np.flatnonzero(np.append(chain.register[1:] != chain.register[:-1], np.True_))
    counters.last_us[register], counters.last_value[register] = chain.event_time_us[ends], chain.value[ends]
    counters.remember(found.bases)
    others = counters.waiting.take(~np.isin(counters.waiting.register, register))
    counters.wait(ReadingBatch.concat([others, chain.take(found.waiting)]))

    last = np.append(rows.register[1:] != rows.register[:-1], np.True_) if len(rows) else slice(0)
    newest = rows.take(last)
    before = state.rows(newest.register)
    other = (before.start_us != newest.start_us) | ~np.isclose(before.amount, newest.amount)
    newest.quality[other] |= np.uint16(Quality.LATE)
    state.start_us[register] = NONE_US
    of = np.searchsorted(found.segments.register, newest.register)
    state.put(newest, found.segments.base_us[of])


def intervals(segments: Segments) -> IntervalBatch:
    """Cut segments at the interval edges and add up what falls into each interval.

    The intervals of a register are as long as segments.base_us says, and lie on its marks.
    segments: ordered by register, then time, each following on from the one before.
    Energy is spread evenly over a segment.
    """
    if len(segments) == 0:
        return IntervalBatch.empty()
    # A reading exactly on an edge is the last of the interval that ends there.
    base_us = _one_or_each(segments.base_us)
    first_base = segments.start_us // base_us
    last_base = (segments.end_us - 1) // base_us
    pieces = last_base - first_base + 1
    of = np.repeat(np.arange(len(segments)), pieces)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    on_marks = base_us.ndim == 0 and base_us == BASE_US
    base_us = base_us if base_us.ndim == 0 else base_us[of]
    start_us = (first_base[of] + nth) * base_us
    end_us = start_us + base_us
    begins, ends = segments.start_us[of], segments.end_us[of]
    low, high = np.maximum(begins, start_us), np.minimum(ends, end_us)
    length_us = ends - begins
    amount = segments.amount[of] * ((high - low) / length_us)
    covered_us = np.maximum(high - np.maximum(low, segments.covered_from_us[of]), 0)
    long = length_us > BASE_US
    quality = segments.quality[of]
    starts, lasts = long & (begins < start_us), long & (ends > end_us)
    quality |= _interpolated(starts, Quality.START_INTERPOLATED, start_us, on_marks=on_marks)
    quality |= _interpolated(lasts, Quality.END_INTERPOLATED, end_us, on_marks=on_marks)

    register = segments.register[of]
    new = np.append(np.True_, (register[1:] != register[:-1]) | (start_us[1:] != start_us[:-1]))
    head = np.flatnonzero(new)
    tail = np.append(head[1:], len(of)) - 1
    starts_inside, ends_inside = begins >= start_us, ends <= end_us
    first_us, first_value = _reading(
        segments, of[head], starts_inside[head], ends_inside[head], earliest=True
    )
    last_us, last_value = _reading(segments, of[tail], starts_inside[tail], ends_inside[tail], earliest=False)
    return IntervalBatch(
        register[head],
        start_us[head],
        np.add.reduceat(amount, head),
        np.add.reduceat(covered_us, head),
        np.bitwise_or.reduceat(quality, head),
        first_us,
        first_value,
        last_us,
        last_value,
        np.zeros(len(head), np.int32),
    )


def _one_or_each(base_us: I64) -> I64:
    """What all have in common, as one number; else that of each. Dividing by one number is faster."""
    return base_us[0] if (base_us == base_us[0]).all() else base_us


def _interpolated(is_so: Mask, flag: Quality, edge_us: I64, *, on_marks: bool) -> U16:
    """The flag of edges that are interpolated; another one where no 15-minute mark is."""
    flags = np.where(is_so, flag, 0).astype(np.uint16)
    if not on_marks:
        flags[is_so & (edge_us % BASE_US != 0)] = Quality.INNER_INTERPOLATED
    return flags


def _reading(
    segments: Segments, of: I64, starts_inside: Mask, ends_inside: Mask, *, earliest: bool
) -> tuple[I64, F64]:
    """First or last reading inside an interval, from its first or last piece's segment."""
    take_start = starts_inside if earliest else starts_inside & ~ends_inside
    time_us = np.where(take_start, segments.start_us[of], segments.end_us[of])
    value = np.where(take_start, segments.start_value[of], segments.end_value[of])
    none = ~starts_inside & ~ends_inside
    return np.where(none, 0, time_us), np.where(none, np.nan, value)


def _merge(rows: IntervalBatch, at: I64, earlier: IntervalBatch) -> None:
    """Add what was known of an interval before to rows[at], in place."""
    rows.amount[at] += earlier.amount
    rows.covered_us[at] += earlier.covered_us
    rows.quality[at] |= earlier.quality & ~np.uint16(Quality.OPEN)
    has_first = ~np.isnan(earlier.first_value)
    rows.first_us[at] = np.where(has_first, earlier.first_us, rows.first_us[at])
    rows.first_value[at] = np.where(has_first, earlier.first_value, rows.first_value[at])
    no_last = np.isnan(rows.last_value[at])
    rows.last_us[at] = np.where(no_last, earlier.last_us, rows.last_us[at])
    rows.last_value[at] = np.where(no_last, earlier.last_value, rows.last_value[at])
