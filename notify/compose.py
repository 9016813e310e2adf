"""Renders what is planned: facts and templates (notify/templates, zh and en) to a message.

A template gets `m` (notify.facts.MessageFacts) and, for robots, a flavour of Markdown in which
every text is escaped before: a device's name can't become a link.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from core.alerts import AlertRecord
from core.delivery import Event, Language, Notice, Route
from core.model import Severity
from notify import words
from notify.facts import MessageFacts, escaped, list_link, of_alert, place_path, worst_first
from notify.message import Form, Message, to_body
from notify.routing import Known

ONE_BY_ONE = 10
"""So many alerts of a message are told in full, the worst."""

_MOST_NAMED = 10
_TITLE = {
    "alerts": {
        "zh": "[{severity}] {what} {event}:{place}",
        "en": "[{severity}] {what}: {event}, {place}",
    },
    "many": {
        "zh": "[{severity}] {what} 等 {count} 条告警",
        "en": "[{severity}] {what} and others: {count} alerts",
    },
    "storm": {"zh": "[{severity}] 告警风暴:{count} 条告警", "en": "[{severity}] Alert storm: {count} alerts"},
    "digest": {"zh": "告警汇总:{count} 条", "en": "Digest of {count} alerts"},
}


@dataclass(frozen=True, slots=True)
class Flavour:
    """What a robot takes for Markdown: how a text is escaped, a line broken, a link and a word set."""

    escape: Callable[[str], str]
    end: str = "\n"
    rule: str = "\n"

    def bold(self, text: str) -> str:
        """A text that stands out."""
        return f"**{text}**"

    def link(self, text: str, address: str) -> str:
        """A link; what would end the address is encoded."""
        return f"[{text}]({address.replace('(', '%28').replace(')', '%29')})"


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]()#<>!|~])", r"\\\1", text)


def _wide(text: str) -> str:
    """For robots that know no escapes: what has a meaning becomes its full-width twin."""
    return text.translate({ord(c): ord(c) + 0xFEE0 for c in r"\`*_[]()#<>!|~"})


_FLAVOURS: dict[Form, Flavour] = {
    # A line ends with two spaces, or DingTalk joins it with the next.
    Form.DINGTALK: Flavour(_wide, end="  \n"),
    Form.WECOM: Flavour(_wide),
    Form.FEISHU: Flavour(_markdown),
}


@dataclass(frozen=True, slots=True)
class Composer:
    """Renders messages for channels of the given forms. public_url: of the page, "" for none."""

    known: Known
    forms: Mapping[str, Form]
    public_url: str = ""

    def __call__(
        self, route: Route, channel: str, layout: str, told: Sequence[tuple[Notice, AlertRecord]]
    ) -> bytes:
        """A body for one channel; layout is alerts, storm or digest."""
        languages = words.LANGUAGES if route.language is Language.BOTH else (route.language.value,)
        ordered = worst_first(told)
        said = [self._facts(ordered, language, layout) for language in languages]
        return to_body(_rendered(said, languages, layout, self.forms[channel], ordered))

    def _facts(self, told: Sequence[tuple[Notice, AlertRecord]], language: str, layout: str) -> MessageFacts:
        latest = {record.alert.id: (notice, record) for notice, record in reversed(told)}
        over = sum(notice.event is Event.RESOLVED for notice, _ in told)
        alerts = tuple(
            of_alert(self.known, notice, record, language, self.public_url)
            for notice, record in told[:ONE_BY_ONE]
        )
        rules: Counter[str] = Counter()
        places: Counter[str] = Counter()
        for _, record in latest.values():
            rule = self.known.rules.get(record.alert.rule_id)
            rules[getattr(rule.name, language) if rule else record.alert.rule_id] += 1
            places[place_path(self.known, record.alert.place_id, language)] += 1
        first, kind = alerts[0], layout
        if layout == "alerts" and len(latest) > 1:
            kind = "many"
        title = _TITLE[kind][language].format(
            severity=first.severity, what=first.what, event=first.event, place=first.place, count=len(latest)
        )
        return MessageFacts(
            title=title[:200],
            alerts=alerts,
            total=len(latest),
            others=max(len(told) - ONE_BY_ONE, 0),
            firing=len(told) - over,
            over=over,
            rules=_named(rules),
            places=_named(places),
            link=list_link(self.public_url),
        )


def trial(form: Form, channel_id: str, at: str, public_url: str) -> bytes:
    """What the test button sends; at: when, as text."""
    text = (
        f"这是 Wattline 的测试消息,通道 {channel_id},{at}。收到即表示通道可用。\n"
        f"This is a test message of Wattline on channel {channel_id}, {at}. "
        "That you read it means that the channel works."
    )
    title = "Wattline 测试消息 / test message"
    data: dict[str, object] = {"type": "test", "timestamp": at, "data": {"channel": channel_id}}
    flavour = _FLAVOURS.get(form)
    if flavour is not None and public_url:
        text += f"\n{flavour.link('Wattline', public_url)}"
    topic = {"severity": "info", "rule": "test", "place": "test", "event": "test"}
    return to_body(Message(title, text, Severity.INFO, "", data, topic))


def _rendered(
    said: Sequence[MessageFacts],
    languages: Sequence[str],
    layout: str,
    form: Form,
    told: Sequence[tuple[Notice, AlertRecord]],
) -> Message:
    flavour = _FLAVOURS.get(form)
    if flavour is None:
        text = _joined(said, languages, layout, "message.txt", "\n\n---\n\n")
    else:
        safe = [escaped(facts, flavour.escape) for facts in said]
        text = _joined(safe, languages, layout, "message.md", f"{flavour.end}---{flavour.end}", f=flavour)
    html = _joined(said, languages, layout, "message.html", "\n<hr>\n") if form is Form.MAIL else ""
    title = " / ".join(facts.title for facts in said)
    over = all(notice.event is Event.RESOLVED for notice, _ in told)
    severity = "resolved" if over else told[0][1].alert.severity.value
    data = _data(layout, told) if form is Form.DATA else {}
    return Message(title, text, severity, html, data, _topic(told))


def _joined(
    said: Sequence[MessageFacts],
    languages: Sequence[str],
    layout: str,
    name: str,
    between: str,
    **more: object,
) -> str:
    parts = [
        _ENVIRONMENT.get_template(f"{language}/{name}").render(m=facts, layout=layout, **more).strip()
        for facts, language in zip(said, languages, strict=True)
    ]
    return between.join(parts)


def _data(layout: str, told: Sequence[tuple[Notice, AlertRecord]]) -> dict[str, object]:
    """The facts for machines, in the words of the API."""
    newest_us = max(notice.at_us for notice, _ in told)
    return {
        "type": f"alerts.{layout}",
        "timestamp": _rfc3339(newest_us),
        "data": {"alerts": [_alert_data(notice, record) for notice, record in told]},
    }


def _alert_data(notice: Notice, record: AlertRecord) -> dict[str, object]:
    alert = record.alert
    waste = alert.waste
    return {
        "id": alert.id,
        "event": notice.event.value,
        "rule_id": alert.rule_id,
        "severity": alert.severity.value,
        "state": alert.state.value,
        "place_id": alert.place_id,
        "device_id": alert.device_id,
        "quantity": alert.quantity,
        "unit": alert.unit,
        "value": _finite(alert.value),
        "limit": _finite(alert.limit),
        "comparator": alert.comparator.value,
        "active_at": _rfc3339(alert.active_at_us),
        "fired_at": _rfc3339(alert.fired_at_us),
        "resolved_at": None if alert.resolved_at_us is None else _rfc3339(alert.resolved_at_us),
        "waste": None
        if waste is None
        else {
            "amount": _finite(waste.amount),
            "unit": waste.unit,
            "cost": waste.cost,
            "currency": waste.currency,
        },
    }


def _topic(told: Sequence[tuple[Notice, AlertRecord]]) -> dict[str, str]:
    """What an MQTT topic may name; what differs is "many"."""
    named = {
        "severity": {record.alert.severity.value for _, record in told},
        "rule": {record.alert.rule_id for _, record in told},
        "place": {record.alert.place_id for _, record in told},
        "event": {notice.event.value for notice, _ in told},
    }
    return {name: next(iter(values)) if len(values) == 1 else "many" for name, values in named.items()}


def _named(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(f"{name} ({count})" for name, count in counts.most_common(_MOST_NAMED))


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None


def _rfc3339(at_us: int) -> str:
    seconds, micros = divmod(at_us, 1_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{micros:06d}Z" if micros else f"{text}Z"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(("html",), default=False),
    trim_blocks=True,
    lstrip_blocks=True,
)
