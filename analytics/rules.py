"""What every reading says to the rules that watch it.

In: watches, a batch ordered by register and time. Out: observations for analytics.alerts to
act on, those of a watch together and in order of time. Most rules look at single readings;
the others remember some of what was before (RuleWindows).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from analytics import clocks, frozen, rule_windows
from analytics.alerts import Observations
from analytics.clocks import Clocks, Receipts
from analytics.frozen import Standing, Values
from analytics.pairing import expand
from analytics.rule_memory import Memory
from analytics.rule_windows import Heard, Rings
from analytics.watches import SILENT_FACTOR, Watches, Way, watching
from core.batch import F64, I32, I64, Mask, ReadingBatch
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.quantities import Energy, RegisterKind
from core.rules import ClockSkew, Frozen

__all__ = ["LATE_US", "SILENT_FACTOR", "RuleWindows", "Watches", "Way", "observe"]

LATE_US = 900_000_000
"""What is received longer than this after it happened is history."""


@dataclass(slots=True)
class RuleWindows:
    """What watches remember between batches, and what belongs to them besides their register.

    Power in register r moves the counters of load_watch[load_of[r]:load_of[r + 1]], which must
    not stand; load_sign: if it flows in (1) or back (-1). load_of is empty if there are none.
    first_register: by register, the first of its device; empty if no rule needs it.
    """

    rings: Rings
    rates: Rings
    standing: Standing
    clocks: Clocks
    load_of: I64
    load_watch: I32
    load_sign: F64
    first_register: I32

    @classmethod
    def empty(cls, watches: Watches) -> "RuleWindows":
        """Of watches that have heard nothing."""
        ringed, rated, stands, ticks = (
            np.flatnonzero(watches.way == way).astype(np.int32)
            for way in (Way.WINDOW, Way.RATE, Way.FROZEN, Way.CLOCK)
        )
        rules = watches.rules
        catalog = watches.catalog
        of_standing = [rules[rule].condition for rule in watches.rule[stands]]
        of_clocks = [rules[rule].condition for rule in watches.rule[ticks]]
        counts = [catalog.registers[register].kind for register in watches.register[stands]]
        return cls(
            Rings.empty(ringed, [rules[rule] for rule in watches.rule[ringed]]),
            Rings.empty(rated, [rules[rule] for rule in watches.rule[rated]]),
            Standing.empty(
                stands,
                np.array([kind is RegisterKind.COUNTER for kind in counts], np.bool_),
                [one for one in of_standing if isinstance(one, Frozen)],
            ),
            Clocks.empty(ticks, [one for one in of_clocks if isinstance(one, ClockSkew)]),
            *_loads(watches, stands),
            _first_registers(catalog) if len(ticks) else np.empty(0, np.int32),
        )

    def fitted(self, numbers: list[int], watches: Watches) -> "RuleWindows":
        """Of another set of watches: of each its number here, or -1 if it is new."""
        number = np.array(numbers, np.int64)
        fresh = RuleWindows.empty(watches)
        self.rings.carried(fresh.rings, number)
        self.rates.carried(fresh.rates, number)
        self.standing.carried(fresh.standing, number)
        self.clocks.carried(fresh.clocks, number)
        return fresh

    def grown(self, watches: Watches) -> "RuleWindows":
        """Of these watches, the first of which are those that this is of."""
        return self.fitted(list(range(len(watches))), watches)

    def adopt(self, other: "RuleWindows", watches: Mask) -> None:
        """Take over what another one, of the same watches, remembers of some."""
        self.rings.adopt(other.rings, watches)
        self.rates.adopt(other.rates, watches)
        self.standing.adopt(other.standing, watches)
        self.clocks.adopt(other.clocks, watches)

    def arrays(self) -> dict[str, Any]:
        """What is remembered, by name, to be saved with the keys of the watches."""
        parts: dict[str, Memory] = {
            "rings": self.rings,
            "rates": self.rates,
            "standing": self.standing,
            "clocks": self.clocks,
        }
        return {f"{name}.{key}": one for name, part in parts.items() for key, one in part.arrays().items()}

    @classmethod
    def loaded(
        cls, arrays: Mapping[str, Any], prefix: str, numbers: list[int], watches: Watches
    ) -> "RuleWindows":
        """Read what was saved under a prefix; numbers as for fitted."""
        fresh = cls.empty(watches)
        saved = RuleWindows(
            Rings.loaded(arrays, f"{prefix}rings."),
            Rings.loaded(arrays, f"{prefix}rates."),
            Standing.loaded(arrays, f"{prefix}standing."),
            Clocks.loaded(arrays, f"{prefix}clocks."),
            fresh.load_of,
            fresh.load_watch,
            fresh.load_sign,
            fresh.first_register,
        )
        return saved.fitted(numbers, watches)


def observe(
    watches: Watches, batch: ReadingBatch, columns: RegisterColumns, windows: RuleWindows
) -> Observations:
    """What every watch sees in a batch that is ordered by register and time.

    windows is updated in place.
    """
    row, watch = watching(watches, batch.register)
    way = watches.way[watch]
    each = way == Way.EACH
    if each.all():
        parts = [_each(watches, batch, row, watch)]
    else:
        ringed, rated, stands = way == Way.WINDOW, way == Way.RATE, way == Way.FROZEN
        parts = [
            _each(watches, batch, row[each], watch[each]),
            _ringed(watches, batch, (row[ringed], watch[ringed]), columns, windows.rings),
            _ringed(watches, batch, (row[rated], watch[rated]), columns, windows.rates),
            _standing(watches, batch, (row[stands], watch[stands]), columns, windows),
        ]
    if len(windows.load_of) and len(parts) == 1:
        nothing = row[:0], watch[:0]
        parts.append(_standing(watches, batch, nothing, columns, windows))
    if len(windows.clocks.watch):
        parts.append(_clocks(watches, batch, windows))
    seen = _joined([part for part in parts if len(part.watch)])
    if watches.hours.schedules:
        holds = watches.hours.hold(seen.watch, seen.event_time_us)
        seen = replace(seen, breach=seen.breach & holds, clear=seen.clear | ~holds)
    return seen


def _each(watches: Watches, batch: ReadingBatch, row: I64, watch: I32) -> Observations:
    value, limit = batch.value[row], watches.threshold[watch]
    return _seen(batch, (row, watch), value, limit, _compared(watches, watch, value))


def _compared(watches: Watches, watch: I32, value: F64) -> tuple[Mask, Mask]:
    """Whether values are past the threshold, and whether they are back past the clear threshold."""
    sign = watches.sign[watch]
    signed = sign * value
    breach, clear = signed > sign * watches.threshold[watch], signed <= sign * watches.clear_threshold[watch]
    return breach, clear


def _ringed(
    watches: Watches, batch: ReadingBatch, pairs: tuple[I64, I32], columns: RegisterColumns, rings: Rings
) -> Observations:
    row, watch = pairs
    found, says = rule_windows.look(rings, Heard.of(batch, row, watch, watches.silent_us), columns)
    row, watch, found = row[says], watch[says], found[says]
    limit = watches.threshold[watch]
    return _seen(batch, (row, watch), found, limit, _compared(watches, watch, found))


def _standing(
    watches: Watches,
    batch: ReadingBatch,
    pairs: tuple[I64, I32],
    columns: RegisterColumns,
    windows: RuleWindows,
) -> Observations:
    row, watch = pairs
    load_row, at = _loaded(windows, batch.register)
    load = np.arange(len(row) + len(load_row)) >= len(row)
    value = np.append(batch.value[row], batch.value[load_row] * windows.load_sign[at])
    row, watch = np.append(row, load_row), np.append(watch, windows.load_watch[at])
    # Power that came with a value was there before it.
    order = np.lexsort((~load, batch.event_time_us[row], watch))
    row, watch, load = row[order], watch[order], load[order]
    time_us, ratio = batch.event_time_us[row], columns.ratio[watches.register[watch]]
    values = Values(watch, time_us, value[order], load, watches.silent_us[watch], ratio)
    held_s, wrong, moved, says = frozen.look(windows.standing, values)
    row, watch = row[says], watch[says]
    return _seen(batch, (row, watch), held_s[says], watches.threshold[watch], (wrong[says], moved[says]))


def _loaded(windows: RuleWindows, register: I32) -> tuple[I64, I64]:
    """Row and index into load_watch of every counter that the power in each row moves."""
    if not len(windows.load_of):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    begins = windows.load_of[register]
    count = windows.load_of[register + 1] - begins
    rows = np.flatnonzero(count)
    row, at = expand(begins[rows], count[rows])
    return rows[row], at


def _clocks(watches: Watches, batch: ReadingBatch, windows: RuleWindows) -> Observations:
    """Of device clocks, at the time of receipt: what they say of time is what is in question."""
    receipts = Receipts.of(batch, windows.first_register)
    row, watch = watching(watches, receipts.register)
    ticks = watches.way[watch] == Way.CLOCK
    row, watch = row[ticks], watch[ticks]
    received_us, silent_us = receipts.received_us[row], watches.silent_us[watch]
    skew_s, limit_s, wrong, right = clocks.look(
        windows.clocks, watch, received_us, receipts.event_time_us[row], silent_us
    )
    now = np.zeros(len(watch), np.bool_)
    return Observations(watch, received_us, skew_s, limit_s, wrong, right, now, np.full(len(watch), np.nan))


def _seen(
    batch: ReadingBatch, pairs: tuple[I64, I32], value: F64, limit: F64, verdict: tuple[Mask, Mask]
) -> Observations:
    row, watch = pairs
    event_us = batch.event_time_us[row]
    late = batch.received_at_us[row] - event_us > LATE_US
    return Observations(watch, event_us, value, limit, *verdict, late, np.full(len(row), np.nan))


def _joined(parts: list[Observations]) -> Observations:
    """All of them, each watch being in one of them."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Observations.empty()
    names = [column.name for column in fields(Observations)]
    return Observations(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _loads(watches: Watches, stands: I32) -> tuple[I64, I32, F64]:
    """RuleWindows.load_* of the watches of values that must not stand."""
    catalog, found = watches.catalog, []
    for watch in stands.tolist():
        register = catalog.registers[watches.register[watch]]
        power = catalog.register_of.get((register.device_id, frozen.POWER))
        if register.energy is Energy.ELECTRICITY and power is not None:
            found.append((power.id, watch, -1 if register.exported else 1))
    found.sort()
    power_, watch_, sign = np.array(found, np.int64).reshape(-1, 3).T
    count = np.bincount(power_, minlength=len(catalog.registers) if found else 0)
    load_of = np.append(0, np.cumsum(count)) if found else count
    return load_of.astype(np.int64), watch_.astype(np.int32), sign.astype(np.float64)


def _first_registers(catalog: Catalog) -> I32:
    first: dict[str, int] = {}
    of = [first.setdefault(register.device_id, register.id) for register in catalog.registers]
    return np.array(of, np.int32)
