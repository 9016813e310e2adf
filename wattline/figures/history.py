"""Months of amounts that rules compare with, kept from round to round: read once, then extended."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.grouping import Amounts
from analytics.periods import Interval, edges
from analytics.shares import Shares
from core.batch import F64, I64

COVERAGE = 0.9
"""A period of which less was measured is not part of a history."""

_AT_ONCE = 250
"""Targets that are read at once: memory for sums of months."""

_SPARE = 8
"""Room is made for an eighth more periods: for twelve days beside three months."""

F32 = NDArray[np.float32]

Read = Callable[[Shares, int, I64], Amounts]
"""Amounts of so many groups between edges, up to now."""


@dataclass(slots=True)
class History:
    """Amounts of targets by consecutive local periods; column j is [edges_us[j], edges_us[j + 1]).

    Kept as float32: it says what is usual, and is booked nowhere. shares: what the rows were
    read with, row n being group n; a target that is made of something else now is read anew.
    From since_us until edges_us begins, nothing is known of any target, and nothing is kept.
    """

    interval: Interval
    timezone: str
    since_us: int = 0
    edges_us: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    targets: tuple[Hashable, ...] = ()
    shares: Shares = field(default_factory=lambda: Shares.of(()))
    _room: F32 = field(default_factory=lambda: np.empty((0, 0), np.float32))
    _first: int = 0

    @property
    def rows(self) -> F32:
        """float32[targets, periods]; a view of the room that there is for more periods."""
        return self._room[:, self._first : self._first + len(self.edges_us) - 1]

    def reach(
        self, targets: tuple[Hashable, ...], shares: Shares, start_us: int, end_us: int, read: Read
    ) -> None:
        """Have every target, in that order, from start_us until end_us at least.

        shares: target n is group n. start_us, end_us: of periods. Reads what is not here, and
        forgets what lies before start_us.
        """
        if not len(self.edges_us) or start_us < self.since_us:
            self.since_us, self.edges_us = start_us, np.array([end_us], np.int64)
            self._keep((), Shares.of(()), np.empty((0, 0), np.float32))
        elif self.edges_us[-1] < end_us:
            more_us = edges(int(self.edges_us[-1]), end_us, self.interval, self.timezone)
            more = self._read(self.shares, len(self.targets), more_us, read)
            self._append(more_us, _padded(more, len(more_us) - 1))
        self._fit(targets, shares, read)
        first = max(int(np.searchsorted(self.edges_us, start_us, "right")) - 1, 0)
        self.edges_us, self._first = self.edges_us[first:], self._first + first
        self.since_us = min(start_us, int(self.edges_us[0]))

    def extend(self, edges_us: I64, amounts: F64) -> None:
        """Add the periods between edges_us, which begin where this ends; float64[targets, periods]."""
        self._append(edges_us, amounts.astype(np.float32))

    def until(self, end_us: int) -> F32:
        """Amounts of all targets in the periods that end at or before end_us; a view, until more is added."""
        columns = int(np.searchsorted(self.edges_us, end_us, "right")) - 1
        return self.rows[:, : max(columns, 0)]

    def _append(self, edges_us: I64, rows: F32) -> None:
        known, width = self.rows, len(self.edges_us) - 1
        wider = width + rows.shape[1]
        if self._first + wider > self._room.shape[1]:
            # With room for some more, or every hour would copy months of hours.
            whole = wider + wider // _SPARE
            if whole > self._room.shape[1]:
                self._room = np.full((len(known), whole), np.nan, np.float32)
            for first in range(0, len(known), _AT_ONCE):
                some = slice(first, first + _AT_ONCE)
                self._room[some, :width] = known[some].copy()
            self._first = 0
        begin = self._first + width
        self._room[:, begin : begin + rows.shape[1]] = rows
        self.edges_us = np.concatenate([self.edges_us, edges_us[1:]])

    def _keep(self, targets: tuple[Hashable, ...], shares: Shares, rows: F32) -> None:
        self.targets, self.shares, self._room, self._first = targets, shares, rows, 0

    def _fit(self, targets: tuple[Hashable, ...], shares: Shares, read: Read) -> None:
        at = self._rows_of(targets, shares)
        if targets == self.targets and (at >= 0).all():
            return
        kept, new = np.flatnonzero(at >= 0), np.flatnonzero(at < 0)
        edges_us = edges(self.since_us, int(self.edges_us[-1]), self.interval, self.timezone)
        read_now = self._read(shares.of_groups(new), len(new), edges_us, read)
        width = max(read_now.shape[1], self.rows.shape[1])
        rows = np.full((len(targets), width), np.nan, np.float32)
        rows[new] = _padded(read_now, width)
        rows[kept] = _padded(self.rows[at[kept]], width)
        if width > self.rows.shape[1]:
            self.edges_us = edges_us[len(edges_us) - 1 - width :]
        self._keep(targets, shares, rows)

    def _rows_of(self, targets: tuple[Hashable, ...], shares: Shares) -> I64:
        """The row of each target here, -1 of one that is not or was made of something else."""
        if targets == self.targets:
            at = np.arange(len(targets))
        else:
            rows = {target: row for row, target in enumerate(self.targets)}
            at = np.array([rows.get(target, -1) for target in targets], np.int64)
        kept = np.flatnonzero(at >= 0)
        changed = ~self.shares.of_groups(at[kept]).alike(shares.of_groups(kept), len(kept))
        at[kept[changed]] = -1
        return at

    @staticmethod
    def _read(shares: Shares, groups: int, edges_us: I64, read: Read) -> F32:
        """The last periods between the edges, from the first on of which something is known."""
        found, width = [], 0
        for first in range(0, groups, _AT_ONCE):
            some = np.arange(first, min(first + _AT_ONCE, groups))
            rows = measured(read(shares.of_groups(some), len(some), edges_us)).astype(np.float32)
            known = np.flatnonzero(~np.isnan(rows).all(axis=0))
            found.append(rows[:, known[0] :].copy() if len(known) else rows[:, :0].copy())
            width = max(width, found[-1].shape[1])
        whole = np.full((groups, width), np.nan, np.float32)
        for number, rows in enumerate(found):
            first = number * _AT_ONCE
            whole[first : first + len(rows), width - rows.shape[1] :] = rows
        return whole


def _padded(rows: F32, width: int) -> F32:
    """The rows with so many columns, those before the first unknown."""
    ahead = np.full((len(rows), width - rows.shape[1]), np.nan, np.float32)
    return np.concatenate([ahead, rows], axis=1)


def measured(amounts: Amounts, coverage: float = COVERAGE) -> F64:
    """Amounts of what was measured for so much of the time; NaN elsewhere."""
    return np.where(amounts.coverage >= coverage, amounts.amount, np.nan)
