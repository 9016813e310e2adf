"""Short ways to write batches in tests, and to read them back as tuples."""

import numpy as np

from core.batch import BASE_US, IntervalBatch, PositionBatch, ReadingBatch
from core.catalog import Catalog
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Register
from core.quantities import QUANTITIES

NOON_US = 1_795_176_000_000_000

DEVICES = (
    "meter-1",
    "楼 一,层=2",
    'quote" and \\ back\\',
    "trailing backslash\\",
    "plain",
    "vehicle 7, 'red'",
)
REGISTER_QUANTITIES = ("energy_active_import_total", "power_active", "voltage_l1", "voltage_l2", "frequency")


def catalog() -> Catalog:
    """Register r is quantity r % 5 of device r // 5, for the devices above."""
    place = Place("p", PlaceKind.BUILDING, Name("楼", "Building"), "Asia/Shanghai")
    devices = [Device(name, DeviceKind.METER, "p", Name(name, name)) for name in DEVICES]
    registers = []
    for device in devices:
        for name in REGISTER_QUANTITIES:
            quantity = QUANTITIES[name]
            registers.append(Register(len(registers), device.id, name, quantity.kind, quantity.unit))
    return Catalog([place], enumerate(devices), registers)


def readings(*rows):
    """Rows of (register, event_time_us, value[, received_at_us[, quality]])."""
    full = [(*row, *(NOON_US, 0)[len(row) - 3 :]) for row in rows]
    register, event, value, received, quality = zip(*full, strict=True)
    return ReadingBatch(
        np.array(register, np.int32),
        np.array(event, np.int64),
        np.array(value, np.float64),
        np.array(quality, np.uint8),
        np.array(received, np.int64),
    )


def reading_rows(batch):
    """(register, event_time_us, value) of each row."""
    columns = (batch.register, batch.event_time_us, batch.value)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def positions(*rows):
    """Rows of (device, fix_time_us, latitude[, received_at_us]); everything optional is NaN."""
    full = [row if len(row) == 4 else (*row, NOON_US) for row in rows]
    device, fix, latitude, received = zip(*full, strict=True)
    n = len(full)
    nan32, nan64 = np.full(n, np.nan, np.float32), np.full(n, np.nan)
    return PositionBatch(
        device=np.array(device, np.int32),
        fix_time_us=np.array(fix, np.int64),
        latitude_deg=np.array(latitude, np.float64),
        longitude_deg=np.full(n, 106.551556),
        speed_kmh=nan32,
        course_deg=nan32,
        accuracy_m=nan32,
        ignition=nan32,
        odometer_km=nan64,
        fuel_l=nan32,
        soc_pct=nan32,
        received_at_us=np.array(received, np.int64),
    )


def position_rows(batch):
    """(device, fix_time_us, latitude) of each row."""
    columns = (batch.device, batch.fix_time_us, batch.latitude_deg)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def intervals(*rows):
    """Rows of (register, slot, amount[, quality[, revision]]); slot counts BASE_US from NOON_US.

    A slot may be a fraction, such as 2 + 5 / 15.
    """
    full = [(*row, *(0, 0)[len(row) - 3 :]) for row in rows]
    register, slot, amount, quality, revision = zip(*full, strict=True)
    n = len(full)
    start = NOON_US + np.rint(np.array(slot) * BASE_US).astype(np.int64)
    return IntervalBatch(
        register=np.array(register, np.int32),
        start_us=start,
        amount=np.array(amount, np.float64),
        covered_us=np.full(n, BASE_US, np.int64),
        quality=np.array(quality, np.uint16),
        first_us=start + 1,
        first_value=np.full(n, 10.5),
        last_us=start + BASE_US - 1,
        last_value=np.full(n, 11.25),
        revision=np.array(revision, np.int32),
    )


def interval_rows(batch):
    """(register, slot, amount) of each row."""
    slot = (batch.start_us - NOON_US) // BASE_US
    columns = (batch.register, slot, batch.amount)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def ids(*numbers):
    """Register or device numbers as a column."""
    return np.array(numbers, np.int32)


NO_READINGS = ReadingBatch.empty()
NO_POSITIONS = PositionBatch.empty()
