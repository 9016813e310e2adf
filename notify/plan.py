"""From lines of the outbox to messages: the one place that decides who is told what, and when.

planned() is a function of a desk (core.delivery.Desk), routes and what is known; it has no clock
and sends nothing. Every line becomes at least one notice, and every notice ends in a message or
in a reason why not:

    line -> notice per channel -> held (shelf, silence, mute time) -> waiting (group, digest,
    quiet hours, storm) -> message
"""

import hashlib
from base64 import b32encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from core.alerts import AlertRecord
from core.delivery import (
    TOLD_OF,
    DeliveryStatus,
    Desk,
    Draft,
    Event,
    Following,
    Notice,
    NoticeStatus,
    OutboxLine,
    Planned,
    Route,
)
from notify import followup
from notify.routing import Known, goes_on, group_of, hold, looked_after, next_digest_us, quiet, takes

STORM_US = 60_000_000
"""Alerts of a route within so long are counted, and a storm is told once in so long."""

# News that is none any more once the alert is over.
_WHILE_OPEN = (Event.FIRING, Event.STALE, Event.RETURNED, Event.REPEATED, Event.UNACKNOWLEDGED)
_HELD = (*_WHILE_OPEN, Event.ASSIGNED, Event.ESCALATED)

Compose = Callable[[Route, str, str, Sequence[tuple[Notice, AlertRecord]]], bytes]
"""Renders (route, channel id, layout, what is told) into a body; layout is alerts, storm or digest."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Routes, in order, the channels that there are, and what renders a message."""

    routes: Sequence[Route]
    channels: frozenset[str]
    known: Known
    compose: Compose

    def __call__(self, desk: Desk) -> Planned:
        """Plan everything on the desk."""
        return _Planning(self, desk).done()


_Key = tuple[str, int, int, str, str]


class _Planning:
    def __init__(self, planner: Planner, desk: Desk) -> None:
        self.by, self.desk, self.known = planner, desk, planner.known
        self.routes = {route.id: route for route in planner.routes}
        self.planned = Planned()
        self.notices: dict[_Key, Notice] = {}
        self.waiting: list[Notice] = []
        self.explained: set[tuple[str, str]] = set()

    def done(self) -> Planned:
        desk = self.desk
        fresh = [notice for line in desk.lines for notice in self._notices_of(line)]
        fresh += [notice for follow in desk.following for notice in self._follow_up(follow)]
        self.notices |= {_key(notice): notice for notice in fresh}
        for notice in [*desk.notices, *fresh]:
            self._look_at(notice)
        self._drop_what_is_over()
        for _, notices in groupby(sorted(self.waiting, key=_queue), key=_queue):
            self._tell(list(notices))
        self.planned.notices = list(self.notices.values())
        return self.planned

    def _notices_of(self, line: OutboxLine) -> list[Notice]:
        """A notice for each channel; the same channel is told once, by the first route that names it."""
        event, record = TOLD_OF[line.kind], self.desk.records.get(line.alert_id)
        if record is None:
            return []  # its alert is gone, and its timeline with it
        found: dict[str, Notice] = {}
        for route in self.by.routes:
            if takes(route.match, record, event, self.known.catalog):
                for channel in self._channels(route, line.alert_id, event):
                    notice = Notice(
                        line.alert_id, line.number, 0, route.id, channel, event, line.at_us, self.desk.now_us
                    )
                    found.setdefault(channel, notice)
        if not found:
            nobody = Notice(line.alert_id, line.number, 0, "", "", event, line.at_us, self.desk.now_us)
            self._end(nobody, "no route tells of it")
        return list(found.values())

    def _channels(self, route: Route, alert_id: str, event: Event) -> list[str]:
        """Those of the route; who was told more than that hears of the end too."""
        more = [channel for step in route.escalation for channel in step.channels]
        told = [channel for channel in more if (alert_id, channel) in self.desk.begun]
        return [*route.channels, *told] if event is Event.RESOLVED else list(route.channels)

    def _follow_up(self, follow: Following) -> list[Notice]:
        record, route = self.desk.records.get(follow.alert_id), self.routes.get(follow.route_id)
        now_us = self.desk.now_us
        if record is None or route is None or not goes_on(record) or looked_after(record):
            self.planned.unfollowed.append((follow.alert_id, follow.route_id))
            return []
        if hold(self.known, record, now_us) is not None:
            self.planned.following.append(replace(follow, next_at_us=now_us + STORM_US))
            return []
        next_one, notices = followup.due(follow, route, now_us)
        if next_one is None:
            self.planned.unfollowed.append((follow.alert_id, follow.route_id))
        else:
            self.planned.following.append(next_one)
        return notices

    def _look_at(self, notice: Notice) -> None:
        """Put a notice with those that wait, hold it, or end it."""
        if (gone := self._gone(notice)) is not None:
            self._end(notice, gone)
            return
        record = self.desk.records[notice.alert_id]
        held = hold(self.known, record, self.desk.now_us) if notice.event in _HELD else None
        was_held = notice.status is NoticeStatus.HELD
        if held is not None and not (was_held and notice.reason == held.reason):
            self._explain(notice, held.detail)
        if held is not None and goes_on(record):
            self._keep(replace(notice, status=NoticeStatus.HELD, reason=held.reason))
        elif held is not None or (was_held and not goes_on(record)):
            self._end(notice, f"{notice.reason if held is None else held.reason} until it was over")
        elif was_held and looked_after(record):
            self._end(notice, f"{notice.reason} until somebody had acknowledged it")
        else:
            if was_held:
                notice = replace(notice, status=NoticeStatus.WAITING, reason="")
                self._keep(notice)
            self.waiting.append(notice)

    def _gone(self, notice: Notice) -> str | None:
        """Why a notice can't be told at all."""
        if notice.alert_id not in self.desk.records:
            return "its alert is gone"
        if notice.route_id not in self.routes:
            return f"route {notice.route_id!r} is gone"
        if notice.channel_id not in self.by.channels:
            return f"channel {notice.channel_id!r} is gone"
        if (why := self.desk.disabled.get(notice.channel_id)) is not None:
            self._explain(notice, {"reason": "channel_disabled", "channel": notice.channel_id, "text": why})
            return f"its channel is disabled: {why}"
        return None

    def _drop_what_is_over(self) -> None:
        """End the news of alerts that are over before anybody heard, and that they are over."""
        kept: list[Notice] = []
        untold: set[tuple[str, str]] = set()
        ends = [notice for notice in self.waiting if notice.event is Event.RESOLVED]
        for notice in self.waiting:
            record, route = self.desk.records[notice.alert_id], self.routes[notice.route_id]
            if notice.event in _WHILE_OPEN and not goes_on(record) and route.digest is None:
                self._end(notice, "over before it was told")
            elif notice.event is not Event.RESOLVED:
                kept.append(notice)
                if notice.event is Event.FIRING:
                    untold.add((notice.alert_id, notice.channel_id))
        for notice in ends:
            key = notice.alert_id, notice.channel_id
            begun = self.desk.begun.get(key)
            if begun is DeliveryStatus.DELIVERED or key in untold:
                kept.append(notice)
            elif begun is None or begun is DeliveryStatus.DEAD:
                self._end(notice, "its beginning was not told")
            # Else its beginning is on its way: it waits until that has arrived.
        self.waiting = kept

    def _tell(self, notices: list[Notice]) -> None:
        """Make messages of what waits for one channel by one route, if it is time."""
        desk, route = self.desk, self.routes[notices[0].route_id]
        channel = notices[0].channel_id
        groups: dict[str, list[Notice]] = defaultdict(list)
        for notice in notices:
            record = desk.records[notice.alert_id]
            zone = self.known.zone(record.alert.place_id, route.timezone)
            if quiet(route, record.alert.severity, desk.now_us, zone):
                continue
            if route.digest is not None:
                if next_digest_us(route.digest, notice.noted_at_us, zone) <= desk.now_us:
                    groups["digest"].append(notice)
            else:
                groups[group_of(route, record)].append(notice)
        if route.digest is not None:
            for group, told in groups.items():
                self._draft(route, channel, group, "digest", told)
            return
        ready = {
            group: told
            for group, told in groups.items()
            if self._is_due(route, told, desk.told_us.get((route.id, channel, group)))
        }
        first = [one for told in groups.values() for one in told if not one.round]
        alerts = len({one.alert_id for one in first})
        if first and alerts + desk.recent.get((route.id, channel), 0) > route.storm:
            if min(one.noted_at_us for one in first) + STORM_US <= desk.now_us:
                self._draft(route, channel, "storm", "storm" if alerts > 1 else "alerts", first)
            again = {group: [one for one in told if one.round] for group, told in ready.items()}
            ready = {group: told for group, told in again.items() if told}
        for group, told in ready.items():
            self._draft(route, channel, group, "alerts", told)

    def _is_due(self, route: Route, told: Sequence[Notice], last_us: int | None) -> bool:
        if any(notice.round for notice in told):
            return True  # a repetition or escalation has waited long enough
        first_us = min(notice.noted_at_us for notice in told)
        wait_us, interval_us = round(route.group_wait_s * 1e6), round(route.group_interval_s * 1e6)
        rested = last_us is None or last_us + interval_us <= self.desk.now_us
        return first_us + wait_us <= self.desk.now_us and rested

    def _draft(self, route: Route, channel: str, group: str, layout: str, told: Sequence[Notice]) -> None:
        with_records = [(notice, self.desk.records[notice.alert_id]) for notice in told]
        body = self.by.compose(route, channel, layout, with_records)
        id_ = message_id(route.id, channel, told)
        alerts = len({notice.alert_id for notice in told})
        self.planned.drafts.append(Draft(id_, route.id, channel, group, body, alerts))
        for notice in told:
            self._keep(replace(notice, status=NoticeStatus.SENT, reason="", delivery_id=id_))
            if notice.event is Event.FIRING and goes_on(self.desk.records[notice.alert_id]):
                followed = followup.begin(notice, route, self.desk.now_us)
                if followed is not None:
                    self.planned.begun.append(followed)

    def _end(self, notice: Notice, reason: str) -> None:
        self._keep(replace(notice, status=NoticeStatus.NOT_TOLD, reason=reason))

    def _keep(self, notice: Notice) -> None:
        """Plan a notice as it is now, in place of how it was planned before."""
        self.notices[_key(notice)] = notice

    def _explain(self, notice: Notice, detail: dict[str, object]) -> None:
        """Say in the timeline why nobody is told, once for all channels."""
        key = notice.alert_id, str(detail["reason"])
        if key not in self.explained:
            self.explained.add(key)
            self.planned.not_told.append((notice.alert_id, detail))


def message_id(route_id: str, channel: str, told: Iterable[Notice]) -> str:
    """An id made of what is told where: planned again, the same message has the same id."""
    named = sorted(f"{one.alert_id} {one.number} {one.round}" for one in told)
    digest = hashlib.sha256("\n".join([route_id, channel, *named]).encode()).digest()
    return f"msg_{b32encode(digest[:16]).decode().rstrip('=')}"


def _queue(notice: Notice) -> tuple[str, str]:
    return notice.route_id, notice.channel_id


def _key(notice: Notice) -> _Key:
    return notice.alert_id, notice.number, notice.round, notice.route_id, notice.channel_id
