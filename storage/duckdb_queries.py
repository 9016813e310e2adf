"""Columns in and out of DuckDB, and the conditions that let it skip blocks of rows.

Statements are put together from column names of our own and from integers only.
"""

import contextlib
from dataclasses import fields
from itertools import pairwise
from typing import Any, TypeVar, cast

import duckdb
import numpy as np
from numpy.typing import NDArray

from core.batch import BASE_US, I32, I64, MINUTE_US, IntervalBatch, PositionBatch, ReadingBatch

Cursor = duckdb.DuckDBPyConnection
Batch = TypeVar("Batch", ReadingBatch, PositionBatch, IntervalBatch)

# Ledger intervals are numbered in the file: neighbours in time then differ by 1, and pack well.
_PART_US = f"((start_us % {BASE_US} + {BASE_US}) % {BASE_US})"
_STORED = {"start_us": f"((start_us - {_PART_US}) // {BASE_US})::integer"}
_ADDED: dict[str, str] = {"interval": f", ({_PART_US} // {MINUTE_US})::utinyint"}
_SHOWN = {"start_us": f"slot::bigint * {BASE_US} + part::bigint * {MINUTE_US} as start_us"}

_INT64, _INT32 = np.iinfo(np.int64), np.iinfo(np.int32)
_REPLAY_ROWS = 200_000
_HOUR_US = 3_600_000_000
_LOOKS_US = (2 * _HOUR_US, 16 * _HOUR_US, 5 * 24 * _HOUR_US, 42 * 24 * _HOUR_US, 366 * 24 * _HOUR_US)


def insert(connection: Cursor, table: str, batch: Batch) -> None:
    """Append a batch's rows."""
    if not len(batch):
        return
    names = ", ".join(_STORED.get(column.name, column.name) for column in fields(batch))
    names += _ADDED.get(table, "")
    connection.register("batch", batch.columns())
    try:
        connection.execute(f"insert into {table} select {names} from batch")  # noqa: S608 - see above
    finally:
        with contextlib.suppress(duckdb.Error):  # the instance may have failed for good
            connection.unregister("batch")


def fetch(cursor: Cursor, kind: type[Batch], source: str) -> Batch:
    """Rows of a batch's columns in the order of the statement; source is its end, from `from` on."""
    return _batch(kind, _columns(cursor, kind, source))


def fetch_as_written(cursor: Cursor, kind: type[Batch], source: str) -> Batch:
    """Rows of a batch's columns in the order of writing."""
    found = _columns(cursor, kind, f", rowid {source}")
    batch = _batch(kind, found)
    # DuckDB keeps the order of a table's rows except, by its documentation, through a join.
    row: I64 = found["rowid"]
    return batch if np.all(row[1:] > row[:-1]) else batch.take(np.argsort(row))


def _columns(cursor: Cursor, kind: type[Batch], source: str) -> dict[str, NDArray[Any]]:
    names = ", ".join(_SHOWN.get(column.name, column.name) for column in fields(kind))
    return cursor.execute(f"select {names} {source}").fetchnumpy()


def _batch(kind: type[Batch], found: dict[str, NDArray[Any]]) -> Batch:
    columns = (found[column.name] for column in fields(kind))
    return kind(
        *(np.ma.filled(column, np.nan) if np.ma.isMaskedArray(column) else column for column in columns)
    )


def scalar(cursor: Cursor, query: str) -> int:
    """The one integer that a query answers."""
    return int(cast("tuple[int]", cursor.execute(query).fetchone())[0])


def within(column: str, start_us: int, end_us: int) -> str:
    """Condition start_us <= column < end_us; both may lie beyond int64."""
    return f"{column} >= {_literal(start_us)} and {column} < {_literal(end_us)}"


def within_slots(start_us: int, end_us: int) -> str:
    """Condition start_us <= start < end_us on the numbers of ledger intervals."""
    (first, minute), (end, before) = _slot(start_us), _slot(end_us)
    from_ = f"slot >= {first}" + (f" and (slot > {first} or part >= {minute})" if minute else "")
    to = f"slot <= {end} and (slot < {end} or part < {before})" if before else f"slot < {end}"
    return f"{from_} and {to}"


def _slot(time_us: int) -> tuple[int, int]:
    """Number and part of the first interval that can begin at or after a time."""
    minutes = -(-time_us // MINUTE_US)
    slot, part = divmod(minutes, BASE_US // MINUTE_US)
    if _INT32.min <= slot < _INT32.max:
        return slot, part
    return min(max(slot, _INT32.min), _INT32.max), 0


def among(cursor: Cursor, column: str, ids: I32) -> str:
    """Condition that column is one of ids; a semi-join is scanned in a quarter of the time of an IN list."""
    wanted = np.unique(ids)
    if not len(wanted):
        return "false"
    low, high = int(wanted[0]), int(wanted[-1])
    bounds = f"{column} between {low} and {high}"
    if high - low + 1 == len(wanted):
        return bounds
    cursor.register("wanted", {"id": wanted})
    return f"{bounds} and {column} in (select id from wanted)"  # noqa: S608


def last_before(cursor: Cursor, register: int, time_us: int) -> ReadingBatch:
    """The last reading before time_us: 0 or 1 rows."""
    edges = [time_us, *(time_us - look for look in _LOOKS_US), _INT64.min]
    spans = [(low, high) for high, low in pairwise(edges)]
    return _first_found(cursor, register, spans, "desc")


def first_from(cursor: Cursor, register: int, time_us: int) -> ReadingBatch:
    """The first reading at or after time_us: 0 or 1 rows."""
    edges = [time_us, *(time_us + look for look in _LOOKS_US), _INT64.max + 1]
    return _first_found(cursor, register, list(pairwise(edges)), "asc")


def _first_found(cursor: Cursor, register: int, spans: list[tuple[int, int]], order: str) -> ReadingBatch:
    """The first row in order from the first span that has one; spans go away from the range."""
    for start_us, end_us in spans:
        found = fetch(
            cursor,
            ReadingBatch,
            f"from reading where register = {register} and {within('event_time_us', start_us, end_us)} "
            f"order by event_time_us {order}, received_at_us desc, rowid desc limit 1",
        )
        if len(found):
            return found
    return ReadingBatch.empty()


def replay_edges(cursor: Cursor, watermark_us: int) -> list[int]:
    """Times of receipt that cut what came after watermark_us into pieces of bounded size.

    The first edge is watermark_us; a piece is (edge, next edge], which keeps rows with one
    time of receipt together.
    """
    after = f"where received_at_us > {_literal(watermark_us)} group by all"
    counts = cursor.execute(
        f"""select received_at_us, sum(n)::bigint as n from (
            select received_at_us, count(*) as n from reading {after}
            union all
            select received_at_us, count(*) as n from position {after}
        ) group by all order by received_at_us"""  # noqa: S608
    ).fetchnumpy()
    received_us: I64 = counts["received_at_us"]
    piece = np.cumsum(counts["n"]) // _REPLAY_ROWS
    ends = np.flatnonzero(np.diff(piece, append=-1))
    return [watermark_us, *received_us[ends].tolist()]


def by_receipt(batch: Batch) -> Batch:
    """Rows in the order of receipt; those received together stay in the order of writing."""
    return batch.take(np.argsort(batch.columns()["received_at_us"], kind="stable"))


def _literal(time_us: int) -> str:
    """An int64 literal; the smallest needs a cast, for -x is the negation of an x too large."""
    bounded = min(max(time_us, _INT64.min), _INT64.max)
    return f"'{bounded}'::bigint" if bounded == _INT64.min else str(bounded)
