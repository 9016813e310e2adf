"""Kinds of local days and working hours as columns, from a building's calendar.

Times are int64 µs UTC; a day is a day where the building stands, with 23 or 25 hours when
the clocks change there.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analytics.periods import utc_offsets
from core.batch import I64, U8, Mask
from core.calendars import CODE_OF_KIND, HOLIDAY, RESTDAY, WORKDAY, Calendar, DayKind, Span, minutes

__all__ = [
    "HOLIDAY", "RESTDAY", "WORKDAY", "Days", "day_kinds", "local_clock", "provisional",
    "provisional_years", "within", "working_slots",
]  # fmt: skip

Days = NDArray[np.datetime64]
"""Local dates, datetime64[D]."""

_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000


def day_kinds(calendar: Calendar, days: Days) -> U8:
    """WORKDAY, RESTDAY or HOLIDAY of each local date (datetime64[D][n], any order)."""
    numbers = days.astype("datetime64[D]").astype(np.int64)
    weekday = (numbers + 3) % 7  # 1970-01-01 was a Thursday
    kinds = np.where(np.isin(weekday, calendar.weekend), RESTDAY, WORKDAY).astype(np.uint8)
    dated, codes = _dated(calendar)
    if len(dated):
        at = np.minimum(np.searchsorted(dated, numbers), len(dated) - 1)
        kinds = np.where(dated[at] == numbers, codes[at], kinds)
    return kinds


def provisional(calendar: Calendar, days: Days) -> Mask:
    """Whether each date lies in a year whose official list of holidays is not known.

    Its holidays are then what the law alone says, without make-up workdays, or, outside the
    years of the calendar, only its own dated days and weekends.
    """
    if calendar.country is None:
        return np.zeros(days.shape, np.bool_)
    official = [year.year for year in calendar.years if year.official] + list(calendar.official_years)
    return ~np.isin(days.astype("datetime64[Y]").astype(np.int64) + 1970, official)


def provisional_years(calendar: Calendar, start_us: int, end_us: int, timezone: str) -> tuple[int, ...]:
    """Local years of [start_us, end_us) whose official list of holidays is not known."""
    days, _ = local_clock(np.array([start_us, max(start_us, end_us - 1)], np.int64), timezone)
    years = np.arange(days[0].astype("datetime64[Y]"), days[1].astype("datetime64[Y]") + 1)
    unknown = years[provisional(calendar, years.astype("datetime64[D]"))]
    return tuple((unknown.astype(np.int64) + 1970).tolist())


def working_slots(calendar: Calendar, start_us: I64, timezone: str) -> Mask:
    """Whether each 15-minute slot, which begins at start_us (int64[n], any order), is worked."""
    worked = np.zeros(start_us.shape, np.bool_)
    if not start_us.size:
        return worked
    slot_day, minute = local_clock(start_us, timezone)
    # From the day before the first: its hours may reach past midnight.
    first = slot_day.min() - 1
    days = np.arange(first, slot_day.max() + 1)
    day = (slot_day - first).astype(np.int64)
    kinds = day_kinds(calendar, days)
    in_term = within(calendar.terms, days)
    for hours in calendar.hours:
        holds = np.isin(kinds, [CODE_OF_KIND[DayKind(kind)] for kind in hours.days])
        if hours.season is not None:
            holds &= within(tuple(one for one in calendar.seasons if one.name == hours.season), days)
        if hours.term is not None:
            holds &= in_term == hours.term
        start, end = minutes(hours.start), minutes(hours.end)
        if start < end:
            worked |= holds[day] & (minute >= start) & (minute < end)
        else:
            worked |= (holds[day] & (minute >= start)) | (holds[day - 1] & (minute < end))
    return worked


def local_clock(start_us: I64, timezone: str) -> tuple[Days, I64]:
    """Local date (datetime64[D]) and minute of the day (0 to 1439, by the clock) of each time."""
    if not start_us.size:
        return np.empty(start_us.shape, "datetime64[D]"), np.empty(start_us.shape, np.int64)
    since_us, offset_us = utc_offsets(int(start_us.min()), int(start_us.max()) + 1, timezone)
    local_us = start_us + offset_us[np.searchsorted(since_us, start_us, "right") - 1]
    number = local_us // _DAY_US
    return number.astype("datetime64[D]"), (local_us - number * _DAY_US) // _MINUTE_US


@lru_cache(maxsize=64)
def _dated(calendar: Calendar) -> tuple[I64, U8]:
    """Day numbers since 1970, ascending, and their codes; the calendar's own days win."""
    codes = {day.date: CODE_OF_KIND[DayKind(day.kind)] for year in calendar.years for day in year.days}
    codes |= {day.date: CODE_OF_KIND[DayKind(day.kind)] for day in calendar.days}
    dates = sorted(codes)
    numbers = np.array(dates, "datetime64[D]").astype(np.int64)
    return numbers, np.array([codes[one] for one in dates], np.uint8)


def within(spans: tuple[Span, ...], days: Days) -> Mask:
    """Whether each day lies in one of the spans; one of MM-DD may pass the new year."""
    inside = np.zeros(days.shape, np.bool_)
    month_start = days.astype("datetime64[M]")
    month_day = (month_start.astype(np.int64) % 12 + 1) * 100 + (days - month_start).astype(np.int64) + 1
    for span in spans:
        if len(span.first) > len("MM-DD"):
            inside |= (days >= np.datetime64(span.first, "D")) & (days <= np.datetime64(span.last, "D"))
            continue
        first, last = (int(day[:2]) * 100 + int(day[3:]) for day in (span.first, span.last))
        if first <= last:
            inside |= (month_day >= first) & (month_day <= last)
        else:
            inside |= (month_day >= first) | (month_day <= last)
    return inside
