"""What judging a batch of readings by ten thousand rules costs, in one process on one core.

20,000 meters of five quantities, in 1,000 buildings, and ten rules a building: every register
is watched twice on average. Half of the rules are thresholds on single readings; of the others
each a fifth is a threshold with a long `for_s`, a mean of ten minutes, a rate of change, a frozen
counter and a wrong clock. Batches hold the readings of every other meter, so that each meter
reports once a minute. Timed is from an ordered batch to the transitions of alerts (observe and
step), in CPU time of the process, median of the batches; what is then recorded of them is the
registry's.

- `null_ms`: putting the batch in order by register and time, which every step needs;
- `calm_ms`: no reading is in breach;
- `some_ms`: one reading in a hundred is, another one each time;
- `all_ms`: all are, and stay so: what can fire fires once;
- `build_s`: from rules and catalog to watches; `silence_ms`: a look at the silence of all meters
  behind 1,000 gateways, once a second.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.alerts import AlertsState, step
from analytics.gateways import Gateways
from analytics.rules import RuleWindows, Watches, observe
from analytics.silence import SilenceWatches, observe_silence
from bench.cores import alone, leave_one_core, machine
from bench.load import NAME
from core.batch import F64, ReadingBatch
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.model import Comparator, Device, DeviceKind, Place, PlaceKind, Register, Severity
from core.quantities import QUANTITIES
from core.rules import (
    Aggregate,
    ClockSkew,
    Condition,
    Frozen,
    NoData,
    RateOfChange,
    Rule,
    Selector,
    Threshold,
)

NAMES = ("voltage_l1", "current_l1", "power_factor", "power_active", "energy_active_import_total")
_CALM = np.array([230.0, 10.0, 0.9, 2000.0, 5000.0])
_BREACH = np.array([260.0, 400.0, 1.5, 90_000.0, 9_000_000.0])
_LIMIT = (250.0, 300.0, 1.2, 60_000.0, 8_000_000.0)
_MINUTE_US = 60_000_000
_START_US = 1_767_225_600_000_000
_SHARES = {"calm": 0.0, "some": 0.01, "all": 1.0}


@dataclass(frozen=True, slots=True)
class Estate:
    """So many meters in buildings with a gateway each, and so many rules."""

    meters: int
    rules: int

    @property
    def buildings(self) -> int:
        """A building has ten rules."""
        return max(self.rules // 10, 1)

    def catalog(self) -> Catalog:
        """Meters of five registers each; register n is quantity n % 5 of meter n // 5."""
        places = [Place("city", PlaceKind.REGION, NAME, "Asia/Shanghai")]
        places += [
            Place(f"b{at}", PlaceKind.BUILDING, NAME, "Asia/Shanghai", "city") for at in range(self.buildings)
        ]
        devices = [self._meter(at) for at in range(self.meters)]
        devices += [
            Device(f"g{at}", DeviceKind.GATEWAY, f"b{at}", NAME, expected_interval_s=60.0)
            for at in range(self.buildings)
        ]
        registers = [
            Register(number, f"m{number // 5}", name, of.kind, of.unit, of.energy)
            for number in range(self.meters * 5)
            for name in [NAMES[number % 5]]
            for of in [QUANTITIES[name]]
        ]
        return Catalog(places, enumerate(devices), registers)

    def _meter(self, at: int) -> Device:
        building = at % self.buildings
        return Device(
            f"m{at}",
            DeviceKind.METER,
            f"b{building}",
            NAME,
            expected_interval_s=60.0,
            gateway_id=f"g{building}",
        )

    def reading_rules(self) -> list[Rule]:
        """Ten a building."""
        return [
            _rule(f"r{at}", condition, for_s, Selector(places=(f"b{at // 10 % self.buildings}",)))
            for at, (condition, for_s) in zip(range(self.rules), _conditions(), strict=False)
        ]


def _conditions() -> Iterator[tuple[Condition, float]]:
    above = Comparator.ABOVE
    single = [(Threshold(name, above, limit), 60.0) for name, limit in zip(NAMES, _LIMIT, strict=True)]
    while True:
        yield from single
        yield Threshold("voltage_l1", above, _LIMIT[0]), 3600.0
        yield Threshold("current_l1", above, _LIMIT[1], None, 600.0, Aggregate.MEAN), 0.0
        yield RateOfChange("power_active", above, 1e6), 0.0
        yield Frozen(NAMES[4]), 0.0
        yield ClockSkew(), 0.0


def _rule(id_: str, condition: Condition, for_s: float, select: Selector) -> Rule:
    return Rule(id_, NAME, Severity.WARNING, NAME, condition, select, for_s)


def batches(meters: int, share: float, first: int, count: int, seed: int) -> Iterator[ReadingBatch]:
    """Readings of every other meter, so many of them in breach; counters count."""
    random = np.random.default_rng(seed)
    for number in range(first, first + count):
        of = np.arange(number % 2, meters, 2)
        register = (of[:, None] * 5 + np.arange(5)).ravel().astype(np.int32)
        breach = random.random(len(register)) < share
        value = _values(register, breach, number)
        event_us = _START_US + number // 2 * _MINUTE_US + (number % 2) * _MINUTE_US // 2
        time_us = np.full(len(register), event_us, np.int64)
        received_us = np.full(len(register), event_us + 200_000, np.int64)
        mixed = random.permutation(len(register))
        yield ReadingBatch(
            register[mixed], time_us, value[mixed], np.zeros(len(register), np.uint8), received_us
        )


def _values(register: np.ndarray, breach: np.ndarray, number: int) -> F64:  # type: ignore[type-arg]
    quantity = register % 5
    value: F64 = np.where(breach, _BREACH[quantity], _CALM[quantity])
    return value + np.where(quantity == 4, number * 0.01, 0.0)


def ordered(batch: ReadingBatch) -> ReadingBatch:
    """The batch by register and time."""
    return batch.take(np.lexsort((batch.event_time_us, batch.register)))


def measure(meters: int, rules: int, count: int) -> dict[str, Any]:
    """Everything that the module says."""
    estate = Estate(meters, rules)
    catalog, made = estate.catalog(), estate.reading_rules()
    columns = RegisterColumns.of(catalog)
    began = time.process_time()
    watches = Watches.of(made, catalog)
    found: dict[str, Any] = {
        "rules": rules,
        "registers": len(catalog.registers),
        "watches": len(watches),
        "watched": len(np.unique(watches.register)),
        "build_s": round(time.process_time() - began, 2),
        "batches": count,
    }
    null_ms: list[float] = []
    number = 0
    for name, share in _SHARES.items():
        state, windows = AlertsState.empty(len(watches)), RuleWindows.empty(watches)
        # Windows fill and alerts that fire at once have fired before the clock starts.
        took, wall, transitions = [], [], 0
        for at, batch in enumerate(batches(meters, share, number, count + _WARM, seed=7)):
            begins = time.process_time()
            rows = ordered(batch)
            between, since = time.process_time(), time.perf_counter()
            seen = observe(watches, rows, columns, windows)
            state, changed = step(state, seen, watches.terms())
            ends, until = time.process_time(), time.perf_counter()
            if at >= _WARM:
                took.append((ends - between) * 1000)
                wall.append((until - since) * 1000)
                null_ms.append((between - begins) * 1000)
                transitions += len(changed)
        found |= {"values": len(rows), f"{name}_ms": _median(took), f"{name}_transitions": transitions}
        found |= {f"{name}_most_ms": round(max(took), 1), f"{name}_wall_ms": _median(wall)}
        number += count + _WARM
    found["null_ms"] = _median(null_ms)
    for name in _SHARES:
        found[f"{name}_of_null"] = round(found[f"{name}_ms"] / found["null_ms"], 2)
    return found | {"silence_ms": silence(catalog, meters, count)}


_WARM = 2


def silence(catalog: Catalog, meters: int, count: int) -> float:
    """Median of looks at the silence of all meters, most of which speak."""
    watches = SilenceWatches.of([_rule("silent", NoData(), 0.0, Selector())], catalog)
    gateways, state = Gateways.of(watches.behind), AlertsState.empty(len(watches))
    heard_us = np.full(len(catalog.devices), _START_US, np.int64)
    took = []
    for second in range(count):
        now_us = _START_US + second * 1_000_000
        heard_us[second % 60 : meters : 60] = now_us
        begins = time.process_time()
        seen = observe_silence(watches, gateways, heard_us, state, listening_since_us=0, now_us=now_us)
        state, _ = step(state, seen, watches.terms())
        took.append((time.process_time() - begins) * 1000)
    return _median(took)


def _median(took: list[float]) -> float:
    return round(statistics.median(took), 3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=20_000)
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--batches", type=int, default=60)
    options = parser.parse_args()
    found = machine()
    print(
        json.dumps(found | alone(leave_one_core(), measure, options.meters, options.rules, options.batches))
    )


if __name__ == "__main__":
    main()
