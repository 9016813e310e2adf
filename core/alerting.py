"""What the product needs of the place where rules and alerts are kept; part of core.ports.Registry."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.alerts import (
    AlertChange,
    AlertEvent,
    AlertRecord,
    AlertState,
    EventKind,
    Handled,
    Silence,
)
from core.rules import Rule


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts; empty tuples and None select all.

    before: (active_at_us, id) of the last one on the page before.
    """

    states: tuple[AlertState, ...] = ()
    handled: tuple[Handled, ...] = ()
    rules: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    retrospective: bool | None = None
    before: tuple[int, str] | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Act:
    """What a person (or the deadline) does with an alert; kind is one of the events that are not telemetry's.

    closing is the wish to close (and closes, where the rule wants no approval), closed the
    approval of another person, reopened its refusal.
    detail by kind: assigned {organisation_id?, assignee?}; commented {text}; shelved {until_us, reason};
    closing {reason, note, withdrawn?}, the last as core.alerts.Withdrawn says; closed, reopened {note};
    escalated {overdue_since_us, organisation_id?, due_at_us?}; told, not_told: what the dispatcher has
    to say.
    """

    kind: EventKind
    at_us: int
    by: str
    detail: dict[str, object] = field(default_factory=dict)


class Alerting(Protocol):
    """Rules, alerts, timelines and silences; part of core.ports.Registry.

    Each change, its line in the timeline and what is to be told of it (the outbox) are one
    transaction, durable when the call returns. Timelines only grow: the database refuses
    to change or delete a line.
    """

    def rules(self) -> list[Rule]:
        """All rules by id; cheap to ask again: the same list, until one has changed."""
        ...

    def rule(self, id_: str) -> Rule | None:
        """One rule, also one that was dropped: its alerts are still there."""
        ...

    def put_rule(self, rule: Rule) -> None:
        """Add or update one; raises Conflict for an unknown place, device or rule it names."""
        ...

    def drop_rule(self, id_: str) -> bool:
        """Forget one; its alerts stay. Whether there was one. Raises Conflict for one of a file."""
        ...

    def record_alerts(self, changes: Sequence[AlertChange], recorded_at_us: int) -> list[AlertChange]:
        """Store transitions; returns those that were news, in order.

        A transition that is recorded already changes nothing, whoever records it. An alert that
        begins while an earlier one of its rule and target is open ends the earlier one
        (superseded), and that end is among the news.
        """
        ...

    def alerts(self, query: AlertQuery) -> list[AlertRecord]:
        """Alerts newest first by active_at_us, then id."""
        ...

    def alert(self, id_: str) -> AlertRecord | None:
        """One alert."""
        ...

    def records(self, ids: Sequence[str]) -> dict[str, AlertRecord]:
        """Alerts by id, all in one look; what is not there is left out."""
        ...

    def alerts_changed(self, after: int | None, limit: int = 1000) -> tuple[list[AlertRecord], int]:
        """Alerts that telemetry, a person or a deadline has changed after a revision, in order of it.

        With the revision to ask with next; after None: nothing, and the revision of now. Cheap
        while nothing changes. About limit of them: what changed in one transaction comes at once.
        """
        ...

    def timeline(self, id_: str) -> list[AlertEvent]:
        """Every line of an alert, oldest first."""
        ...

    def timeline_fault(self, id_: str) -> str | None:
        """Where an alert's timeline was changed or cut, in words; None if it is whole."""
        ...

    def handle(self, id_: str, act: Act) -> AlertRecord:
        """Do something about an alert that is there; raises Conflict with what to do instead."""
        ...

    def overdue(self, now_us: int, limit: int = 1000) -> list[AlertRecord]:
        """Alerts whose due_at_us has passed, and shelved ones whose time is over."""
        ...

    def silences(self, now_us: int | None = None) -> list[Silence]:
        """All silences, or those in force at a time, by start."""
        ...

    def put_silence(self, silence: Silence) -> None:
        """Add one."""
        ...

    def end_silence(self, id_: str, at_us: int) -> bool:
        """End one early; whether it was in force or yet to come."""
        ...
