"""A small estate with real stores, and a feed that a test moves by hand."""

import asyncio
import math
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from api.app import create_app
from api.services import Services
from core.alerts import AlertChange
from core.batch import BASE_US, IntervalBatch, PositionBatch, ReadingBatch
from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, MapLayer, Name, Place, PlaceKind, Severity
from core.ports import AlertActed, AlertsMoved
from core.rules import Rule, Selector, Threshold
from wattline.imports.importer import FileImporter
from wattline.rules.preview import RulePreviewer

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"
NAN = math.nan


def us(text, zone=SHANGHAI):
    """A local time in µs UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000) * 1000


NOW_US = us("2018-07-02T10:00:00")

PLACES = (
    Place("city", PlaceKind.REGION, Name("城市", "City"), SHANGHAI),
    Place("org", PlaceKind.ORGANISATION, Name("机关", "Office"), SHANGHAI, "city"),
    Place(
        "b0",
        PlaceKind.BUILDING,
        Name("一号楼", "Building 1"),
        SHANGHAI,
        "org",
        9045.0,
        320,
        "office",
        29.5,
        106.5,
    ),
    Place("b1", PlaceKind.BUILDING, Name("柏林", "Berlin"), BERLIN, "org"),
    Place("empty", PlaceKind.BUILDING, Name("空", "Empty"), SHANGHAI, "city"),
)


def _meter(identity, place, parent=None):
    return Device(identity, DeviceKind.METER, place, Name(identity, identity), parent)


def _car(identity, expected_interval_s=10.0):
    name = Name(f"渝A·{identity}", identity)
    return Device(identity, DeviceKind.VEHICLE, "b0", name, expected_interval_s=expected_interval_s)


DEVICES = (
    _meter("m0", "b0"),
    _meter("m1", "b0", "m0"),
    _meter("m2", "b1"),
    _meter("gas-m3", "b0"),
    _meter("gas-kwh", "b0"),
    _meter("pv", "empty"),
    _car("car1"),
    _car("car2"),
    _car("car3", 600.0),
)
ENERGY = "energy_active_import_total"
REGISTERS = [
    ("m0", ENERGY),
    ("m0", "power_active"),
    ("m1", ENERGY),
    ("m2", ENERGY),
    ("gas-m3", "gas_volume_total"),
    ("gas-kwh", "gas_energy_total"),
    ("pv", "energy_active_export_total"),
]
RULE = Rule(
    "high-power",
    Name("功率过高", "Power too high"),
    Severity.WARNING,
    Name("检查空调", "Check the chillers"),
    Threshold("power_active", Comparator.ABOVE, 50_000.0, 45_000.0),
    Selector(places=("b0",)),
    for_s=60.0,
    runbook="https://example.org/chillers",
)
ROADS = '{"type":"FeatureCollection","features":[]}'


class Feed:
    """The Feed port with attributes to set; publish() hands an event to every reader."""

    def __init__(self):
        self.powers, self.last, self.newest_fixes = [], {}, PositionBatch.empty()
        self.pending, self.totals, self.is_connected = 0, {}, True
        self.warned: list[Name] = []
        self.readers = set()

    def power(self):
        return list(self.powers)

    def last_readings(self, registers):
        return [self.last.get(register) for register in registers]

    def fixes(self):
        return self.newest_fixes

    def ledger_pending(self):
        return self.pending

    def counters(self):
        return dict(self.totals)

    def warnings(self):
        return list(self.warned)

    def connected(self):
        return self.is_connected

    async def events(self):
        reader = (asyncio.get_running_loop(), asyncio.Queue())
        self.readers.add(reader)
        try:
            while (event := await reader[1].get()) is not None:
                yield event
        finally:
            self.readers.discard(reader)

    def publish(self, event):
        if isinstance(event, AlertChange | AlertActed):
            event = AlertsMoved([event])
        for loop, queue in list(self.readers):
            loop.call_soon_threadsafe(queue.put_nowait, event)


@dataclass
class World:
    """Everything that an app needs; the clock stands at now_us."""

    registry: object
    store: object
    feed: Feed = field(default_factory=Feed)
    now_us: int = NOW_US

    def __post_init__(self):
        layer = MapLayer("roads", "roads", ROADS)
        self.registry.put_estate(Estate(PLACES, DEVICES, (RULE,), (layer,)))
        self.registry.add_registers(REGISTERS)
        self.reload()

    def reload(self):
        self.catalog = self.registry.catalog()

    def services(self, **changes):
        given = {
            "registry": self.registry,
            "store": self.store,
            "feed": self.feed,
            "clock": lambda: self.now_us,
            "web_dist": None,
            "catalog": lambda: self.catalog,
            "reload_catalog": self.reload,
            "version": "1.2.3",
            "importer": FileImporter(
                self.store, lambda: self.catalog, "there is no broker here", lambda: self.now_us
            ),
            "previewer": RulePreviewer(self.store, self.registry, lambda: self.catalog),
        }
        return Services(**(given | changes))

    def app(self, **changes):
        return create_app(self.services(**changes))

    def register(self, device, quantity=ENERGY):
        return self.catalog.register_of[device, quantity].id

    def meter(self, device, start_us, amounts, quantity=ENERGY, *, covered_us=BASE_US, quality=0):
        """Put consecutive ledger intervals of a meter; an amount of None leaves one out."""
        rows = [(i, amount) for i, amount in enumerate(amounts) if amount is not None]
        n = len(rows)
        zero, nan = np.zeros(n, np.int64), np.full(n, NAN)
        self.store.put_intervals(
            IntervalBatch(
                np.full(n, self.register(device, quantity), np.int32),
                start_us + BASE_US * np.array([i for i, _ in rows], np.int64),
                np.array([amount for _, amount in rows], np.float64),
                np.broadcast_to(np.asarray(covered_us, np.int64), n).copy(),
                np.broadcast_to(np.asarray(quality, np.uint16), n).copy(),
                zero,
                nan,
                zero,
                nan,
                np.zeros(n, np.int32),
            )
        )

    def readings(self, device, quantity, rows):
        """Append readings (event_time_us, value[, quality])."""
        full = [(*row, 0)[:3] for row in rows]
        times, values, quality = zip(*full, strict=True)
        n = len(full)
        self.store.append(
            ReadingBatch(
                np.full(n, self.register(device, quantity), np.int32),
                np.array(times, np.int64),
                np.array(values, np.float64),
                np.array(quality, np.uint8),
                np.full(n, NOW_US, np.int64),
            ),
            PositionBatch.empty(),
        )

    def fixes(self, *rows):
        """Fixes (device, time_us, lat, lon, speed_kmh, ignition) as a batch."""
        device, times, lat, lon, speed, ignition = zip(*rows, strict=True)
        n = len(rows)
        nan = np.full(n, NAN, np.float32)
        return PositionBatch(
            np.array([self.catalog.device_number[one] for one in device], np.int32),
            np.array(times, np.int64),
            np.array(lat, np.float64),
            np.array(lon, np.float64),
            np.array(speed, np.float32),
            np.full(n, 90.0, np.float32),
            nan,
            np.array(ignition, np.float32),
            np.full(n, 1234.5),
            nan,
            np.full(n, 61.3, np.float32),
            np.full(n, NOW_US, np.int64),
        )
