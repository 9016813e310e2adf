"""Ledger intervals summed by register and period: what every longer figure is made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.batch import BASE_US, F64, I32, I64, MINUTE_US, U16, IntervalBatch
from core.quality import Quality

START, END = np.uint16(Quality.START_INTERPOLATED), np.uint16(Quality.END_INTERPOLATED)
INNER = np.uint16(0xFFFF) & ~(START | END | np.uint16(Quality.INNER_INTERPOLATED))
_ALL = np.uint16(0xFFFF)


@dataclass(frozen=True, slots=True)
class IntervalSums:
    """Row i is register[i], column j is the period [edges_us[j], edges_us[j + 1]).

    register: i32[r], each once. edges_us: i64[p + 1], ascending, on 15-minute marks. Where no
    period is longer than 15 minutes they may be on any minute that ends an interval of each register.
    All others are [r, p]. amount: 0 where nothing is known, which `known` tells from zero:
    it counts the intervals with an amount. covered_us: measured time. quality: flags of all
    intervals; interpolation of an edge counts only at the period's own. revised: how many
    times the intervals were recomputed with another result, summed.
    """

    register: I32
    edges_us: I64
    amount: F64
    known: I64
    covered_us: I64
    quality: U16
    revised: I64

    @classmethod
    def empty(cls, register: I32, edges_us: I64) -> "IntervalSums":
        """Sums of registers of which nothing is known."""
        shape = len(register), len(edges_us) - 1
        return cls(
            register,
            edges_us,
            np.zeros(shape),
            np.zeros(shape, np.int64),
            np.zeros(shape, np.int64),
            np.zeros(shape, np.uint16),
            np.zeros(shape, np.int64),
        )

    def add(self, intervals: IntervalBatch) -> None:
        """Add ledger intervals, one an identity, in any order, in place.

        Those of other registers and those outside the edges are left out. One pass over the
        rows without a Python loop.
        """
        if not len(intervals) or not len(self.register):
            return
        order = np.argsort(self.register)
        at = np.searchsorted(self.register, intervals.register, sorter=order)
        row = order[np.minimum(at, len(order) - 1)]
        unit_us = slot_us(self.edges_us)
        slot = (intervals.start_us - self.edges_us[0]) // unit_us
        slots = int(self.edges_us[-1] - self.edges_us[0]) // unit_us
        inside = (self.register[row] == intervals.register) & (slot >= 0) & (slot < slots)
        if not inside.all():
            intervals, row, slot = intervals.take(inside), row[inside], slot[inside]
            if not len(intervals):
                return
        period_of_slot, counting_flags = slot_table(self.edges_us)
        cell = row * (len(self.edges_us) - 1) + period_of_slot[slot]
        # Stores sort by register and time, so the rows of a cell come in long runs.
        run = np.flatnonzero(np.diff(cell, prepend=-1))
        to = cell[run]
        known = ~np.isnan(intervals.amount)
        np.add.at(self.amount.reshape(-1), to, np.add.reduceat(np.where(known, intervals.amount, 0.0), run))
        np.add.at(self.known.reshape(-1), to, np.add.reduceat(known, run, dtype=np.int64))
        np.add.at(self.covered_us.reshape(-1), to, np.add.reduceat(intervals.covered_us, run))
        np.add.at(self.revised.reshape(-1), to, np.add.reduceat(intervals.revision, run, dtype=np.int64))
        flags = np.bitwise_or.reduceat(intervals.quality & counting_flags[slot], run)
        np.bitwise_or.at(self.quality.reshape(-1), to, flags)


def merged(intervals: IntervalBatch, length_us: int = BASE_US) -> IntervalBatch:
    """Ledger intervals as if their registers had this base, or the longer one that they have.

    intervals: one an identity; in any order if some are shorter. An amount is that of the parts
    of which one is known; revisions are added up.
    """
    if not np.any(intervals.start_us % length_us):
        return intervals
    rows = intervals.take(np.lexsort((intervals.start_us, intervals.register)))
    start_us = rows.start_us // length_us * length_us
    new = (rows.register[1:] != rows.register[:-1]) | (start_us[1:] != start_us[:-1])
    head = np.flatnonzero(np.append(np.True_, new))
    number = np.arange(len(rows))
    known = ~np.isnan(rows.amount)
    amount = np.add.reduceat(np.where(known, rows.amount, 0.0), head)
    quality = np.bitwise_or.reduceat(rows.quality, head)
    if length_us == BASE_US:
        quality &= ~np.uint16(Quality.INNER_INTERPOLATED)
    first = np.minimum.reduceat(np.where(np.isnan(rows.first_value), len(rows), number), head)
    first = np.where(first < len(rows), first, head)
    last = np.maximum.reduceat(np.where(np.isnan(rows.last_value), -1, number), head)
    last = np.where(last >= 0, last, head)
    return IntervalBatch(
        rows.register[head],
        start_us[head],
        np.where(np.logical_or.reduceat(known, head), amount, np.nan),
        np.add.reduceat(rows.covered_us, head),
        quality,
        rows.first_us[first],
        rows.first_value[first],
        rows.last_us[last],
        rows.last_value[last],
        np.add.reduceat(rows.revision, head),
    )


def slot_us(edges_us: I64) -> int:
    """Length of the slots of slot_table: of which every edge is on a mark."""
    return MINUTE_US if np.any(edges_us % BASE_US) else BASE_US


def slot_table(edges_us: I64) -> tuple[NDArray[np.int64], U16]:
    """Of every slot between the edges: its period, and which flags it may pass on.

    A silence that is long enough for the flag of an edge inside a period of 15 minutes or less
    reaches over one of the period's own edges, so that all flags count there.
    """
    unit_us = slot_us(edges_us)
    slots_in = np.diff(edges_us) // unit_us
    period = np.repeat(np.arange(len(slots_in)), slots_in)
    if unit_us < BASE_US:
        return period, np.full(len(period), _ALL, np.uint16)
    flags = np.full(len(period), INNER, np.uint16)
    end = np.cumsum(slots_in)
    flags[end - slots_in] |= START
    flags[end - 1] |= END
    return period, flags
