"""Which rule watches which register, and whether each reading is in breach of it.

In: rules, the catalog, a batch ordered by register and time. Out: observations, one for
each (watch, reading), for analytics.alerts to act on.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import F64, I32, I64, Mask, ReadingBatch
from core.catalog import Catalog
from core.model import Comparator, Rule


@dataclass(frozen=True, slots=True)
class Watches:
    """Every (rule, register) pair, ordered by register; from[r]:from[r + 1] watch register r."""

    rules: list[Rule]
    rule: I32
    register: I32
    first_of: I64
    sign: F64
    threshold: F64
    clear_threshold: F64

    @classmethod
    def of(cls, rules: list[Rule], catalog: Catalog) -> "Watches":
        """Watches of all rules over the registers that they select."""
        pairs = sorted(
            (register.id, number)
            for number, rule in enumerate(rules)
            for register in catalog.registers
            if register.quantity == rule.quantity and _selects(rule, catalog, register.device_id)
        )
        register = np.array([pair[0] for pair in pairs], np.int32)
        rule = np.array([pair[1] for pair in pairs], np.int32)
        chosen = [rules[number] for number in rule]
        return cls(
            rules,
            rule,
            register,
            np.searchsorted(register, np.arange(len(catalog.registers) + 1)).astype(np.int64),
            np.array([1.0 if r.comparator is Comparator.ABOVE else -1.0 for r in chosen], np.float64),
            np.array([r.threshold for r in chosen], np.float64),
            np.array([r.clear_threshold for r in chosen], np.float64),
        )

    def watched(self) -> list[tuple[str, int]]:
        """(rule id, register) of every watch: what it is known by when rules change."""
        return [
            (self.rules[number].id, int(register))
            for number, register in zip(self.rule, self.register, strict=True)
        ]


def _selects(rule: Rule, catalog: Catalog, device_id: str) -> bool:
    if rule.devices and device_id not in rule.devices:
        return False
    return not rule.places or not set(rule.places).isdisjoint(
        catalog.ancestors(catalog.devices[device_id].place_id)
    )


@dataclass(frozen=True, slots=True)
class Observations:
    """Readings as their watches see them, ordered by watch, then time."""

    watch: I32
    event_time_us: I64
    value: F64
    breach: Mask
    clear: Mask


def observe(watches: Watches, batch: ReadingBatch) -> Observations:
    """What every watch sees in a batch that is ordered by register and time."""
    count = watches.first_of[batch.register + 1] - watches.first_of[batch.register]
    row = np.repeat(np.arange(len(batch)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    watch = watches.first_of[batch.register[row]] + nth
    order = np.argsort(watch, kind="stable")
    row, watch = row[order], watch[order]
    value, sign = batch.value[row], watches.sign[watch]
    return Observations(
        watch.astype(np.int32),
        batch.event_time_us[row],
        value,
        sign * value > sign * watches.threshold[watch],
        sign * value < sign * watches.clear_threshold[watch],
    )
