"""Ledger intervals summed by register and period: what every longer figure is made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.batch import BASE_US, F64, I32, I64, U16, IntervalBatch
from core.quality import Quality

START, END = np.uint16(Quality.START_INTERPOLATED), np.uint16(Quality.END_INTERPOLATED)
INNER = np.uint16(0xFFFF) & ~(START | END)


@dataclass(frozen=True, slots=True)
class IntervalSums:
    """Row i is register[i], column j is the period [edges_us[j], edges_us[j + 1]).

    register: i32[r], each once. edges_us: i64[p + 1], ascending, on 15-minute marks.
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
        slot = (intervals.start_us - self.edges_us[0]) // BASE_US
        slots = int(self.edges_us[-1] - self.edges_us[0]) // BASE_US
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


def slot_table(edges_us: I64) -> tuple[NDArray[np.int64], U16]:
    """Of every 15-minute slot between the edges: its period, and which flags it may pass on."""
    slots_in = np.diff(edges_us) // BASE_US
    period = np.repeat(np.arange(len(slots_in)), slots_in)
    flags = np.full(len(period), INNER, np.uint16)
    end = np.cumsum(slots_in)
    flags[end - slots_in] |= START
    flags[end - 1] |= END
    return period, flags
