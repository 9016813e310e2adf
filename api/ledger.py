"""Consumption from the store's ledger, read in pieces so that memory stays bounded."""

from threading import BoundedSemaphore

import numpy as np

from analytics.rollup import Periods, roll_up
from api.services import Limits
from core.batch import BASE_US, I32, I64
from core.ports import TimeSeriesStore


class Ledger:
    """Reads at most limits.ledger_rows rows at once, for limits.ledger_readers requests at a time."""

    def __init__(self, store: TimeSeriesStore, limits: Limits) -> None:
        self._store = store
        self._most_rows = limits.ledger_rows
        self._readers = BoundedSemaphore(limits.ledger_readers)

    def periods(self, registers: I32, edges_us: I64) -> Periods:
        """What the ledger holds of the registers between the edges, summed. Raises StoreError."""
        start_us, end_us = int(edges_us[0]), int(edges_us[-1])
        rows_a_register = max((end_us - start_us) // BASE_US, 1)
        at_once = max(self._most_rows // rows_a_register, 1)
        rolled = Periods.empty(edges_us)
        with self._readers:
            for first in range(0, len(registers), at_once):
                piece = np.sort(registers[first : first + at_once])
                rolled = rolled.plus(roll_up(self._store.intervals(piece, start_us, end_us), edges_us))
        return rolled
