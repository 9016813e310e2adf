"""Letting go of what is past its time in the DuckDB store: a step at a time, beside compaction.

Once for every hour that passes, the windows of an hour of device time are looked at:

- positions, and readings if they have a limit, go from the oldest on. Of each register the
  last reading before the limit stays;
- readings older than the limit of full resolution are thinned, each window once, and again
  when something has come into it since. A window of which little would go is left as it is.

A step is one transaction: a process that dies in one has done all of it or nothing. What is
let go makes room for new rows in the file, which does not shrink.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.batch import ReadingBatch
from core.retention import Retention
from storage.columns import latest_readings
from storage.duckdb_file import DuckDBFile
from storage.duckdb_queries import Cursor, fetch_as_written, insert, scalar

# ruff: noqa: S608 - statements hold names of ours and integers only

_WINDOW_US = 3_600_000_000
_SHARE = 0.2  # of a window's rows: less is not worth its rewriting
_KIND = "thinned"  # in the table `compacted`


@dataclass(frozen=True, slots=True)
class _Drop:
    """Rows of a table older than until_us."""

    table: str
    until_us: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Thin:
    """Readings of the windows from first to last: of every parts-th register, from the part-th on."""

    first: int
    last: int
    part: int
    parts: int
    rows: int

    @property
    def windows(self) -> str:
        # A ledger interval holds its end and not its start; so does a window of four.
        start_us, end_us = self.first * _WINDOW_US, (self.last + 1) * _WINDOW_US
        return f"event_time_us > {start_us} and event_time_us <= {end_us}"


class Expiry:
    """What is past its time in one file; how many rows thinning left is kept in the file.

    received_us: the highest time of receipt that was ever stored, which must outlive its row.
    """

    def __init__(self, file: DuckDBFile, received_us: Callable[[], int]) -> None:
        self._file = file
        self._received_us = received_us
        self._waiting: list[_Drop | _Thin] = []
        self._looked: tuple[int | None, ...] = ()

    def step(self, retention: Retention, max_rows: int) -> int:
        """Deal with about max_rows rows; returns how many, 0 if there is nothing to do."""
        limits = (retention.full_from_us, retention.readings_from_us, retention.positions_from_us)
        hours = tuple(limit if limit is None else limit // _WINDOW_US for limit in limits)
        if not self._waiting and hours != self._looked:
            with self._file.read() as cursor:
                self._waiting = _look(cursor, retention, max_rows)
            self._looked = hours
        if not self._waiting:
            return 0
        task = self._waiting[0]
        with self._file.write() as connection:
            connection.execute("delete from watermark")
            connection.execute(f"insert into watermark values ({self._received_us()})")
            if isinstance(task, _Drop):
                _drop(connection, task)
            else:
                _thin(connection, task, retention)
        del self._waiting[0]
        self._file.checkpoint()
        return task.rows


def _look(cursor: Cursor, retention: Retention, max_rows: int) -> list[_Drop | _Thin]:
    tasks: list[_Drop | _Thin] = []
    for table, time, limit_us in (
        ("position", "fix_time_us", retention.positions_from_us),
        ("reading", "event_time_us", retention.readings_from_us),
    ):
        if limit_us is not None:
            tasks += _drops(cursor, table, time, limit_us, max_rows)
    return tasks + _thins(cursor, retention, max_rows)


def _drops(cursor: Cursor, table: str, time: str, limit_us: int, max_rows: int) -> list[_Drop]:
    """Cuts of the rows older than the limit, oldest first; none if only what stays is left."""
    found = cursor.execute(
        f"select {time} // {_WINDOW_US} as number, count(*) from {table} "
        f"where {time} < {limit_us} group by all order by number"
    ).fetchall()
    drops: list[_Drop] = []
    rows = 0
    for number, more in found:
        if rows and rows + more > max_rows:
            drops.append(_Drop(table, number * _WINDOW_US, rows))
            rows = 0
        rows += more
    if rows:
        drops.append(_Drop(table, limit_us, rows))
    if table == "reading" and sum(rows for _, rows in found) <= scalar(
        cursor, f"select count(distinct register) from reading where event_time_us < {limit_us}"
    ):
        return []
    return drops


def _thins(cursor: Cursor, retention: Retention, max_rows: int) -> list[_Thin]:
    """Windows that were never thinned, or have grown since, in runs or in parts of max_rows rows."""
    if retention.full_from_us is None:
        return []
    end_us = retention.full_from_us // _WINDOW_US * _WINDOW_US
    found = cursor.execute(
        f"""
        with old as (
            select (event_time_us - 1) // {_WINDOW_US} as number, count(*) as n,
                max(received_at_us) as received_us
            from reading where event_time_us <= {end_us} group by all
        )
        select number, n from old
        where received_us < {retention.quiet_from_us} and n > coalesce((
            select max(looked.n) from compacted looked
            where looked.kind = '{_KIND}' and looked.number = old.number
        ), 0)
        order by number
        """
    ).fetchall()
    runs: list[list[tuple[int, int]]] = []
    for number, rows in found:
        run = runs[-1] if runs else []
        if run and run[-1][0] == number - 1 and sum(n for _, n in run) + rows <= max_rows:
            run.append((number, rows))
        else:
            runs.append([(number, rows)])
    tasks: list[_Thin] = []
    for run in runs:
        rows = sum(n for _, n in run)
        parts = -(-rows // max_rows)
        tasks += [_Thin(run[0][0], run[-1][0], part, parts, -(-rows // parts)) for part in range(parts)]
    return tasks


def _drop(connection: Cursor, task: _Drop) -> None:
    if task.table == "position":
        connection.execute(f"delete from position where fix_time_us < {task.until_us}")
        return
    connection.execute(
        f"""
        delete from reading using (
            select register, max(event_time_us) as newest_us
            from reading where event_time_us < {task.until_us} group by register
        ) as kept
        where reading.register = kept.register and reading.event_time_us < kept.newest_us
        """
    )


def _thin(connection: Cursor, task: _Thin, retention: Retention) -> None:
    inside = f"from reading where {task.windows}"
    if task.parts > 1:
        inside += f" and register % {task.parts} = {task.part}"
    found = fetch_as_written(connection, ReadingBatch, inside)
    kept = retention.thin(latest_readings(found)) if len(found) else found
    if 0 < len(kept) <= (1 - _SHARE) * len(found):
        connection.execute(f"delete {inside}")
        insert(connection, "reading", kept)
    if task.part == task.parts - 1:
        connection.execute(
            f"delete from compacted where kind = '{_KIND}' and number between {task.first} and {task.last}"
        )
        connection.execute(
            f"insert into compacted select '{_KIND}', (event_time_us - 1) // {_WINDOW_US}, count(*) "
            f"from reading where {task.windows} group by all"
        )
