"""Power in off-hours above the base load of the hour: what was left on."""

from dataclasses import dataclass

import numpy as np

from analytics.demand import block_demand_w
from analytics.figure_rules.found import Found
from analytics.profiles import above_base_kwh, base_loads
from core.batch import F64, I64, Mask
from core.rules import OffHours

FEWEST_SLOTS = 28
"""Off-hours slots of an hour of the day below which their lowest tenth is no base load: seven nights."""

_W_IN_A_KWH_SLOT = float(block_demand_w(np.ones(1))[0])


@dataclass(frozen=True, slots=True)
class Slots:
    """Consecutive 15-minute slots of one timezone and calendar, arrays [n].

    day: days since 1970. minute: of the day, by the local clock. working: in working hours.
    hour: which of the hours judged a slot lies in, ascending; -1 for history.
    """

    day: I64
    minute: I64
    working: Mask
    hour: I64


def off_hours(rule: OffHours, energy_kwh: F64, slots: Slots) -> Found:
    """Judge the hours that slots.hour numbers from 0 on.

    energy_kwh: float64[targets, n], NaN where not measured. The base load is that of the last
    history_days local days before each hour's; so history must reach back so far. value: mean
    power above it in the off-hours of the hour, in W; limit: how much of that is normal.
    An hour of work is known and neither in breach nor clear: what was left on last night is
    over when a night shows it.
    """
    targets = len(energy_kwh)
    hours = int(slots.hour.max(initial=-1)) + 1
    hour_of_day = slots.minute // 60
    value, limit, waste = (np.zeros((targets, hours)) for _ in range(3))
    known = np.zeros((targets, hours), np.bool_)
    first = np.searchsorted(slots.hour, np.arange(hours))
    off_in = np.bincount(slots.hour[first[0] :], ~slots.working[first[0] :], hours) if hours else np.zeros(0)
    for day in np.unique(slots.day[slots.hour >= 0]).tolist():
        past = (slots.day >= day - rule.history_days) & (slots.day < day)
        base_w, base_slots = base_loads(
            block_demand_w(energy_kwh[:, past]), slots.working[past], hour_of_day[past]
        )
        rows = np.flatnonzero((slots.hour >= 0) & (slots.day == day))
        off = rows[~slots.working[rows]]
        of_hour, of_day = slots.hour[off], hour_of_day[off]
        above = above_base_kwh(energy_kwh[:, off], base_w[:, of_day], slots.working[off])
        missing = np.isnan(energy_kwh[:, off]) | (base_slots[:, of_day] < FEWEST_SLOTS)
        unknown = np.zeros((targets, hours))
        np.add.at(waste.T, of_hour, above.T)
        np.add.at(unknown.T, of_hour, missing.T)
        begun = np.unique(slots.hour[rows])
        known[:, begun] = unknown[:, begun] == 0
        normal_w = np.maximum((rule.factor - 1) * base_w, rule.minimum_w)
        limit[:, begun] = normal_w[:, hour_of_day[first[begun]]]
    worked = off_in == 0
    value = waste * (_W_IN_A_KWH_SLOT / np.maximum(off_in, 1))
    limit = np.where(np.isnan(limit), rule.minimum_w, limit)
    breach = (value > limit) & ~worked
    return Found.of(value, limit, breach=breach, clear=~breach & ~worked, known=known | worked, waste=waste)
