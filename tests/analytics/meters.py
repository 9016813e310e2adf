"""A small estate of meters, written in a line a meter, for tests of accounts."""

from datetime import UTC, datetime

import numpy as np

from core.batch import BASE_US, IntervalBatch
from core.catalog import Catalog
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Placement, Register
from core.quantities import QUANTITIES

NAME = Name("名", "Name")
ZONE = "Asia/Shanghai"
IMPORT = "energy_active_import_total"


def at(text):
    """A moment in UTC, in µs."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def place(identity, parent=None, kind=PlaceKind.BUILDING, **more):
    return Place(identity, kind, NAME, ZONE, parent, **more)


def meter(identity, where, parent=None, **more):
    return Device(identity, DeviceKind.METER, where, NAME, parent, **more)


def formula(identity, where, text, parent=None, **more):
    return Device(identity, DeviceKind.VIRTUAL, where, NAME, parent, formula=text, **more)


def catalog(places, devices, quantities=None, placements=()):
    """Every meter has the import counter, or the quantities given for it; register ids in that order."""
    named = quantities or {}
    wanted = [
        (device.id, name)
        for device in devices
        if device.kind is DeviceKind.METER
        for name in named.get(device.id, [IMPORT])
    ]
    registers = [
        Register(number, device, name, QUANTITIES[name].kind, QUANTITIES[name].unit,
                 QUANTITIES[name].energy, QUANTITIES[name].exported)
        for number, (device, name) in enumerate(wanted)
    ]  # fmt: skip
    moved = [Placement(device, from_us, where, parent) for device, from_us, where, parent in placements]
    return Catalog(places, list(enumerate(devices)), registers, (), moved)


def intervals(start_us, amounts):
    """Measured intervals by register: consecutive amounts from start_us; None leaves one out."""
    rows = [
        (register, start_us + BASE_US * i, amount)
        for register, of in amounts.items()
        for i, amount in enumerate(of)
        if amount is not None
    ]
    n = len(rows)
    zero, nan = np.zeros(n, np.int64), np.full(n, np.nan)
    return IntervalBatch(
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        np.full(n, BASE_US, np.int64),
        np.zeros(n, np.uint16),
        zero,
        nan,
        zero,
        nan,
        np.zeros(n, np.int32),
    )
