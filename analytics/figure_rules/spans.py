"""Which spans of time a rule on figures judges: ended local periods, and nights."""

from dataclasses import dataclass

import numpy as np

from analytics.calendars import local_clock
from analytics.periods import Interval, edges
from core.batch import BASE_US, I64
from core.rules import (
    Condition,
    Consumption,
    DemandProjected,
    Imbalance,
    Implausible,
    NightFlow,
    Period,
    PowerFactorLow,
    QuotaBurn,
    Unbalance,
)

DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000

LONGEST_US = {
    Period.QUARTER_HOUR: BASE_US,
    Period.HOUR: _HOUR_US,
    Period.DAY: DAY_US + _HOUR_US,
    Period.WEEK: 7 * DAY_US + _HOUR_US,
    Period.MONTH: 31 * DAY_US + _HOUR_US,
}
"""Longest length of a whole period, where the clocks change."""

_DAY_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class Spans:
    """Periods [start_us[i], end_us[i]), ascending, without overlap, on 15-minute marks."""

    start_us: I64
    end_us: I64

    def __len__(self) -> int:
        return len(self.start_us)

    def take(self, rows: slice) -> "Spans":
        """The chosen ones."""
        return Spans(self.start_us[rows], self.end_us[rows])


def period_of_rule(condition: Condition) -> Period:
    """How long the periods are that a condition judges; a night counts as a day."""
    match condition:
        case Implausible() | Consumption() | Imbalance() | PowerFactorLow() | Unbalance():
            return condition.period
        case DemandProjected():
            return Period.QUARTER_HOUR
        case QuotaBurn() | NightFlow():
            return Period.DAY
        case _:
            return Period.HOUR


def silent_us(condition: Condition) -> int:
    """After how long without an observation an alert of the condition is stale: two periods and an hour."""
    return 2 * LONGEST_US[period_of_rule(condition)] + _HOUR_US


def ended(condition: Condition, after_us: int, until_us: int, timezone: str) -> Spans:
    """Whole periods that ended after after_us and at or before until_us."""
    if until_us <= after_us:
        return Spans(np.empty(0, np.int64), np.empty(0, np.int64))
    if isinstance(condition, NightFlow):
        found = nights(condition, after_us - 2 * DAY_US, until_us + 2 * BASE_US, timezone)
    else:
        period = period_of_rule(condition)
        # Two periods earlier: the first edge cuts a period, the second may end at after_us.
        start_us = (after_us - 2 * LONGEST_US[period]) // BASE_US * BASE_US
        end_us = -(-until_us // BASE_US) * BASE_US
        marks = edges(start_us, end_us + BASE_US, Interval(period), timezone)[1:-1]
        found = Spans(marks[:-1], marks[1:])
    rows = np.flatnonzero((found.end_us > after_us) & (found.end_us <= until_us))
    return found.take(slice(rows[0], rows[-1] + 1)) if len(rows) else found.take(slice(0, 0))


def nights(rule: NightFlow, start_us: int, end_us: int, timezone: str) -> Spans:
    """From from_hour to to_hour by the local clock, past midnight if that is earlier.

    Those that lie wholly in [start_us, end_us). Where the clocks skip all of a night's hours
    there is none.
    """
    first = start_us // BASE_US * BASE_US
    slot_us = np.arange(first, end_us, BASE_US, dtype=np.int64)
    days, minute = local_clock(slot_us, timezone)
    length = (rule.to_hour - rule.from_hour) * 60 % _DAY_MINUTES
    since = (minute - rule.from_hour * 60) % _DAY_MINUTES
    night = days.astype(np.int64) - (minute < rule.from_hour * 60)
    inside = np.flatnonzero(since < length)
    if not len(inside):
        return Spans(np.empty(0, np.int64), np.empty(0, np.int64))
    begins = inside[np.diff(night[inside], prepend=-1) != 0]
    last = inside[np.append(np.diff(night[inside]) != 0, np.True_)]
    whole = (begins > 0) & (last < len(slot_us) - 1)
    spans = Spans(slot_us[begins], slot_us[last] + BASE_US)
    return Spans(spans.start_us[whole], spans.end_us[whole])
