"""Power factor and phase unbalance of a meter, from its readings and its energy.

Power factor over a period is active over apparent energy; the mean of a power factor that
a meter shows is weighted with its power, for an idle night says little about a day's load.
Unbalance of current is (largest - smallest) / largest, as Q/GDW 519-2010 limits it at
distribution transformers; unbalance of voltage is the largest deviation from the mean over
the mean (IEEE Std 112, from phase voltages), the nearest that magnitudes alone come to the
negative-sequence ratio that GB/T 15543-2008 limits to 2 %.
"""

import numpy as np
from numpy.typing import NDArray

from core.batch import F64, I64, Mask

CURRENT_LIMIT = 0.15
"""(largest - smallest) / largest, Q/GDW 519-2010 for Yyn0 transformers; 0.25 for Dyn11."""

VOLTAGE_LIMIT = 0.02
"""GB/T 15543-2008: 2 % in normal operation, exceeded for at most 5 % of the time (95 % value)."""

FACTOR_TARGET = 0.9
"""Lowest power factor without surcharge of most consumers above 100 kVA ((83)水电财字第215号)."""

IDLE_SHARE = 0.05
"""Currents below this share of the day's largest are an idle line, whose unbalance means nothing."""

F64_2D = NDArray[np.float64]


def factor_of_energy(active_kwh: F64, reactive_kvarh: F64) -> F64:
    """Power factor of periods from what was counted in them; NaN where nothing was."""
    apparent = np.hypot(active_kwh, reactive_kvarh)
    return np.where(apparent > 0, active_kwh / np.where(apparent > 0, apparent, 1.0), np.nan)


def aligned(times: list[I64], values: list[F64]) -> tuple[I64, F64_2D]:
    """Readings of several registers that came at the same time: (time_us[n], values[k, n]).

    times: int64 each, ascending, no time twice. Times at which one of them is missing are
    left out.
    """
    common = times[0]
    for one in times[1:]:
        common = np.intersect1d(common, one, assume_unique=True)
    rows = [value[np.searchsorted(time, common)] for time, value in zip(times, values, strict=True)]
    return common, np.stack(rows)


def unbalance_of_current(current_a: F64_2D, idle_share: float = IDLE_SHARE) -> F64:
    """(largest - smallest) / largest of |current|[3, n]; NaN where the line idles."""
    size = np.abs(current_a)
    largest, smallest = size.max(axis=0), size.min(axis=0)
    loaded = (largest > 0) & (largest >= idle_share * (largest.max() if largest.size else 0.0))
    return np.where(loaded, (largest - smallest) / np.where(loaded, largest, 1.0), np.nan)


def unbalance_of_voltage(voltage_v: F64_2D) -> F64:
    """Largest deviation from the mean, over the mean, of voltage[3, n]; NaN where it is 0."""
    mean = voltage_v.mean(axis=0)
    live = mean > 0
    deviation = np.abs(voltage_v - mean).max(axis=0)
    return np.where(live, deviation / np.where(live, mean, 1.0), np.nan)


def weighted_mean(values: F64, weights: F64, period: I64, periods: int) -> F64:
    """Mean of |values| by period, weighted with |weights|; float64[periods], NaN where nothing weighs.

    period: int64[n], which of the periods a row falls into; -1: none. Rows with a NaN count
    for nothing.
    """
    rows = (period >= 0) & ~np.isnan(values) & ~np.isnan(weights)
    weight = np.abs(weights[rows])
    total = np.bincount(period[rows], weights=weight, minlength=periods)
    summed = np.bincount(period[rows], weights=weight * np.abs(values[rows]), minlength=periods)
    return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)


def period_of(time_us: I64, edges_us: I64) -> I64:
    """Which period [edges_us[i], edges_us[i + 1]) each time falls into; -1: none."""
    period = np.searchsorted(edges_us, time_us, "right") - 1
    return np.where((period < 0) | (period >= len(edges_us) - 1), -1, period)


def quantile95(values: F64) -> float:
    """The value that 95 % of the known ones do not exceed; NaN if none is known."""
    known = values[~np.isnan(values)]
    return float(np.quantile(known, 0.95, method="inverted_cdf")) if len(known) else float("nan")


def share_above(values: F64, limit: float) -> float:
    """Share of the known values above a limit; NaN if none is known."""
    known: Mask = ~np.isnan(values)
    return float((values[known] > limit).mean()) if known.any() else float("nan")
