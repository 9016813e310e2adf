"""Which rule watches which register, and whether each reading is in breach of it.

In: rules, the catalog, a batch ordered by register and time. Out: observations, one for
each (watch, reading), for analytics.alerts to act on.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from core.batch import F64, I32, I64, Mask, ReadingBatch
from core.catalog import Catalog
from core.model import Comparator, Rule


@dataclass(frozen=True, slots=True)
class Watches:
    """Every (rule, register) pair, ordered by register; first_of[r]:first_of[r + 1] watch register r."""

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
        none = np.empty(0, np.int32), np.empty(0, np.float64)
        unwatched = cls(rules, none[0], none[0], np.zeros(1, np.int64), none[1], none[1], none[1])
        return unwatched.extended(catalog)

    def extended(self, catalog: Catalog) -> "Watches":
        """These watches, and those of the registers that the catalog has beyond them."""
        by_quantity: dict[str, list[tuple[int, Rule]]] = defaultdict(list)
        for number, rule in enumerate(self.rules):
            by_quantity[rule.quantity].append((number, rule))
        first = len(self.first_of) - 1
        rule_numbers, registers = [], []
        first_of = []
        for register in catalog.registers[first:]:
            for number, rule in by_quantity.get(register.quantity, ()):
                if _selects(rule, catalog, register.device_id):
                    rule_numbers.append(number)
                    registers.append(register.id)
            first_of.append(len(self.rule) + len(registers))
        chosen = [self.rules[number] for number in rule_numbers]
        signs = [1.0 if rule.comparator is Comparator.ABOVE else -1.0 for rule in chosen]
        return Watches(
            self.rules,
            np.concatenate([self.rule, np.array(rule_numbers, np.int32)]),
            np.concatenate([self.register, np.array(registers, np.int32)]),
            np.concatenate([self.first_of, np.array(first_of, np.int64)]),
            np.concatenate([self.sign, np.array(signs, np.float64)]),
            np.concatenate([self.threshold, [rule.threshold for rule in chosen]]),
            np.concatenate([self.clear_threshold, [rule.clear_threshold for rule in chosen]]),
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
    row = np.flatnonzero(count)
    count = count[row]
    if len(row) and count.max() > 1:
        row = np.repeat(row, count)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        watch = watches.first_of[batch.register[row]] + nth
        order = np.argsort(watch, kind="stable")
        row, watch = row[order], watch[order]
    else:  # one rule a register: in order as the batch is
        watch = watches.first_of[batch.register[row]]
    value, sign = batch.value[row], watches.sign[watch]
    return Observations(
        watch.astype(np.int32),
        batch.event_time_us[row],
        value,
        sign * value > sign * watches.threshold[watch],
        sign * value < sign * watches.clear_threshold[watch],
    )
