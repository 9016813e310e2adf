"""Consumption that is far from what the same hour of the same kind of day usually takes.

In: hourly amounts of many meters that share a building calendar, and the local clock of the
hours. Out: of each hour its usual amount, how much that scatters, the limits and whether they
are passed. Only hours of earlier days count, so that what comes later changes nothing.
"""

from dataclasses import dataclass

import numpy as np

from analytics.calendars import Days, day_kinds, local_clock
from core.batch import F64, I32, I64, U8, Mask
from core.calendars import RESTDAY, WORKDAY, Calendar
from core.rules import Deviation

HOUR_US = 3_600_000_000

MAD_SCALE = 1.4826
"""Makes the median absolute deviation the standard deviation where the scatter is normal."""

FEWEST_SAMPLES = 4
"""Hours of one kind of day below which they say nothing of what is usual."""


@dataclass(frozen=True, slots=True)
class HourClock:
    """Local clock of hours: day int64[h] (days since 1970), hour int64[h] (0 to 23), kind U8[h]."""

    day: I64
    hour: I64
    kind: U8

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True)
class Deviations:
    """What the rule says of each hour: arrays [meters, hours], hours being those judged.

    value: what is held against the limits; usual: what it usually is; scatter: scaled median
    absolute deviation of it; lower, upper: limits (lower is -inf if the rule does not look
    below). samples: on how many earlier hours that rests. Amounts are in the unit of the input.
    Where known is false (nothing measured, or too little history) they are NaN and neither
    breach nor clear holds: there is no observation. waste: amount of the hour above the
    usual; 0 where it is not above.
    """

    value: F64
    usual: F64
    scatter: F64
    lower: F64
    upper: F64
    samples: I32
    known: Mask
    breach: Mask
    clear: Mask
    waste: F64

    @property
    def limit(self) -> F64:
        """The limit on the side of the usual amount where the value lies."""
        return np.where((self.value < self.usual) & np.isfinite(self.lower), self.lower, self.upper)


def hour_clock(start_us: I64, timezone: str, calendar: Calendar | None) -> HourClock:
    """Local clock of the hours that begin at start_us (int64[h], ascending).

    Without a calendar Saturday and Sunday are rest days and there are no holidays.
    """
    days, minute = local_clock(start_us, timezone)
    return HourClock(days.astype(np.int64), minute // 60, _kinds(days, calendar))


def history_days(rule: Deviation) -> int:
    """How many local days before the first hour judged can change what is said of it."""
    return rule.history_days


def deviations(amount: F64, clock: HourClock, rule: Deviation, first: int = 0) -> Deviations:
    """Judge the hours from index `first` on; those before are history only.

    amount: float64[meters, hours], consecutive hours, NaN where not (wholly) measured.
    clock: of these hours. Results have hours - first columns. If the columns before `first`
    reach back history_days(rule) local days, more of them change nothing.
    """
    meters, hours = amount.shape
    usual, scatter = (np.full((meters, hours - first), np.nan) for _ in range(2))
    samples = np.zeros((meters, hours - first), np.int32)
    slot = clock.hour * 3 + clock.kind
    for one in np.unique(slot[first:]).tolist():
        columns = np.flatnonzero(slot == one)
        of_slot = np.ascontiguousarray(amount[:, columns])
        day = clock.day[columns]
        for at in range(int(np.searchsorted(columns, first)), len(columns)):
            begin, end = np.searchsorted(day, [day[at] - rule.history_days, day[at]])
            if end - begin < FEWEST_SAMPLES:
                continue
            where = columns[at] - first
            usual[:, where], scatter[:, where], samples[:, where] = _usual(of_slot[:, begin:end])
    enough = (samples >= FEWEST_SAMPLES) & _warm(amount, clock, rule, first)
    return _judged(amount[:, first:], usual, scatter, samples, enough, rule)


def _kinds(days: Days, calendar: Calendar | None) -> U8:
    if calendar is not None:
        return day_kinds(calendar, days)
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return np.where(weekday >= 5, RESTDAY, WORKDAY).astype(np.uint8)


def _usual(history: F64) -> tuple[F64, F64, I32]:
    """Median, scaled median absolute deviation and number of the known ones in each row."""
    ordered = np.sort(history, axis=1)  # NaN last
    count = (len(ordered[0]) - np.isnan(ordered).sum(axis=1)).astype(np.int32)
    median = _middle(ordered, count)
    apart = np.sort(np.abs(ordered - median[:, None]), axis=1)
    return median, MAD_SCALE * _middle(apart, count), count


def _middle(ordered: F64, count: I32) -> F64:
    """Median of the first count[i] of each row; NaN where there is none."""
    rows = np.arange(len(ordered))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, ordered.shape[1] - 1)
    middle: F64 = (ordered[rows, low] + ordered[rows, high]) / 2
    return middle


def _warm(amount: F64, clock: HourClock, rule: Deviation, first: int) -> Mask:
    """Whether each hour has warm_up_days days with data behind it, within history_days."""
    days, begins = np.unique(clock.day, return_index=True)
    heard = np.logical_or.reduceat(~np.isnan(amount), begins, axis=1)
    before = np.concatenate([np.zeros((len(amount), 1), np.int64), np.cumsum(heard, axis=1)], axis=1)
    at = np.searchsorted(days, clock.day[first:])
    since = np.searchsorted(days, clock.day[first:] - rule.history_days)
    warm: Mask = before[:, at] - before[:, since] >= rule.warm_up_days
    return warm


def _judged(  # noqa: PLR0917
    value: F64, usual: F64, scatter: F64, samples: I32, enough: Mask, rule: Deviation
) -> Deviations:
    known = enough & ~np.isnan(value)
    usual, scatter, value = (np.where(known, one, np.nan) for one in (usual, scatter, value))
    floor = rule.minimum_share * np.abs(usual)
    far = np.maximum(rule.factor * scatter, floor)
    near = np.maximum(rule.clear_factor * scatter, floor * min(1.0, rule.clear_factor / rule.factor))
    below = usual - far if rule.below else np.where(known, -np.inf, np.nan)
    breach = (value > usual + far) | (value < below)
    clear = (value <= usual + near) & ((value >= usual - near) | (not rule.below))
    waste = np.where(known, np.maximum(value - usual, 0.0), 0.0)
    return Deviations(value, usual, scatter, below, usual + far, samples, known, breach, clear & known, waste)
