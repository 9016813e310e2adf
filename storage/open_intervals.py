"""Ledger intervals that are still filling, kept in memory beside a store.

They change with nearly every batch, so writing them out would multiply the store's work
for rows that the pipeline can compute again.
"""

import threading

import numpy as np

from core.batch import I32, I64, MINUTE_US, IntervalBatch, Mask
from core.quality import Quality
from storage.columns import latest_intervals

_VACANT = np.iinfo(np.int64).min  # start_us of a row that holds nothing


def split(intervals: IntervalBatch) -> tuple[IntervalBatch, IntervalBatch]:
    """Closed and open rows; of an identity that is in both, the last row only."""
    opened = _is_open(intervals)
    if opened.any() and not opened.all():
        intervals = latest_intervals(intervals)
        opened = _is_open(intervals)
    return intervals.take(~opened), intervals.take(opened)


def _is_open(intervals: IntervalBatch) -> Mask:
    opened: Mask = (intervals.quality & int(Quality.OPEN)) != 0
    return opened


class OpenIntervals:
    """The open intervals by (register, start_us); calls are safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows = _vacant(1024)
        self._row_of: dict[tuple[int, int], int] = {}
        self._free = list(range(1024))

    def put(self, opened: IntervalBatch) -> None:
        """Add or replace; of a repeated identity the last row stays."""
        with self._lock:
            rows = np.fromiter(
                map(self._row, opened.register.tolist(), opened.start_us.tolist()), np.int64, len(opened)
            )
            for name, column in opened.columns().items():
                getattr(self._rows, name)[rows] = column

    def remove(self, register: I32, start_us: I64) -> None:
        """Forget the intervals with these identities; unknown ones are ignored."""
        with self._lock:
            if not self._row_of:
                return
            if len(register) > len(self._row_of):  # a year that was derived again: few are held
                held = np.isin(_key(register, start_us), _key(self._rows.register, self._rows.start_us))
                register, start_us = register[held], start_us[held]
            for key in zip(register.tolist(), start_us.tolist(), strict=True):
                row = self._row_of.pop(key, None)
                if row is not None:
                    self._rows.start_us[row] = _VACANT
                    self._free.append(row)

    def within(self, registers: I32, start_us: int, end_us: int) -> IntervalBatch:
        """Open intervals of these registers with start_us <= start < end_us, in no order."""
        with self._lock:
            start = self._rows.start_us
            rows = np.flatnonzero((start >= start_us) & (start < end_us) & (start != _VACANT))
            return self._rows.take(rows[np.isin(self._rows.register[rows], registers)])

    def _row(self, register: int, start_us: int) -> int:
        row = self._row_of.get((register, start_us))
        if row is None:
            if not self._free:
                held = len(self._rows)
                self._rows = IntervalBatch.concat([self._rows, _vacant(held)])
                self._free = list(range(held, 2 * held))
            row = self._row_of[register, start_us] = self._free.pop()
        return row


def _key(register: I32, start_us: I64) -> I64:
    key: I64 = register.astype(np.int64) << 40 | start_us // MINUTE_US
    return key


def _vacant(size: int) -> IntervalBatch:
    return IntervalBatch(
        register=np.zeros(size, np.int32),
        start_us=np.full(size, _VACANT, np.int64),
        amount=np.zeros(size, np.float64),
        covered_us=np.zeros(size, np.int64),
        quality=np.zeros(size, np.uint16),
        first_us=np.zeros(size, np.int64),
        first_value=np.zeros(size, np.float64),
        last_us=np.zeros(size, np.int64),
        last_value=np.zeros(size, np.float64),
        revision=np.zeros(size, np.int32),
    )
