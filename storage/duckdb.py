"""Readings, positions and ledger intervals in one DuckDB file: the embedded store.

Tables are append-only and have no key, so that a batch is one sequential write; readers
resolve repeated identities (see storage.columns). Rows arrive roughly in the order of
time, so the minimum and maximum that DuckDB keeps of every block of rows let a query of
a time range skip all others.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from core.batch import I32, I64, MINUTE_US, IntervalBatch, PositionBatch, ReadingBatch
from core.errors import StoreError
from core.receipts import Receipts, Senders
from core.retention import Retention
from core.sums import IntervalSums
from storage import duckdb_receipts as receipts
from storage.columns import latest_intervals, latest_positions, latest_readings
from storage.duckdb_compaction import Compaction
from storage.duckdb_file import DuckDBFile
from storage.duckdb_queries import (
    Cursor,
    among,
    by_receipt,
    fetch,
    fetch_as_written,
    first_from,
    insert,
    last_before,
    replay_edges,
    scalar,
    within,
    within_slots,
)
from storage.duckdb_retention import Expiry
from storage.duckdb_rows import Counts, RowRecord
from storage.duckdb_schema import MIGRATIONS, SCHEMA, VERSION
from storage.duckdb_sums import is_worth_it, sum_in_place
from storage.interval_sums import summed
from storage.open_intervals import OpenIntervals, split

_log = logging.getLogger(__name__)

# Folding the log into the file stalls an append for some 0.1 s at this size; a start after
# a crash replays at most this much.
_CHECKPOINT_WAL_BYTES = 32 << 20
_TABLES = ("reading", "position", "interval")


class DuckDBStore:
    """The TimeSeriesStore of a single process; a second process is refused with StoreError.

    path: the file; made with its folder if missing.
    memory_limit_mb: bound of DuckDB's buffers; larger sorts spill to disk beside the file.
    threads: how many DuckDB may use for one query; None is one per core.
    """

    def __init__(self, path: Path, *, memory_limit_mb: int = 256, threads: int | None = None) -> None:
        self._path = path
        self._file = DuckDBFile(
            path, SCHEMA, memory_limit_mb=memory_limit_mb, threads=threads, missing=self._missing
        )
        self._check_version()
        self._compaction = Compaction(self._file)
        self._expiry = Expiry(self._file, self.last_received_us)
        self._open = OpenIntervals()
        self._checkpoint_at_bytes = _CHECKPOINT_WAL_BYTES
        self._marks = threading.Lock()
        with self._file.read() as cursor:
            self._last_received_us = max(
                scalar(cursor, "select coalesce(max(received_at_us), 0) from reading"),
                scalar(cursor, "select coalesce(max(received_at_us), 0) from position"),
                scalar(cursor, "select coalesce(max(received_at_us), 0) from watermark"),
            )

    def incidents(self) -> tuple[str, ...]:
        """Repairs since the store was opened, such as a damaged log moved aside."""
        return tuple(self._file.incidents)

    def append(self, readings: ReadingBatch, positions: PositionBatch) -> None:
        """Store both batches in one transaction."""
        received_us = [int(part.received_at_us.max()) for part in (readings, positions) if len(part)]
        if not received_us:
            return
        added = self._rows.adding(reading=len(readings), position=len(positions))
        with added, self._file.write() as connection:
            insert(connection, "reading", readings)
            insert(connection, "position", positions)
        with self._marks:
            self._last_received_us = max(self._last_received_us, *received_us)
        self._checkpoint_when_due()

    def prepare(self, readings: ReadingBatch, positions: PositionBatch) -> Callable[[], None]:
        """Nothing yet: columns go into the file as they are."""
        return partial(self.append, readings, positions)

    def put_intervals(self, intervals: IntervalBatch) -> None:
        """Store closed intervals durably and keep open ones in memory."""
        if np.any(intervals.start_us % MINUTE_US):
            raise ValueError("intervals must start at a minute")
        closed, opened = split(intervals)
        if len(closed):
            with self._rows.adding(interval=len(closed)), self._file.write() as connection:
                insert(connection, "interval", closed)
            self._open.remove(closed.register, closed.start_us)
            self._checkpoint_when_due()
        self._open.put(opened)

    def readings(self, registers: I32, start_us: int, end_us: int, limit: int | None = None) -> ReadingBatch:
        """Readings of a time range by register, then time."""
        with self._file.read() as cursor:
            where = f"{within('event_time_us', start_us, end_us)} and {among(cursor, 'register', registers)}"
            if limit is None:
                return latest_readings(fetch_as_written(cursor, ReadingBatch, f"from reading where {where}"))
            rows = limit + 1
            while True:
                ordered = "register, event_time_us, received_at_us, rowid"
                query = f"from reading where {where} order by {ordered} limit {rows}"
                found = fetch(cursor, ReadingBatch, query)
                complete = latest_readings(_without_last_identity(found) if len(found) == rows else found)
                if len(complete) >= limit or len(found) < rows:
                    return complete.take(slice(0, limit))
                rows *= 2

    def neighbours(self, register: int, start_us: int, end_us: int) -> tuple[ReadingBatch, ReadingBatch]:
        """The readings on either side of a range, looked for in widening steps."""
        with self._file.read() as cursor:
            return last_before(cursor, register, start_us), first_from(cursor, register, end_us)

    def received_after(self, watermark_us: int) -> Iterator[tuple[ReadingBatch, PositionBatch]]:
        """Rows by time of receipt, as of the first step; superseded rows are among them."""
        with self._file.read() as cursor:
            edges = replay_edges(cursor, watermark_us)
        for after_us, until_us in pairwise(edges):
            where = f"where received_at_us > {after_us} and received_at_us <= {until_us}"
            with self._file.read() as cursor:
                readings = fetch_as_written(cursor, ReadingBatch, f"from reading {where}")
                positions = fetch_as_written(cursor, PositionBatch, f"from position {where}")
            yield by_receipt(readings), by_receipt(positions)

    def heard(self, senders: Senders, start_us: int, end_us: int) -> Receipts:
        """When something of devices was received; what was superseded counts until it is compacted."""
        with self._file.read() as cursor:
            return receipts.heard(cursor, senders, start_us, end_us)

    def last_heard(self, senders: Senders, before_us: int) -> Receipts:
        """The last time of receipt of each device before a time."""
        with self._file.read() as cursor:
            return receipts.last_heard(cursor, senders, before_us)

    def pauses(self, start_us: int, end_us: int, longer_than_us: int) -> I64:
        """Stretches in which nothing was received."""
        with self._file.read() as cursor:
            return receipts.pauses(cursor, start_us, end_us, longer_than_us)

    def intervals(self, registers: I32, start_us: int, end_us: int) -> IntervalBatch:
        """Intervals of a time range by register, then start; open ones replace stored ones."""
        # Memory first: an interval that closes in between is then seen as it was, not missed.
        opened = self._open.within(registers, start_us, end_us)
        with self._file.read() as cursor:
            where = f"{within_slots(start_us, end_us)} and {among(cursor, 'register', registers)}"
            stored = fetch_as_written(cursor, IntervalBatch, f"from interval where {where}")
        return latest_intervals(IntervalBatch.concat([stored, opened]) if len(opened) else stored)

    def interval_sums(self, registers: I32, edges_us: I64) -> IntervalSums:
        """Intervals summed by register and period, inside DuckDB where that is shorter."""
        if not is_worth_it(edges_us, len(registers)):
            return summed(self.intervals, registers, edges_us)
        opened = self._open.within(registers, int(edges_us[0]), int(edges_us[-1]))
        with self._file.read() as cursor:
            return sum_in_place(cursor, registers, edges_us, opened)

    def positions(self, devices: I32, start_us: int, end_us: int, limit: int | None = None) -> PositionBatch:
        """Fixes of a time range by device, then time."""
        with self._file.read() as cursor:
            where = f"{within('fix_time_us', start_us, end_us)} and {among(cursor, 'device', devices)}"
            found = latest_positions(fetch_as_written(cursor, PositionBatch, f"from position where {where}"))
        return found.take(slice(0, limit))

    def last_received_us(self) -> int:
        """Highest received_at_us stored; 0 for an empty store."""
        return self._last_received_us

    def compact(self, max_rows: int = 1_000_000) -> int:
        """Drop superseded rows and order old ones, in one step of about max_rows rows.

        To be called while nothing else is to do: writers wait for a step, a second or two.
        Returns how many rows it dealt with; 0 if there is nothing to do for now. The policy
        is in storage.duckdb_compaction.
        """
        with self._replacing():
            return self._compaction.step(max_rows)

    def retain(self, retention: Retention, max_rows: int) -> int:
        """Let go of what is past its time, in one step of about max_rows rows, which writers wait for.

        Returns how many rows it dealt with; 0 if there is nothing to do for now. The rules
        are in storage.duckdb_retention.
        """
        with self._replacing():
            return self._expiry.step(retention, max_rows)

    def ping(self) -> None:
        """Return if a query can be answered."""
        with self._file.read() as cursor:
            scalar(cursor, "select 1")

    def close(self) -> None:
        """Fold the log into the file and release it."""
        self._file.close()
        self._rows.close()

    def _check_version(self) -> None:
        with self._file.write() as connection:
            found = scalar(connection, "select coalesce(max(number), 0) from version")
            if not found:
                connection.execute(f"insert into version values ({VERSION})")  # noqa: S608
        if found in MIGRATIONS:
            found = self._migrate(found)
        if found not in (0, VERSION):
            self.close()
            raise StoreError(
                f"{self._file.path} was made by another release of Wattline (version {found} of its tables, "
                f"this one has {VERSION}): run that release, or choose another file",
                retryable=False,
            )

    def _migrate(self, found: int) -> int:
        """Bring the tables of an earlier release up to date; returns their version then."""
        while found in MIGRATIONS:
            with self._file.write() as connection:
                connection.execute(MIGRATIONS[found])
                connection.execute(f"update version set number = {found + 1}")  # noqa: S608
            found += 1
        self._file.checkpoint()
        return found

    def _missing(self, connection: Cursor) -> str:
        """Which acknowledged rows the file does not have, as its log did before it was damaged."""
        self._rows = RowRecord(self._path.with_name(self._path.name + ".rows"))
        counts = _counts(connection)
        before = self._rows.before or {}
        gone = {table: before.get(table, 0) - rows for table, rows in counts.items()}
        self._rows.hold(counts)
        listed = ", ".join(f"{rows} {table}s" for table, rows in gone.items() if rows > 0)
        return f"{listed} that were acknowledged are not in {self._path}" if listed else ""

    @contextmanager
    def _replacing(self) -> Iterator[None]:
        """Around a step that changes rows which are there."""
        with self._rows.replacing():
            try:
                yield
            finally:
                with self._file.read() as cursor:
                    self._rows.hold(_counts(cursor))

    def _checkpoint_when_due(self) -> None:
        """Fold a large log into the file; what it holds is durable whether that works or not."""
        size = self._file.wal_bytes()
        if size < self._checkpoint_at_bytes:
            return
        try:
            self._file.checkpoint()
        except StoreError as error:
            _log.warning("the log of %s stays for now: %s", self._file.path, error)
            self._checkpoint_at_bytes = size + _CHECKPOINT_WAL_BYTES
        else:
            self._checkpoint_at_bytes = _CHECKPOINT_WAL_BYTES


def _counts(connection: Cursor) -> Counts:
    made = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    return {
        table: scalar(connection, f"select count(*) from {table}") if table in made else 0  # noqa: S608
        for table in _TABLES
    }


def _without_last_identity(batch: ReadingBatch) -> ReadingBatch:
    """Rows without those of the last identity, which a limit may have cut."""
    last = (batch.register == batch.register[-1]) & (batch.event_time_us == batch.event_time_us[-1])
    return batch.take(~last)
