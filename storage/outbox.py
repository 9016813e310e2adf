"""The outbox: lines of timelines that somebody may be told of, until that is planned.

A line is put in the transaction that makes it, so neither is there without the other.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from core.alerts import EventKind
from core.delivery import TOLD_OF, OutboxLine
from storage.delivery_tables import outbox


def put(connection: Connection, lines: Iterable[OutboxLine]) -> None:
    """Keep those that somebody may be told of, in the caller's transaction."""
    rows = [
        {
            "alert_id": line.alert_id,
            "number": line.number,
            "kind": line.kind,
            "at_us": line.at_us,
            "recorded_at_us": line.recorded_at_us,
        }
        for line in lines
        if line.kind in TOLD_OF
    ]
    if rows:
        connection.execute(insert(outbox), rows)


def take(connection: Connection, limit: int) -> list[OutboxLine]:
    """Remove the oldest lines, at most so many, and return them in order."""
    query = select(outbox).order_by(outbox.c.seq).limit(limit)
    rows = list(connection.execute(query).mappings())
    if rows:
        connection.execute(delete(outbox).where(outbox.c.seq <= rows[-1]["seq"]))
    return [
        OutboxLine(
            row["alert_id"], row["number"], EventKind(row["kind"]), row["at_us"], row["recorded_at_us"]
        )
        for row in rows
    ]


def empty(connection: Connection) -> int:
    """Remove every line; how many."""
    return connection.execute(delete(outbox)).rowcount
