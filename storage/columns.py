"""Order and identity of rows, shared by the time-series stores.

A store may hold several rows of one identity; readers see the last written one. These
functions turn columns in the order of writing into rows by (first key, second key), one
an identity, without a Python loop over rows.
"""

import numpy as np

from core.batch import BASE_US, I32, I64, MINUTE_US, IntervalBatch, Mask, PositionBatch, ReadingBatch
from core.quality import THINNED

# A scatter table costs 8 bytes a cell; below this many cells a row it beats sorting.
_CELLS_PER_ROW = 8


def _ends_run(first: I32, second: I64) -> Mask:
    """True where the next row has another identity; rows must be grouped by identity."""
    last = np.ones(len(first), np.bool_)
    last[:-1] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return last


def is_ordered(first: I32, second: I64) -> bool:
    """Whether rows are strictly increasing by (first, second): in order and without repeats."""
    later, same = first[1:] > first[:-1], first[1:] == first[:-1]
    return bool(np.all(later | (same & (second[1:] > second[:-1]))))


def latest_rows(first: I32, second: I64, written: I64 | None = None) -> I64:
    """Row numbers ordered by (first, second), of each identity the last written.

    written: a rising mark of writing; equal marks (or None) leave it to the row order.
    """
    order = np.lexsort((second, first))
    keep = _ends_run(first[order], second[order])
    if not keep.all() and written is not None:
        order = np.lexsort((written, second, first))
        keep = _ends_run(first[order], second[order])
    return order[keep].astype(np.int64, copy=False)


def latest_readings(batch: ReadingBatch) -> ReadingBatch:
    """Rows by register, then event time; of an identity the one received last.

    Flags that tell of thinned neighbours are those of all its rows.
    """
    if is_ordered(batch.register, batch.event_time_us):
        return batch
    latest = batch.take(latest_rows(batch.register, batch.event_time_us, batch.received_at_us))
    if np.any(batch.quality & THINNED):
        # A correction does not bring back what went from beside the reading.
        order = np.lexsort((batch.event_time_us, batch.register))
        ends = _ends_run(batch.register[order], batch.event_time_us[order])
        starts = np.flatnonzero(np.append(np.True_, ends[:-1]))
        latest.quality[:] |= np.bitwise_or.reduceat(batch.quality[order] & np.uint8(THINNED), starts)
    return latest


def latest_positions(batch: PositionBatch) -> PositionBatch:
    """Rows by device, then fix time; of an identity the one received last."""
    if is_ordered(batch.device, batch.fix_time_us):
        return batch
    return batch.take(latest_rows(batch.device, batch.fix_time_us, batch.received_at_us))


def latest_intervals(batch: IntervalBatch) -> IntervalBatch:
    """Rows by register, then start; of an identity the last row.

    Ledger intervals lie on a grid, so their place in the result is computed, not sorted.
    """
    register, start_us = batch.register, batch.start_us
    if is_ordered(register, start_us):
        return batch
    low, high = int(start_us.min()), int(start_us.max())
    unit_us = MINUTE_US if np.any((start_us - low) % BASE_US) else BASE_US
    slots = (high - low) // unit_us + 1
    ids = np.unique(register)
    cells = slots * len(ids)
    if cells > _CELLS_PER_ROW * len(batch) or np.any((start_us - low) % unit_us):
        return batch.take(latest_rows(register, start_us))
    rank = np.zeros(int(ids[-1]) - int(ids[0]) + 1, np.int64)
    rank[ids - ids[0]] = np.arange(len(ids))
    row_of_cell = np.full(cells, -1, np.int64)
    cell = rank[register - ids[0]] * slots + (start_us - low) // unit_us
    row_of_cell[cell] = np.arange(len(batch))  # repeated cells keep the last row assigned
    return batch.take(row_of_cell[row_of_cell >= 0])
