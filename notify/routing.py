"""Which routes an alert takes, what holds a notice back, and when a route may tell. Clock-free."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.alerts import OPEN, AlertRecord, Silence
from core.catalog import Catalog
from core.delivery import Event, GroupBy, Match, Route
from core.model import Severity
from core.rules import MuteTime, Rule

_DAYS_AHEAD = 8  # a weekday comes again within a week


@dataclass(frozen=True, slots=True)
class Known:
    """What routing looks things up in. silences: all that are in force or to come."""

    catalog: Catalog
    rules: dict[str, Rule]
    silences: Sequence[Silence] = ()
    _zones: dict[str, ZoneInfo] = field(default_factory=dict)

    def zone(self, place_id: str, named: str | None = None) -> ZoneInfo:
        """The named timezone, else that of the place; UTC for a place that is gone."""
        place = self.catalog.places.get(place_id)
        name = named or (place.timezone if place else "UTC")
        if name not in self._zones:
            self._zones[name] = ZoneInfo(name)
        return self._zones[name]


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a notice is held now; detail goes to the alert's timeline."""

    reason: str
    detail: dict[str, object]


def takes(match: Match, record: AlertRecord, event: Event, catalog: Catalog) -> bool:
    """Whether a route tells of this event of this alert."""
    alert = record.alert
    organisation = record.handling.organisation_id or alert.organisation_id
    return (
        (event in match.events)
        and (not match.severities or alert.severity in match.severities)
        and (not match.rules or alert.rule_id in match.rules)
        and (not match.places or _under(catalog, alert.place_id, match.places))
        and (not match.organisations or (organisation is not None and organisation in match.organisations))
    )


def group_of(route: Route, record: AlertRecord) -> str:
    """What alerts of one message have in common, as text."""
    alert = record.alert
    organisation = record.handling.organisation_id or alert.organisation_id or ""
    by = {GroupBy.RULE: alert.rule_id, GroupBy.PLACE: alert.place_id, GroupBy.ORGANISATION: organisation}
    return "\n".join(by[one] for one in route.group_by)


def hold(known: Known, record: AlertRecord, now_us: int) -> Hold | None:
    """What keeps an alert from being told now: a shelf, a silence, or its rule's mute times."""
    alert, until_us = record.alert, record.handling.shelved_until_us
    if until_us is not None and until_us > now_us:
        return Hold("shelved", {"reason": "shelved", "until_us": until_us})
    for silence in known.silences:
        if silence.starts_at_us <= now_us < silence.ends_at_us and _silences(known.catalog, silence, record):
            detail = {"reason": "silenced", "silence": silence.id, "text": silence.reason}
            return Hold("silenced", detail | {"until_us": silence.ends_at_us})
    rule = known.rules.get(alert.rule_id)
    if rule is not None and within(rule.mute, now_us, known.zone(alert.place_id)):
        return Hold("muted", {"reason": "muted"})
    return None


def told_us(known: Known, record: AlertRecord, from_us: int, until_us: int) -> tuple[int | None, Hold | None]:
    """When an alert that is open from from_us to before until_us may be told, and what held it back first.

    (None, why) if that lasts until it is over; nothing is told of it then.
    """
    why, at_us = hold(known, record, from_us), from_us
    held = why
    while held is not None:
        at_us = _over_us(known, record, held, at_us)
        if at_us >= until_us:
            return None, why
        held = hold(known, record, at_us)
    return at_us, why


def quiet(route: Route, severity: Severity, now_us: int, zone: ZoneInfo) -> bool:
    """Whether these are quiet hours of the route, for alerts of this severity."""
    return severity not in route.quiet_except and within(route.quiet, now_us, zone)


def within(times: Iterable[MuteTime], now_us: int, zone: ZoneInfo) -> bool:
    """Whether local time is in one of the spans; a span belongs to the weekday that it begins on."""
    local = datetime.fromtimestamp(now_us / 1e6, zone)
    clock = local.strftime("%H:%M")
    today, yesterday = local.isoweekday(), (local - timedelta(days=1)).isoweekday()
    for span in times:
        over_midnight = span.end <= span.start
        if over_midnight:
            if clock >= span.start and _on(span, today):
                return True
            if clock < span.end and _on(span, yesterday):
                return True
        elif span.start <= clock < span.end and _on(span, today):
            return True
    return False


def next_digest_us(digest: str, after_us: int, zone: ZoneInfo) -> int:
    """The first local "HH:MM" after a time, once a local day.

    When clocks spring over it, it is the moment that they do by as much later; when it
    comes twice, the first.
    """
    hour, minute = (int(part) for part in digest.split(":"))
    first = datetime.fromtimestamp(after_us / 1e6, zone).date() - timedelta(days=1)
    for days in range(_DAYS_AHEAD):
        local = datetime.combine(first + timedelta(days=days), time(hour, minute), zone)
        at_us = round(local.astimezone(UTC).timestamp()) * 1_000_000
        if at_us > after_us:
            return at_us
    raise AssertionError(digest)  # a week has a tomorrow


def goes_on(record: AlertRecord) -> bool:
    """Whether the alert is open."""
    return record.alert.state in OPEN


def looked_after(record: AlertRecord) -> bool:
    """Whether somebody has acknowledged or closed it."""
    return record.handling.acknowledged_at_us is not None or record.handling.closed_at_us is not None


def _over_us(known: Known, record: AlertRecord, held: Hold, at_us: int) -> int:
    """When a hold may be over: at the end of a silence or shelf, or of one of the mute times."""
    until_us = held.detail.get("until_us")
    if isinstance(until_us, int):
        return until_us
    zone = known.zone(record.alert.place_id)
    mute = known.rules[record.alert.rule_id].mute
    return min(next_digest_us(span.end, at_us, zone) for span in mute)


def _on(span: MuteTime, weekday: int) -> bool:
    return not span.weekdays or weekday in span.weekdays


def _under(catalog: Catalog, place_id: str, places: Iterable[str]) -> bool:
    return not set(places).isdisjoint(catalog.ancestors(place_id))


def _silences(catalog: Catalog, silence: Silence, record: AlertRecord) -> bool:
    alert = record.alert
    return (
        (not silence.rules or alert.rule_id in silence.rules)
        and (not silence.places or _under(catalog, alert.place_id, silence.places))
        and (not silence.devices or (alert.device_id is not None and alert.device_id in silence.devices))
        and (not silence.severities or alert.severity in silence.severities)
    )
