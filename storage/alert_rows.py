"""Alerts, their handling, lines of timelines and silences, to table rows and back.

What is not a finite number is null in a row.
"""

import json
import math
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from core.alerts import (
    Alert,
    AlertEvent,
    AlertRecord,
    AlertState,
    EventKind,
    Evidence,
    Handling,
    Silence,
    Target,
    Waste,
)
from core.model import Comparator, Severity

Row = dict[str, Any]


def alert_row(alert: Alert) -> Row:
    """Columns of an alert but those of its handling and its timeline."""
    waste = None if alert.waste is None else finite(msgspec.to_builtins(alert.waste))
    return {
        "id": alert.id,
        "rule_id": alert.rule_id,
        "target": str(alert.target),
        "place_id": alert.place_id,
        "device_id": alert.device_id,
        "quantity": alert.quantity,
        "unit": alert.unit,
        "severity": str(alert.severity),
        "state": str(alert.state),
        "value": finite(alert.value),
        "limit": finite(alert.limit),
        "comparator": str(alert.comparator),
        "active_at_us": alert.active_at_us,
        "fired_at_us": alert.fired_at_us,
        "resolved_at_us": alert.resolved_at_us,
        "stale_at_us": alert.stale_at_us,
        "retrospective": alert.retrospective,
        "organisation_id": alert.organisation_id,
        "waste": waste,
    }


def alert(row: RowMapping) -> Alert:
    """The alert of a row."""
    return Alert(
        row["id"],
        row["rule_id"],
        Target.parse(row["target"]),
        row["place_id"],
        row["device_id"],
        row["quantity"],
        row["unit"],
        Severity(row["severity"]),
        AlertState(row["state"]),
        _number(row["value"]),
        _number(row["limit"]),
        Comparator(row["comparator"]),
        row["active_at_us"],
        row["fired_at_us"],
        row["resolved_at_us"],
        row["stale_at_us"],
        row["retrospective"],
        row["organisation_id"],
        None if row["waste"] is None else _waste(row["waste"]),
    )


def handling_row(handling: Handling) -> Row:
    """Columns of how an alert was handled."""
    return {
        "handled": str(handling.status),
        "responsible_id": handling.organisation_id,
        "due_at_us": handling.due_at_us,
        "shelved_until_us": handling.shelved_until_us,
        "handling": msgspec.json.encode(handling),
    }


def handling(row: RowMapping) -> Handling:
    """How the alert of a row was handled."""
    return msgspec.json.decode(bytes(row["handling"]), type=Handling)


def record(row: RowMapping) -> AlertRecord:
    """An alert with its handling."""
    return AlertRecord(alert(row), handling(row), row["events"])


def event(row: RowMapping) -> AlertEvent:
    """A line of a timeline."""
    return AlertEvent(
        row["alert_id"],
        row["number"],
        EventKind(row["kind"]),
        row["at_us"],
        row["recorded_at_us"],
        row["by"],
        json.loads(row["detail"]),
    )


def detail_text(detail: dict[str, object]) -> str:
    """What a line says, always in the same characters."""
    said = json.dumps(finite(detail), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return said.encode("utf-8", "replace").decode()  # no database keeps half a character


def known(evidence: Evidence | None) -> Evidence | None:
    """Evidence as it can be kept: without samples that are no number."""
    if evidence is None:
        return None
    samples = tuple(one for one in evidence.samples if math.isfinite(one[1]))
    limit = evidence.limit if math.isfinite(evidence.limit) else 0.0
    return Evidence(samples, evidence.unit, limit, evidence.comparator)


def silence_row(silence: Silence) -> Row:
    """Columns of a silence."""
    row: Row = msgspec.to_builtins(silence)
    return row


def silence(row: RowMapping) -> Silence:
    """The silence of a row."""
    return msgspec.convert({str(name): value for name, value in row.items()}, Silence)


def finite(value: Any) -> Any:  # noqa: ANN401 - anything that JSON can hold
    """The value with None for each number in it that is none."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: finite(one) for key, one in value.items()}
        case list() | tuple():
            return [finite(one) for one in value]
    return value


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _waste(row: Row) -> Waste:
    return Waste(_number(row["amount"]), row["unit"], row["cost"], row["currency"], row["basis"])
