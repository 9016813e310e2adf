"""Columns to line protocol.

    reading,device=meter-1 energy_active_import_total=12345.67,power_active=9880.0,received_at_us=…i <us>
    position,device=car-7 latitude_deg=29.56301,longitude_deg=106.551556,speed_kmh=62.0,known=7i,… <us>
    interval,device=meter-1,quantity=energy_active_import_total amount=1.25,covered_us=…i,known=7i,… <us>
    journal rows=25000i,spans="<first us>:<last us>" <received_at_us>

A server keeps a field of an overwritten point until it is written again. Two integers
tell what is no longer meant: `<quantity>_q` carries the flags of a reading, and bit n of
`known` says that the n-th floating-point field of its measurement is a number.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.batch import I64, IntervalBatch, Mask, PositionBatch, ReadingBatch
from core.catalog import Catalog
from storage.columns import latest_rows

INTERVAL_FLOATS = ("amount", "first_value", "last_value")
INTERVAL_INTEGERS = ("covered_us", "quality", "first_us", "last_us", "revision")
POSITION_FLOATS = (
    "latitude_deg",
    "longitude_deg",
    "speed_kmh",
    "course_deg",
    "accuracy_m",
    "ignition",
    "odometer_km",
    "fuel_l",
    "soc_pct",
)
POSITION_INTEGERS = ("received_at_us",)

# Line protocol can't hold these in a tag, or not at its end; % keeps the names apart.
_UNTAGGABLE = {ord(char): f"%{ord(char):02X}" for char in "%\\\n\r\t\0"}
_ESCAPED = str.maketrans({char: f"\\{char}" for char in ", ="})
_IDENTITY = re.compile(rb"(reading|position),device=((?:\\.|[^ \\])+) .* (-?\d+)")


def tag_value(text: str) -> str:
    """A device id or quantity as the value of a tag, as queries see it."""
    return text.translate(_UNTAGGABLE)


class LineWriter:
    """Batches to lines; keeps what begins the lines of a register and grows with the catalog.

    flagged: quantities of which some reading has flags. Their flags are always written, so
    that a good reading can replace a flagged one.
    """

    def __init__(self, flagged: Iterable[str] = ()) -> None:
        self._flagged = set(flagged)
        self._quantity: list[str] = []
        self._device = np.empty(0, np.int64)
        self._opening = np.empty(0, np.object_)  # begins a line with the register's field
        self._adding = np.empty(0, np.object_)  # adds the register's field to a line
        self._interval = np.empty(0, np.object_)

    def readings(self, batch: ReadingBatch, catalog: Catalog) -> bytes:
        """One line for consecutive readings of a device and time.

        Of a repeated identity the last is written; NaN and infinity, which the protocol
        lacks, are not.
        """
        batch = batch.take(_writable(batch))
        if not len(batch):
            return b""
        self._learn(catalog)
        register, time_us = batch.register, batch.event_time_us
        device = self._device[register]
        starts = np.ones(len(batch), np.bool_)
        starts[1:] = (device[1:] != device[:-1]) | (time_us[1:] != time_us[:-1])
        first = np.flatnonzero(starts)
        last = np.append(first[1:], len(batch)) - 1

        names = self._adding[register]
        names[first] = self._opening[register[first]]
        values = _texts(batch.value)
        self._add_flags(values, batch)
        ends = np.full(len(batch), b"", np.object_)
        ends[last] = [
            b",received_at_us=%di %d\n" % pair
            for pair in zip(batch.received_at_us[last].tolist(), time_us[last].tolist(), strict=True)
        ]
        parts: list[bytes] = [b""] * (3 * len(batch))
        parts[0::3], parts[1::3], parts[2::3] = names.tolist(), values, ends.tolist()
        return b"".join(parts)

    def positions(self, batch: PositionBatch, catalog: Catalog) -> bytes:
        """One line a fix."""
        names = {
            number: b"position,device=%b " % _tag(catalog.device_ids[number])
            for number in set(batch.device.tolist())
        }
        series = [names[number] for number in batch.device.tolist()]
        return _lines(series, batch, POSITION_FLOATS, POSITION_INTEGERS, batch.fix_time_us)

    def intervals(self, batch: IntervalBatch, catalog: Catalog) -> bytes:
        """One line an interval."""
        self._learn(catalog)
        series = self._interval[batch.register].tolist()
        return _lines(series, batch, INTERVAL_FLOATS, INTERVAL_INTEGERS, batch.start_us)

    def _add_flags(self, values: list[bytes], batch: ReadingBatch) -> None:
        flagged = batch.register[batch.quality != 0]
        self._flagged.update(self._quantity[register] for register in set(flagged.tolist()))
        if not self._flagged:
            return
        registers = np.array([name in self._flagged for name in self._quantity])
        for row in np.flatnonzero(registers[batch.register]).tolist():
            quantity = self._quantity[batch.register[row]].encode()
            values[row] += b",%b_q=%di" % (quantity, batch.quality[row])

    def _learn(self, catalog: Catalog) -> None:
        new = catalog.registers[len(self._quantity) :]
        if not new:
            return
        fields = [register.quantity.encode() for register in new]
        tags = [_tag(register.device_id) for register in new]
        named = list(zip(tags, fields, strict=True))
        self._quantity += [register.quantity for register in new]
        devices = [catalog.device_number[register.device_id] for register in new]
        self._device = np.append(self._device, np.array(devices, np.int64))
        self._opening = _extended(self._opening, [b"reading,device=%b %b=" % pair for pair in named])
        self._adding = _extended(self._adding, [b",%b=" % field for field in fields])
        self._interval = _extended(
            self._interval, [b"interval,device=%b,quantity=%b " % pair for pair in named]
        )


def refused_rows(
    lines: Iterable[bytes], readings: ReadingBatch, positions: PositionBatch, catalog: Catalog
) -> tuple[Mask, Mask]:
    """Which rows of the batches the lines were made of."""
    ids = {_tag(id_): id_ for id_ in catalog.device_number}
    found: dict[bytes, set[tuple[str, int]]] = {b"reading": set(), b"position": set()}
    for line in lines:
        if match := _IDENTITY.fullmatch(line):
            found[match[1]].add((ids[match[2]], int(match[3])))
    registers, numbers = catalog.registers, catalog.device_ids
    of_readings = [registers[number].device_id for number in readings.register.tolist()]
    of_positions = [numbers[number] for number in positions.device.tolist()]
    return (
        _among(found[b"reading"], of_readings, readings.event_time_us),
        _among(found[b"position"], of_positions, positions.fix_time_us),
    )


def _among(wanted: set[tuple[str, int]], devices: Sequence[str], time_us: I64) -> Mask:
    pairs = zip(devices, time_us.tolist(), strict=True)
    return np.fromiter((pair in wanted for pair in pairs), np.bool_, len(time_us))


def _writable(batch: ReadingBatch) -> Mask:
    """Rows with a finite value that no later row of the batch replaces."""
    writable = np.isfinite(batch.value)
    # Equal identities have equal sums; most batches have no equal sums, and this is a fast sort.
    sums = np.sort(batch.event_time_us * 1_000_003 + batch.register)
    if np.any(sums[1:] == sums[:-1]):
        latest = latest_rows(batch.register, batch.event_time_us)
        writable[np.delete(np.arange(len(batch)), latest)] = False
    return writable


def _lines(
    series: Sequence[bytes],
    batch: PositionBatch | IntervalBatch,
    floats: Sequence[str],
    integers: Sequence[str],
    time_us: I64,
) -> bytes:
    if not len(batch):
        return b""
    columns = batch.columns()
    known = np.zeros(len(batch), np.int64)
    texts: list[Sequence[bytes]] = []
    for bit, name in enumerate(floats):
        number = np.isfinite(columns[name])
        known |= number.astype(np.int64) << bit
        field = name.encode()
        texts.append(
            [
                b"%b=%b," % (field, text) if is_number else b""
                for text, is_number in zip(_texts(columns[name]), number.tolist(), strict=True)
            ]
        )
    form = (
        b"%b" * (1 + len(floats))
        + b"".join(b"%b=%%di," % name.encode() for name in integers)
        + b"known=%di %d\n"
    )
    numbers = [columns[name].tolist() for name in integers]
    rows = zip(series, *texts, *numbers, known.tolist(), time_us.tolist(), strict=True)
    return b"".join([form % row for row in rows])


def _texts(column: NDArray[Any]) -> list[bytes]:
    """Shortest decimal of each number that reads back as the same float64, or float32."""
    if column.dtype == np.float32:
        return [text.encode() for text in column.astype(np.str_).tolist()]
    return msgspec.json.encode(column.tolist())[1:-1].split(b",")


def _tag(text: str) -> bytes:
    return tag_value(text).translate(_ESCAPED).encode()


def _extended(column: NDArray[np.object_], more: list[bytes]) -> NDArray[np.object_]:
    added = np.empty(len(more), np.object_)
    added[:] = more
    return np.concatenate([column, added])
