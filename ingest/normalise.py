"""Samples to columns: device and quantity become a register, values become numbers.

What can't be matched or isn't a number is rejected with a reason; a quantity that its known
device has not sent before is wanted: the caller registers it and normalises again.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import F32, F64, I32, I64, PositionBatch, ReadingBatch
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.errors import RejectReason
from core.model import DeviceKind
from core.ports import RawBatch
from core.quality import ReadingQuality
from core.quantities import QUANTITIES
from ingest.coordinates import Points, to_wgs84
from ingest.decoders.samples import (
    FIX_FIELDS,
    LONGEST_REMEMBERED,
    NOT_SENT,
    Channel,
    Decoded,
    Fixes,
    NumberSamples,
    Rejection,
    Samples,
)


@dataclass(frozen=True, slots=True)
class Normalised:
    """Columns of one raw batch; message[i] is the number of the message that row i came from."""

    readings: ReadingBatch
    message: I64
    positions: PositionBatch
    position_message: I64
    rejected: list[Rejection]
    wanted: list[tuple[str, str]]


_NO_REGISTER, _NO_DEVICE = -1, -2


class RegisterIndex(dict[Channel, I32]):
    """Register ids of a channel in the order of its keys; negative where there is none.

    Remembers the channels of known devices; refit forgets those that a newer catalog may
    know better.
    """

    def __init__(self, catalog: Catalog, columns: RegisterColumns) -> None:
        super().__init__()
        self.catalog, self.columns = catalog, columns
        self._incomplete: list[Channel] = []
        self._fit(catalog)

    def refit(self, catalog: Catalog, columns: RegisterColumns) -> None:
        """Go on with a newer catalog: what was registered stays registered."""
        for channel in self._incomplete:
            self.pop(channel, None)
        self._incomplete = []
        if not catalog.extends(self.catalog):
            self._fit(catalog)
        self.catalog, self.columns = catalog, columns

    def __missing__(self, channel: Channel) -> I32:
        device = self.catalog.devices.get(channel.device)
        if device is None or device.kind is DeviceKind.VIRTUAL:  # which is computed and never publishes
            return np.full(len(channel.keys), _NO_DEVICE, np.int32)
        known = (self.catalog.register_of.get((channel.device, key)) for key in channel.keys)
        found = [_NO_REGISTER if register is None else register.id for register in known]
        registers = np.array(found, np.int32)
        if channel.length <= LONGEST_REMEMBERED:
            if len(self) >= self._most:
                self.clear()
                self._incomplete = []
            self[channel] = registers
            if _NO_REGISTER in found:
                self._incomplete.append(channel)
        return registers

    def _fit(self, catalog: Catalog) -> None:
        self._most = 1_000 + 4 * len(catalog.devices)
        self._shifted: dict[str, list[int]] = {}
        for device in catalog.devices.values():
            if device.coordinate_system != "wgs84":
                number = catalog.device_number[device.id]
                self._shifted.setdefault(device.coordinate_system, []).append(number)

    def wgs84(self, device: I32, latitude_deg: F64, longitude_deg: F64) -> Points:
        """Positions of devices by number, from the coordinate system that each of them sends."""
        for system, numbers in self._shifted.items():
            rows = np.flatnonzero(np.isin(device, numbers))
            latitude_deg[rows], longitude_deg[rows] = to_wgs84(
                system, latitude_deg[rows], longitude_deg[rows]
            )
        return latitude_deg, longitude_deg


def normalise(decoded: Decoded, raw: RawBatch, index: RegisterIndex) -> Normalised:
    """Columns of everything in the batch that can be matched, in the order of arrival."""
    rejected: list[Rejection] = []
    wanted: dict[tuple[str, str], None] = {}
    blocks = [_readings(block, raw, index, rejected, wanted) for block in decoded.samples]
    if len(blocks) == 1:
        readings, message = blocks[0]
    else:
        readings = ReadingBatch.concat([ReadingBatch.empty(), *(batch for batch, _ in blocks)])
        message = np.concatenate([np.empty(0, np.int64), *(numbers for _, numbers in blocks)])
        arrival = np.argsort(message, kind="stable")
        readings, message = readings.take(arrival), message[arrival]
    positions, position_message = _positions(decoded.fixes, raw, index, rejected)
    return Normalised(readings, message, positions, position_message, rejected, list(wanted))


def _readings(
    samples: Samples | NumberSamples,
    raw: RawBatch,
    index: RegisterIndex,
    rejected: list[Rejection],
    wanted: dict[tuple[str, str], None],
) -> tuple[ReadingBatch, I64]:
    found = list(map(index.__getitem__, samples.channel))
    register = np.concatenate(found)
    count = np.fromiter(map(len, found), np.int64, len(found))
    message = np.repeat(np.asarray(samples.message, np.int64), count)
    time_us = np.asarray(samples.time_us, np.int64)
    untimed = time_us == NOT_SENT
    time_us = np.where(untimed, raw.received_at_us, time_us)
    quality = np.where(untimed, ReadingQuality.RECEIVE_TIME, samples.quality).astype(np.uint8)
    value = samples.values if isinstance(samples, NumberSamples) else _numbers(samples.values)

    known = register >= 0
    if not known.all():
        _reject_unknown(samples, found, rejected, wanted)
    number = np.isfinite(value)
    for row in np.flatnonzero(known & ~number):
        detail = f"{index.catalog.registers[register[row]].quantity}: {samples.values[row]!r:.80}"
        rejected.append(Rejection(int(message[row]), RejectReason.NOT_A_NUMBER, detail))
    known &= number
    register = register[known]
    batch = ReadingBatch(
        register,
        np.repeat(time_us, count)[known],
        value[known] * index.columns.gauge_ratio[register],
        np.repeat(quality, count)[known],
        np.full(len(register), raw.received_at_us, np.int64),
    )
    return batch, message[known]


def _reject_unknown(
    samples: Samples | NumberSamples,
    found: list[I32],
    rejected: list[Rejection],
    wanted: dict[tuple[str, str], None],
) -> None:
    """Reject what has no register, but for quantities that can have one: these are wanted."""
    for sample in np.flatnonzero([registers.min() < 0 for registers in found]).tolist():
        channel, message = samples.channel[sample], int(samples.message[sample])
        if found[sample][0] == _NO_DEVICE:
            rejected.append(Rejection(message, RejectReason.UNKNOWN_DEVICE, channel.device))
            continue
        for key, register in zip(channel.keys, found[sample].tolist(), strict=True):
            if register == _NO_REGISTER and key in QUANTITIES:
                wanted[channel.device, key] = None
            elif register == _NO_REGISTER:
                rejected.append(Rejection(message, RejectReason.UNKNOWN_QUANTITY, key))


def _positions(
    fixes: Fixes, raw: RawBatch, index: RegisterIndex, rejected: list[Rejection]
) -> tuple[PositionBatch, I64]:
    if not fixes.device:
        return PositionBatch.empty(), np.empty(0, np.int64)
    numbers = index.catalog.device_number
    device: I32 = np.array([numbers.get(name, -1) for name in fixes.device], np.int32)
    received = raw.received_at_us
    time_us = np.array(fixes.time_us, np.int64)
    time_us[time_us == NOT_SENT] = received
    message = np.array(fixes.message, np.int64)
    flat = _numbers([value for fields in fixes.fields for value in fields])
    table = flat.reshape(len(device), len(FIX_FIELDS)).T
    rejected.extend(
        Rejection(int(message[row]), RejectReason.UNKNOWN_DEVICE, fixes.device[row])
        for row in np.flatnonzero(device < 0)
    )
    known = device >= 0
    latitude, longitude, speed, *others = (column[known] for column in table)
    latitude, longitude = index.wgs84(device[known], latitude, longitude)
    course, accuracy, ignition, odometer, fuel, soc = others
    batch = PositionBatch(
        device[known],
        time_us[known],
        latitude,
        longitude,
        _single(speed),  # validate refuses an infinite one
        _known(_single(course)),
        _known(_single(accuracy)),
        _known(_single(ignition)),
        np.where(np.isinf(odometer), np.nan, odometer),
        _known(_single(fuel)),
        _known(_single(soc)),
        np.full(int(known.sum()), received, np.int64),
    )
    return batch, message[known]


def _single(column: F64) -> F32:
    """In 32 bits; infinite where that is too few."""
    with np.errstate(over="ignore"):
        return column.astype(np.float32)


def _known(column: F32) -> F32:
    """NaN instead of infinite, which nothing that was measured is."""
    return np.where(np.isinf(column), np.float32(np.nan), column)


def _numbers(values: list[object]) -> F64:
    """Values as float64; NaN for what is not a number."""
    try:
        numbers = None if any(type(value) is str for value in values) else np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = None
    if numbers is None or numbers.ndim != 1:  # [[1.0]] would otherwise pass for 1.0
        numbers = np.array([_number(value) for value in values], np.float64)
    return numbers


def _number(value: object) -> float:
    if isinstance(value, str) and "_" in value:  # a number in Python's source code, but nowhere else
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")
