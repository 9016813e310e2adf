"""Which alert transitions are news, and what they make of alerts, handling and timelines.

Pure: the alerts that a batch of changes concerns come in as they are held, and the log says
what to write. Whoever tells a transition again, in another process or after a restart, says
nothing new: it is known by alert, kind of line and event time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from core.alerts import (
    DEADLINE_S,
    OPEN,
    Alert,
    AlertChange,
    AlertEvent,
    AlertState,
    EventKind,
    Handled,
    Handling,
)
from core.rules import Rule
from storage.alert_rows import known

WATTLINE = "wattline"
"""Who does what no person does."""

TELEMETRY = (
    EventKind.FIRED,
    EventKind.LIVE,
    EventKind.STALE,
    EventKind.RETURNED,
    EventKind.RESOLVED,
    EventKind.SUPERSEDED,
)
_FIRES = (EventKind.FIRED, EventKind.LIVE, EventKind.RETURNED)


@dataclass(slots=True)
class Held:
    """An alert as the database has it, and lines to add to its timeline.

    said: kind and event time of telemetry's lines so far. last_hash: of the last line so far.
    """

    alert: Alert
    handling: Handling
    events: int = 0
    last_hash: str = ""
    said: set[tuple[EventKind, int]] = field(default_factory=set)
    lines: list[AlertEvent] = field(default_factory=list)

    def add(
        self, kind: EventKind, at_us: int, recorded_at_us: int, by: str, detail: dict[str, object]
    ) -> None:
        """Add a line to the timeline."""
        number = self.events + len(self.lines) + 1
        self.lines.append(AlertEvent(self.alert.id, number, kind, at_us, recorded_at_us, by, detail))
        if kind in TELEMETRY:
            self.said.add((kind, at_us))


class AlertLog:
    """Takes changes in order; news are those that changed something.

    held: alerts whose id is in a change, and the open ones of the same rules and targets.
    rules: of the changes, for deadlines.
    """

    def __init__(self, held: Iterable[Held], rules: Mapping[str, Rule], recorded_at_us: int) -> None:
        self.news: list[AlertChange] = []
        self._held = {one.alert.id: one for one in held}
        self._rules = rules
        self._recorded_at_us = recorded_at_us
        self._open = {_watch(one.alert): one for one in self._held.values() if one.alert.state in OPEN}

    def record(self, changes: Sequence[AlertChange]) -> None:
        """Apply the changes in order."""
        for change in changes:
            kind = self._kind(change)
            if kind is not None:
                self._make_room(change)
                self._accept(change, kind)

    def changed(self) -> list[Held]:
        """Alerts with new lines, those that ended before the open ones: two open ones are refused."""
        touched = [one for one in self._held.values() if one.lines]
        return sorted(touched, key=lambda one: one.alert.state in OPEN)

    def _kind(self, change: AlertChange) -> EventKind | None:
        """What a change says that is not known yet; None: nothing."""
        alert = change.alert
        held = self._held.get(alert.id)
        if held is None:
            other = self._open.get(_watch(alert))
            if alert.state in OPEN and other is not None and other.alert.active_at_us > alert.active_at_us:
                return None  # history: its successor is open already
            return _FIRST[alert.state]
        before = held.alert.state
        if alert.state is before is AlertState.FIRING:
            return EventKind.LIVE if held.alert.retrospective and not alert.retrospective else None
        kind = _NEXT.get((before, alert.state))
        fired_us = max((at_us for said, at_us in held.said if said in _FIRES), default=0)
        told = (kind, change.at_us) in held.said
        # Whoever is behind tells again how it fired, or fell silent, and knows no better.
        if kind is EventKind.RETURNED and (told or change.at_us <= fired_us):
            return None
        return None if kind is EventKind.STALE and (told or change.at_us < fired_us) else kind

    def _make_room(self, change: AlertChange) -> None:
        """End another open alert of the same watch: its end was never heard of."""
        other = self._open.get(_watch(change.alert))
        if change.alert.state in OPEN and other is not None and other.alert.id != change.alert.id:
            ended = replace(other.alert, state=AlertState.RESOLVED, resolved_at_us=change.at_us)
            self._accept(AlertChange(ended, other.alert.state, change.at_us), EventKind.SUPERSEDED)

    def _accept(self, change: AlertChange, kind: EventKind) -> None:
        alert = change.alert
        held = self._held.get(alert.id)
        if held is None:
            held = self._held[alert.id] = Held(alert, Handling(organisation_id=alert.organisation_id))
        held.alert = alert
        held.add(kind, change.at_us, self._recorded_at_us, WATTLINE, _said(change, kind))
        if kind is EventKind.RESOLVED:
            held.handling = replace(held.handling, evidence=known(change.evidence))
        if kind in (EventKind.FIRED, EventKind.LIVE):
            self._assign(held, self._recorded_at_us if kind is EventKind.LIVE else alert.fired_at_us)
        self.news.append(change)
        if alert.state in OPEN:
            self._open[_watch(alert)] = held
        elif self._open.get(_watch(alert)) is held:
            del self._open[_watch(alert)]

    def _assign(self, held: Held, since_us: int) -> None:
        """Give it to the responsible organisation, with a deadline if it is of the present."""
        alert, handling = held.alert, held.handling
        if not alert.retrospective and handling.status is not Handled.CLOSED and handling.due_at_us is None:
            due_us = since_us + round(deadline_s(self._rules.get(alert.rule_id), alert) * 1e6)
            handling = replace(handling, due_at_us=max(due_us, self._recorded_at_us))
        if handling.organisation_id is not None and (handling != held.handling or alert.retrospective):
            detail: dict[str, object] = {"organisation_id": handling.organisation_id}
            if handling.due_at_us is not None:
                detail["due_at_us"] = handling.due_at_us
            held.add(EventKind.ASSIGNED, self._recorded_at_us, self._recorded_at_us, WATTLINE, detail)
        held.handling = handling


_FIRST: dict[AlertState, EventKind | None] = {
    AlertState.FIRING: EventKind.FIRED,
    AlertState.STALE: EventKind.STALE,
    AlertState.RESOLVED: EventKind.RESOLVED,
    AlertState.INACTIVE: None,
    AlertState.PENDING: None,
}
"""What the first that is heard of an alert says; pending is the engine's own."""

_NEXT: dict[tuple[AlertState, AlertState], EventKind] = {
    (AlertState.FIRING, AlertState.STALE): EventKind.STALE,
    (AlertState.STALE, AlertState.FIRING): EventKind.RETURNED,
    (AlertState.FIRING, AlertState.RESOLVED): EventKind.RESOLVED,
    (AlertState.STALE, AlertState.RESOLVED): EventKind.RESOLVED,
}
"""What a change of state says; from resolved nothing leads back."""


def deadline_s(rule: Rule | None, alert: Alert) -> float:
    """How long handling an alert may take."""
    if rule is None or rule.deadline_s is None:
        return DEADLINE_S[alert.severity]
    return rule.deadline_s


def _said(change: AlertChange, kind: EventKind) -> dict[str, object]:
    alert = change.alert
    detail: dict[str, object] = {"value": alert.value, "limit": alert.limit, "unit": alert.unit}
    if alert.retrospective:
        detail["retrospective"] = True
    evidence = known(change.evidence)
    if kind is EventKind.RESOLVED and evidence is not None:
        detail["evidence"] = msgspec.to_builtins(evidence)
    return detail


def _watch(alert: Alert) -> tuple[str, str]:
    return alert.rule_id, str(alert.target)
