"""A small estate with real stores whose ledger a test writes, and the watch of its rules on figures."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from core.alerting import AlertQuery
from core.batch import BASE_US, IntervalBatch, PositionBatch, ReadingBatch
from core.calendars import Calendar, WorkingHours
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.quantities import Energy
from core.reference import Quota, References
from core.rules import Rule
from core.tariffs import Band, BandPrice, Tariff, TariffVersion
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.figures.watch import FigureWatch

NAME = Name("名", "name")
BERLIN = "Europe/Berlin"
ENERGY, WATER = "energy_active_import_total", "water_volume_total"
REACTIVE = "energy_reactive_import_total"
CURRENTS = [f"current_l{phase}" for phase in (1, 2, 3)]
MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000

FLAT = TariffVersion("2020-01-01", "test", "DE", (BandPrice(Band.FLAT, 0.5),))
REFERENCES = References(
    calendars={"office": Calendar("office", NAME, hours=(WorkingHours("08:00", "18:00"),))},
    tariffs={"flat": Tariff("flat", NAME, Energy.ELECTRICITY, "kWh", "EUR", (FLAT,))},
    quotas={"q": Quota("q", "hall", "electricity", 2026, 1000.0, "kWh")},
)


def us(text, zone=BERLIN):
    """A local time in µs UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


def rule(id_, condition, **changes):
    """An enabled rule with this condition."""
    return replace(Rule(id_, NAME, Severity.WARNING, NAME, condition), **changes)


class Counting:
    """A store that counts what it is asked; everything else is the store's."""

    def __init__(self, store):
        self.store, self.asked, self.slots = store, Counter(), 0
        self.failing = None

    def __getattr__(self, name):
        return getattr(self.store, name)

    def interval_sums(self, registers, edges_us):
        if self.failing:
            raise self.failing
        self.asked["interval_sums"] += 1
        self.slots += len(registers) * int(edges_us[-1] - edges_us[0]) // BASE_US
        return self.store.interval_sums(registers, edges_us)

    def readings(self, registers, start_us, end_us, limit=None):
        self.asked["readings"] += 1
        return self.store.readings(registers, start_us, end_us, limit)


class Plant:
    """Hall, with a contract, has main, sub-a and sub-b below that, and a water meter; annex has other."""

    def __init__(self, folder, rules=(), devices=()):
        self.folder, self.now_us, self.published = folder, us("2026-05-04T00:00"), []
        self._open()
        hall = Place(
            "hall", PlaceKind.BUILDING, NAME, BERLIN, "city",
            floor_area_m2=100.0, tariffs=(("electricity", "flat"),), contract_demand_w=10_000.0,
        )  # fmt: skip
        city = Place("city", PlaceKind.REGION, NAME, BERLIN, calendar_id="office")
        annex = Place("annex", PlaceKind.BUILDING, NAME, "Asia/Shanghai", "city")
        meters = [
            self.meter("main", "hall"),
            self.meter("sub-a", "hall", "main"),
            self.meter("sub-b", "hall", "main"),
            self.meter("water", "hall"),
            self.meter("other", "annex"),
        ]
        self.registry.put_references(REFERENCES)
        self.registry.put_estate(Estate((city, hall, annex), (*meters, *devices), tuple(rules)))
        registers = [(one.id, WATER if one.id == "water" else ENERGY) for one in (*meters, *devices)
                     if one.kind is DeviceKind.METER]  # fmt: skip
        registers += [("main", REACTIVE), *(("main", one) for one in CURRENTS), ("main", "power_active")]
        self.registry.add_registers(registers)
        self.start()

    @staticmethod
    def meter(id_, place, parent=None, **changes):
        device = Device(id_, DeviceKind.METER, place, NAME, parent, expected_interval_s=60.0)
        return replace(device, **changes)

    def _open(self):
        self.duckdb = DuckDBStore(self.folder / "w.duckdb", threads=1)
        self.registry = open_registry(f"sqlite:///{self.folder / 'r.sqlite'}")

    def start(self):
        self.catalog = self.registry.catalog()
        self.store = Counting(self.duckdb)
        self.watch = FigureWatch(
            self.store, self.registry, lambda: self.catalog, self.published.append, lambda: self.now_us
        )

    def restart(self):
        self.close()
        self._open()
        self.start()

    def close(self):
        self.duckdb.close()
        self.registry.close()

    def book(self, device, start_us, amounts, quantity=ENERGY, *, coverage=1.0, quality=0, last_us=None):
        """Put consecutive 15-minute intervals; None leaves one out. last_us: of the newest reading."""
        at = [row for row, amount in enumerate(amounts) if amount is not None]
        n, zero, nan = len(at), np.zeros(len(at), np.int64), np.full(len(at), np.nan)
        register = self.catalog.register_of[device, quantity].id
        start = start_us + BASE_US * np.array(at, np.int64)
        self.duckdb.put_intervals(
            IntervalBatch(
                np.full(n, register, np.int32),
                start,
                np.array([amounts[row] for row in at], np.float64),
                np.full(n, round(coverage * BASE_US), np.int64),
                np.broadcast_to(quality, n).astype(np.uint16),
                start,
                nan,
                start + BASE_US if last_us is None else np.full(n, last_us),
                nan,
                zero.astype(np.int32),
            )
        )

    def read(self, device, quantity, rows):
        """Append readings (event_time_us, value)."""
        register = self.catalog.register_of[device, quantity].id
        time_us, value = (np.array(column) for column in zip(*rows, strict=True))
        n = len(rows)
        batch = ReadingBatch(
            np.full(n, register, np.int32), time_us.astype(np.int64), value.astype(np.float64),
            np.zeros(n, np.uint8), np.full(n, self.now_us, np.int64),
        )  # fmt: skip
        self.duckdb.append(batch, PositionBatch.empty())

    def at(self, when):
        """Do a round at a local time, or at µs; returns (what, rule, target) of the news."""
        self.now_us = us(when) if isinstance(when, str) else when
        before = len(self.published)
        self.watch.round()
        return [
            (one.alert.state.value, one.alert.rule_id, str(one.alert.target))
            for one in self.published[before:]
        ]

    def every(self, start, until, step_us=HOUR_US):
        """Do rounds from one time to another; all news with the time of the round."""
        found = []
        for now_us in range(us(start), us(until) + 1, step_us):
            found += [(now_us, *one) for one in self.at(now_us)]
        return found

    def open(self):
        """Open alerts by rule and target."""
        records = self.registry.alerts(AlertQuery(limit=1000))
        return {
            (one.alert.rule_id, str(one.alert.target)): one.alert
            for one in records
            if one.alert.state.value in {"firing", "stale"}
        }
