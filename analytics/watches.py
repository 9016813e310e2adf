"""Which rule on readings watches which register, as columns."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from analytics.active_hours import ActiveHours
from analytics.alerts import Terms
from analytics.pairing import Pairing, expand, quantity_of
from core.alerts import Target, TargetKind
from core.batch import F64, I32, I64, U8, Mask
from core.calendars import Calendar
from core.catalog import Catalog
from core.model import Comparator
from core.rules import ClockSkew, Frozen, RateOfChange, Rule, Threshold

SILENT_FACTOR = 3
"""A register that was not heard for so many expected intervals is silent, SILENT_LEAST_US at least."""

SILENT_LEAST_US = 60_000_000

_NONE: Mapping[str, Calendar] = {}


class Way(IntEnum):
    """How a watch looks at readings."""

    EACH = 0
    WINDOW = 1
    RATE = 2
    FROZEN = 3
    CLOCK = 4


@dataclass(frozen=True, slots=True)
class Watches:
    """Every (rule, register) pair, ordered by register; first_of[r]:first_of[r + 1] watch register r.

    rules: all that there are; those that are enabled and about readings have watches. rule:
    index into them. hours: when they hold, by these calendars. sign: 1 where above is wrong,
    -1 where below is. for_us, keep_us, silent_us: as in alerts.Terms.
    """

    rules: list[Rule]
    catalog: Catalog
    calendars: Mapping[str, Calendar]
    pairing: Pairing
    hours: ActiveHours
    first_of: I64
    rule: I32
    register: I32
    way: U8
    sign: F64
    threshold: F64
    clear_threshold: F64
    for_us: I64
    keep_us: I64
    silent_us: I64

    @classmethod
    def of(cls, rules: list[Rule], catalog: Catalog, calendars: Mapping[str, Calendar] = _NONE) -> "Watches":
        """Watches of all rules over the registers that they select."""
        return cls._beyond(rules, catalog, calendars, Pairing.of(rules, catalog), 0)

    def extended(self, catalog: Catalog) -> "Watches":
        """These watches, and those of the registers that the catalog has beyond them."""
        first = len(self.first_of) - 1
        more = self._beyond(self.rules, catalog, self.calendars, self.pairing, first)
        columns = {name: np.concatenate([getattr(self, name), getattr(more, name)]) for name in _COLUMNS}
        first_of = np.append(self.first_of, more.first_of[1:] + len(self.rule))
        hours = self.hours.joined(more.hours)
        return Watches(self.rules, catalog, self.calendars, self.pairing, hours, first_of, **columns)

    @classmethod
    def _beyond(
        cls,
        rules: list[Rule],
        catalog: Catalog,
        calendars: Mapping[str, Calendar],
        pairing: Pairing,
        first: int,
    ) -> "Watches":
        rule, register = pairing.pairs(catalog, first)
        count = np.bincount(register - first, minlength=len(catalog.registers) - first)
        way, sign, threshold, clear_threshold, for_us, keep_us = _by_rule(rules)
        devices = [catalog.devices[one.device_id] for one in catalog.registers[first:]]
        silent_us = (SILENT_FACTOR * 1e6 * np.array([one.expected_interval_s for one in devices])).astype(
            np.int64
        )
        return cls(
            rules,
            catalog,
            calendars,
            pairing,
            ActiveHours.of(
                rules, rule, lambda at: devices[register[at] - first].place_id, catalog, calendars
            ),
            np.append(0, np.cumsum(count)).astype(np.int64),
            rule,
            register,
            way[rule],
            sign[rule],
            threshold[rule],
            clear_threshold[rule],
            for_us[rule],
            keep_us[rule],
            np.maximum(silent_us, SILENT_LEAST_US)[register - first],
        )

    def __len__(self) -> int:
        return len(self.rule)

    def watched(self) -> list[tuple[str, int]]:
        """(rule id, register) of every watch: what it is known by when rules change."""
        ids = [rule.id for rule in self.rules]
        return list(zip(map(ids.__getitem__, self.rule.tolist()), self.register.tolist(), strict=True))

    def target(self, number: int) -> tuple[Rule, Target]:
        """What a watch is of, and about."""
        rule = self.rules[self.rule[number]]
        register = self.catalog.registers[self.register[number]]
        if quantity_of(rule.condition) is None:
            return rule, Target(TargetKind.DEVICE, register.device_id)
        return rule, Target(TargetKind.REGISTER, f"{register.device_id}/{register.quantity}")

    def terms(self, held_back: Mask | None = None) -> Terms:
        """What alerts.step and alerts.tick go by; held_back: watches that may not fire now, None for none."""
        nobody = np.zeros(len(self), np.bool_)
        return Terms(self.for_us, self.keep_us, self.silent_us, nobody if held_back is None else held_back)


_COLUMNS = [column.name for column in fields(Watches)][6:]
"""Columns of Watches that have a row a watch."""


def watching(watches: Watches, register: I32) -> tuple[I64, I32]:
    """Row and watch of every pair of a row and a watch of its register, ordered by watch, then row."""
    first_of = watches.first_of[register]
    count = watches.first_of[register + 1] - first_of
    row = np.flatnonzero(count)
    count = count[row]
    if len(row) and count.max() > 1:
        nth, at = expand(first_of[row], count)
        row, watch = row[nth], at.astype(np.int32)
        if np.any(watch[1:] < watch[:-1]):  # a register that is there twice and watched twice
            order = np.argsort(watch, kind="stable")
            row, watch = row[order], watch[order]
        return row, watch
    return row, first_of[row].astype(np.int32)  # one rule a register: in order as the batch is


def _by_rule(rules: list[Rule]) -> tuple[U8, F64, F64, F64, I64, I64]:
    """Way, sign, threshold, clear threshold, for_us and keep_us of each rule."""
    way, sign, threshold, clear = np.array([_limits(rule) for rule in rules], np.float64).reshape(-1, 4).T
    seconds = np.array([(rule.for_s, rule.keep_firing_for_s) for rule in rules], np.float64).reshape(-1, 2)
    for_us, keep_us = np.round(seconds.T * 1e6).astype(np.int64)
    return way.astype(np.uint8), sign, threshold, clear, for_us, keep_us


def _limits(rule: Rule) -> tuple[float, float, float, float]:
    """Way, sign, threshold and clear threshold."""
    match rule.condition:
        case Threshold() | RateOfChange() as one:
            sign = 1.0 if one.comparator is Comparator.ABOVE else -1.0
            clear = one.threshold if one.clear_threshold is None else one.clear_threshold
            way = Way.RATE if isinstance(one, RateOfChange) else Way.WINDOW if one.window_s else Way.EACH
            return way, sign, one.threshold, clear
        case Frozen() as one:
            return Way.FROZEN, 1.0, one.hold_s, one.hold_s
        case ClockSkew() as one:
            return Way.CLOCK, 1.0, one.ahead_s, one.ahead_s
        case _:  # not about readings: no watch is of it
            return Way.EACH, np.nan, np.nan, np.nan
