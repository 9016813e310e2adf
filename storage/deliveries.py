"""Deliveries in the registry's database: planned, claimed, tried, and logged.

Whoever sends a delivery holds a lease on it. It is claimed, and the attempt logged, before
anything is sent: a process that is killed leaves an attempt without outcome, and when its lease
has ended the same delivery, with the same id, is sent again.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, exists, func, insert, or_, select, update

from core.alerts import EventKind
from core.delivering import Limits
from core.delivery import (
    Attempt,
    Delivery,
    DeliveryQuery,
    DeliveryRecord,
    DeliveryStatus,
    Desk,
    NoticeStatus,
    Outcome,
    Planned,
    Said,
)
from core.errors import Conflict
from storage import delivery_desk, outbox
from storage.database import Database
from storage.delivery_desk import AddLines, Line, Records
from storage.delivery_tables import channel_state, delivery, delivery_attempt, notice
from storage.delivery_tables import outbox as outbox_table
from storage.statements import rows_where_in, upsert

_MINUTE_US = 60_000_000
_NO_LEASE = {"lease": "", "lease_until_us": 0}


class SqlDeliveries:
    """The Deliveries port; safe from any thread, and from several processes."""

    def __init__(self, database: Database, records: Records, add_lines: AddLines) -> None:
        self._database = database
        self._records = records
        self._add_lines = add_lines

    def news(self) -> bool:
        """Whether the outbox holds anything."""
        with self._database.read() as connection:
            return connection.scalar(select(outbox_table.c.seq).limit(1)) is not None

    def plan(self, planner: Callable[[Desk], Planned], now_us: int) -> int:
        """Make deliveries of what waits."""
        with self._database.write() as connection:
            desk = delivery_desk.read(connection, self._records, now_us)
            delivery_desk.write(connection, planner(desk), now_us, self._add_lines)
        return len(desk.lines) + len(desk.notices) + len(desk.following)

    def forget_lines(self) -> int:
        """Empty the outbox."""
        if not self.news():
            return 0
        with self._database.write() as connection:
            return outbox.empty(connection)

    def claim(self, now_us: int, lease_us: int, limits: Limits, limit: int) -> list[Delivery]:
        """Deliveries that are ours to send until the lease ends."""
        with self._database.read() as connection:
            if not _due(connection, now_us, list(limits), 1):
                return []
        claimed: list[Delivery] = []
        with self._database.write() as connection:
            for channel_id, may in _open(connection, now_us, limits).items():
                due = _due(connection, now_us, [channel_id], min(may, limit - len(claimed)))
                claimed += [self._lease(connection, row, now_us, lease_us) for row in due]
        return claimed

    def _lease(self, connection: Connection, row: RowMapping, now_us: int, lease_us: int) -> Delivery:
        token, tries = secrets.token_hex(8), row["tries"] + 1
        leased = {
            "status": DeliveryStatus.SENDING,
            "lease": token,
            "lease_until_us": now_us + lease_us,
            "tries": tries,
        }
        connection.execute(update(delivery).where(delivery.c.id == row["id"]).values(leased))
        attempt = {
            "delivery_id": row["id"],
            "channel_id": row["channel_id"],
            "lease": token,
            "at_us": now_us,
            "detail": "",
        }
        connection.execute(insert(delivery_attempt).values(attempt))
        return _delivery({**row, **leased})

    def finish(
        self, claimed: Delivery, said: Said, now_us: int, duration_ms: float, next_at_us: int | None
    ) -> bool:
        """Log what came of an attempt, and with it what the alerts' timelines say."""
        with self._database.write() as connection:
            outcome = said.outcome
            logged = {
                "duration_ms": duration_ms,
                "outcome": outcome,
                "status": said.status,
                "detail": said.detail,
            }
            of_lease = delivery_attempt.c.lease == claimed.lease
            connection.execute(update(delivery_attempt).where(of_lease).values(logged))
            ours = and_(delivery.c.id == claimed.id, delivery.c.lease == claimed.lease)
            if connection.scalar(select(delivery.c.id).where(ours)) is None:
                return False
            if said.retry_after_s is not None:
                _pause(connection, claimed.channel_id, now_us + round(said.retry_after_s * 1e6))
            if outcome is Outcome.DELIVERED:
                self._end(connection, [claimed.id], DeliveryStatus.DELIVERED, said.detail, now_us)
            elif outcome is Outcome.RETRY and next_at_us is not None:
                again = {"status": DeliveryStatus.QUEUED, "next_at_us": next_at_us, "reason": said.detail}
                connection.execute(update(delivery).where(ours).values(again | _NO_LEASE))
            else:
                self._end(connection, [claimed.id], DeliveryStatus.DEAD, said.detail, now_us)
            if outcome is Outcome.GONE:
                self._disable(connection, claimed.channel_id, said.detail, now_us)
        return True

    def _end(
        self, connection: Connection, ids: Sequence[str], status: DeliveryStatus, reason: str, now_us: int
    ) -> None:
        ended = {"status": status, "reason": reason} | _NO_LEASE
        connection.execute(update(delivery).where(delivery.c.id.in_(ids)).values(ended))
        kind = EventKind.TOLD if status is DeliveryStatus.DELIVERED else EventKind.NOT_TOLD
        why = {} if status is DeliveryStatus.DELIVERED else {"reason": "given_up", "text": reason}
        channels = {row["id"]: row["channel_id"] for row in rows_where_in(connection, delivery.c.id, ids)}
        lines: list[Line] = []
        for id_, told in delivery_desk.alerts_of(connection, ids).items():
            of_alert: dict[str, list[str]] = {}
            for alert_id, event in told:
                of_alert.setdefault(alert_id, []).append(event.value)
            for alert_id, events in of_alert.items():
                detail = {"channel": channels[id_], "delivery": id_, "of": events, **why}
                lines.append((alert_id, kind, now_us, detail))
        self._add_lines(connection, lines)

    def _disable(self, connection: Connection, channel_id: str, reason: str, now_us: int) -> None:
        row = {"channel_id": channel_id, "disabled_at_us": now_us, "not_before_us": 0, "reason": reason}
        upsert(connection, channel_state, [row], key="channel_id")
        waits = and_(delivery.c.channel_id == channel_id, delivery.c.status == DeliveryStatus.QUEUED)
        ids = list(connection.scalars(select(delivery.c.id).where(waits)))
        self._end(connection, ids, DeliveryStatus.DEAD, f"the channel was disabled: {reason}", now_us)

    def log_test(self, sent: Delivery, said: Said, duration_ms: float) -> None:
        """Keep a message that a person sent to try a channel, and what came of it."""
        good = said.outcome is Outcome.DELIVERED
        row = {
            "id": sent.id,
            "route_id": sent.route_id,
            "channel_id": sent.channel_id,
            "told_group": "",
            "alerts": 0,
            "status": DeliveryStatus.DELIVERED if good else DeliveryStatus.DEAD,
            "created_at_us": sent.created_at_us,
            "next_at_us": sent.created_at_us,
            "tries": 1,
            "reason": said.detail,
            "body": sent.body,
        }
        attempt = {
            "delivery_id": sent.id,
            "channel_id": sent.channel_id,
            "lease": sent.id,
            "at_us": sent.created_at_us,
            "duration_ms": duration_ms,
            "outcome": said.outcome,
            "status": said.status,
            "detail": said.detail,
        }
        with self._database.write() as connection:
            connection.execute(insert(delivery).values(row | _NO_LEASE))
            connection.execute(insert(delivery_attempt).values(attempt))

    def deliveries(self, query: DeliveryQuery) -> list[DeliveryRecord]:
        """Newest first."""
        made, id_ = delivery.c.created_at_us, delivery.c.id
        wanted = select(delivery).order_by(made.desc(), id_).limit(query.limit)
        if query.channel_id is not None:
            wanted = wanted.where(delivery.c.channel_id == query.channel_id)
        if query.status is not None:
            wanted = wanted.where(delivery.c.status == query.status)
        if query.alert_id is not None:
            told = and_(notice.c.delivery_id == id_, notice.c.alert_id == query.alert_id)
            wanted = wanted.where(exists().where(told))
        if query.before is not None:
            at_us, last = query.before
            wanted = wanted.where(or_(made < at_us, and_(made == at_us, id_ > last)))
        with self._database.read() as connection:
            rows = list(connection.execute(wanted).mappings())
            ids = [row["id"] for row in rows]
            alerts = delivery_desk.alerts_of(connection, ids)
            attempts = _attempts(connection, ids)
        return [
            DeliveryRecord(
                _delivery(row),
                tuple(dict.fromkeys(alert_id for alert_id, _ in alerts[row["id"]])),
                tuple(attempts[row["id"]]),
            )
            for row in rows
        ]

    def retry(self, id_: str, now_us: int) -> bool:
        """Send a dead one again."""
        with self._database.write() as connection:
            status = connection.scalar(select(delivery.c.status).where(delivery.c.id == id_))
            if status is None:
                return False
            if status != DeliveryStatus.DEAD:
                raise Conflict(f"delivery {id_!r} is {status}: only a dead one is sent again")
            again = {"status": DeliveryStatus.QUEUED, "next_at_us": now_us, "tries": 0}
            connection.execute(update(delivery).where(delivery.c.id == id_).values(again | _NO_LEASE))
            return True

    def disabled(self) -> dict[str, tuple[int, str]]:
        """Channels that take nothing now: since when, and why."""
        query = select(channel_state).where(channel_state.c.disabled_at_us.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(query).mappings()
            return {row["channel_id"]: (row["disabled_at_us"], row["reason"]) for row in rows}

    def counts(self) -> dict[tuple[str, DeliveryStatus], int]:
        """Deliveries that are not delivered, by channel and status."""
        column = delivery.c
        left = [status for status in DeliveryStatus if status is not DeliveryStatus.DELIVERED]
        query = (
            select(column.channel_id, column.status, func.count())
            .where(column.status.in_(left))
            .group_by(column.channel_id, column.status)
        )
        with self._database.read() as connection:
            found = connection.execute(query)
            return {(channel, DeliveryStatus(status)): count for channel, status, count in found}

    def enable(self, channel_id: str) -> bool:
        """Use a disabled channel again."""
        of_channel = channel_state.c.channel_id == channel_id
        was_disabled = channel_state.c.disabled_at_us.is_not(None)
        with self._database.write() as connection:
            found = connection.scalar(select(channel_state.c.channel_id).where(of_channel, was_disabled))
            connection.execute(delete(channel_state).where(of_channel))
            return found is not None

    def forget(self, before_us: int, limit: int = 1000) -> int:
        """Drop what ended before a time, but no dead deliveries."""
        old = and_(delivery.c.status == DeliveryStatus.DELIVERED, delivery.c.created_at_us < before_us)
        untold = and_(notice.c.status == NoticeStatus.NOT_TOLD, notice.c.noted_at_us < before_us)
        with self._database.write() as connection:
            ids = list(connection.scalars(select(delivery.c.id).where(old).limit(min(limit, 500))))
            connection.execute(delete(delivery_attempt).where(delivery_attempt.c.delivery_id.in_(ids)))
            connection.execute(delete(notice).where(notice.c.delivery_id.in_(ids)))
            connection.execute(delete(delivery).where(delivery.c.id.in_(ids)))
            return len(ids) + connection.execute(delete(notice).where(untold)).rowcount


def _due(connection: Connection, now_us: int, channels: Sequence[str], limit: int) -> Sequence[RowMapping]:
    if limit <= 0 or not channels:
        return []
    waits = and_(delivery.c.status == DeliveryStatus.QUEUED, delivery.c.next_at_us <= now_us)
    left = and_(delivery.c.status == DeliveryStatus.SENDING, delivery.c.lease_until_us <= now_us)
    query = (
        select(delivery)
        .where(or_(waits, left), delivery.c.channel_id.in_(channels))
        .order_by(delivery.c.next_at_us, delivery.c.created_at_us, delivery.c.id)
        .limit(limit)
    )
    return connection.execute(query).mappings().all()


def _open(connection: Connection, now_us: int, limits: Limits) -> dict[str, int]:
    """How many messages each channel may take now."""
    state = {
        row["channel_id"]: row for row in rows_where_in(connection, channel_state.c.channel_id, [*limits])
    }
    tried = delivery_attempt.c
    query = (
        select(tried.channel_id, func.count())
        .where(tried.channel_id.in_(limits), tried.at_us > now_us - _MINUTE_US)
        .group_by(tried.channel_id)
    )
    sent = {channel: count for channel, count in connection.execute(query)}  # noqa: C416 rows are no pairs
    return {
        channel: min(a_minute - sent.get(channel, 0), now)
        for channel, (a_minute, now) in limits.items()
        if channel not in state
        or (state[channel]["disabled_at_us"] is None and state[channel]["not_before_us"] <= now_us)
    }


def _pause(connection: Connection, channel_id: str, until_us: int) -> None:
    row = {"channel_id": channel_id, "disabled_at_us": None, "not_before_us": until_us, "reason": ""}
    upsert(connection, channel_state, [row], key="channel_id", permanent=("disabled_at_us", "reason"))


def _attempts(connection: Connection, ids: Sequence[str]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {id_: [] for id_ in ids}
    rows = rows_where_in(connection, delivery_attempt.c.delivery_id, ids)
    for row in sorted(rows, key=lambda row: row["seq"]):
        outcome = None if row["outcome"] is None else Outcome(row["outcome"])
        found[row["delivery_id"]].append(
            Attempt(row["at_us"], row["duration_ms"], outcome, row["status"], row["detail"])
        )
    return found


def _delivery(row: RowMapping | dict[str, Any]) -> Delivery:
    return Delivery(
        row["id"],
        row["route_id"],
        row["channel_id"],
        DeliveryStatus(row["status"]),
        row["created_at_us"],
        row["next_at_us"],
        row["tries"],
        bytes(row["body"]),
        row["reason"],
        row["lease"],
    )
