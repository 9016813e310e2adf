"""What the watches of a rule see in stored history, a stretch at a time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analytics import rules
from analytics.alerts import Observations, Terms
from analytics.rules import RuleWindows, Watches, Way
from analytics.selection import Selection
from api.estate import Estate, estate_of
from core.alerts import Target
from core.batch import BASE_US, I32
from core.calendars import Calendar
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.ports import TimeSeriesStore
from core.reference import References
from core.rules import Rule
from wattline.figures.preview import looked_back
from wattline.figures.targets import groups_of
from wattline.figures.terms import terms_of

_DAY_US = 86_400_000_000
_HOUR_US = _DAY_US // 24
_STRETCH_ROWS = 250_000
_MOST_AT_ONCE = 1_000_000
"""Readings in memory; 30 bytes each, and some 100 while they are judged."""


class History(Protocol):
    """The watches of one rule, and what they see between two times."""

    targets: list[Target]
    terms: Terms

    def rows(self, from_us: int, to_us: int) -> float:
        """About how many stored rows that takes."""
        ...

    def begins_us(self, from_us: int, to_us: int) -> int:
        """From when on it looks."""
        ...

    def stretches(self, from_us: int, to_us: int) -> Iterator[Observations]:
        """Everything, each watch in order of time; raises StoreError."""
        ...


@dataclass(slots=True)
class ReadingHistory:
    """Of a rule on readings."""

    store: TimeSeriesStore
    columns: RegisterColumns
    watches: Watches
    targets: list[Target]
    terms: Terms
    windows: RuleWindows

    @classmethod
    def of(
        cls, rule: Rule, store: TimeSeriesStore, catalog: Catalog, calendars: Mapping[str, Calendar]
    ) -> "ReadingHistory":
        """The registers that a rule watches now."""
        watches = Watches.of([rule], catalog, calendars)
        targets = [watches.target(number)[1] for number in range(len(watches))]
        windows = RuleWindows.empty(watches)
        return cls(store, RegisterColumns.of(catalog), watches, targets, watches.terms(), windows)

    def rows(self, from_us: int, to_us: int) -> float:
        """By the intervals at which the devices are expected to report."""
        return sum(map(self._rate, self._registers())) * (to_us - from_us)

    def begins_us(self, from_us: int, to_us: int) -> int:  # noqa: ARG002 - of silence it matters
        """Nothing is looked at before the span but what its values are made of."""
        return from_us

    def stretches(self, from_us: int, to_us: int) -> Iterator[Observations]:
        """Readings of so many devices over so long a time that they fit into memory."""
        devices = self._registers()
        a_day = max(self._rate(np.concatenate(devices)) * _DAY_US / len(devices), 1.0) if devices else 1.0
        count = max(int(_MOST_AT_ONCE / a_day), 1)
        for first in range(0, len(devices), count):
            registers = np.unique(np.concatenate(devices[first : first + count]))
            length_us = max(int(_STRETCH_ROWS / self._rate(registers)), _HOUR_US)
            for start_us in range(from_us, to_us, length_us):
                batch = self.store.readings(registers, start_us, min(start_us + length_us, to_us))
                yield rules.observe(self.watches, batch, self.columns, self.windows)

    def _registers(self) -> list[I32]:
        """By device the registers that the rule looks at: those watched, the power of counters, or all."""
        catalog, windows = self.watches.catalog, self.windows
        powers = np.flatnonzero(np.diff(windows.load_of))
        needed = {*self.watches.register.tolist(), *powers.tolist()}
        by_device: dict[str, list[int]] = defaultdict(list)
        for register in sorted(needed):
            by_device[catalog.registers[register].device_id].append(register)
        if (self.watches.way == Way.CLOCK).any():
            by_device = {id_: [one.id for one in catalog.registers_of(id_)] for id_ in by_device}
        return [np.array(registers, np.int32) for registers in by_device.values()]

    def _rate(self, registers: I32) -> float:
        """Readings a µs of registers."""
        return float((1.0 / self.columns.expected_us[registers]).sum())


@dataclass(slots=True)
class FigureHistory:
    """Of a rule on figures: everything is judged as the estate stands now."""

    rule: Rule
    store: TimeSeriesStore
    estate: Estate
    references: References
    targets: list[Target]
    terms: Terms

    @classmethod
    def of(
        cls, rule: Rule, store: TimeSeriesStore, catalog: Catalog, references: References
    ) -> "FigureHistory":
        """The targets of which the rule's figure exists now."""
        estate = estate_of(catalog)
        groups = groups_of(rule, estate, Selection(catalog), references)
        targets = [target for group in groups for target in group.targets]
        return cls(rule, store, estate, references, targets, terms_of([rule] * len(targets)))

    def rows(self, from_us: int, to_us: int) -> float:
        """Ledger intervals, those that the rule looks back on included."""
        condition = self.rule.condition
        back_us = getattr(condition, "history_days", 0) * _DAY_US
        return len(self.targets) * (to_us - from_us + back_us) / BASE_US

    def begins_us(self, from_us: int, to_us: int) -> int:  # noqa: ARG002 - of silence it matters
        """Nothing is looked at before the span but what its values are made of."""
        return from_us

    def stretches(self, from_us: int, to_us: int) -> Iterator[Observations]:
        """All periods that ended in the span."""
        _, seen, _ = looked_back(
            self.rule, self.store, self.estate, self.references, from_us=from_us, until_us=to_us
        )
        yield seen
