"""The ledger derived again from a year of readings, and the cost of one late reading.

Meters report their counter every 15 minutes for a year. In one run, in one process on the
embedded store:

- `first_s`: an empty ledger, every interval is written;
- `unchanged_s`: again, and nothing differs;
- `ratio_s`: again after the ratio of every meter has changed, so that every interval is
  written with its next revision;
- `late_ms`: from one late reading to its revised intervals, in the middle of the year, each
  for another meter.

`read_s` is the null pipeline: the same readings read from the store and nothing done.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from bench.cores import machine
from bench.load import NAME, now_us
from core.batch import BASE_US, PositionBatch, ReadingBatch
from core.estate import Estate
from core.model import Device, DeviceKind, Place, PlaceKind, RegisterSettings
from storage.duckdb import DuckDBStore
from storage.registry import SqlRegistry, open_registry
from wattline.feed import LiveFeed
from wattline.stages.derive import Derivation
from wattline.stages.settle import ALWAYS_US, LATEST_US
from wattline.stages.state import Known

# ruff: noqa: S608 - statements hold numbers only

ENERGY = "energy_active_import_total"
_AT_ONCE = 25


def register(registry: SqlRegistry, meters: int) -> None:
    """A building with so many meters, register n being of meter n."""
    place = Place("hall", PlaceKind.BUILDING, NAME, "Asia/Shanghai")
    devices = [Device(f"m{at:05d}", DeviceKind.METER, "hall", NAME) for at in range(meters)]
    registry.put_estate(Estate((place,), tuple(devices)))
    registry.add_registers([(device.id, ENERGY) for device in devices])


def generate(path: Path, meters: int, days: int) -> int:
    """Readings as they come in, by time; returns how many."""
    DuckDBStore(path).close()
    slots = days * 96
    first = now_us() // BASE_US - slots
    with duckdb.connect(str(path), config={"memory_limit": "2GB"}) as connection:
        connection.execute(
            f"""
            insert into reading
            select (i % {meters})::integer,
                ({first} + i // {meters}) * {BASE_US} + (i % {meters}) * 900000,
                round((i // {meters}) * 2.5 + hash(i) % 1000 / 1000.0, 2), 0,
                ({first} + i // {meters}) * {BASE_US} + 899000000
            from range({meters * slots}) numbered(i)
            """
        )
    return meters * slots


def derivation(store: DuckDBStore, registry: SqlRegistry) -> Derivation:
    """One that goes on from its checkpoint."""
    loop = asyncio.new_event_loop()
    loop.close()
    made = Derivation(store, registry, LiveFeed(loop), Known.of(registry.catalog(), []))
    made.restore()
    return made


def timed(work: Callable[[], object]) -> float:
    """Seconds that work takes."""
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


def settle(made: Derivation) -> None:
    """Derive again whatever is in doubt."""
    while made.settle_one(2**62):
        pass


def read(store: DuckDBStore, meters: int) -> None:
    """Everything, and nothing done with it."""
    for first in range(0, meters, _AT_ONCE):
        store.readings(np.arange(first, min(first + _AT_ONCE, meters), dtype=np.int32), ALWAYS_US, LATEST_US)


def late(made: Derivation, store: DuckDBStore, number: int, days: int) -> float:
    """Milliseconds from one late reading of a meter to its intervals."""
    time_us = now_us() - days * 43_200_000_000 + number * 1_000_000
    value = store.neighbours(number, time_us, time_us)[0].value[0] + 0.001
    batch = ReadingBatch(
        np.array([number], np.int32),
        np.array([time_us]),
        np.array([value]),
        np.zeros(1, np.uint8),
        np.array([now_us()]),
    )
    store.append(batch, PositionBatch.empty())
    began = time.perf_counter()
    made.derive(batch, PositionBatch.empty())
    settle(made)
    return (time.perf_counter() - began) * 1000


def measure(folder: Path, meters: int, days: int, count: int) -> dict[str, Any]:
    """Everything that the module says."""
    readings = generate(folder / "w.duckdb", meters, days)
    registry = open_registry(f"sqlite:///{folder / 'r.sqlite'}")
    register(registry, meters)
    store = DuckDBStore(folder / "w.duckdb")
    found: dict[str, Any] = {"meters": meters, "days": days, "readings": readings}
    found["first_s"] = timed(lambda: derivation(store, registry))
    made = derivation(store, registry)
    found["read_s"] = timed(lambda: read(store, meters))
    found["unchanged_s"] = timed(lambda: made.rederive(list(range(meters))))
    found["unchanged_revised"] = made.revised
    late_ms = sorted(late(made, store, number % meters, days) for number in range(count))
    found["late_ms"] = {
        "p50": round(late_ms[count // 2], 1),
        "p95": round(late_ms[int(count * 0.95)], 1),
        "n": count,
    }
    made.revised = 0
    doubled = [RegisterSettings(one.device_id, ENERGY, ratio=2.0) for one in registry.catalog().registers]
    registry.put_estate(Estate(registers=tuple(doubled)))
    made.refit(registry.catalog())
    made.state.late.clear()  # which is what the change put in doubt
    found["ratio_s"] = timed(lambda: made.rederive(list(range(meters))))
    found["ratio_revised"] = made.revised
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--late", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), options.meters, options.days, options.late)
    print(json.dumps(machine() | found))


if __name__ == "__main__":
    main()
