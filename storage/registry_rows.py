"""What is registered, to table rows and back.

An estate may have hundreds of thousands of registers, all read at start: rows are taken apart
by position, in the order of the table's columns, and strings that repeat are shared.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, select

from core.model import (
    CircuitItem,
    Device,
    DeviceKind,
    MapLayer,
    Name,
    Place,
    PlaceKind,
    Placement,
    Register,
    Replacement,
)
from core.quantities import Energy, RegisterKind
from storage import tables
from storage.statements import CHUNK

Row = RowMapping
Record = Place | Device | Register | Replacement | Placement | MapLayer
_AnyRecord = TypeVar("_AnyRecord")

_PARTITION = 20_000
"""Rows that are held at once beside the records made of them."""

_PLACE_KINDS = {str(kind): kind for kind in PlaceKind}
_DEVICE_KINDS = {str(kind): kind for kind in DeviceKind}
_REGISTER_KINDS = {str(kind): kind for kind in RegisterKind}
_ENERGIES: dict[str | None, Energy | None] = {None: None, **{str(energy): energy for energy in Energy}}
_ITEMS: dict[str | None, CircuitItem | None] = {None: None, **{str(item): item for item in CircuitItem}}


@dataclass(frozen=True, slots=True)
class Shape(Generic[_AnyRecord]):
    """Records of one table; record takes the values of a row in the order of the columns."""

    table: Table
    record: Callable[[Any], _AnyRecord]

    def all(self, connection: Connection, *where: ColumnElement[bool]) -> list[_AnyRecord]:
        """The records of all rows that meet the conditions."""
        record = self.record
        rows = connection.execute(select(self.table).where(*where))
        return [record(row) for part in rows.partitions(_PARTITION) for row in part]

    def of(self, connection: Connection, values: Iterable[str], column: str = "id") -> Iterator[_AnyRecord]:
        """Records whose column is one of these, which may be many."""
        wanted = list(dict.fromkeys(values))
        named = self.table.c[column]
        if len(wanted) > _PARTITION:
            # One pass over everything is faster than asking for thousands by name.
            among, at = set(wanted), list(self.table.c).index(named)
            for row in connection.execute(select(self.table)):
                if row[at] in among:
                    yield self.record(row)
            return
        for start in range(0, len(wanted), CHUNK):
            yield from self.all(connection, named.in_(wanted[start : start + CHUNK]))


def to_row(record: Record) -> dict[str, Any]:
    """Columns of a record: a Name takes two, x_zh and x_en; enumerations are their values."""
    row: dict[str, Any] = {}
    for column in record.__slots__:
        value = getattr(record, column)
        if isinstance(value, Name):
            row[f"{column}_zh"], row[f"{column}_en"] = value.zh, value.en
        elif column == "tariffs":
            row[column] = dict(value) or None
        elif column == "tags":
            row[column] = list(value) or None
        else:
            row[column] = list(value) if isinstance(value, tuple) else value
    return row


def _place(row: Any) -> Place:  # noqa: ANN401 - here and below: a row of any types
    (
        id_,
        kind,
        parent_id,
        zh,
        en,
        timezone,
        floor_area_m2,
        headcount,
        category,
        latitude_deg,
        longitude_deg,
        climate_zone,
        calendar_id,
        tariffs,
        contract_demand_w,
        region_code,
        base_minutes,
    ) = row
    return Place(
        intern(id_),
        _PLACE_KINDS[kind],
        Name(zh, en),
        intern(timezone),
        parent_id,
        floor_area_m2,
        headcount,
        category,
        latitude_deg,
        longitude_deg,
        climate_zone,
        calendar_id,
        tuple(tariffs.items()) if tariffs else (),
        contract_demand_w,
        region_code,
        base_minutes,
    )


def _device(row: Any) -> tuple[int, Device]:  # noqa: ANN401
    (
        id_,
        number,
        kind,
        place_id,
        parent_device_id,
        zh,
        en,
        decoder,
        expected_interval_s,
        coordinate_system,
        valid_from_us,
        valid_to_us,
        meter_type,
        rated_power_w,
        accuracy_class,
        item,
        organisation_id,
        formula,
        gateway_id,
        tags,
    ) = row
    return number, Device(
        intern(id_),
        _DEVICE_KINDS[kind],
        intern(place_id),
        Name(zh, en),
        parent_device_id,
        intern(decoder),
        _shared(expected_interval_s),
        intern(coordinate_system),
        valid_from_us,
        valid_to_us,
        meter_type,
        rated_power_w,
        accuracy_class,
        _ITEMS[item],
        organisation_id,
        formula,
        gateway_id,
        tuple(map(intern, tags)) if tags else (),
    )


def _register(row: Any) -> Register:  # noqa: ANN401
    id_, device_id, quantity, kind, unit, energy, exported, ratio, rollover_at, max_rate, policy, rated = row
    return Register(
        id_,
        intern(device_id),
        intern(quantity),
        _REGISTER_KINDS[kind],
        intern(unit),
        _ENERGIES[energy],
        exported,
        _shared(ratio),
        rollover_at,
        max_rate,
        policy,
        rated,
    )


@lru_cache(maxsize=4096)
def _shared(number: float) -> float:
    """One object for equal numbers that stand in many rows."""
    return number


def _replacement(row: Any) -> Replacement:  # noqa: ANN401
    return Replacement(*row)


def _placement(row: Any) -> Placement:  # noqa: ANN401
    return Placement(*row)


PLACES = Shape(tables.place, _place)
DEVICES = Shape(tables.device, _device)
"""With the number of each."""
REGISTERS = Shape(tables.register, _register)
REPLACEMENTS = Shape(tables.replacement, _replacement)
PLACEMENTS = Shape(tables.placement, _placement)


def map_layer(row: Row) -> MapLayer:
    """The map layer of a row."""
    return MapLayer(row["id"], row["kind"], row["geojson"])
