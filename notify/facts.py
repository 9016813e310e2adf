"""What a message says of an alert, as plain text in one language, for templates."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from core.alerts import AlertRecord, Waste
from core.delivery import Event, Notice
from core.model import Severity
from notify import words
from notify.routing import Known

_NOBODY_KNOWS = "?"
_Facts = TypeVar("_Facts", "AlertFacts", "MessageFacts")


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """One alert. place: path from the root. since: local, with offset. What there is not is ""."""

    what: str
    event: str
    severity: str
    place: str
    device: str
    since: str
    lasted: str
    value: str
    limit: str
    side: str
    waste: str
    action: str
    runbook: str
    link: str
    over: bool


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """A whole message. alerts: those that are told one by one, the worst first; others: how many more.

    rules, places: of all of them, "name (count)", most first. firing, over: how many.
    """

    title: str
    alerts: tuple[AlertFacts, ...]
    total: int
    others: int
    firing: int
    over: int
    rules: tuple[str, ...]
    places: tuple[str, ...]
    link: str


def escaped(facts: _Facts, escape: Callable[[str], str]) -> _Facts:
    """The same with every text escaped, but addresses."""
    changed: dict[str, Any] = {}
    for one in fields(facts):
        value = getattr(facts, one.name)
        if one.name in ("link", "runbook"):
            continue
        if isinstance(value, str):
            changed[one.name] = escape(value)
        elif isinstance(value, tuple):
            changed[one.name] = tuple(
                escape(item) if isinstance(item, str) else escaped(item, escape) for item in value
            )
    return replace(facts, **changed)


def of_alert(known: Known, notice: Notice, record: AlertRecord, language: str, public_url: str) -> AlertFacts:
    """What is said of one alert."""
    alert, rule = record.alert, known.rules.get(record.alert.rule_id)
    zone = known.zone(alert.place_id)
    # What resolved is told as it was; what goes on, until now.
    until_us = alert.resolved_at_us if alert.resolved_at_us is not None else notice.at_us
    over = notice.event is Event.RESOLVED
    return AlertFacts(
        what=_line(getattr(rule.name, language) if rule else f"{alert.rule_id} {words.GONE[language]}"),
        event=words.EVENTS[language][notice.event],
        severity=words.SEVERITIES[language][alert.severity],
        place=place_path(known, alert.place_id, language),
        device=_device(known, record, language),
        since=datetime.fromtimestamp(alert.active_at_us // 1_000_000, zone).isoformat(" ", "seconds"),
        lasted=_duration((until_us - alert.active_at_us) / 1e6, language),
        value=number(alert.value, alert.unit),
        limit=number(alert.limit, alert.unit),
        side=words.LIMIT[language] if over else words.COMPARATORS[language][alert.comparator],
        waste=_waste(alert.waste),
        action=_line(getattr(rule.action, language)) if rule else "",
        runbook=_address(rule.runbook) if rule else "",
        link=alert_link(public_url, record),
        over=over,
    )


def worst_first(told: Sequence[tuple[Notice, AlertRecord]]) -> list[tuple[Notice, AlertRecord]]:
    """By severity, then by cost or amount of waste, then the oldest."""
    order = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}

    def rank(one: tuple[Notice, AlertRecord]) -> tuple[int, int, float, int, str]:
        notice, record = one
        waste = record.alert.waste
        lost = 0.0 if waste is None else (waste.cost if waste.cost is not None else waste.amount)
        lost = lost if math.isfinite(lost) else 0.0
        over = int(notice.event is Event.RESOLVED)
        return over, order[record.alert.severity], -lost, record.alert.active_at_us, record.alert.id

    return sorted(told, key=rank)


def place_path(known: Known, place_id: str, language: str) -> str:
    """Names from the root down to the place."""
    places = known.catalog.places
    path = [getattr(places[id_].name, language) for id_ in reversed(known.catalog.ancestors(place_id))]
    return _line(" / ".join(path) or f"{place_id} {words.GONE[language]}")


def alert_link(public_url: str, record: AlertRecord) -> str:
    """Where the page shows the alert; "" without a public address."""
    alert = record.alert
    return f"{public_url}/?{urlencode({'place': alert.place_id, 'alert': alert.id})}" if public_url else ""


def list_link(public_url: str) -> str:
    """Where the page lists what fires."""
    return f"{public_url}/?alerts=firing" if public_url else ""


def number(value: float, unit: str) -> str:
    """A value with its unit, with as many digits as say something."""
    if not math.isfinite(value):
        return _NOBODY_KNOWS
    digits = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return digits if unit in ("", "1") else f"{digits} {unit}"


def _device(known: Known, record: AlertRecord, language: str) -> str:
    device_id, quantity = record.alert.device_id, record.alert.quantity
    if device_id is None:
        return ""
    device = known.catalog.devices.get(device_id)
    name = getattr(device.name, language) if device else device_id
    named = name if name == device_id else f"{name} ({device_id})"
    return _line(f"{named}, {quantity}" if quantity else named)


def _waste(waste: Waste | None) -> str:
    if waste is None or not math.isfinite(waste.amount):
        return ""
    amount = number(waste.amount, waste.unit)
    if waste.cost is None or not math.isfinite(waste.cost):
        return amount
    return f"{amount}, {waste.cost:,.2f} {waste.currency or ''}".rstrip()


def _duration(seconds: float, language: str) -> str:
    units = {"zh": ("天", "小时", "分钟"), "en": (" d", " h", " min")}[language]
    whole = timedelta(seconds=max(seconds, 0.0))
    parts = (whole.days, whole.seconds // 3600, whole.seconds // 60 % 60)
    told = [f"{count}{unit}" for count, unit in zip(parts, units, strict=True) if count]
    return " ".join(told[:2]) or f"0{units[2]}"


def _address(text: str | None) -> str:
    """An address that may become a link: not one that is a program."""
    return text if text and text.startswith(("https://", "http://")) else ""


def _line(text: str) -> str:
    """Text on one line, without control characters: a name must not add a header or a line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
