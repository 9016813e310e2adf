"""Dead letters: the newest of every reason and topic are kept, all are counted."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from core.errors import RejectReason
from core.ports import DeadLetter
from storage.statements import insert_or, rows_of
from storage.tables import dead_letter, dead_letter_count

KEPT = 1000
"""How many dead letters of one reason are kept."""

KEPT_OF_A_TOPIC = 100
"""How many of these may come from one topic: a broken device must not push out all others."""

PAYLOAD_BYTES = 64 << 10
"""How much is kept of one dead letter's payload."""


def put(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Keep the letters that will not have to make room at once; count them all."""
    by_reason: dict[RejectReason, list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        by_reason[letter.reason].append(letter)
    for reason, group in by_reason.items():
        connection.execute(insert(dead_letter), [_row(letter) for letter in _newest_of_topics(group)])
        _forget_oldest(connection, reason)
        _add_count(connection, reason, len(group))


def newest(connection: Connection, limit: int) -> list[DeadLetter]:
    """Newest first by time of receipt."""
    letter = dead_letter.c
    query = select(dead_letter).order_by(letter.received_at_us.desc(), letter.seq.desc()).limit(limit)
    return [
        DeadLetter(
            row["received_at_us"],
            row["topic"],
            bytes(row["payload"]),
            RejectReason(row["reason"]),
            row["detail"],
        )
        for row in connection.execute(query).mappings()
    ]


def counts(connection: Connection) -> dict[RejectReason, int]:
    """How many were ever put, by reason."""
    return {RejectReason(row["reason"]): row["total"] for row in rows_of(connection, dead_letter_count)}


def _newest_of_topics(group: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Those of the group that will not have to make room at once."""
    of_topic: Counter[str] = Counter()
    kept: list[DeadLetter] = []
    for letter in reversed(group):
        of_topic[letter.topic] += 1
        if of_topic[letter.topic] <= KEPT_OF_A_TOPIC:
            kept.append(letter)
        if len(kept) == KEPT:
            break
    return kept[::-1]


def _forget_oldest(connection: Connection, reason: RejectReason) -> None:
    letter = dead_letter.c
    newest_first = letter.seq.desc()
    ranked = (
        select(
            letter.seq,
            func.row_number().over(order_by=newest_first).label("rank"),
            func.row_number().over(partition_by=letter.topic, order_by=newest_first).label("of_topic"),
        )
        .where(letter.reason == reason)
        .subquery()
    )
    too_old = select(ranked.c.seq).where((ranked.c.rank > KEPT) | (ranked.c.of_topic > KEPT_OF_A_TOPIC))
    connection.execute(delete(dead_letter).where(letter.seq.in_(too_old)))


def _add_count(connection: Connection, reason: RejectReason, more: int) -> None:
    statement = insert_or(connection, dead_letter_count).values(reason=reason, total=more)
    total = dead_letter_count.c.total + statement.excluded.total
    connection.execute(statement.on_conflict_do_update(index_elements=["reason"], set_={"total": total}))


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {
        "received_at_us": letter.received_at_us,
        "topic": _storable(letter.topic),
        "payload": letter.payload[:PAYLOAD_BYTES],
        "reason": letter.reason,
        "detail": _storable(letter.detail),
    }


def _storable(text: str) -> str:
    """Without what a database can't hold as text: NUL and lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
