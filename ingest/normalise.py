"""Samples to columns: device and quantity become a register, values become numbers.

What can't be matched or isn't a number is rejected with a reason; a quantity that its known
device has not sent before is wanted: the caller registers it and normalises again.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import F64, I32, I64, PositionBatch, ReadingBatch
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.errors import RejectReason
from core.ports import RawBatch
from core.quality import ReadingQuality
from core.quantities import QUANTITIES
from ingest.coordinates import Points, to_wgs84
from ingest.decoders.samples import FIX_FIELDS, Decoded, Fixes, Rejection, Samples


@dataclass(frozen=True, slots=True)
class Normalised:
    """Columns of one raw batch; message[i] is the number of the message that row i came from."""

    readings: ReadingBatch
    message: I64
    positions: PositionBatch
    position_message: I64
    rejected: list[Rejection]
    wanted: list[tuple[str, str]]


_LONG_KEYS = 2_000
"""Characters of a sample's keys beyond which they are no shape worth remembering."""


class RegisterIndex:
    """From (device, keys) to registers; -1 where a key has none.

    Remembers the shapes of known devices, so many that each may have several: a device that never sends
    the same keys twice costs time, not memory.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.columns = RegisterColumns.of(catalog)
        self._shifted: dict[str, list[int]] = {}
        for device in catalog.devices.values():
            if device.coordinate_system != "wgs84":
                number = catalog.device_number[device.id]
                self._shifted.setdefault(device.coordinate_system, []).append(number)
        self._shapes: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        self._most_shapes = 10_000 + 4 * len(catalog.devices)

    def registers(self, device: str, keys: tuple[str, ...]) -> tuple[int, ...] | None:
        """Register ids in the order of keys; None if the device is unknown."""
        shape = (device, keys)
        try:
            return self._shapes[shape]
        except KeyError:
            found = self._look_up(device, keys)
            if found is not None and sum(map(len, keys)) <= _LONG_KEYS:
                if len(self._shapes) >= self._most_shapes:
                    self._shapes.clear()
                self._shapes[shape] = found
            return found

    def wgs84(self, device: I32, latitude_deg: F64, longitude_deg: F64) -> Points:
        """Positions of devices by number, from the coordinate system that each of them sends."""
        for system, numbers in self._shifted.items():
            rows = np.flatnonzero(np.isin(device, numbers))
            latitude_deg[rows], longitude_deg[rows] = to_wgs84(
                system, latitude_deg[rows], longitude_deg[rows]
            )
        return latitude_deg, longitude_deg

    def _look_up(self, device: str, keys: tuple[str, ...]) -> tuple[int, ...] | None:
        if device not in self.catalog.devices:
            return None
        found = (self.catalog.register_of.get((device, key)) for key in keys)
        return tuple(-1 if register is None else register.id for register in found)


def normalise(decoded: Decoded, raw: RawBatch, index: RegisterIndex) -> Normalised:
    """Columns of everything in the batch that can be matched, in the order of arrival."""
    rejected: list[Rejection] = []
    wanted: dict[tuple[str, str], None] = {}
    readings, message = _readings(decoded.samples, raw, index, rejected, wanted)
    positions, position_message = _positions(decoded.fixes, raw, index, rejected)
    return Normalised(readings, message, positions, position_message, rejected, list(wanted))


def _readings(
    samples: Samples,
    raw: RawBatch,
    index: RegisterIndex,
    rejected: list[Rejection],
    wanted: dict[tuple[str, str], None],
) -> tuple[ReadingBatch, I64]:
    registers: list[int] = []
    for device, keys, message in zip(samples.device, samples.keys, samples.message, strict=True):
        found = index.registers(device, keys)
        if found is None:
            rejected.append(Rejection(message, RejectReason.UNKNOWN_DEVICE, device))
            registers.extend((-1,) * len(keys))
            continue
        if -1 in found:
            missing = [key for key, register in zip(keys, found, strict=True) if register < 0]
            wanted.update(dict.fromkeys((device, key) for key in missing if key in QUANTITIES))
            rejected.extend(
                Rejection(message, RejectReason.UNKNOWN_QUANTITY, key)
                for key in missing
                if key not in QUANTITIES
            )
        registers.extend(found)

    count = np.array([len(keys) for keys in samples.keys], np.int64)
    register = np.array(registers, np.int32)
    message_of = np.repeat(np.array(samples.message, np.int64), count)
    times = samples.time_us
    untimed = np.array([time is None for time in times], np.bool_)
    time_us = np.array([raw.received_at_us if time is None else time for time in times], np.int64)
    value = _numbers(samples.values)
    quality = np.where(untimed, ReadingQuality.RECEIVE_TIME, ReadingQuality.GOOD).astype(np.uint8)

    known = register >= 0
    for row in np.flatnonzero(known & ~np.isfinite(value)):
        detail = f"{index.catalog.registers[register[row]].quantity}: {samples.values[row]!r:.80}"
        rejected.append(Rejection(int(message_of[row]), RejectReason.NOT_A_NUMBER, detail))
    known &= np.isfinite(value)
    register = register[known]
    batch = ReadingBatch(
        register,
        np.repeat(time_us, count)[known],
        value[known] * index.columns.ratio[register],
        np.repeat(quality, count)[known],
        np.full(len(register), raw.received_at_us, np.int64),
    )
    return batch, message_of[known]


def _positions(
    fixes: Fixes, raw: RawBatch, index: RegisterIndex, rejected: list[Rejection]
) -> tuple[PositionBatch, I64]:
    if not fixes.device:
        return PositionBatch.empty(), np.empty(0, np.int64)
    numbers = index.catalog.device_number
    device: I32 = np.array([numbers.get(name, -1) for name in fixes.device], np.int32)
    received = raw.received_at_us
    time_us = np.array([received if time is None else time for time in fixes.time_us], np.int64)
    message = np.array(fixes.message, np.int64)
    flat = _numbers([value for fields in fixes.fields for value in fields])
    table = flat.reshape(len(device), len(FIX_FIELDS)).T
    rejected.extend(
        Rejection(int(message[row]), RejectReason.UNKNOWN_DEVICE, fixes.device[row])
        for row in np.flatnonzero(device < 0)
    )
    known = device >= 0
    latitude, longitude, *rest, odometer, fuel, soc = (column[known] for column in table)
    latitude, longitude = index.wgs84(device[known], latitude, longitude)
    speed, course, accuracy, ignition = (column.astype(np.float32) for column in rest)
    batch = PositionBatch(
        device[known],
        time_us[known],
        latitude,
        longitude,
        speed,
        course,
        accuracy,
        ignition,
        odometer,
        fuel.astype(np.float32),
        soc.astype(np.float32),
        np.full(int(known.sum()), received, np.int64),
    )
    return batch, message[known]


def _numbers(values: list[object]) -> F64:
    """Values as float64; NaN for what is not a number."""
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = None
    if numbers is None or numbers.ndim != 1:  # [[1.0]] would otherwise pass for 1.0
        numbers = np.array([_number(value) for value in values], np.float64)
    return numbers


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")
