"""What planning looks at, and what it leaves behind: one read and one write of a transaction."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, tuple_

from core.alerts import AlertRecord, EventKind
from core.delivery import (
    DeliveryStatus,
    Desk,
    Draft,
    Event,
    Following,
    Notice,
    NoticeStatus,
    OutboxLine,
    Planned,
)
from storage import outbox
from storage.delivery_tables import channel_state, delivery, following, notice
from storage.statements import CHUNK, insert_or, rows_where_in, upsert

LINES, NOTICES = 1000, 5000
"""Most that one planning deals with; the rest waits for the next."""

_DAY_US, _MINUTE_US = 86_400_000_000, 60_000_000
_OPEN = (NoticeStatus.WAITING, NoticeStatus.HELD)
_BEGIN = (Event.FIRING, Event.STALE, Event.RETURNED, Event.REPEATED, Event.UNACKNOWLEDGED)
_KEY = ("alert_id", "number", "round", "route_id", "channel_id")
# Of several deliveries of one alert on one channel, the one that has come furthest counts.
_FAR = (DeliveryStatus.DEAD, DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.DELIVERED)

Records = Callable[[Connection, Sequence[str]], dict[str, AlertRecord]]
"""Gives alerts by id; what is not there is left out."""

Line = tuple[str, EventKind, int, dict[str, object]]
"""(alert, kind, at_us, detail) of a line in a timeline, by "wattline"."""

AddLines = Callable[[Connection, Sequence[Line]], None]
"""Adds lines to timelines."""


def read(connection: Connection, records: Records, now_us: int) -> Desk:
    """Everything that waits; what it takes from the outbox must be planned in the same transaction."""
    lines = outbox.take(connection, LINES)
    waiting = _notices(connection)
    followed = _following(connection, now_us)
    ids = _named(lines, waiting, followed)
    return Desk(
        now_us=now_us,
        lines=lines,
        notices=waiting,
        following=followed,
        records=records(connection, ids),
        begun=_begun(connection, ids),
        told_us=_told(connection, now_us - _DAY_US),
        recent=_recent(connection, now_us - _MINUTE_US),
        disabled=disabled(connection),
    )


def write(connection: Connection, planned: Planned, now_us: int, add_lines: AddLines) -> None:
    """Keep what was planned."""
    upsert(connection, notice, [asdict(one) for one in planned.notices], key=_KEY)
    if planned.drafts:
        connection.execute(insert(delivery), [_queued(draft, now_us) for draft in planned.drafts])
    if planned.begun:
        begun = insert_or(connection, following).on_conflict_do_nothing()
        connection.execute(begun, [asdict(one) for one in planned.begun])
    followed = [asdict(one) for one in planned.following]
    upsert(connection, following, followed, key=("alert_id", "route_id"))
    key = tuple_(following.c.alert_id, following.c.route_id)
    for start in range(0, len(planned.unfollowed), CHUNK):
        connection.execute(delete(following).where(key.in_(planned.unfollowed[start : start + CHUNK])))
    add_lines(
        connection,
        [(alert_id, EventKind.NOT_TOLD, now_us, detail) for alert_id, detail in planned.not_told],
    )


def disabled(connection: Connection) -> dict[str, str]:
    """Channels that are disabled, and why."""
    query = select(channel_state).where(channel_state.c.disabled_at_us.is_not(None))
    return {row["channel_id"]: row["reason"] for row in connection.execute(query).mappings()}


def _notices(connection: Connection) -> list[Notice]:
    query = select(notice).where(notice.c.status.in_(_OPEN)).order_by(notice.c.noted_at_us).limit(NOTICES)
    return [
        Notice(
            **{name: row[name] for name in _NOTICE_PLAIN},
            event=Event(row["event"]),
            status=NoticeStatus(row["status"]),
        )
        for row in connection.execute(query).mappings()
    ]


_NOTICE_PLAIN = [field.name for field in fields(Notice) if field.name not in ("event", "status")]


def _following(connection: Connection, now_us: int) -> list[Following]:
    query = select(following).where(following.c.next_at_us <= now_us).limit(NOTICES)
    return [Following(**row) for row in connection.execute(query).mappings()]


def _named(
    lines: Iterable[OutboxLine], notices: Iterable[Notice], followed: Iterable[Following]
) -> list[str]:
    named = [one.alert_id for group in (lines, notices, followed) for one in group]
    return list(dict.fromkeys(named))


def _begun(connection: Connection, alert_ids: Sequence[str]) -> dict[tuple[str, str], DeliveryStatus]:
    found: dict[tuple[str, str], DeliveryStatus] = {}
    for start in range(0, len(alert_ids), CHUNK):
        query = (
            select(notice.c.alert_id, notice.c.channel_id, delivery.c.status)
            .join(delivery, delivery.c.id == notice.c.delivery_id)
            .where(notice.c.alert_id.in_(alert_ids[start : start + CHUNK]), notice.c.event.in_(_BEGIN))
        )
        for alert_id, channel_id, status in connection.execute(query):
            new, held = DeliveryStatus(status), found.get((alert_id, channel_id), DeliveryStatus.DEAD)
            found[alert_id, channel_id] = max(new, held, key=_FAR.index)
    return found


def _told(connection: Connection, since_us: int) -> dict[tuple[str, str, str], int]:
    key = (delivery.c.route_id, delivery.c.channel_id, delivery.c.told_group)
    query = (
        select(*key, func.max(delivery.c.created_at_us))
        .where(delivery.c.created_at_us > since_us)
        .group_by(*key)
    )
    return {(route, channel, group): at_us for route, channel, group, at_us in connection.execute(query)}


def _recent(connection: Connection, since_us: int) -> dict[tuple[str, str], int]:
    key = (delivery.c.route_id, delivery.c.channel_id)
    query = (
        select(*key, func.sum(delivery.c.alerts)).where(delivery.c.created_at_us > since_us).group_by(*key)
    )
    return {(route, channel): int(count) for route, channel, count in connection.execute(query)}


def _queued(draft: Draft, now_us: int) -> dict[str, Any]:
    return {
        "id": draft.id,
        "route_id": draft.route_id,
        "channel_id": draft.channel_id,
        "told_group": draft.group,
        "alerts": draft.alerts,
        "status": DeliveryStatus.QUEUED,
        "created_at_us": now_us,
        "next_at_us": now_us,
        "tries": 0,
        "lease": "",
        "lease_until_us": 0,
        "reason": "",
        "body": draft.body,
    }


def alerts_of(connection: Connection, delivery_ids: Sequence[str]) -> dict[str, list[tuple[str, Event]]]:
    """What each delivery tells: alerts and events."""
    found: dict[str, list[tuple[str, Event]]] = {id_: [] for id_ in delivery_ids}
    for row in rows_where_in(connection, notice.c.delivery_id, delivery_ids):
        found[row["delivery_id"]].append((row["alert_id"], Event(row["event"])))
    return {id_: sorted(told) for id_, told in found.items()}
