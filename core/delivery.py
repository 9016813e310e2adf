"""How people are told of alerts: routes, notices and deliveries.

A line of a timeline that somebody may be told of lies in the outbox until it is planned. Then
it is a notice for every channel that a route gives it, and in the end each notice is part of a
delivery or has a reason why it was not told. A delivery is one message on one channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from core.alerts import AlertRecord, EventKind
from core.model import Severity
from core.rules import MuteTime


class Event(StrEnum):
    """What a message may say of an alert."""

    FIRING = "firing"
    STALE = "stale"
    RETURNED = "returned"
    RESOLVED = "resolved"
    ASSIGNED = "assigned"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"  # its deadline has passed: it went up to another organisation
    CLOSING = "closing"  # a second person is asked to approve
    CLOSED = "closed"
    REPEATED = "repeated"  # it goes on, and nobody has acknowledged it
    UNACKNOWLEDGED = "unacknowledged"  # the same, told to more people


TOLD_OF: dict[EventKind, Event] = {
    EventKind.FIRED: Event.FIRING,
    EventKind.LIVE: Event.FIRING,
    EventKind.STALE: Event.STALE,
    EventKind.RETURNED: Event.RETURNED,
    EventKind.RESOLVED: Event.RESOLVED,
    EventKind.SUPERSEDED: Event.RESOLVED,
    EventKind.ASSIGNED: Event.ASSIGNED,
    EventKind.ACKNOWLEDGED: Event.ACKNOWLEDGED,
    EventKind.ESCALATED: Event.ESCALATED,
    EventKind.CLOSING: Event.CLOSING,
    EventKind.CLOSED: Event.CLOSED,
}
"""Lines of a timeline that somebody may be told of; no other line goes to the outbox."""


class Language(StrEnum):
    """Language of a message."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


class GroupBy(StrEnum):
    """What alerts of one message have in common."""

    RULE = "rule"
    PLACE = "place"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Match:
    """Which alerts a route takes; an empty tuple takes all. places: at or below them."""

    severities: tuple[Severity, ...] = ()
    places: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    events: tuple[Event, ...] = (Event.FIRING, Event.RESOLVED, Event.ESCALATED)


@dataclass(frozen=True, slots=True)
class Escalation:
    """More channels once an alert has been told for after_s and nobody has acknowledged it."""

    after_s: float
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Who is told of which alerts, in which language, and when.

    group_by: alerts of one message share these; none: all alerts of the route share a message.
    group_wait_s: how long a message waits for others of its group; group_interval_s: at least so
    long between two messages of a group. repeat_s: told again while it goes on and nobody has
    acknowledged it (None: never). digest: local "HH:MM" at which everything since the last one
    is told in one message. quiet: local times at which nobody is told, but of quiet_except.
    timezone: of digest and quiet hours; None: that of the alert's place. storm: more alerts than
    this within a minute become one summary a minute.
    """

    id: str
    channels: tuple[str, ...]
    match: Match = Match()
    language: Language = Language.ZH
    group_by: tuple[GroupBy, ...] = (GroupBy.RULE,)
    group_wait_s: float = 30.0
    group_interval_s: float = 300.0
    repeat_s: float | None = None
    digest: str | None = None
    quiet: tuple[MuteTime, ...] = ()
    quiet_except: tuple[Severity, ...] = (Severity.CRITICAL,)
    timezone: str | None = None
    escalation: tuple[Escalation, ...] = ()
    storm: int = 20


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """A line of an alert's timeline that somebody may be told of; fields as there."""

    alert_id: str
    number: int
    kind: EventKind
    at_us: int
    recorded_at_us: int


class NoticeStatus(StrEnum):
    """How far a notice has come; the last two are final."""

    WAITING = "waiting"
    HELD = "held"  # by a silence, a mute time or a shelf; told once that is over, if it still goes on
    SENT = "sent"  # part of a delivery
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event of one alert for one channel.

    number: of the line in the timeline; round: 0, else the how manieth repetition or escalation
    after it. noted_at_us: since when it waits. reason: why it is held or was not told. route and
    channel are "" of an event that no route takes.
    """

    alert_id: str
    number: int
    round: int
    route_id: str
    channel_id: str
    event: Event
    at_us: int
    noted_at_us: int
    status: NoticeStatus = NoticeStatus.WAITING
    reason: str = ""
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class Following:
    """An alert that a route has told of and looks after until somebody acknowledges it.

    number: line that was told. step: how many escalations are done; round: how many notices
    followed. next_at_us: when to look again.
    """

    alert_id: str
    route_id: str
    number: int
    since_us: int
    told_at_us: int
    step: int
    round: int
    next_at_us: int


class DeliveryStatus(StrEnum):
    """How far a delivery has come."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up; kept, and can be sent again


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be sent; id is the same however often it is sent. body: rendered, as JSON."""

    id: str
    route_id: str
    channel_id: str
    group: str
    body: bytes
    alerts: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that planning looks at, as of one moment.

    lines, notices (waiting and held) and following: what is to be dealt with, oldest first.
    records: alerts that these name. begun: by (alert, channel), how far the news that it
    fires has come. told_us: by (route, channel, group), when its newest message was made.
    recent: by (route, channel), alerts that messages of the last minute told of. disabled: channels,
    and why.
    """

    now_us: int
    lines: Sequence[OutboxLine]
    notices: Sequence[Notice]
    following: Sequence[Following]
    records: dict[str, AlertRecord]
    begun: dict[tuple[str, str], DeliveryStatus]
    told_us: dict[tuple[str, str, str], int]
    recent: dict[tuple[str, str], int]
    disabled: dict[str, str]


@dataclass(slots=True)
class Planned:
    """What planning makes of a desk.

    notices: new ones, and those that changed. begun: to be looked after, unless they are already.
    following: as they are now. unfollowed: (alert, route). not_told: lines for timelines, as
    (alert, detail).
    """

    notices: list[Notice] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    begun: list[Following] = field(default_factory=list)
    following: list[Following] = field(default_factory=list)
    unfollowed: list[tuple[str, str]] = field(default_factory=list)
    not_told: list[tuple[str, dict[str, object]]] = field(default_factory=list)


class Outcome(StrEnum):
    """What came of an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"
    GONE = "gone"  # the other side says never again: the channel is disabled


@dataclass(frozen=True, slots=True)
class Said:
    """What the other side said to a message.

    status: HTTP, SMTP or MQTT code, or that of a robot's answer; None without an answer.
    detail: short text, without secrets. retry_after_s: how long it asks us to wait.
    """

    outcome: Outcome
    status: int | None
    detail: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver. outcome None: under way, or the process ended before it was known."""

    at_us: int
    duration_ms: float | None
    outcome: Outcome | None
    status: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and how far it has come.

    tries: attempts since it was made or sent again by hand. next_at_us: of one that is queued,
    when it is tried. lease: who is sending it.
    """

    id: str
    route_id: str
    channel_id: str
    status: DeliveryStatus
    created_at_us: int
    next_at_us: int
    tries: int
    body: bytes
    reason: str = ""
    lease: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries; None selects all. before: (created_at_us, id) of the last on the page before."""

    alert_id: str | None = None
    channel_id: str | None = None
    status: DeliveryStatus | None = None
    before: tuple[int, str] | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A delivery with its log: alerts that it tells of, attempts oldest first."""

    delivery: Delivery
    alert_ids: tuple[str, ...]
    attempts: tuple[Attempt, ...]
