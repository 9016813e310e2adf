"""Consumption from the store's ledger, read in pieces so that memory stays bounded."""

from collections.abc import Iterator
from threading import BoundedSemaphore

import numpy as np

from analytics.rollup import Periods, roll_up
from api.services import Limits
from core.batch import BASE_US, I32, I64
from core.ports import TimeSeriesStore

_DAY_US = 86_400_000_000
_SLOTS_A_DAY = _DAY_US // BASE_US


class Ledger:
    """Reads at most limits.ledger_rows rows at once, for limits.ledger_readers requests at a time."""

    def __init__(self, store: TimeSeriesStore, limits: Limits) -> None:
        self._store = store
        self._most_rows = limits.ledger_rows
        self._readers = BoundedSemaphore(limits.ledger_readers)

    def periods(self, registers: I32, edges_us: I64) -> Periods:
        """What the ledger holds of the registers between the edges, summed. Raises StoreError."""
        rolled = Periods.empty(edges_us)
        with self._readers:
            for piece, start_us, end_us in self._pieces(np.sort(registers), edges_us):
                rolled = rolled.plus(roll_up(self._store.intervals(piece, start_us, end_us), edges_us))
        return rolled

    def _pieces(self, registers: I32, edges_us: I64) -> Iterator[tuple[I32, int, int]]:
        """As many registers as go for a day, then as many days.

        Stores keep the rows of a day together. A year of many registers is read once this
        way, and not once for each few registers.
        """
        at_once = max(self._most_rows // _SLOTS_A_DAY, 1)
        days = max(self._most_rows // (_SLOTS_A_DAY * max(min(at_once, len(registers)), 1)), 1)
        start_us, last_us = int(edges_us[0]), int(edges_us[-1])
        while start_us < last_us:
            end_us = min((start_us // _DAY_US + days) * _DAY_US, last_us)
            for first in range(0, len(registers), at_once):
                yield registers[first : first + at_once], start_us, end_us
            start_us = end_us
