"""Periods of the local calendar: the edges that consumption is rolled up to.

A day is a day where the meter stands: 23 or 25 hours long when the clocks change there.
Times are int64 µs UTC; timezones are IANA names.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from core.batch import BASE_US, I64, MINUTE_US

_HOUR_US = 3_600_000_000
_SECOND_US = 1_000_000
_DAY_S = 86_400


class Interval(StrEnum):
    """Length of a period, as it is asked for. Not every ledger is kept by less than 15 minutes."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER_HOUR = "15m"
    HOUR = "1h"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"
    YEAR = "1y"


SHORTEST_US = {
    Interval.MINUTE: MINUTE_US,
    Interval.FIVE_MINUTES: 5 * MINUTE_US,
    Interval.QUARTER_HOUR: BASE_US,
    Interval.HOUR: _HOUR_US,
    Interval.DAY: 23 * _HOUR_US,
    Interval.WEEK: (7 * 24 - 1) * _HOUR_US,
    Interval.MONTH: (28 * 24 - 1) * _HOUR_US,
    Interval.YEAR: 365 * 24 * _HOUR_US,
}
"""Shortest length of a whole period, which bounds how many fit into a span."""


def marks_around(time_us: int) -> tuple[int, int]:
    """The 15-minute marks at or before and at or after a time; equal if it is one itself."""
    return time_us // BASE_US * BASE_US, -(-time_us // BASE_US) * BASE_US


def utc_offsets(start_us: int, end_us: int, timezone: str) -> tuple[I64, I64]:
    """How local time differs from UTC between start_us and end_us.

    Returns (since_us, offset_us): local time is UTC + offset_us[i] from since_us[i] until
    since_us[i + 1]; since_us[0] is start_us.
    """
    since_us, offset_us = [start_us], [_offset_s(ZoneInfo(timezone), start_us // _SECOND_US) * _SECOND_US]
    for year in range(_year(start_us), _year(end_us) + 1):
        for at_s, offset_s in _changes(timezone, year):
            if start_us < at_s * _SECOND_US < end_us:
                since_us.append(at_s * _SECOND_US)
                offset_us.append(offset_s * _SECOND_US)
    return np.array(since_us, np.int64), np.array(offset_us, np.int64)


def edges(start_us: int, end_us: int, interval: Interval, timezone: str) -> I64:
    """Edges of the periods of [start_us, end_us), ascending, both ends included.

    Period i is [edges[i], edges[i + 1]); the first and the last are cut where the span
    begins or ends inside a local period. start_us < end_us, both on 15-minute marks.
    """
    since_us, offset_us = utc_offsets(start_us, end_us, timezone)
    if SHORTEST_US[interval] <= _HOUR_US:
        inner = _clock_marks(since_us, offset_us, end_us, SHORTEST_US[interval])
    else:
        inner = _first_moments(since_us, offset_us, end_us, interval)
    # The ledger knows marks of 15 minutes, or of what is asked for, only. Every zone's midnight
    # has been on one since Liberia's left -00:44:30 in 1972.
    inner -= inner % min(SHORTEST_US[interval], BASE_US)
    inside = inner[(inner > start_us) & (inner < end_us)]
    return np.unique(np.concatenate(([start_us], inside, [end_us])))


def _clock_marks(since_us: I64, offset_us: I64, end_us: int, length_us: int) -> I64:
    """Where local time is a multiple of length_us, and where the clocks change."""
    marks = [since_us]
    for start, end, offset in zip(since_us, np.append(since_us[1:], end_us), offset_us, strict=True):
        first = -(-(start + offset) // length_us) * length_us - offset
        marks.append(np.arange(first, end, length_us, dtype=np.int64))
    return np.concatenate(marks)


def _first_moments(since_us: I64, offset_us: I64, end_us: int, interval: Interval) -> I64:
    """The first moment of every local day, week (from Monday), month or year.

    That is midnight, or the moment after the clocks skipped midnight; of two midnights the
    first.
    """
    local_us = _midnights(int((since_us + offset_us).min()), end_us + int(offset_us.max()), interval)
    moment_us = np.full(len(local_us), end_us, np.int64)
    for start, end, offset in zip(since_us, np.append(since_us[1:], end_us), offset_us, strict=True):
        candidate_us = np.maximum(start, local_us - offset)
        moment_us = np.where(candidate_us < end, np.minimum(moment_us, candidate_us), moment_us)
    return moment_us


def _midnights(first_us: int, last_us: int, interval: Interval) -> I64:
    """Local midnights that begin a period, from the one before first_us to the one after last_us."""
    code = {Interval.MONTH: "M", Interval.YEAR: "Y"}.get(interval, "D")
    first, last = (
        np.datetime64(time_us, "us").astype(f"datetime64[{code}]") for time_us in (first_us, last_us)
    )
    if interval is Interval.WEEK:
        first -= (first.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    step = 7 if interval is Interval.WEEK else 1
    return np.arange(first, last + 1, step).astype("datetime64[us]").astype(np.int64)


@lru_cache(maxsize=4096)
def _changes(timezone: str, year: int) -> tuple[tuple[int, int], ...]:
    """When a UTC year's offset changes, and to what: (seconds since 1970, offset in seconds).

    A change at the year's very end is this year's, one at its very beginning the last one's.
    """
    zone = ZoneInfo(timezone)
    first_s, end_s = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) for y in (year, year + 1))
    offset_s = [_offset_s(zone, day_s) for day_s in range(first_s, end_s + 1, _DAY_S)]
    found = []
    for day, (before, after) in enumerate(pairwise(offset_s)):
        if before != after:
            low, high = first_s + day * _DAY_S, first_s + (day + 1) * _DAY_S
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset_s(zone, middle) == before else (low, middle)
            found.append((high, after))
    return tuple(found)


def _offset_s(zone: ZoneInfo, time_s: int) -> int:
    offset = datetime.fromtimestamp(time_s, zone).utcoffset()
    return int((offset or timedelta()).total_seconds())


def _year(time_us: int) -> int:
    return datetime.fromtimestamp(time_us // _SECOND_US, UTC).year
