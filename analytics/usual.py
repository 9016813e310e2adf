"""What an hour usually takes: medians over the same hour and kind of day on the days before.

All arrays are [meters, hours] with one clock, that of the building calendar which the meters
share. NaN is unknown and never counts. What is said of an hour rests on earlier days alone.
"""

from dataclasses import dataclass

import numpy as np

from analytics.calendars import Days, day_kinds, local_clock
from core.batch import F64, I32, I64, U8
from core.calendars import HOLIDAY, RESTDAY, WORKDAY, Calendar

MAD_SCALE = 1.4826
"""Makes the median absolute deviation the standard deviation where the scatter is normal."""

FEWEST_SAMPLES = 4
"""Hours of one kind of day below which they say nothing of what is usual: two weekends."""

FEWEST_HOURS = 12
"""Known hours below which a day says nothing of the level."""

LOWEST_LEVEL, HIGHEST_LEVEL = 0.5, 2.0
"""How far last days move what is usual: a meter that has stopped does not make that usual."""


@dataclass(frozen=True, slots=True)
class HourClock:
    """Local clock of hours: day int64[h] (days since 1970), hour int64[h] (0 to 23), kind U8[h]."""

    day: I64
    hour: I64
    kind: U8

    def __len__(self) -> int:
        return len(self.day)


def hour_clock(start_us: I64, timezone: str, calendar: Calendar | None) -> HourClock:
    """Local clock of the hours that begin at start_us (int64[h], ascending).

    Without a calendar Saturday and Sunday are rest days and there are no holidays.
    """
    days, minute = local_clock(start_us, timezone)
    return HourClock(days.astype(np.int64), minute // 60, _kinds(days, calendar))


def _kinds(days: Days, calendar: Calendar | None) -> U8:
    if calendar is not None:
        return day_kinds(calendar, days)
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return np.where(weekday >= 5, RESTDAY, WORKDAY).astype(np.uint8)


def usual(values: F64, clock: HourClock, days: int, first: int) -> tuple[F64, I32]:
    """Median of the same hour and kind of day over the last `days` days, from column `first` on.

    Returns (median, on how many it rests), each [meters, hours - first]; NaN below FEWEST_SAMPLES.
    """
    median, _, count = _rolled(values, clock, days, first, scatter=False)
    return median, count


def scatter(values: F64, clock: HourClock, days: int, first: int) -> tuple[F64, I32]:
    """Scaled median absolute deviation of the same hours as `usual` takes, and their number."""
    _, scaled, count = _rolled(values, clock, days, first, scatter=True)
    return scaled, count


def level(amount: F64, usual_amount: F64, clock: HourClock, days: int) -> F64:
    """How the last `days` days compare with what they usually take, [meters, hours]: 1 is alike.

    The median of the days' ratios, each over the hours of which both are known; 1 where no
    day has enough of them. The same for all hours of a day: it rests on the days before.
    """
    both = ~np.isnan(amount) & ~np.isnan(usual_amount)
    taken, hours = _by_day(np.where(both, amount, 0.0), clock), _by_day(both.astype(np.float64), clock)
    expected = _by_day(np.where(both, usual_amount, 0.0), clock)
    ratio = np.full(taken.shape, np.nan)
    np.divide(taken, expected, out=ratio, where=(hours >= FEWEST_HOURS) & (expected > 0))
    ordered = np.sort(_days_before(ratio, days, np.nan), axis=2)
    by_day = median_of_known(ordered.reshape(-1, days)).reshape(ratio.shape)
    by_day = np.clip(np.where(np.isnan(by_day), 1.0, by_day), LOWEST_LEVEL, HIGHEST_LEVEL)
    return by_day[:, _day_number(clock)]


def mean_before(amount: F64, clock: HourClock, days: int) -> tuple[F64, F64]:
    """Mean known amount of the last `days` days and on how many of them something is known.

    Both [meters, hours]. The mean is 0 where nothing is known.
    """
    known = ~np.isnan(amount)
    hours = _by_day(known.astype(np.float64), clock)
    taken = _days_before(_by_day(np.where(known, amount, 0.0), clock), days, 0.0).sum(axis=2)
    mean = taken / np.maximum(_days_before(hours, days, 0.0).sum(axis=2), 1.0)
    heard = _days_before((hours > 0).astype(np.float64), days, 0.0).sum(axis=2)
    at = _day_number(clock)
    return mean[:, at], heard[:, at]


def days_heard(amount: F64, clock: HourClock) -> I64:
    """On how many local days something is known, by meter."""
    begins = np.flatnonzero(np.append(np.True_, np.diff(clock.day) != 0))
    heard = np.logical_or.reduceat(~np.isnan(amount), begins, axis=1)
    days: I64 = heard.sum(axis=1, dtype=np.int64)
    return days


def median_of_known(ordered: F64) -> F64:
    """Median of the known ones of each row, which is ascending with NaN last; NaN if there are none."""
    return _middle(ordered, _known(ordered))


def _day_number(clock: HourClock) -> I64:
    """Which of the clock's days each hour is in. Days without an hour count."""
    number: I64 = clock.day - clock.day[0]
    return number


def _by_day(values: F64, clock: HourClock) -> F64:
    """Sums of each day, [meters, days]; 0 for a day without an hour."""
    begins = np.flatnonzero(np.append(np.True_, np.diff(clock.day) != 0))
    sums = np.zeros((len(values), int(clock.day[-1] - clock.day[0]) + 1))
    sums[:, _day_number(clock)[begins]] = np.add.reduceat(values, begins, axis=1)
    return sums


def _days_before(by_day: F64, days: int, fill: float) -> F64:
    """[meters, days, days before]: of each day those before it, oldest first."""
    ahead = np.full((len(by_day), days), fill)
    joined = np.concatenate([ahead, by_day[:, :-1]], axis=1)
    return np.lib.stride_tricks.sliding_window_view(joined, days, axis=1)


def _rolled(values: F64, clock: HourClock, days: int, first: int, *, scatter: bool) -> tuple[F64, F64, I32]:
    # [hours, meters] while it is made: what is written at once then lies together.
    shape = len(clock) - first, len(values)
    median, scaled, count = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, np.int32)
    for hour in range(24):
        for kind in (WORKDAY, RESTDAY, HOLIDAY):
            own = (clock.hour == hour) & (clock.kind == kind)
            # Holidays are few, and most alike to other days of rest.
            like = own if kind != HOLIDAY else (clock.hour == hour) & (clock.kind != WORKDAY)
            columns = np.flatnonzero(like)
            day, judged = clock.day[columns], np.flatnonzero(own[columns] & (columns >= first))
            if not len(judged):
                continue
            history = np.ascontiguousarray(values[:, columns])
            ends = np.searchsorted(day, day[judged])
            begins = np.searchsorted(day, day[judged] - days)
            for at, begin, end in zip((columns[judged] - first).tolist(), begins, ends, strict=True):
                if end - begin >= FEWEST_SAMPLES:
                    ordered = np.sort(history[:, begin:end], axis=1)  # NaN last
                    count[at] = known = _known(ordered)
                    median[at] = middle = _middle(ordered, known)
                    if scatter:
                        ordered -= middle[:, None]
                        apart = np.abs(ordered, out=ordered)
                        apart.sort(axis=1)
                        scaled[at] = MAD_SCALE * _middle(apart, known)
    few = count < FEWEST_SAMPLES
    median[few] = scaled[few] = np.nan
    return median.T, scaled.T, count.T


def _known(ordered: F64) -> I32:
    """How many of each row are known."""
    width = ordered.shape[1]
    known = np.full(len(ordered), width, np.int32)
    some = np.isnan(ordered[:, -1])
    if some.any():
        known[some] = width - np.isnan(ordered[some]).sum(axis=1)
    return known


def _middle(ordered: F64, count: I32) -> F64:
    """Median of the first count[i] of each row; NaN where there is none."""
    width = ordered.shape[1]
    if len(count) and count.min() == width:  # all are known, as nearly always: columns, and no search
        whole: F64 = (ordered[:, (width - 1) // 2] + ordered[:, width // 2]) / 2
        return whole
    rows = np.arange(len(ordered))
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, width - 1)
    middle: F64 = (ordered[rows, low] + ordered[rows, high]) / 2
    return middle
