"""Sums of ledger intervals from their rows, read in pieces so that memory stays bounded.

What every store can do; one that sums where the rows are has a shorter way to the same.
"""

from collections.abc import Callable, Iterator

import numpy as np

from core.batch import BASE_US, I32, I64, IntervalBatch
from core.sums import IntervalSums

_DAY_US = 86_400_000_000
_SLOTS_A_DAY = _DAY_US // BASE_US
_MOST_ROWS = 400_000

Read = Callable[[I32, int, int], IntervalBatch]


def summed(read: Read, registers: I32, edges_us: I64, most_rows: int = _MOST_ROWS) -> IntervalSums:
    """Sums by register (ascending, each once) and period, of the intervals that read gives."""
    sums = IntervalSums.empty(np.unique(registers).astype(np.int32), edges_us)
    for piece, start_us, end_us in _pieces(sums.register, edges_us, most_rows):
        sums.add(read(piece, start_us, end_us))
    return sums


def _pieces(registers: I32, edges_us: I64, most_rows: int) -> Iterator[tuple[I32, int, int]]:
    """As many registers as go for a day, then as many days.

    Stores keep the rows of a day together. A year of many registers is read once this way,
    and not once for each few registers.
    """
    at_once = max(most_rows // _SLOTS_A_DAY, 1)
    days = max(most_rows // (_SLOTS_A_DAY * max(min(at_once, len(registers)), 1)), 1)
    start_us, last_us = int(edges_us[0]), int(edges_us[-1])
    while start_us < last_us:
        end_us = min((start_us // _DAY_US + days) * _DAY_US, last_us)
        for first in range(0, len(registers), at_once):
            yield registers[first : first + at_once], start_us, end_us
        start_us = end_us
