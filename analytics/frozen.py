"""Rules on values that stand: a gauge that never changes, a counter that stands while power flows."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analytics.counters import NEVER_US
from analytics.rule_memory import Memory, rounds
from core.batch import F64, I32, I64, Mask
from core.rules import Frozen

POWER = "power_active"

_W_US_IN_A_KWH = 3.6e12
_STEPS = 2.0
_LEAST_KWH = 1.0
_LONG_US = 2**62


@dataclass(slots=True)
class Standing(Memory):
    """How long the values of watches have stood.

    counts: the register is a counter. hold_us, minimum_w: as the rule says. value: of the
    newest reading, at last_us. since_us: it has stood from then on, NEVER_US where it does not.
    The rest is of counters. load_*: newest power in the direction that it counts; energy_kwh:
    what flowed while it stood, up to load_us.
    step: least rise that was seen, in values that the meter shows; NaN: none.
    """

    kind: ClassVar[tuple[str, ...]] = ("counts", "hold_us", "minimum_w")

    watch: I32
    counts: Mask
    hold_us: I64
    minimum_w: F64
    since_us: I64
    last_us: I64
    value: F64
    load_us: I64
    load_w: F64
    energy_kwh: F64
    step: F64

    @classmethod
    def empty(cls, watch: I32, counts: Mask, rules: list[Frozen]) -> "Standing":
        """Of watches that have heard nothing; rules: of each its condition."""
        size = len(watch)
        return cls(
            watch,
            counts,
            np.array([round(rule.hold_s * 1e6) for rule in rules], np.int64),
            np.array([rule.minimum_w for rule in rules], np.float64),
            np.full(size, NEVER_US, np.int64),
            np.full(size, NEVER_US, np.int64),
            np.full(size, np.nan),
            np.full(size, NEVER_US, np.int64),
            np.full(size, np.nan),
            np.zeros(size),
            np.full(size, np.nan),
        )


@dataclass(frozen=True, slots=True)
class Values:
    """Readings of watches, ordered by watch, then time, then load before value.

    load: value is not of the register but the power, in W, that should move it. silent_us: of
    the watch of each row, ratio: of its register.
    """

    watch: I32
    time_us: I64
    value: F64
    load: Mask
    silent_us: I64
    ratio: F64


def look(standing: Standing, values: Values) -> tuple[F64, Mask, Mask, Mask]:
    """Seconds that each value has stood, whether that is wrong, whether it has moved, whether it is news.

    A gauge that stands at zero is at rest, not frozen. A counter is frozen if what flowed would
    have moved it by two of its steps, and by 1 kWh and by one unit of its dial at least. Power
    below minimum_w, and a silence, begin the standing anew. standing is updated in place.
    """
    size = len(values.watch)
    held_s, no = np.zeros(size), np.zeros(size, np.bool_)
    wrong, moved, says = no.copy(), no.copy(), no
    at = standing.row(values.watch)
    for rows in rounds(values.watch):
        load = values.load[rows]
        _flow(standing, at[rows[load]], values, rows[load])
        rest = rows[~load]
        held_s[rest], wrong[rest], moved[rest], says[rest] = _read(standing, at[rest], values, rest)
    return held_s, wrong, moved, says


def _flow(standing: Standing, at: I64, values: Values, rows: I64) -> None:
    """Take note of power."""
    newer = values.time_us[rows] > standing.load_us[at]
    at, rows = at[newer], rows[newer]
    time_us, load_w = values.time_us[rows], values.value[rows]
    flows = load_w >= standing.minimum_w[at]
    goes_on = flows & _flowing(standing, at, values, rows) & (standing.since_us[at] != NEVER_US)
    energy_kwh = standing.energy_kwh[at] + _since_load_kwh(standing, at, time_us)
    standing.energy_kwh[at] = np.where(goes_on, energy_kwh, 0.0)
    standing.since_us[at] = np.where(flows, np.where(goes_on, standing.since_us[at], time_us), NEVER_US)
    standing.load_us[at], standing.load_w[at] = time_us, load_w


def _read(standing: Standing, at: I64, values: Values, rows: I64) -> tuple[F64, Mask, Mask, Mask]:
    """Take note of values of the registers themselves."""
    newer = values.time_us[rows] > standing.last_us[at]
    time_us, value, last = values.time_us[rows], values.value[rows], standing.value[at]
    counts = standing.counts[at]
    first = standing.last_us[at] == NEVER_US
    moved = newer & ~first & (value != last)
    stands = _flowing(standing, at, values, rows) | ~counts
    anew = newer & (moved | (_since(standing.last_us[at], time_us) > values.silent_us[rows]))
    since_us = np.where(anew, np.where(stands, time_us, NEVER_US), standing.since_us[at])
    energy_kwh = np.where(anew, 0.0, standing.energy_kwh[at])
    risen = np.abs(value - last)
    step = np.where(moved & ~(risen >= standing.step[at]), risen, standing.step[at])
    standing.since_us[at], standing.energy_kwh[at], standing.step[at] = since_us, energy_kwh, step
    standing.last_us[at] = np.where(newer, time_us, standing.last_us[at])
    standing.value[at] = np.where(newer, value, last)

    held_us = np.where(since_us == NEVER_US, 0, _since(since_us, time_us))
    needed_kwh = np.maximum(values.ratio[rows] * np.maximum(_STEPS * np.nan_to_num(step), 1.0), _LEAST_KWH)
    enough = stands & (energy_kwh + _since_load_kwh(standing, at, time_us) >= needed_kwh)
    wrong = newer & (held_us >= standing.hold_us[at]) & np.where(counts, enough, value != 0.0)
    return held_us / 1e6, wrong, moved, newer


def _flowing(standing: Standing, at: I64, values: Values, rows: I64) -> Mask:
    """Whether the newest power was enough and is not too old."""
    recent = _since(standing.load_us[at], values.time_us[rows]) <= values.silent_us[rows]
    flowing: Mask = recent & (standing.load_w[at] >= standing.minimum_w[at])
    return flowing


def _since_load_kwh(standing: Standing, at: I64, time_us: I64) -> F64:
    """What has flowed since the newest power, or since the value has stood if that is later."""
    from_us = np.maximum(standing.load_us[at], standing.since_us[at])
    flowed = np.maximum(standing.load_w[at], 0.0) * _since(from_us, time_us) / _W_US_IN_A_KWH
    return np.where(standing.load_us[at] == NEVER_US, 0.0, flowed)


def _since(from_us: I64, time_us: I64) -> I64:
    """Time passed, not below 0; very long since NEVER_US."""
    passed: I64 = np.where(from_us == NEVER_US, _LONG_US, time_us - np.where(from_us == NEVER_US, 0, from_us))
    return np.maximum(passed, 0)
