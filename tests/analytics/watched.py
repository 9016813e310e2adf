"""Rules over a small estate, fed with readings: what the tests of rules share."""

import numpy as np

from analytics.alerts import STATES, AlertsState, step
from analytics.rules import RuleWindows, Watches, observe
from core.batch import ReadingBatch
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Register, Severity
from core.quantities import QUANTITIES
from core.rules import Rule, Threshold

NAME = Name("名", "name")
S = 1_000_000
OVER = Threshold("power_active", Comparator.ABOVE, 100.0, 90.0)


def rule(condition=OVER, **changes):
    given = {"id": "over-power", "name": NAME, "severity": Severity.WARNING, "action": NAME}
    return Rule(**given | {"condition": condition} | changes)


def catalog(devices=2, quantities=("power_active",), expected_s=60.0, **of_device):
    """Meters m0, m1, … with these quantities, at a hall and a school of a city in turn."""
    places = [
        Place("city", PlaceKind.REGION, NAME, "UTC", category="office"),
        Place("hall", PlaceKind.BUILDING, NAME, "UTC", "city"),
        Place("school", PlaceKind.BUILDING, NAME, "UTC", "city", category="school"),
        Place("gym", PlaceKind.ZONE, NAME, "UTC", "school"),
    ]
    where = ["hall", "school"]
    meters = [
        (
            at,
            Device(
                f"m{at}", DeviceKind.METER, where[at % 2], NAME, expected_interval_s=expected_s, **of_device
            ),
        )
        for at in range(devices)
    ]
    of = [(f"m{at}", quantity) for at in range(devices) for quantity in quantities]
    registers = [register(number, *which) for number, which in enumerate(of)]
    return Catalog(places, meters, registers)


def register(number, device, quantity, ratio=1.0):
    of = QUANTITIES[quantity]
    return Register(number, device, quantity, of.kind, of.unit, of.energy, of.exported, ratio)


def batch(*rows, received_s=None):
    """(register, seconds, value) in order of register and time; received as it happened, or then."""
    rows = sorted(rows, key=lambda row: row[:2])
    register, seconds, value = zip(*rows, strict=True)
    event_us = np.round(np.array(seconds, np.float64) * S).astype(np.int64)
    received_us = event_us if received_s is None else np.full(len(rows), int(received_s * S))
    quality = np.zeros(len(rows), np.uint8)
    return ReadingBatch(
        np.array(register, np.int32), event_us, np.array(value, np.float64), quality, received_us
    )


class Watched:
    """One rule set over a catalog, fed with (register, seconds, value) rows."""

    def __init__(self, rules, known=None, calendars=None):
        self.catalog = known or catalog()
        self.watches = Watches.of(rules, self.catalog, calendars or {})
        self.columns = RegisterColumns.of(self.catalog)
        self.state = AlertsState.empty(len(self.watches))
        self.windows = RuleWindows.empty(self.watches)

    def look(self, *rows, received_s=None):
        """What watches see: (seconds, value, in breach, clear)."""
        seen = observe(self.watches, batch(*rows, received_s=received_s), self.columns, self.windows)
        columns = seen.event_time_us / S, seen.value, seen.breach, seen.clear
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def feed(self, *rows, received_s=None):
        seen = observe(self.watches, batch(*rows, received_s=received_s), self.columns, self.windows)
        self.state, found = step(self.state, seen, self.watches.terms())
        return self.story(found)

    def story(self, found):
        """(rule, target, state, seconds) of each transition."""
        told = []
        for watch, after, at_us in zip(found.watch, found.after, found.at_us, strict=True):
            watched, target = self.watches.target(watch)
            told.append((watched.id, target.id, STATES[after].value, int(at_us) / S))
        return told
