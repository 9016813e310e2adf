"""What was used between two readings of a counter, and which of it counts as measured."""

from dataclasses import dataclass

import numpy as np

from core.batch import BASE_US, F64, I32, I64, U16, Mask, ReadingBatch
from core.columns import RegisterColumns
from core.quality import THINNED, Quality, ReadingQuality

GAP_FACTOR = 1.5
"""A silence longer than this many expected intervals is a gap: one reading is missing."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Consumption between consecutive readings (start, end) of a register.

    start_value, end_value: as the meter shows them; amount is after ratio.
    base_us: length of the register's ledger intervals.
    covered_from_us: from here to end_us the segment counts as measured; later than
    start_us only where the register was silent for longer than a gap.
    """

    register: I32
    start_us: I64
    end_us: I64
    start_value: F64
    end_value: F64
    amount: F64
    covered_from_us: I64
    quality: U16
    base_us: I64

    def __len__(self) -> int:
        return len(self.register)

    @classmethod
    def empty(cls) -> "Segments":
        """No segments."""
        i32, i64, f64 = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.float64)
        return cls(i32, i64, i64, f64, f64, f64, i64, np.empty(0, np.uint16), i64)


@dataclass(frozen=True, slots=True)
class Joins:
    """Segments as rows of a chain of readings: from row first[i] to row last[i], of one register.

    times, values, amount and flags as of Segments; amount is after ratio.
    """

    first: I64
    last: I64
    start_us: I64
    end_us: I64
    start_value: F64
    end_value: F64
    amount: F64
    flags: U16

    def segments(self, chain: ReadingBatch, columns: RegisterColumns) -> Segments:
        """The segments, with what the silence between their readings says of them."""
        register = chain.register[self.last]
        expected_us = columns.expected_us[register]
        gap = (self.end_us - self.start_us) > GAP_FACTOR * expected_us
        flags = self.flags
        marks = np.bitwise_or.reduce(chain.quality, initial=0)
        if marks & THINNED:
            bridges = np.append(0, np.cumsum(~thinned_pairs(chain)))
            gap &= bridges[self.last] > bridges[self.first]
        if marks & ReadingQuality.MANUAL:
            by_hand = (chain.quality[self.first] | chain.quality[self.last]) & ReadingQuality.MANUAL
            flags = flags | np.where(by_hand, Quality.MANUAL, 0).astype(np.uint16)
        flags = flags | np.where(gap, Quality.GAP_SPREAD, 0).astype(np.uint16)
        covered_from_us = np.where(gap, np.maximum(self.end_us - expected_us, self.start_us), self.start_us)
        return Segments(
            register,
            self.start_us,
            self.end_us,
            self.start_value,
            self.end_value,
            self.amount,
            covered_from_us,
            flags,
            columns.base_us[register],
        )


def gaps(chain: ReadingBatch, columns: RegisterColumns) -> Mask:
    """Whether the register was silent for longer than a gap before the next row; bool[n - 1].

    Rows between which readings were let go are none, wherever a later one came in between.
    What is said of rows of different registers means nothing.
    """
    length_us = chain.event_time_us[1:] - chain.event_time_us[:-1]
    gap: Mask = length_us > GAP_FACTOR * columns.expected_us[chain.register[1:]]
    if np.any(chain.quality & THINNED):
        gap &= ~thinned_pairs(chain)
    return gap


def thinned_pairs(chain: ReadingBatch) -> Mask:
    """Whether readings between a row and the next were let go; bool[n - 1].

    THINNED_AFTER opens such a span and THINNED_BEFORE closes it, within one ledger interval
    as long as that was then, 15 minutes at most; a row without either that came late lies inside.
    """
    slot = (chain.event_time_us - 1) // BASE_US
    rows = np.arange(len(chain))
    marked = np.maximum.accumulate(np.where(chain.quality & THINNED, rows, 0))
    opened = (chain.quality[marked] & ReadingQuality.THINNED_AFTER).astype(np.bool_)
    opened &= (chain.register[marked] == chain.register) & (slot[marked] == slot)
    closes = (chain.quality[1:] & ReadingQuality.THINNED_BEFORE).astype(np.bool_)
    beside = (chain.register[1:] == chain.register[:-1]) & (slot[1:] == slot[:-1])
    together: Mask = (opened[:-1] | closes) & beside
    return together
