"""When a building uses energy: working hours against off-hours, base load by the hour, waste.

In: energy of consecutive 15-minute slots with what the building's calendar says of each.
The base load of an hour of the day is what runs then although nobody works: the lowest
tenth of the power in off-hours at that hour. What off-hours take above it was left on.
"""

from dataclasses import dataclass

import numpy as np

from analytics.demand import block_demand_w
from core.batch import F64, I64, Mask
from core.calendars import Calendar, WorkingHours
from core.model import Name

BASE_QUANTILE = 0.1
"""Share of the off-hours slots of an hour of the day that lie at or below its base load."""

STAND_IN = Calendar(
    "", Name("周一至周五", "Monday to Friday"), source="stand-in", hours=(WorkingHours("08:30", "17:30"),)
)
"""Working hours of a place that no calendar is known of."""

_HOURS = 24


@dataclass(frozen=True, slots=True)
class Part:
    """Working hours or off-hours. energy_kwh: 0 where known_slots is 0, which is not zero.

    slots: how many there are up to now; known_slots: of how many the energy is known.
    """

    energy_kwh: float
    slots: int
    known_slots: int

    @property
    def mean_w(self) -> float:
        """Mean power over the known slots; NaN if there is none."""
        if not self.known_slots:
            return float("nan")
        return float(block_demand_w(np.array([self.energy_kwh / self.known_slots]))[0])


@dataclass(frozen=True, slots=True)
class Profile:
    """Use of energy in and out of working hours.

    base_load_w: float64[24], base load of each hour of the day; NaN where no off-hours slot
    is known. base_slots: int64[24], how many slots each rests on. working_w, off_w:
    float64[24], mean power by hour of the day; NaN where nothing is known.
    waste_kwh: float64[n], of each slot the energy above the base load; 0 in working hours
    and where nothing is known.
    """

    working: Part
    off: Part
    base_load_w: F64
    base_slots: I64
    working_w: F64
    off_w: F64
    waste_kwh: F64

    @property
    def off_share(self) -> float:
        """Share of the energy that off-hours took; NaN if nothing is known or used."""
        total_kwh = self.working.energy_kwh + self.off.energy_kwh
        return self.off.energy_kwh / total_kwh if total_kwh > 0 else float("nan")

    @property
    def mean_base_load_w(self) -> float:
        """Mean of the base loads of the hours that have one; NaN if none has."""
        known = self.base_load_w[~np.isnan(self.base_load_w)]
        return float(known.mean()) if len(known) else float("nan")

    @property
    def base_load_ratio(self) -> float:
        """Mean base load over the mean power in working hours; NaN where one is not known or 0."""
        working_w = self.working.mean_w
        return self.mean_base_load_w / working_w if working_w > 0 else float("nan")


def profile(energy_kwh: F64, working: Mask, minute: I64) -> Profile:
    """The profile of 15-minute slots in any order.

    energy_kwh: float64[n], NaN unknown. working: bool[n]. minute: int64[n], local minute of
    the day at which the slot begins.
    """
    known, hour = ~np.isnan(energy_kwh), minute // 60
    power_w = block_demand_w(energy_kwh)
    off = known & ~working
    base_load_w, base_slots = base_loads(power_w[None, :], working, hour)
    return Profile(
        _part(energy_kwh, known, working),
        _part(energy_kwh, known, ~working),
        base_load_w[0],
        base_slots[0],
        _by_hour(power_w, hour, known & working),
        _by_hour(power_w, hour, off),
        above_base_kwh(energy_kwh, base_load_w[0][hour], working),
    )


def base_loads(power_w: F64, working: Mask, hour: I64) -> tuple[F64, I64]:
    """Base load of each hour of the day, and on how many slots each rests: [places, 24] both.

    power_w: float64[places, n], NaN unknown. working: bool[n]. hour: int64[n], hour of the
    day of the slot, 0 to 23. NaN where no off-hours slot is known.
    """
    base_load_w = np.full((len(power_w), _HOURS), np.nan)
    base_slots = np.zeros((len(power_w), _HOURS), np.int64)
    for one in np.unique(hour[~working]).tolist():
        ordered = np.sort(power_w[:, ~working & (hour == one)], axis=1)  # NaN last
        count = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
        # A power that was measured, and no mean of two.
        at = np.floor(BASE_QUANTILE * np.maximum(count - 1, 0)).astype(np.int64)
        base_load_w[:, one] = ordered[np.arange(len(ordered)), at]
        base_slots[:, one] = count
    return base_load_w, base_slots


def above_base_kwh(energy_kwh: F64, base_w: F64, working: Mask) -> F64:
    """Energy of each slot above the base load of its hour (arrays that broadcast).

    0 in working hours and where nothing is known.
    """
    above = np.maximum(energy_kwh - base_w / block_demand_w(np.ones(1))[0], 0.0)
    waste: F64 = np.where(~working & ~np.isnan(above), above, 0.0)
    return waste


def by_day(values: F64, day: I64) -> tuple[I64, F64]:
    """Sums of values by day: (days int64[g] ascending, sums float64[g])."""
    days, row = np.unique(day, return_inverse=True)
    sums: F64 = np.bincount(row, weights=values, minlength=len(days)).astype(np.float64)
    return days, sums


def _part(energy_kwh: F64, known: Mask, inside: Mask) -> Part:
    rows = known & inside
    return Part(float(energy_kwh[rows].sum()), int(inside.sum()), int(rows.sum()))


def _by_hour(power_w: F64, hour: I64, rows: Mask) -> F64:
    count = np.bincount(hour[rows], minlength=_HOURS)
    total = np.bincount(hour[rows], weights=power_w[rows], minlength=_HOURS)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
