"""Sums of ledger intervals from their rows, read in pieces so that memory stays bounded.

What every store can do; one that sums where the rows are has a shorter way to the same.
"""

from collections.abc import Callable

import numpy as np

from core.batch import BASE_US, I32, I64, MINUTE_US, IntervalBatch
from core.sums import IntervalSums

_DAY_US = 86_400_000_000
_SLOTS_A_DAY = _DAY_US // BASE_US
_MOST_SLOTS_A_DAY = _DAY_US // MINUTE_US
_MOST_ROWS = 400_000

Read = Callable[[I32, int, int], IntervalBatch]


def summed(read: Read, registers: I32, edges_us: I64, most_rows: int = _MOST_ROWS) -> IntervalSums:
    """Sums by register (ascending, each once) and period, of the intervals that read gives.

    As many registers as go for a day are read at once, then as many days: stores keep the rows
    of a day together, and a year of many registers is read once this way, not once for each few.
    How many rows a day of a register has is not known before some were read.
    """
    sums = IntervalSums.empty(np.unique(registers).astype(np.int32), edges_us)
    start_us, last_us = int(edges_us[0]), int(edges_us[-1])
    rows_a_day = _MOST_SLOTS_A_DAY
    while start_us < last_us:
        at_once = max(most_rows // rows_a_day, 1)
        days = max(most_rows // (rows_a_day * max(min(at_once, len(sums.register)), 1)), 1)
        end_us = min((start_us // _DAY_US + days) * _DAY_US, last_us)
        most = 0
        for first in range(0, len(sums.register), at_once):
            some = sums.register[first : first + at_once]
            rows = read(some, start_us, end_us)
            sums.add(rows)
            most = max(most, len(rows) // len(some))
        rows_a_day = max(most * _DAY_US // (end_us - start_us), _SLOTS_A_DAY)
        start_us = end_us
    return sums
