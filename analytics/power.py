"""Live electric power of every place, from the newest reading of every meter.

A meter that reports its power is believed; of one that only counts, the power is the slope
of its counter between its last two readings. A meter that has been silent is left out, and
the place says how many of its meters it could sum.
"""

import numpy as np

from analytics.counters import NEVER_US, CounterState
from analytics.hierarchy import PlaceMembers
from analytics.segments import Segments
from core.batch import F64, I64
from core.columns import RegisterColumns
from core.ports import PlacePower

FRESH_FACTOR = 3
"""A meter is fresh until it has been silent for this many of its expected intervals."""

_FRESH_AT_LEAST_US = 60_000_000
_W_US_IN_A_KWH = 3.6e12


def slopes(slope_w: F64, segments: Segments) -> F64:
    """Remember each register's mean power over its newest segment, in W; by register id."""
    seconds_kwh = segments.amount * _W_US_IN_A_KWH / (segments.end_us - segments.start_us)
    slope_w[segments.register] = seconds_kwh  # of several rows of a register the last stays
    return slope_w


def place_power(
    members: PlaceMembers, newest: CounterState, slope_w: F64, columns: RegisterColumns, now_us: int
) -> list[PlacePower]:
    """Power of every place in members, in their order.

    newest: last reading of every register, gauges included; slope_w as kept by slopes.
    """
    has_gauge = members.gauge >= 0
    gauge = np.where(has_gauge, members.gauge, 0)
    has_gauge &= newest.last_us[gauge] != NEVER_US
    source = np.where(has_gauge, gauge, members.counter)
    power_w = np.where(has_gauge, newest.last_value[gauge], slope_w[members.counter])
    at_us = newest.last_us[source]
    fresh_us = np.maximum(FRESH_FACTOR * columns.expected_us[source], _FRESH_AT_LEAST_US)
    fresh = (at_us != NEVER_US) & (at_us > now_us - fresh_us) & ~np.isnan(power_w)

    count = len(members.place_ids)
    meters = np.bincount(members.place, minlength=count)
    reporting = np.bincount(members.place[fresh], minlength=count)
    total_w = np.bincount(members.place[fresh], weights=power_w[fresh], minlength=count)
    newest_us: I64 = np.zeros(count, np.int64)
    np.maximum.at(newest_us, members.place[fresh], at_us[fresh])
    return [
        PlacePower(
            place_id,
            float(total_w[row]) if reporting[row] else None,
            int(meters[row]),
            int(reporting[row]),
            int(newest_us[row]),
        )
        for row, place_id in enumerate(members.place_ids)
    ]
