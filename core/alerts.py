"""Alerts: an episode of one rule on one target, how it was handled, and its timeline.

An alert has two lives that do not wait for one another: its state, which telemetry alone
decides, and its handling, which people do.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from core.model import Comparator, Severity


class AlertState(StrEnum):
    """Where a rule and target are; inactive and pending are known to the engine alone."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    STALE = "stale"  # it fired, and nothing has been heard of the target since
    RESOLVED = "resolved"


OPEN = (AlertState.FIRING, AlertState.STALE)
"""At most one alert of a rule and target is in one of these."""


class TargetKind(StrEnum):
    """What an alert is about."""

    REGISTER = "register"
    DEVICE = "device"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Target:
    """id: "<device>/<quantity>" of a register, else the id of the device or place."""

    kind: TargetKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Read what str gives."""
        kind, _, id_ = text.partition(":")
        return cls(TargetKind(kind), id_)


@dataclass(frozen=True, slots=True)
class Waste:
    """What the breach has cost so far, as an estimate.

    amount: above what the rule takes for normal, in unit (kWh, m3). cost: at the tariff of the
    place, None where it has none. basis: what it is measured against, in both languages' words
    of the rule kind, such as "base_load", "usual", "threshold", "balance".
    """

    amount: float
    unit: str
    cost: float | None
    currency: str | None
    basis: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode; id is "<rule>:<target>:<active_at_us>", the same whoever evaluates it.

    place_id, device_id, quantity, unit: where and in what it was when it fired. value: newest
    that telemetry said, limit: what it was held against (both in unit; comparator says which
    side is wrong). active_at_us: when the breach began; stale_at_us: of a stale one, since when.
    retrospective: it fired on history that came late, and nobody was told. organisation_id:
    responsible by the place tree. waste: None where the rule can't say.
    """

    id: str
    rule_id: str
    target: Target
    place_id: str
    device_id: str | None
    quantity: str | None
    unit: str
    severity: Severity
    state: AlertState
    value: float
    limit: float
    comparator: Comparator
    active_at_us: int
    fired_at_us: int
    resolved_at_us: int | None = None
    stale_at_us: int | None = None
    retrospective: bool = False
    organisation_id: str | None = None
    waste: Waste | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Telemetry of the target around its return to normal: (event time µs, value), oldest first."""

    samples: tuple[tuple[int, float], ...]
    unit: str
    limit: float
    comparator: Comparator


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert as it stands after a transition at event time at_us; previous: its state before.

    From firing to firing: what fired on history has reached the present. evidence: of one that
    resolved, the telemetry that says so.
    """

    alert: Alert
    previous: AlertState
    at_us: int
    evidence: Evidence | None = None


class EventKind(StrEnum):
    """What a line of a timeline says. The first six are telemetry's, all others a person's or ours."""

    FIRED = "fired"
    LIVE = "live"  # it had fired on history, and goes on now
    STALE = "stale"
    RETURNED = "returned"  # from stale to firing
    RESOLVED = "resolved"
    SUPERSEDED = "superseded"  # its end was never heard of; a later episode has begun
    ASSIGNED = "assigned"
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    CLOSING = "closing"  # closed by one person, waits for another's approval
    CLOSED = "closed"
    REOPENED = "reopened"  # the approval was refused
    ESCALATED = "escalated"
    TOLD = "told"  # a message about it was delivered
    NOT_TOLD = "not_told"  # silenced, or given up, and why


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """A line of an alert's timeline; number counts from 1 without a gap.

    at_us: event time of what telemetry said, else when it was done. by: who, or "wattline".
    detail: plain values, such as reason, until_us or organisation_id.
    """

    alert_id: str
    number: int
    kind: EventKind
    at_us: int
    recorded_at_us: int
    by: str
    detail: dict[str, object] = field(default_factory=dict)


class Handled(StrEnum):
    """How far people are with an alert."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    CLOSING = "closing"
    CLOSED = "closed"


class Withdrawn(StrEnum):
    """Why nothing watches the target of an alert any more."""

    DROPPED = "rule_dropped"
    DISABLED = "rule_disabled"
    NOT_SELECTED = "not_selected"  # the rule selects other targets now


class CloseReason(StrEnum):
    """Why an alert is done. Only the last two may be given while it is open."""

    FIXED = "fixed"
    RETURNED = "returned"  # it went back by itself
    ACCEPTED = "accepted"  # known and meant to be so
    FALSE_ALARM = "false_alarm"
    RULE_WITHDRAWN = "rule_withdrawn"  # nothing watches it any more


@dataclass(frozen=True, slots=True)
class Handling:
    """What people have done about an alert.

    organisation_id: responsible now (escalation moves it up the place tree). due_at_us: when it
    goes up next; None once it is acknowledged and no deadline to close is left, or at the root.
    evidence: telemetry that returned to normal, kept with a closed alert.
    """

    status: Handled = Handled.NEW
    organisation_id: str | None = None
    assignee: str | None = None
    acknowledged_at_us: int | None = None
    acknowledged_by: str | None = None
    shelved_until_us: int | None = None
    due_at_us: int | None = None
    escalations: int = 0
    closed_at_us: int | None = None
    closed_by: str | None = None
    close_reason: CloseReason | None = None
    close_note: str = ""
    approved_by: str | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """An alert and its handling, as the registry keeps them; events: how many lines its timeline has."""

    alert: Alert
    handling: Handling
    events: int


DEADLINE_S: dict[Severity, float] = {
    Severity.CRITICAL: 4 * 3600.0,
    Severity.WARNING: 24 * 3600.0,
    Severity.INFO: 7 * 24 * 3600.0,
}
"""Until when an alert must be handled, where its rule says nothing."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that nobody is told of for a while; empty tuples match all. It has an end and a reason, always.

    places: at or below them.
    """

    id: str
    starts_at_us: int
    ends_at_us: int
    reason: str
    by: str
    created_at_us: int
    rules: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
