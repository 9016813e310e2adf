"""Demand: mean power over windows of 15 minutes, its maximum, and where the running window will end.

In: energy of consecutive ledger intervals, or readings of one counter. Out: demand in W,
NaN where nothing is known. A window is billed as a block (it begins on the quarter-hour);
the sliding maximum looks at every 15 minutes and is never smaller.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import BASE_US, F64, I32, I64, Mask

WINDOW_US = BASE_US
"""Length of a demand window: 15 minutes, as maximum demand is billed in China (供电营业规则)."""

DENSE_US = WINDOW_US // 3
"""Readings further apart than this can't tell where a window that slides has its maximum."""

WARN_SHARE = 0.9
"""From this share of the contract on a window is near it."""

_W_US_IN_A_KWH = 3.6e12


def block_demand_w(energy_kwh: F64, length_us: int = WINDOW_US) -> F64:
    """Mean power of windows that used energy_kwh each; NaN stays NaN."""
    return energy_kwh * (_W_US_IN_A_KWH / length_us)


def maxima(demand_w: F64, starts: I64) -> tuple[F64, I64]:
    """The highest window of each group, and which it is.

    demand_w: float64[n]. starts: int64[g], ascending: group i is rows starts[i] up to
    starts[i + 1]. Returns (float64[g], int64[g]): NaN and -1 for a group of which nothing
    is known; of equal maxima the first.
    """
    known = np.where(np.isnan(demand_w), -np.inf, demand_w)
    highest = np.maximum.reduceat(known, starts)
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(demand_w))))
    rows = np.flatnonzero((known == highest[group]) & (known > -np.inf))
    where = np.full(len(starts), -1, np.int64)
    where[group[rows][::-1]] = rows[::-1]
    return np.where(where >= 0, highest, np.nan), where


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest window that slides; it ends at end_us."""

    demand_w: float
    end_us: int


def sliding_maximum(counters: list[tuple[I64, F64]], start_us: int, end_us: int) -> Peak | None:
    """The highest mean power over any 15 minutes inside [start_us, end_us], of counters together.

    counters: (time_us int64[n], cumulative_kwh float64[n]) each, times ascending, energy not
    falling. Energy runs evenly between two readings, so the mean over a window has its
    maximum where the window begins or ends at a reading: those are all that is looked at.
    None if a counter has no readings closer than DENSE_US around the span.
    """
    if not counters or end_us - start_us < WINDOW_US:
        return None
    for time_us, _ in counters:
        inside = time_us[_around(time_us, start_us, end_us)]
        if len(inside) < 2 or inside[0] > start_us or inside[-1] < end_us or np.diff(inside).max() > DENSE_US:
            return None
    times = np.concatenate([time_us for time_us, _ in counters])
    ends = np.unique(np.concatenate([times, times + WINDOW_US, [end_us]]))
    ends = ends[(ends >= start_us + WINDOW_US) & (ends <= end_us)]
    used_kwh = np.zeros(len(ends))
    for time_us, cumulative_kwh in counters:
        # Relative to the first reading: float64 holds µs since 1970 but np.interp multiplies them.
        since = time_us[0]
        used_kwh += np.interp(ends - since, time_us - since, cumulative_kwh)
        used_kwh -= np.interp(ends - WINDOW_US - since, time_us - since, cumulative_kwh)
    best = int(np.argmax(used_kwh))
    return Peak(float(block_demand_w(used_kwh[best : best + 1])[0]), int(ends[best]))


def _around(time_us: I64, start_us: int, end_us: int) -> slice:
    """Rows from the last one at or before start_us to the first at or after end_us."""
    first = max(int(np.searchsorted(time_us, start_us, "right")) - 1, 0)
    return slice(first, int(np.searchsorted(time_us, end_us, "left")) + 1)


@dataclass(frozen=True, slots=True)
class Projection:
    """Where a window that runs will end.

    used_kwh: what meters have counted in it so far. projected_w: its demand at the end if
    each meter goes on at its present power; NaN if no meter's is known. allowed_w: mean
    power for the rest of the window that keeps it at the contract; NaN without a contract
    and when nothing of the window is left. missing: meters of which no power is known.
    """

    used_kwh: float
    projected_w: float
    allowed_w: float
    missing: int


def project(
    used_kwh: F64, measured_until_us: I64, power_w: F64, *, end_us: int, now_us: int, contract_w: float
) -> Projection:
    """The end of the window [end_us - WINDOW_US, end_us), from energy so far and live power.

    One row a meter: used_kwh in the window up to measured_until_us, and its power since
    (NaN: not known; it is left out and counted in missing). contract_w: NaN if there is none.
    """
    known = ~np.isnan(power_w)
    begin_us = end_us - WINDOW_US
    until_us = np.clip(measured_until_us, begin_us, end_us)
    rest_kwh = np.where(known, power_w, 0.0) * (end_us - until_us) / _W_US_IN_A_KWH
    measured = until_us >= end_us
    sum_kwh = float(used_kwh.sum() + rest_kwh.sum())
    projected_w = sum_kwh * _W_US_IN_A_KWH / WINDOW_US if (known | measured).any() else np.nan
    # What ran since the last reading is gone already: only the time from now on can be shaped.
    since_us = np.clip(now_us - until_us, 0, None)
    gone_kwh = float(used_kwh.sum() + (np.where(known, power_w, 0.0) * since_us).sum() / _W_US_IN_A_KWH)
    left_us = end_us - now_us
    room_kwh = contract_w * WINDOW_US / _W_US_IN_A_KWH - gone_kwh
    allowed_w = max(room_kwh, 0.0) * _W_US_IN_A_KWH / left_us if left_us > 0 else np.nan
    if np.isnan(contract_w):
        allowed_w = np.nan
    return Projection(float(used_kwh.sum()), projected_w, allowed_w, int((~known & ~measured).sum()))


def own_amounts(amount: F64, parent: I32) -> tuple[F64, Mask]:
    """What each meter measured that no meter below it did; these add up to what the top meters measured.

    amount: float64[n], NaN unknown. parent: int32[n], row of the nearest meter upstream, -1
    for a top one. Returns (float64[n], bool[n]): the remainder, and whether it is one (a
    meter with known ones below it). An unknown meter's share stays in its parent's
    remainder. A remainder below 0 says that the meters below counted more than their parent.
    """
    known = ~np.isnan(amount)
    own = amount.copy()
    split = np.zeros(len(amount), np.bool_)
    # What is below an unknown meter is taken from the nearest known one above it.
    above = parent.copy()
    for _ in range(len(amount)):  # no deeper than there are meters, whatever is registered
        through = (above >= 0) & ~known[above]
        if not through.any():
            break
        above[through] = parent[above[through]]
    taken = known & (above >= 0)
    np.subtract.at(own, above[taken], amount[taken])
    split[above[taken]] = True
    return own, split
