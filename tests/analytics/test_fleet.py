"""A vehicle's status from its newest fix."""

import math

import numpy as np
import pytest

from analytics.fleet import VehicleStatus, statuses
from core.batch import PositionBatch

NOW_US = 1_800_000_000_000_000
NAN = math.nan


def status(speed_kmh: float, ignition: float, *, age_s: float = 1, every_s: float = 10) -> VehicleStatus:
    def f32(value: float) -> np.ndarray:
        return np.array([value], np.float32)

    nan64 = np.array([NAN])
    fix_time_us = np.array([NOW_US - int(age_s * 1e6)])
    fix = PositionBatch(
        np.array([0], np.int32), fix_time_us, nan64, nan64, f32(speed_kmh), f32(NAN), f32(NAN),
        f32(ignition), nan64, f32(NAN), f32(NAN), fix_time_us,
    )  # fmt: skip
    return statuses(fix, np.array([every_s]), NOW_US)[0]


@pytest.mark.parametrize(
    ("speed_kmh", "ignition", "expected"),
    [
        (50, 1, "moving"),
        (3.1, 1, "moving"),
        (3, 1, "idle"),
        (0, 1, "idle"),
        (NAN, 1, "idle"),
        (0, 0, "parked"),
        (2.9, 0, "parked"),
        (NAN, 0, "parked"),
        (30, 0, "moving"),
        (30, NAN, "moving"),
        (0, NAN, "parked"),
        (NAN, NAN, "parked"),
    ],
)
def test_speed_and_ignition_decide_the_status(speed_kmh: float, ignition: float, expected: str) -> None:
    assert status(speed_kmh, ignition) == expected


def test_three_missed_intervals_are_offline_but_never_under_a_minute() -> None:
    assert status(50, 1, age_s=60, every_s=10) == "moving"
    assert status(50, 1, age_s=61, every_s=10) == "offline"
    assert status(50, 1, age_s=360, every_s=120) == "moving"
    assert status(50, 1, age_s=361, every_s=120) == "offline"


def test_a_clock_ahead_of_ours_is_not_offline() -> None:
    assert status(0, 1, age_s=-30) == "idle"


def test_no_fixes_have_no_status() -> None:
    assert statuses(PositionBatch.empty(), np.empty(0), NOW_US) == []
