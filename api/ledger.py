"""Consumption from the store's ledger, read in pieces so that memory stays bounded."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from threading import BoundedSemaphore
from typing import Protocol

import numpy as np

from analytics import virtual
from analytics.rollup import Periods
from analytics.virtual import Virtual
from api.services import Limits
from core.batch import BASE_US, I32, I64, IntervalBatch
from core.ports import TimeSeriesStore
from core.sums import IntervalSums, merged

_DAY_US = 86_400_000_000
_SLOTS_A_DAY = _DAY_US // BASE_US


class Filled(Protocol):
    """What takes sums of sources, a piece at a time."""

    @property
    def cuts(self) -> Mapping[int, tuple[int, ...]]:
        """By source that is wanted, the times at which its sums are to be cut."""
        ...

    def add(self, sums: IntervalSums) -> None:
        """Take some sources."""
        ...


class Ledger:
    """Holds at most limits.ledger_rows sums or rows at once, for limits.ledger_readers requests at a time."""

    def __init__(self, store: TimeSeriesStore, limits: Limits) -> None:
        self._store = store
        self._most_rows = limits.ledger_rows
        self._readers = BoundedSemaphore(limits.ledger_readers)
        self._rows_a_day = _SLOTS_A_DAY  # of a register: the most that was found

    def periods(self, registers: I32, edges_us: I64) -> Periods:
        """What the ledger holds of the registers between the edges, summed. Raises StoreError."""
        rolled = Periods.empty(edges_us)
        for sums in self.sums(registers.tolist(), edges_us, {}):
            rolled = rolled.plus(
                Periods(
                    edges_us,
                    sums.amount.sum(axis=0),
                    sums.known.sum(axis=0),
                    sums.covered_us.sum(axis=0),
                    np.bitwise_or.reduce(sums.quality, axis=0),
                )
            )
        return rolled

    def tally(self, tallies: Sequence[Filled], edges_us: I64, virtuals: Mapping[int, Virtual]) -> None:
        """Fill tallies over the same edges, each source read once and cut where one of them needs it.

        virtuals: virtual meters by source. Raises StoreError.
        """
        cuts: dict[int, set[int]] = defaultdict(set)
        for tally in tallies:
            for source, edges in tally.cuts.items():
                cuts[source] |= {one for one in edges if edges_us[0] < one < edges_us[-1]}
        alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for source, times in cuts.items():
            alike[tuple(sorted(times))].append(source)
        for inner, found in alike.items():
            finer = np.union1d(edges_us, np.array(inner, np.int64))
            for sums in self.sums(found, finer, virtuals):
                for tally in tallies:
                    tally.add(sums)

    def sums(
        self, sources: Sequence[int], edges_us: I64, virtuals: Mapping[int, Virtual]
    ) -> Iterator[IntervalSums]:
        """Sums by source and period, some sources at a time. Raises StoreError."""
        registers = np.array(sorted({one for one in sources if one not in virtuals}), np.int32)
        at_once = max(self._most_rows // (len(edges_us) - 1), 1)
        for first in range(0, len(registers), at_once):
            with self._readers:
                sums = self._store.interval_sums(registers[first : first + at_once], edges_us)
            yield sums
        for source in sorted({one for one in sources if one in virtuals}):
            found = IntervalSums.empty(np.array([source], np.int32), edges_us)
            length_us = int(min(np.gcd.reduce(np.diff(edges_us)), BASE_US))
            for rows in self.rows_of(virtuals[source], int(edges_us[0]), int(edges_us[-1]), length_us):
                found.add(rows)
            yield found

    def rows_of(
        self, meter: Virtual, start_us: int, end_us: int, length_us: int = BASE_US
    ) -> Iterator[IntervalBatch]:
        """Intervals of a virtual meter, of this length, some days at a time. Raises StoreError."""
        for rows, low_us, high_us in self._rows(np.array(meter.registers, np.int32), start_us, end_us):
            yield virtual.intervals(meter, rows, low_us, high_us, length_us)

    def rows(self, registers: I32, start_us: int, end_us: int) -> Iterator[IntervalBatch]:
        """15-minute intervals of registers, some registers and days at a time. Raises StoreError."""
        at_once = max(self._most_rows // self._rows_a_day, 1)
        registers = np.sort(registers)
        for first in range(0, len(registers), at_once):
            for rows, _, _ in self._rows(registers[first : first + at_once], start_us, end_us):
                yield merged(rows)

    def _rows(self, registers: I32, start_us: int, end_us: int) -> Iterator[tuple[IntervalBatch, int, int]]:
        """Intervals of all these registers with the span that they are of."""
        while start_us < end_us:
            days = max(self._most_rows // (self._rows_a_day * max(len(registers), 1)), 1)
            next_us = min((start_us // _DAY_US + days) * _DAY_US, end_us)
            with self._readers:
                found = self._store.intervals(registers, start_us, next_us)
            filled = len(found) * _DAY_US // ((next_us - start_us) * max(len(registers), 1))
            self._rows_a_day = max(self._rows_a_day, filled)
            yield found, start_us, next_us
            start_us = next_us
