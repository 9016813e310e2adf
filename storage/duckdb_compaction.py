"""Rewriting old rows of the DuckDB store: a step at a time, when nothing else is to do.

Superseded rows stay where they were written until a compaction drops them. Policy, for
every window of device time that has settled (two newer ones have begun):

- It is looked at once a fifth of its rows are new since the last look.
- Ledger intervals are then rewritten by register and start, the last of each identity.
  A query of one register over a year reads a few blocks of each window then, not all.
- Readings and positions, which can't be computed again, are rewritten only if at least a
  fifth of them are superseded.

A step is one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from core.batch import BASE_US, IntervalBatch, PositionBatch, ReadingBatch
from storage.columns import latest_intervals, latest_positions, latest_readings
from storage.duckdb_file import DuckDBFile
from storage.duckdb_queries import Batch, Cursor, fetch_as_written, insert, scalar

# ruff: noqa: S608 - statements hold names of ours and integers only

_HOUR_US = 3_600_000_000
_SHARE = 0.2
_LEAST_ROWS = 245_760  # two of DuckDB's row groups: in less there is no order to gain


@dataclass(frozen=True, slots=True)
class _Plan(Generic[Batch]):
    """How a table is compacted: window is in the unit of time; latest gives the rows that readers see."""

    table: str
    owner: str
    time: str
    kind: type[Batch]
    latest: Callable[[Batch], Batch]
    window: int
    clusters: bool

    def within(self, first: int, last: int) -> str:
        """Condition that a row lies in the windows from first to last."""
        return f"{self.time} >= {first * self.window} and {self.time} < {(last + 1) * self.window}"


_INTERVAL = _Plan(
    "interval", "register", "slot", IntervalBatch, latest_intervals, 24 * _HOUR_US // BASE_US, clusters=True
)
_READING = _Plan(
    "reading", "register", "event_time_us", ReadingBatch, latest_readings, _HOUR_US, clusters=False
)
_POSITION = _Plan(
    "position", "device", "fix_time_us", PositionBatch, latest_positions, _HOUR_US, clusters=False
)

_Windows = dict[int, int]
"""Rows by number of window; the numbers follow one another."""


class Compaction:
    """What is to be compacted in one file; how many rows a look left is kept in the file."""

    def __init__(self, file: DuckDBFile) -> None:
        self._file = file
        self._waiting: list[tuple[_Plan[Any], _Windows]] = []
        self._rows_then: dict[str, int] = {}

    def step(self, max_rows: int) -> int:
        """Deal with about max_rows rows; returns how many, 0 if there is nothing to do."""
        if not self._waiting:
            plans: tuple[_Plan[Any], ...] = (_INTERVAL, _READING, _POSITION)
            self._waiting = [(plan, run) for plan in plans for run in self._look(plan, max_rows)]
        if not self._waiting:
            return 0
        plan, windows = self._waiting.pop(0)
        if plan.clusters or self._superseded_share(plan, windows) >= _SHARE:
            self._rewrite(plan, windows)
        else:
            with self._file.write() as connection:
                _remember(connection, plan, windows)
        return sum(windows.values())

    def _look(self, plan: _Plan[Any], max_rows: int) -> list[_Windows]:
        """Windows in which much is new, in runs; none unless the table has grown since the last look."""
        with self._file.read() as cursor:
            total = scalar(cursor, f"select count(*) from {plan.table}")
            if total < self._rows_then.get(plan.table, 0) * (1 + _SHARE / 4) + _LEAST_ROWS:
                return []
            self._rows_then[plan.table] = total
            windows = _rows_by_window(cursor, plan)
        runs: list[_Windows] = []
        for number, rows in windows.items():
            run = runs[-1] if runs else {}
            if number - 1 in run and sum(run.values()) + rows <= max_rows:
                run[number] = rows
            else:
                runs.append({number: rows})
        return [run for run in runs if sum(run.values()) >= min(_LEAST_ROWS, max_rows)]

    def _superseded_share(self, plan: _Plan[Any], windows: _Windows) -> float:
        # The estimate is a few percent off at most, and costs no memory.
        identity = f"{plan.owner} * {10**15}::hugeint + {plan.time}"
        with self._file.read() as cursor:
            identities = scalar(
                cursor,
                f"select approx_count_distinct({identity}) from {plan.table} "
                f"where {plan.within(min(windows), max(windows))}",
            )
        return 1 - identities / sum(windows.values())

    def _rewrite(self, plan: _Plan[Batch], windows: _Windows) -> None:
        """Replace the rows of the windows with those that readers see of them."""
        inside = f"from {plan.table} where {plan.within(min(windows), max(windows))}"
        with self._file.write() as connection:
            found = fetch_as_written(connection, plan.kind, inside)
            connection.execute(f"delete {inside}")
            insert(connection, plan.table, plan.latest(found))
            _remember(connection, plan, windows)
        self._file.checkpoint()


def _rows_by_window(cursor: Cursor, plan: _Plan[Any]) -> _Windows:
    """Rows of the settled windows of which at least a fifth came after the last look, in order."""
    found = cursor.execute(
        f"""
        with filled as (
            select {plan.time} // {plan.window} as number, count(*) as n
            from {plan.table} where {plan.time} >= 0 group by all
        )
        select number, n from filled
        where number < (select max(number) from filled) - 1
        and n - coalesce((
            select max(looked.n) from compacted looked
            where looked.kind = '{plan.table}' and looked.number = filled.number
        ), 0) >= {_SHARE} * n
        order by number
        """
    ).fetchall()
    return dict(found)


def _remember(connection: Cursor, plan: _Plan[Any], windows: _Windows) -> None:
    """Note how many rows the windows have now."""
    first, last = min(windows), max(windows)
    connection.execute(
        f"delete from compacted where kind = '{plan.table}' and number between {first} and {last}"
    )
    connection.execute(
        f"insert into compacted select '{plan.table}', {plan.time} // {plan.window}, count(*) "
        f"from {plan.table} where {plan.within(first, last)} group by all"
    )
