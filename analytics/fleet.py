"""What a vehicle is doing now, decided from its newest fix alone."""

from enum import StrEnum

import numpy as np

from core.batch import F64, I64, PositionBatch

MOVING_ABOVE_KMH = 3.0
"""Slower than this is standing still: the noise of a parked receiver."""

_OFFLINE_FACTOR = 3
_OFFLINE_AFTER_AT_LEAST_US = 60_000_000


class VehicleStatus(StrEnum):
    """What a vehicle is doing, as the map and the API say it."""

    MOVING = "moving"
    IDLE = "idle"
    PARKED = "parked"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


# Speed decides first: a vehicle that moves with its ignition off is being towed or has a loose
# wire, and "parked" would hide it. Idling is claimed only of an ignition that says it is on.
#
#    moving: no    yes
_ONLINE = [
    [VehicleStatus.PARKED, VehicleStatus.MOVING],  # ignition off
    [VehicleStatus.IDLE, VehicleStatus.MOVING],  # ignition on
    [VehicleStatus.PARKED, VehicleStatus.MOVING],  # ignition not reported
]
_OFF, _ON, _NOT_REPORTED = range(3)


def statuses(fixes: PositionBatch, expected_interval_s: F64, now_us: int) -> list[VehicleStatus]:
    """Status of the vehicle of every fix; expected_interval_s[i] belongs to fixes row i.

    A vehicle that has been silent for three of its intervals, at least a minute, is offline;
    one without a fix is UNKNOWN and not in here.
    """
    ignition = np.where(np.isnan(fixes.ignition), _NOT_REPORTED, np.where(fixes.ignition > 0, _ON, _OFF))
    moving = fixes.speed_kmh > MOVING_ABOVE_KMH  # a speed that is not reported (NaN) is not moving
    offline = now_us - fixes.fix_time_us > offline_after_us(expected_interval_s)
    return [
        VehicleStatus.OFFLINE if silent else _ONLINE[key][fast]
        for silent, key, fast in zip(offline.tolist(), ignition.tolist(), moving.tolist(), strict=True)
    ]


def offline_after_us(expected_interval_s: F64) -> I64:
    """How long a vehicle may be silent before it is offline."""
    silence_us = (expected_interval_s * (_OFFLINE_FACTOR * 1e6)).astype(np.int64)
    return np.maximum(silence_us, _OFFLINE_AFTER_AT_LEAST_US)
