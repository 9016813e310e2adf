"""What meters say of the demand window that runs: energy in it so far, and power now.

In: the newest ledger intervals of counters and the newest readings. Out: what
`analytics.demand.project` needs, a row a meter.
"""

import numpy as np

from analytics.demand import WINDOW_US
from analytics.power import FRESH_FACTOR
from core.batch import F64, I32, I64, IntervalBatch
from core.sums import merged

FRESH_AT_LEAST_US = 60_000_000
"""However often a meter reports, a reading of the last minute is no old one."""

_W_US_IN_A_KWH = 3.6e12


def window_start_us(now_us: int) -> int:
    """Where the window that runs at a time began."""
    return now_us // WINDOW_US * WINDOW_US


def so_far(registers: I32, rows: IntervalBatch, begin_us: int) -> tuple[F64, I64, int]:
    """Energy in kWh of each register in the window, up to when it was read, and the flags of all of it.

    registers: ids, ascending. rows: their intervals around begin_us, where the window began.
    """
    used_kwh = np.zeros(len(registers))
    until_us = np.full(len(registers), begin_us, np.int64)
    rows = merged(rows)
    inside = rows.take((rows.start_us == begin_us) & ~np.isnan(rows.amount))
    at = np.searchsorted(registers, inside.register)
    used_kwh[at] = inside.amount
    until_us[at] = np.maximum(inside.last_us, begin_us)
    return used_kwh, until_us, int(np.bitwise_or.reduce(inside.quality, initial=0))


def fresh_us(expected_us: I64) -> I64:
    """For how long the newest reading of a meter that reports every expected_us counts as its present one."""
    return np.maximum(FRESH_FACTOR * expected_us, FRESH_AT_LEAST_US)


def live_power_w(
    registers: I32,
    rows: IntervalBatch,
    expected_us: I64,
    *,
    gauge: tuple[I64, F64],
    counted_us: I64,
    now_us: int,
) -> F64:
    """Power of each meter now: as it reports it, else the mean of its last intervals; NaN if it is silent.

    registers: ids of its counters, ascending; rows: their last intervals. gauge: time and
    value of the newest reading of its power; counted_us: time of the newest one of its
    counter (NEVER_US: none). One row a meter in all of them.
    """
    gauge_us, gauge_w = gauge
    since_us = now_us - fresh_us(expected_us)
    at = np.searchsorted(registers, rows.register)
    known_kwh = np.bincount(at, weights=np.nan_to_num(rows.amount), minlength=len(registers))
    covered_us = np.bincount(at, weights=rows.covered_us, minlength=len(registers))
    mean_w = known_kwh * _W_US_IN_A_KWH / np.maximum(covered_us, 1)
    by_counter = np.where((counted_us > since_us) & (covered_us > 0), mean_w, np.nan)
    return np.where(gauge_us > since_us, gauge_w, by_counter)
