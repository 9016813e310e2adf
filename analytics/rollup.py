"""Ledger intervals summed to longer periods and over several registers.

Sums of any parts add up to the sum of the whole (`Periods.plus`, `Periods.coarsen`), so a
caller may read the ledger in pieces.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import F64, I64, U16, IntervalBatch
from core.sums import END, INNER, START, slot_table, slot_us


@dataclass(frozen=True, slots=True)
class Periods:
    """What the ledger knows of periods [edges_us[i], edges_us[i + 1]).

    sums: consumption known of, in the registers' unit; 0 where nothing is known.
    intervals: how many ledger intervals with an amount are in the sum.
    covered_us: measured time, summed over registers.
    quality: flags of all intervals; interpolation of an edge counts only at the period's own.
    """

    edges_us: I64
    sums: F64
    intervals: I64
    covered_us: I64
    quality: U16

    @classmethod
    def empty(cls, edges_us: I64) -> "Periods":
        """Periods of which nothing is known."""
        n = len(edges_us) - 1
        return cls(
            edges_us, np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.uint16)
        )

    @property
    def amount(self) -> F64:
        """Consumption of each period; NaN where nothing is known, which is not zero."""
        return np.where(self.intervals > 0, self.sums, np.nan)

    def coverage(self, registers: int, now_us: int) -> F64:
        """Measured share, 0 to 1, of each period's time up to now, over so many registers."""
        begin_us, end_us = self.edges_us[:-1], self.edges_us[1:]
        elapsed_us = np.clip(np.minimum(end_us, now_us) - begin_us, 0, None) * registers
        share = self.covered_us / np.maximum(elapsed_us, 1)
        return np.where(elapsed_us > 0, np.minimum(share, 1.0), 0.0)

    def share(self, due_us: I64) -> F64:
        """Measured share, 0 to 1, of the time that should have been measured in each period."""
        return np.where(due_us > 0, np.minimum(self.covered_us / np.maximum(due_us, 1), 1.0), 0.0)

    def plus(self, other: "Periods") -> "Periods":
        """The same periods with the intervals of both."""
        return Periods(
            self.edges_us,
            self.sums + other.sums,
            self.intervals + other.intervals,
            self.covered_us + other.covered_us,
            self.quality | other.quality,
        )

    def coarsen(self, edges_us: I64) -> "Periods":
        """Longer periods made of these; every one of edges_us is one of self.edges_us."""
        cuts = np.searchsorted(self.edges_us, edges_us)
        starts, last = cuts[:-1], cuts[-1]
        quality = np.bitwise_or.reduceat(self.quality[:last] & INNER, starts)
        quality |= self.quality[starts] & START
        quality |= self.quality[cuts[1:] - 1] & END
        return Periods(
            edges_us,
            np.add.reduceat(self.sums[:last], starts),
            np.add.reduceat(self.intervals[:last], starts),
            np.add.reduceat(self.covered_us[:last], starts),
            quality,
        )

    def total(self) -> "Periods":
        """All of them as one period."""
        return self.coarsen(self.edges_us[[0, -1]])


def roll_up(intervals: IntervalBatch, edges_us: I64) -> Periods:
    """Sum intervals of any registers, in any order, into the periods between edges_us.

    edges_us: ascending, at least two, as of IntervalSums. Intervals outside are left
    out. One pass over the rows without a Python loop.
    """
    unit_us = slot_us(edges_us)
    slot = (intervals.start_us - edges_us[0]) // unit_us
    slots = int(edges_us[-1] - edges_us[0]) // unit_us
    if len(slot) and (slot.min() < 0 or slot.max() >= slots):
        inside = (slot >= 0) & (slot < slots)
        intervals, slot = intervals.take(inside), slot[inside]
    if not len(intervals):
        return Periods.empty(edges_us)
    period_of_slot, counting_flags = slot_table(edges_us)
    period = period_of_slot[slot]
    # The store sorts by register and time, so the rows of a period come in long runs.
    run = np.flatnonzero(np.diff(period, prepend=-1))
    run_period = period[run]
    known = ~np.isnan(intervals.amount)
    rolled = Periods.empty(edges_us)
    np.add.at(rolled.sums, run_period, np.add.reduceat(np.where(known, intervals.amount, 0.0), run))
    np.add.at(rolled.intervals, run_period, np.add.reduceat(known, run, dtype=np.int64))
    np.add.at(rolled.covered_us, run_period, np.add.reduceat(intervals.covered_us, run))
    flags = np.bitwise_or.reduceat(intervals.quality & counting_flags[slot], run)
    np.bitwise_or.at(rolled.quality, run_period, flags)
    return rolled
