"""Every (rule, register) pair of a set of rules, joined in columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.selection import Selection
from core.batch import I32, I64
from core.catalog import Catalog
from core.rules import Condition, Frozen, RateOfChange, ReadingCondition, Rule, Selector, Threshold


@dataclass(frozen=True, slots=True)
class Pairing:
    """Rules by what they select and by quantity, so that registers find theirs without asking each.

    quantities: number of each quantity that a rule is about; None is that of rules about a
    device, which watch the first register of it. chosen_by: selectors by device
    number, those of device d being chosen_by[chosen_from[d]:chosen_from[d + 1]]. rule: rules
    ordered by key = selector x quantities + quantity.
    """

    quantities: dict[str | None, int]
    chosen_from: I64
    chosen_by: I32
    key: I64
    rule: I32

    @classmethod
    def of(cls, rules: Sequence[Rule], catalog: Catalog) -> "Pairing":
        """Index the enabled rules about readings."""
        selectors: dict[Selector, int] = {}
        quantities: dict[str | None, int] = {}
        asked = []
        for number, rule in enumerate(rules):
            if rule.enabled and isinstance(rule.condition, ReadingCondition):
                selector = selectors.setdefault(rule.select, len(selectors))
                quantity = quantities.setdefault(quantity_of(rule.condition), len(quantities))
                asked.append((selector, quantity, number))
        selection = Selection(catalog)
        devices = [selection.devices(selector) for selector in selectors]
        device = np.concatenate(devices) if devices else np.empty(0, np.int32)
        by = np.repeat(np.arange(len(devices), dtype=np.int32), [len(some) for some in devices])
        size = max(catalog.device_number.values(), default=-1) + 1
        chosen_from = np.append(0, np.cumsum(np.bincount(device, minlength=size))).astype(np.int64)
        of_selector, of_quantity, rule_number = np.array(asked, np.int64).reshape(-1, 3).T
        key = of_selector * len(quantities) + of_quantity
        order = np.argsort(key, kind="stable")
        by_device = by[np.argsort(device, kind="stable")]
        return cls(quantities, chosen_from, by_device, key[order], rule_number[order].astype(np.int32))

    def pairs(self, catalog: Catalog, first: int) -> tuple[I32, I32]:
        """Numbers of rules and registers of all pairs, ordered by register, of registers from first on."""
        register, device, quantity = self._asked(catalog, first)
        count = self.chosen_from[device + 1] - self.chosen_from[device]
        row, at = expand(self.chosen_from[device], count)
        key = self.chosen_by[at].astype(np.int64) * len(self.quantities) + quantity[row]
        begins, ends = np.searchsorted(self.key, key, "left"), np.searchsorted(self.key, key, "right")
        pair, at = expand(begins, ends - begins)
        rule, register = self.rule[at], register[row[pair]]
        order = np.lexsort((rule, register))
        return rule[order], register[order]

    def _asked(self, catalog: Catalog, first: int) -> tuple[I32, I64, I64]:
        """Registers that a rule may be about: number, device number, quantity number."""
        of_device = self.quantities.get(None)
        found = []
        for one in catalog.registers[first:]:
            quantity = self.quantities.get(one.quantity)
            if quantity is not None:
                found.append((one.id, catalog.device_number[one.device_id], quantity))
            if of_device is not None and catalog.registers_of(one.device_id)[0].id == one.id:
                found.append((one.id, catalog.device_number[one.device_id], of_device))
        rows = np.array(found, np.int64).reshape(-1, 3)
        return rows[:, 0].astype(np.int32), rows[:, 1], rows[:, 2]


def expand(begins: I64, count: I64) -> tuple[I64, I64]:
    """For each row count[row] positions from begins[row] on: row and position of each."""
    row = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, begins[row] + nth


def quantity_of(condition: Condition) -> str | None:
    """What a condition on readings looks at; None: at all that a device says."""
    return condition.quantity if isinstance(condition, Threshold | RateOfChange | Frozen) else None
