"""Consumption that is far from what is usual, and that nothing ordinary explains.

In: hourly amounts of many meters that share a building calendar, and the local clock of the
hours. The amount of the last window_h hours is held against four expectations: what these
hours usually take; the same at the level of the last days; the same changed as the other
meters have changed; and what they took a week ago. Only what is far from all of them is a
breach. Nothing that comes later changes what is said of an hour.
"""

from dataclasses import dataclass

import numpy as np

from analytics.usual import HourClock, hour_clock, level, mean_before, median_of_known, scatter, usual
from core.batch import F64, I32, Mask
from core.calendars import WORKDAY
from core.rules import Deviation

__all__ = [
    "HOUR_US",
    "Deviations",
    "HourClock",
    "deviations",
    "history_days",
    "hour_clock",
    "shared_change",
]

HOUR_US = 3_600_000_000

KNOWN_SHARE = 0.75
"""Share of the hours of a window that must be known; the newest one must be."""

QUIET_SHARE = 0.25
"""Share of a meter's mean amount below which hours count as that much when minimum_share is
applied: a meter that usually takes next to nothing at this hour does not page for a little."""

_WEEK_H = 168


@dataclass(frozen=True, slots=True)
class Deviations:
    """What the rule says of each hour: arrays [meters, hours], hours being those judged.

    value: amount of the window that ends with the hour, over the hours of it that are known;
    usual: what these usually take; scatter: scaled median absolute deviation of value - usual;
    lower, upper: limits (lower is -inf if the rule does not look below). samples: on how many
    earlier hours that rests. Amounts are in the unit of the input. Where known is false
    (nothing measured, or too little history) they are NaN and neither breach nor clear
    holds: there is no observation. waste: amount of the hour alone above its usual; 0 where
    it is not above.
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


def history_days(rule: Deviation) -> int:
    """How many local days before the first hour judged can change what is said of it.

    The scatter rests on history_days of deviations, each of them on history_days of amounts
    and on the days of its level.
    """
    return 2 * rule.history_days + max(rule.level_days, 7) + -(-rule.window_h // 24) + 2


def deviations(
    amount: F64, clock: HourClock, rule: Deviation, first: int = 0, change: F64 | None = None
) -> Deviations:
    """Judge the hours from index `first` on; those before are history only.

    amount: float64[meters, hours], consecutive hours, NaN where not (wholly) measured.
    clock: of these hours. Results have hours - first columns. If the columns before `first`
    reach back history_days(rule) local days, more of them change nothing. change: how the
    whole estate has changed, as shared_change says; by default that of the meters judged.
    """
    start = _judged_from(clock, rule, first)
    own = _windows(amount, clock, rule, start)
    kept = HourClock(clock.day[start:], clock.hour[start:], clock.kind[start:])
    since = first - start
    expected = [own.expected]
    if rule.level_days:
        expected.append(own.expected * level(amount[:, start:], own.hourly, kept, rule.level_days))
    if rule.peers:
        change = _shared_change(own, rule.peers) if change is None else change
        expected.append(own.expected * (1 + change))
    scatters = [scatter(own.value - one, kept, rule.history_days, since) for one in expected]
    samples = scatters[0][1]
    judged = [(one[:, since:], by) for one, (by, _) in zip(expected, scatters, strict=True)]
    if rule.week_ago:
        judged.append((_week_ago(own, kept)[:, since:], judged[1 if rule.level_days else 0][1]))
    mean, heard = (one[:, first:] for one in mean_before(amount, clock, rule.history_days))
    known = (heard >= rule.warm_up_days) & ~np.isnan(judged[0][1]) & ~np.isnan(own.value[:, since:])
    value, waste = own.value[:, since:], amount[:, first:] - own.hourly[:, since:]
    far = rule.minimum_share * np.maximum(judged[0][0], QUIET_SHARE * rule.window_h * mean)
    factor = np.where(clock.kind[first:] == WORKDAY, rule.factor, rule.rest_factor)
    lower, upper, clear_lower, clear_upper = _limits(judged, far, factor, rule)
    breach, clear = (value > upper) | (value < lower), (value <= clear_upper) & (value >= clear_lower)
    value, usual_amount, by, lower, upper = (
        np.where(known, one, np.nan) for one in (value, *judged[0], lower, upper)
    )
    return Deviations(
        value,
        usual_amount,
        by,
        lower,
        upper,
        samples,
        known,
        breach & known,
        clear & known,
        np.where(known & (waste > 0), waste, 0.0),
    )


def shared_change(amount: F64, clock: HourClock, rule: Deviation, first: int = 0) -> F64:
    """How far these meters together are from usual in each hour, as a share of it; see deviations.

    One value for each hour that counts in what is expected of the hours from `first` on.
    """
    return _shared_change(_windows(amount, clock, rule, _judged_from(clock, rule, first)), rule.peers)


def _judged_from(clock: HourClock, rule: Deviation, first: int) -> int:
    """From which hour on it is asked what was expected."""
    return int(np.searchsorted(clock.day, clock.day[first] - _expected_days(rule)))


@dataclass(frozen=True, slots=True)
class _Windows:
    """Of the hours ending with each: value taken, expected usual amount; hourly: usual amount of it alone."""

    value: F64
    expected: F64
    hourly: F64


def _expected_days(rule: Deviation) -> int:
    """How many days before the first hour judged it is asked what was expected."""
    return rule.history_days + max(rule.level_days, 7) + -(-rule.window_h // 24) + 1


def _windows(amount: F64, clock: HourClock, rule: Deviation, start: int) -> _Windows:
    hourly, _ = usual(amount, clock, rule.history_days, start)
    taken = amount[:, start:]
    both = ~np.isnan(taken) & ~np.isnan(hourly)
    enough = _summed(both.astype(np.float64), rule.window_h) >= KNOWN_SHARE * rule.window_h
    value, expected = (
        np.where(enough & both, _summed(np.where(both, one, 0.0), rule.window_h), np.nan)
        for one in (taken, hourly)
    )
    return _Windows(value, expected, hourly)


def _summed(hourly: F64, window_h: int) -> F64:
    """Sums of the window_h hours that end with each, added in the same order wherever the hours begin."""
    total, doubled, reach, width = np.zeros(hourly.shape), hourly, 0, 1
    while width <= window_h:
        if window_h & width:
            total = _added(total, doubled, reach)
            reach += width
        doubled, width = _added(doubled, doubled, width), 2 * width
    return total


def _added(one: F64, other: F64, back: int) -> F64:
    """Each hour of one, and that of other `back` hours before it."""
    total = one.copy()
    total[:, back:] += other[:, : max(0, other.shape[1] - back)]
    return total


def _shared_change(peers: _Windows, fewest: int) -> F64:
    """Median over the meters of how far each hour is from usual, as a share; NaN if they are too few."""
    change = np.full(peers.value.shape, np.nan)
    np.divide(peers.value - peers.expected, peers.expected, out=change, where=peers.expected > 0)
    ordered = np.sort(change.T, axis=1)
    few = (~np.isnan(ordered)).sum(axis=1) < fewest
    return np.where(few, np.nan, median_of_known(ordered))


def _week_ago(own: _Windows, clock: HourClock) -> F64:
    """What a week ago would make of these hours; NaN where that was another kind of day."""
    then = np.full(own.value.shape, np.nan)
    value, usual_then = own.value[:, :-_WEEK_H], own.expected[:, :-_WEEK_H]
    alike = clock.kind[_WEEK_H:] == clock.kind[:-_WEEK_H]
    np.divide(value, usual_then, out=then[:, _WEEK_H:], where=(usual_then > 0) & alike)
    as_then: F64 = own.expected * then
    return as_then


def _limits(
    judged: list[tuple[F64, F64]], least: F64, factor: F64, rule: Deviation
) -> tuple[F64, F64, F64, F64]:
    """Lower and upper limits of a breach, and those within which it is over: the widest of all."""
    back = min(1.0, rule.clear_factor / rule.factor) if rule.factor > 0 else 1.0
    limits = []
    for share in (1.0, back):
        above = [one + share * np.maximum(factor * by, least) for one, by in judged]
        below = [one - share * np.maximum(rule.lower_factor * by, least) for one, by in judged]
        lower = np.fmin.reduce(below) if rule.below else np.full(least.shape, -np.inf)
        limits += [lower, np.fmax.reduce(above)]
    return limits[0], limits[1], limits[2], limits[3]
