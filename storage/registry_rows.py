"""What is registered, to table rows and back."""

from typing import Any, TypeVar

from sqlalchemy import RowMapping

from core.model import (
    Alert,
    AlertState,
    CircuitItem,
    Comparator,
    Device,
    DeviceKind,
    MapLayer,
    Name,
    Place,
    PlaceKind,
    Placement,
    Register,
    Replacement,
    Rule,
    Severity,
)
from core.quantities import Energy, RegisterKind

Row = RowMapping
_Record = TypeVar("_Record", Place, Device, Register, Rule, MapLayer, Alert, Replacement, Placement)


def to_row(
    record: Place | Device | Register | Rule | MapLayer | Alert | Replacement | Placement,
) -> dict[str, Any]:
    """Columns of a record: a Name takes two, x_zh and x_en; enumerations are their values."""
    row: dict[str, Any] = {}
    for column in record.__slots__:
        value = getattr(record, column)
        if isinstance(value, Name):
            row[f"{column}_zh"], row[f"{column}_en"] = value.zh, value.en
        elif column == "tariffs":
            row[column] = dict(value) or None
        else:
            row[column] = list(value) if isinstance(value, tuple) else value
    return row


def place(row: Row) -> Place:
    """The place of a row."""
    tariffs = tuple((row["tariffs"] or {}).items())
    return _record(Place, row, kind=PlaceKind(row["kind"]), name=_name(row, "name"), tariffs=tariffs)


def device(row: Row) -> Device:
    """The device of a row; its number is not part of it."""
    item = None if row["item"] is None else CircuitItem(row["item"])
    return _record(Device, row, kind=DeviceKind(row["kind"]), name=_name(row, "name"), item=item)


def register(row: Row) -> Register:
    """The register of a row."""
    energy = None if row["energy"] is None else Energy(row["energy"])
    return _record(Register, row, kind=RegisterKind(row["kind"]), energy=energy)


def replacement(row: Row) -> Replacement:
    """The replacement of a row."""
    return _record(Replacement, row)


def placement(row: Row) -> Placement:
    """The placement of a row."""
    return _record(Placement, row)


def rule(row: Row) -> Rule:
    """The rule of a row."""
    return _record(
        Rule,
        row,
        name=_name(row, "name"),
        action=_name(row, "action"),
        comparator=Comparator(row["comparator"]),
        severity=Severity(row["severity"]),
        places=tuple(row["places"]),
        devices=tuple(row["devices"]),
    )


def map_layer(row: Row) -> MapLayer:
    """The map layer of a row."""
    return _record(MapLayer, row)


def alert(row: Row) -> Alert:
    """The alert of a row."""
    value = float("nan") if row["value"] is None else row["value"]
    return _record(Alert, row, state=AlertState(row["state"]), value=value)


def _name(row: Row, column: str) -> Name:
    return Name(row[f"{column}_zh"], row[f"{column}_en"])


def _record(kind: type[_Record], row: Row, /, **converted: Any) -> _Record:  # noqa: ANN401
    plain: dict[str, Any] = {name: row[name] for name in kind.__slots__ if name not in converted}
    return kind(**plain, **converted)
