"""A year's quota: how much is used, where the year will end, when nothing will be left.

In: amounts by local day. The year that has not ended goes on as last year did from day to
day (its shape: heating, cooling, holidays), or evenly where last year is not known well.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.batch import F64, Mask

WARN_SHARE, FULL_SHARE = 0.8, 1.0
"""Shares of the quota at which somebody is told."""

LAST_YEAR_COVERAGE = 0.9
"""Last year must have been measured for this share of its time to give the shape."""

LEAST_DAYS = 14
"""Of so many days of the year something must be known before the rest is projected: each weekday twice."""

SCALE = {("kWh", "MWh"): 1e-3, ("kgce", "tce"): 1e-3}
"""What one unit that is counted is in the unit of a quota, where that is another one."""

_ROUNDING = 1e-9
_LEAP_DAY = 59  # 29 February, counted from 0


class Basis(StrEnum):
    """What a projected year rests on."""

    WHOLE_YEAR = "whole_year"  # it is over: nothing is projected
    LAST_YEAR_SHAPE = "last_year_shape"
    ELAPSED_SHARE = "elapsed_share"


class QuotaState(StrEnum):
    """How a quota stands; the worst that holds."""

    WITHIN = "within"
    WILL_EXCEED = "will_exceed"  # at this pace, before the year ends
    WARNING = "warning"  # 80 % is used
    EXCEEDED = "exceeded"


def is_leap(days: int) -> bool:
    """Whether a year of so many days has a 29 February."""
    return days == 366


def shape(last_year: F64 | None, days: int) -> F64:
    """Share of the year's amount that each of its days takes, adding up to 1; float64[days].

    last_year: amounts by day (365 or 366), NaN unknown: such a day is taken as the mean of
    the known ones. None, or a year without use: every day takes the same.
    """
    even = np.full(days, 1.0 / days)
    if last_year is None or np.isnan(last_year).all():
        return even
    filled = np.where(np.isnan(last_year), np.nanmean(last_year), last_year)
    if is_leap(len(filled)) and not is_leap(days):
        filled = np.delete(filled, _LEAP_DAY)
    elif is_leap(days) and not is_leap(len(filled)):
        filled = np.insert(filled, _LEAP_DAY, filled[_LEAP_DAY - 1])
    total = filled.sum()
    return filled / total if total > 0 else even


def elapsed_share(shape_of_year: F64, elapsed_days: float) -> float:
    """Share of the year's amount that falls into its first elapsed_days (a part of a day counts)."""
    cumulative = np.concatenate([[0.0], np.cumsum(shape_of_year)])
    return float(np.interp(elapsed_days, np.arange(len(cumulative)), cumulative))


def projected(used_by_day: F64, shape_of_year: F64, elapsed_days: float) -> float:
    """The whole year's amount if the days that are not known go on by the shape.

    used_by_day: float64[d] from the first day, NaN unknown: such a day, like those to come,
    is filled in by the shape. NaN if less than LEAST_DAYS are known.
    """
    days = np.arange(len(used_by_day))
    passed = np.clip(elapsed_days - days, 0.0, 1.0)
    known = ~np.isnan(used_by_day)
    if passed[known].sum() < LEAST_DAYS:
        return float("nan")
    share = float((shape_of_year[: len(used_by_day)] * passed)[known].sum())
    return float(used_by_day[known].sum()) / share if share > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class BurnDown:
    """A quota and what is left of it.

    planned: what the shape allows up to now. projected: the amount at the year's end; NaN
    as long as too little is known. used_up_day: on which day of the year (from 0) nothing is
    or will be left; None if something will be.
    """

    amount: float
    used: float
    planned: float
    projected: float
    used_up_day: int | None
    state: QuotaState

    @property
    def left(self) -> float:
        """What is left; below 0 once it is exceeded."""
        return self.amount - self.used

    @property
    def used_share(self) -> float:
        """Used share of the quota."""
        return self.used / self.amount


def burn_down(amount: float, used_by_day: F64, shape_of_year: F64, elapsed_days: float) -> BurnDown:
    """How the quota stands after elapsed_days of the year.

    amount: above 0. used_by_day: float64[d], d days from the first; NaN unknown, which adds
    nothing. shape_of_year: float64[days].
    """
    used = float(np.nansum(used_by_day))
    total = projected(used_by_day, shape_of_year, elapsed_days)
    cumulative = np.cumsum(np.nan_to_num(used_by_day))
    day = _first(cumulative >= amount)
    if day is None and total > amount * (1 + _ROUNDING):
        # The share of every day that is still to come; of the running one what is left of it.
        days = np.arange(len(shape_of_year))
        to_come = total * shape_of_year * np.clip(days + 1 - elapsed_days, 0.0, 1.0)
        day = _first(used + np.cumsum(to_come) >= amount * (1 - _ROUNDING))
    share = used / amount
    if share >= FULL_SHARE:
        state = QuotaState.EXCEEDED
    elif share >= WARN_SHARE:
        state = QuotaState.WARNING
    elif day is not None:
        state = QuotaState.WILL_EXCEED
    else:
        state = QuotaState.WITHIN
    return BurnDown(amount, used, amount * elapsed_share(shape_of_year, elapsed_days), total, day, state)


def _first(rows: Mask) -> int | None:
    found = np.flatnonzero(rows)
    return int(found[0]) if len(found) else None
