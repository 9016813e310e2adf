"""How long a rule takes over a month of 1,000 meters: POST /api/v1/rules/preview, without the network.

A real DuckDB file: every meter reports a counter and its power each quarter of an hour, for
the month and the 96 days before it that the deviation rule looks back. Each rule is run as
often as --runs says, the file in the page cache; `cold_s` is the first of them. `peak_mb` is
the memory that the process took beyond what it had when it had opened the stores. --lapses is
the share of meters that say nothing for two to eight hours of a day; each meter then has its
own second of the quarter of an hour at which it is received, so that no two are alike.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from analytics import counters, ledger
from bench.cores import machine
from bench.load import NAME
from core.batch import F64, PositionBatch, ReadingBatch
from core.columns import RegisterColumns
from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, Place, PlaceKind, Severity
from core.rules import Condition, Deviation, NoData, Rule, Threshold
from storage.duckdb import DuckDBStore
from storage.registry import SqlRegistry, open_registry
from wattline.rules.preview import RulePreviewer

_DAY_US = 86_400_000_000
_START_US = 1_764_547_200_000_000  # 2025-12-01
_EVERY_US = 900_000_000
_QUANTITIES = ("energy_active_import_total", "power_active")
_HISTORY_DAYS = 96
CONDITIONS: dict[str, Condition] = {
    "threshold": Threshold("power_active", Comparator.ABOVE, 14_500.0, 14_000.0),
    "deviation": Deviation(),
    "no_data": NoData(),
}


def estate(meters: int) -> Estate:
    """Ten meters a building, each reporting every quarter of an hour."""
    region = Place("region", PlaceKind.REGION, NAME, "Asia/Shanghai")
    buildings = [
        Place(f"b{at}", PlaceKind.BUILDING, NAME, "Asia/Shanghai", region.id)
        for at in range(-(-meters // 10))
    ]
    devices = [
        Device(f"m{at}", DeviceKind.METER, f"b{at // 10}", NAME, expected_interval_s=_EVERY_US / 1e6)
        for at in range(meters)
    ]
    return Estate((region, *buildings), tuple(devices))


def fill(store: DuckDBStore, registry: SqlRegistry, meters: int, days: int, lapses: float = 0.0) -> int:
    """Readings and intervals of so many days; returns the readings."""
    registry.put_estate(estate(meters))
    registry.add_registers([(f"m{at}", quantity) for at in range(meters) for quantity in _QUANTITIES])
    catalog = registry.catalog()
    columns = RegisterColumns.of(catalog)
    state, booked = (
        counters.CounterState.empty(len(catalog.registers)),
        ledger.LedgerState.empty(len(catalog.registers)),
    )
    rng = np.random.default_rng(5)
    scale = rng.uniform(0.3, 1.5, meters)
    counted = np.zeros(meters)
    for day in range(days):
        batch, counted = _day(day, scale, counted, rng)
        if lapses:
            batch = _lapsing(batch, meters, lapses, rng)
        store.append(batch, PositionBatch.empty())
        batch = batch.take(np.lexsort((batch.event_time_us, batch.register)))
        state, segments, _ = counters.step(state, batch.take(columns.is_counter[batch.register]), columns)
        booked, closed = ledger.step(booked, segments)
        store.put_intervals(closed)
    while store.compact(1_000_000):
        pass
    return meters * days * 96 * len(_QUANTITIES)


def _day(day: int, scale: F64, counted: F64, rng: np.random.Generator) -> tuple[ReadingBatch, F64]:
    """Power that rises in office hours of workdays and scatters by a tenth, and what it adds up to."""
    slots = np.arange(96)
    hour = (slots / 4 + 8) % 24  # local
    office = (hour >= 8) & (hour < 18) & (day % 7 < 5)
    power_w = scale[:, None] * np.where(office, 9_000.0, 2_000.0) * rng.lognormal(0.0, 0.1, (len(scale), 96))
    energy = counted[:, None] + np.cumsum(power_w / 4_000.0, axis=1)
    meters = np.arange(len(scale), dtype=np.int32)
    register = np.stack([2 * meters, 2 * meters + 1])  # [quantity, meter]
    time_us = _START_US + day * _DAY_US + slots * _EVERY_US
    shape = (96, 2, len(scale))  # as they come: slot after slot
    times = np.broadcast_to(time_us[:, None, None], shape).reshape(-1)
    values = np.stack([energy.T, power_w.T], axis=1).reshape(-1)
    registers = np.broadcast_to(register[None], shape).reshape(-1).astype(np.int32)
    received_us = times + 1_000_000
    return ReadingBatch(registers, times, values, np.zeros(len(times), np.uint8), received_us), energy[:, -1]


def _lapsing(batch: ReadingBatch, meters: int, share: float, rng: np.random.Generator) -> ReadingBatch:
    """Without what some meters would have said for some hours, each received at a second of its own."""
    meter = batch.register // 2
    since_us = batch.event_time_us - batch.event_time_us[0]
    hour_us = 3_600_000_000
    first_us = rng.integers(0, 24 * hour_us, meters)
    lasts_us = np.where(rng.random(meters) < share, rng.integers(2 * hour_us, 8 * hour_us, meters), 0)
    lapsed = (since_us >= first_us[meter]) & (since_us < (first_us + lasts_us)[meter])
    received_us = batch.received_at_us + meter * (_EVERY_US // meters)
    return replace(batch, received_at_us=received_us).take(~lapsed)


def measure(previewer: RulePreviewer, condition: Condition, days: int, runs: int) -> dict[str, float]:
    """Seconds of a preview of the last days, and what it found."""
    rule = Rule("bench", NAME, Severity.WARNING, NAME, condition)
    to_us = _START_US + (_HISTORY_DAYS + days) * _DAY_US
    before_mb = _peak_mb()
    took_s = []
    for _ in range(runs):
        started_s = time.perf_counter()
        found = previewer.preview(rule, to_us - days * _DAY_US, to_us)
        took_s.append(time.perf_counter() - started_s)
    return {
        "n": runs,
        "cold_s": round(took_s[0], 2),
        "median_s": round(statistics.median(took_s), 2),
        "most_s": round(max(took_s), 2),
        "alerts": found.totals.alerts,
        "observations": found.totals.observations,
        "peak_mb": round(_peak_mb() - before_mb),
    }


def run(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Fill the stores, then ask."""
    started_s = time.perf_counter()
    file = folder / "preview.duckdb"
    registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    store = DuckDBStore(file)
    readings = fill(store, registry, options.meters, _HISTORY_DAYS + options.days, options.lapses)
    store.close()
    print(f"{readings} readings in {time.perf_counter() - started_s:.0f} s", flush=True)
    store = DuckDBStore(file)
    catalog = registry.catalog()
    previewer = RulePreviewer(store, registry, lambda: catalog)
    found = {kind: measure(previewer, CONDITIONS[kind], options.days, options.runs) for kind in options.kinds}
    store.close()
    registry.close()
    return {"meters": options.meters, "days": options.days, "readings": readings, **found}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--lapses", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps({**run(Path(name), options), **machine()}))


if __name__ == "__main__":
    main()
