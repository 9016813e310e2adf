"""Rows of a file to readings: what each cell means, and every cell that means nothing.

Nothing is guessed: an unknown header, device, quantity, unit or form of time or number is a
mistake with its fix, and a file with a mistake is not imported.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from core.catalog import Catalog
from core.imports import BadFile, ImportOptions, Mistake
from core.model import DeviceKind
from core.quantities import QUANTITIES, RegisterKind
from ingest.validate import EARLIEST_US, MAX_AHEAD_US
from wattline.imports.table import Cell, Row

HEADERS = {
    "device": ("device", "device_id", "meter", "设备", "设备编号", "表号"),
    "quantity": ("quantity", "测量项", "计量项"),
    "time": ("time", "timestamp", "时间", "抄表时间"),
    "value": ("value", "reading", "读数", "示数"),
    "unit": ("unit", "单位"),
}
"""Names of the columns, whatever their case; other columns are not read."""

UNITS = {
    "kWh": {"kWh": 1.0, "Wh": 1e-3, "MWh": 1e3, "GJ": 1e3 / 3.6, "MJ": 1 / 3.6,
            "度": 1.0, "千瓦时": 1.0, "万千瓦时": 1e4},
    "m3": {"m3": 1.0, "m³": 1.0, "立方米": 1.0, "L": 1e-3},
    "W": {"W": 1.0, "kW": 1e3, "MW": 1e6},
    "kvarh": {"kvarh": 1.0, "varh": 1e-3},
    "degC": {"degC": 1.0, "°C": 1.0, "℃": 1.0},
}  # fmt: skip
"""By canonical unit: what one of another unit is in it. Every quantity's own unit is 1."""

MOST_MISTAKES = 200
"""So many are told; all are counted."""

_T = TypeVar("_T")
_MOST_SEARCHES = 20
_NAMES = {name: column for column, names in HEADERS.items() for name in names}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[T ]+"
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_CHINESE = str.maketrans({"年": "-", "月": "-", "日": " ", "\uff1a": ":"})
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_WRITE_TIME = "write it like 2026-11-20 08:00 or 2026-11-20T08:00:00+08:00"


class Entry(NamedTuple):
    """One reading; value in the canonical unit, as the meter shows it."""

    device: str
    quantity: str
    time_us: int
    value: float


class _Bad(ValueError):
    """A cell that can't be used; the message is the fix."""


@dataclass(slots=True)
class _Mistakes:
    first: list[Mistake]
    count: int = 0

    def add(self, row: int, column: str, value: Cell, fix: str) -> None:
        self.count += 1
        if len(self.first) < MOST_MISTAKES:
            text = "" if value is None else f"{value:.80}" if isinstance(value, str) else str(value)
            self.first.append(Mistake(row, column, text, fix))

    def stop(self) -> None:
        if self.count:
            raise BadFile(self.first, self.count)


def entries(
    table: Iterable[Row],
    catalog: Catalog,
    options: ImportOptions,
    now_us: int,
    *,
    kept_from_us: int = EARLIEST_US,
) -> list[Entry]:
    """Every reading of the table, one a device, quantity and time; raises BadFile with all mistakes.

    kept_from_us: older readings are let go, and figures of their time stay as they are.
    """
    rows = iter(table)
    mistakes = _Mistakes([])
    reader = _Reader(catalog, options, (kept_from_us, now_us + MAX_AHEAD_US), mistakes)
    at = reader.columns(next(rows, None))
    mistakes.stop()
    seen: dict[tuple[str, str, int], tuple[float, int]] = {}
    for row in rows:
        entry = reader.entry(row, at)
        if entry is None:
            continue
        value = entry.value
        before = seen.setdefault((entry.device, entry.quantity, entry.time_us), (value, row.number))
        if before[0] != value:
            fix = f"row {before[1]} says {before[0]:g} of the same meter and time: keep one of the two"
            mistakes.add(row.number, "value", f"{value:g}", fix)
    if not seen and not mistakes.count:
        mistakes.add(0, "file", None, "it has a header and no row below it")
    mistakes.stop()
    return [Entry(*key, value) for key, (value, _) in seen.items()]


class _Reader:
    """Reads cells against what is registered; notes every mistake."""

    def __init__(
        self, catalog: Catalog, options: ImportOptions, span_us: tuple[int, int], mistakes: _Mistakes
    ) -> None:
        self._catalog, self._options, self._mistakes = catalog, options, mistakes
        self._kept_from_us, self._latest_us = span_us
        self._known: dict[str, str | _Bad] = {}

    def columns(self, header: Row | None) -> dict[str, int]:
        """Which column holds what; notes what is missing or there twice."""
        if header is None:
            self._mistakes.add(0, "file", None, "it is empty: its first row names the columns")
            return {}
        found: dict[str, int] = {}
        for number, cell in enumerate(header.cells):
            column = _NAMES.get(str(cell or "").strip().lower())
            if column in found:
                self._mistakes.add(
                    header.number, str(cell), cell, f"a second column for {column}: remove one"
                )
            elif column is not None:
                found[column] = number
        if self._options.timezone and self._options.timezone not in available_timezones():
            self._mistakes.add(0, "timezone", self._options.timezone, "write an IANA name like Asia/Shanghai")
        given = {"device": self._options.device, "quantity": self._options.quantity}
        for column in ("device", "quantity", "time", "value"):
            if column in found and given.get(column):
                fix = (
                    f"the file has a column for it: leave {column}={given[column]} out, or remove the column"
                )
                self._mistakes.add(0, column, given[column], fix)
            elif column not in found and not given.get(column):
                option = f", or give {column}=" if column in given else ""
                fix = f"no column is named {' or '.join(HEADERS[column])}: name one so{option}"
                self._mistakes.add(header.number, column, None, fix)
        return found

    def entry(self, row: Row, at: dict[str, int]) -> Entry | None:
        """The reading of a row; None if a cell of it is a mistake."""
        cells: dict[str, Cell] = {"device": self._options.device, "quantity": self._options.quantity}
        cells |= {column: row.cells[n] if n < len(row.cells) else None for column, n in at.items()}
        count = self._mistakes.count
        nobody: tuple[str, str | None] = "", None
        device, timezone = self._read(row, cells, "device", self._device, nobody)
        quantity = self._read(row, cells, "quantity", _quantity, "")
        time_us = self._read(row, cells, "time", lambda cell: self._time_us(cell, timezone), 0)
        value = self._read(row, cells, "value", _number, 0.0)
        factor = 1.0
        if "unit" in cells and quantity:
            factor = self._read(row, cells, "unit", lambda cell: _factor(cell, quantity), 1.0)
        if self._mistakes.count == count:
            value *= factor
            self._read(row, cells, "value", lambda _: self._check(device, quantity, value), None)
        return Entry(device, quantity, time_us, value) if self._mistakes.count == count else None

    def _read(
        self, row: Row, cells: dict[str, Cell], column: str, read: Callable[[Cell], _T], otherwise: _T
    ) -> _T:
        try:
            return read(cells[column])
        except _Bad as error:
            self._mistakes.add(row.number, column, cells[column], str(error))
            return otherwise

    def _device(self, cell: Cell) -> tuple[str, str | None]:
        """Id of the device and the time zone of times that name none."""
        name = _id(cell)
        if name not in self._known:
            self._known[name] = self._look_up(name)
        found = self._known[name]
        if isinstance(found, _Bad):
            raise found
        return name, found

    def _look_up(self, name: str) -> "str | _Bad":
        device = self._catalog.devices.get(name)
        if device is None:
            near: list[str] = []
            if len(self._known) < _MOST_SEARCHES:  # each compares with every device there is
                near = get_close_matches(name, self._catalog.devices, 3, 0.7)
            hint = f": did you mean {' or '.join(near)}?" if near else ""
            return _Bad(f"no such device is registered{hint}")
        if device.kind is DeviceKind.VIRTUAL:
            return _Bad("a virtual meter is computed from others and has no readings")
        return self._options.timezone or self._catalog.places[device.place_id].timezone

    def _time_us(self, cell: Cell, timezone: str | None) -> int:
        time_us = _time_us(cell, timezone)
        if time_us < EARLIEST_US:
            raise _Bad("is before 2000: correct the year")
        if time_us < self._kept_from_us:
            raise _Bad("is older than retention.readings_days: figures of that time stay as they are")
        if time_us > self._latest_us:
            raise _Bad("is in the future: correct it, or its time zone")
        return time_us

    def _check(self, device: str, quantity: str, value: float) -> None:
        """Raise _Bad for what this register can't show."""
        known = QUANTITIES[quantity]
        register = self._catalog.register_of.get((device, quantity))
        if register is not None and register.kind is RegisterKind.GAUGE:
            value *= register.ratio
        if not known.minimum <= value <= known.maximum:
            raise _Bad(f"{value:g} {known.unit} is not in {known.minimum:g} to {known.maximum:g}")
        if register is not None and register.rollover_at is not None and value >= register.rollover_at:
            raise _Bad(f"the meter shows less than {register.rollover_at:g} {known.unit}")


def _id(cell: Cell) -> str:
    """Text of an identifier; Excel keeps one that looks like a number as a number."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if not isinstance(cell, str) or not cell:
        raise _Bad("write the id of a registered device")
    return cell


def _quantity(cell: Cell) -> str:
    if isinstance(cell, str) and cell in QUANTITIES:
        return cell
    near = get_close_matches(str(cell), QUANTITIES, 1, 0.6)
    counters = [name for name, one in QUANTITIES.items() if one.kind is RegisterKind.COUNTER and one.energy]
    raise _Bad(f"no such quantity: write {near[0] if near else ' or '.join(counters)}")


def _number(cell: Cell) -> float:
    if isinstance(cell, float) and math.isfinite(cell):
        return cell
    if isinstance(cell, str) and _NUMBER.fullmatch(cell):
        return float(cell)
    raise _Bad("write a number like 12345.67, without separators between the thousands")


def _factor(cell: Cell, quantity: str) -> float:
    unit = QUANTITIES[quantity].unit
    known = UNITS.get(unit, {}) | {unit: 1.0}
    if not isinstance(cell, str) or cell not in known:
        raise _Bad(f"is no unit of {quantity}: write {' or '.join(known)}")
    return known[cell]


def _time_us(cell: Cell, timezone: str | None) -> int:
    """Microseconds since 1970; timezone is None where the device is not known: then any will do."""
    zone = ZoneInfo(timezone or "UTC")
    if isinstance(cell, datetime):
        # Excel's cells have no time zone, and are fractions of days: a second may be a little off.
        return (_local_us(cell.replace(tzinfo=None), zone) + 500) // 1000 * 1000
    if not isinstance(cell, str) or not (found := _TIME.fullmatch(cell.translate(_CHINESE).strip())):
        raise _Bad(f"{_WRITE_TIME}; a day alone does not say when the meter was read")
    *numbers, fraction, offset = found.groups()
    try:
        moment = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]  # noqa: DTZ001
        moment += timedelta(microseconds=int((fraction or "").ljust(6, "0")))
        if offset is None:
            return _local_us(moment, zone)
        return (datetime.fromisoformat(moment.isoformat() + offset) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError) as error:
        if isinstance(error, _Bad):
            raise
        raise _Bad(f"there is no such time; {_WRITE_TIME}") from error


def _local_us(moment: datetime, zone: ZoneInfo) -> int:
    """A moment on the clocks of a zone; raises _Bad where they show it twice or never."""
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        offsets = [f"{one:%z}" for one in (first, second)]
        twice = first.utcoffset() > second.utcoffset()  # type: ignore[operator]
        why = "the clocks show this time twice that day" if twice else "the clocks skip this time"
        raise _Bad(f"{why}: write its offset, {offsets[0]} or {offsets[1]}")
    return (first - _EPOCH) // _MICROSECOND
