"""GCJ-02 and BD-09, which maps in China require and trackers sent there often use, to WGS-84.

GCJ-02 shifts WGS-84 by a polynomial of the position (some 500 m); BD-09 shifts GCJ-02 again.
Only the forward shifts have formulas (the published ones of coordTransform_py, constants
a = 6378245 and ee = 0.00669342162296594323); they are undone by iterating until the
forward shift of the result meets the given point. Outside China GCJ-02 is WGS-84.
"""

from collections.abc import Callable

import numpy as np

from core.batch import F64

_SEMI_MAJOR_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0
# The shifts change by less than a hundredth a degree: every round gains two decimals.
_ROUNDS = 6

Points = tuple[F64, F64]
"""Latitudes and longitudes in degrees."""


def to_wgs84(system: str, latitude_deg: F64, longitude_deg: F64) -> Points:
    """Points of a coordinate system (wgs84, gcj02 or bd09) in WGS-84."""
    given = latitude_deg, longitude_deg
    for shift in _SHIFTS[system]:
        given = _undone(shift, given)
    return given


def gcj02_of(points: Points) -> Points:
    """WGS-84 points in GCJ-02."""
    latitude, longitude = points
    x, y = longitude - 105.0, latitude - 35.0
    wave = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (wave + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (wave + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)) * 2.0 / 3.0
    radians = np.radians(latitude)
    squeeze = 1.0 - _ECCENTRICITY2 * np.sin(radians) ** 2
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY2) / squeeze**1.5
    parallel_m = _SEMI_MAJOR_M / np.sqrt(squeeze) * np.cos(radians)
    shifted = latitude + np.degrees(north / meridian_m), longitude + np.degrees(east / parallel_m)
    inside = (longitude > 72.004) & (longitude < 137.8347) & (latitude > 0.8293) & (latitude < 55.8271)
    return np.where(inside, shifted[0], latitude), np.where(inside, shifted[1], longitude)


def bd09_of(points: Points) -> Points:
    """GCJ-02 points in BD-09."""
    latitude, longitude = points
    radius = np.hypot(longitude, latitude) + 0.00002 * np.sin(latitude * _BD_PI)
    angle = np.arctan2(latitude, longitude) + 0.000003 * np.cos(longitude * _BD_PI)
    return radius * np.sin(angle) + 0.006, radius * np.cos(angle) + 0.0065


def _undone(shift: Callable[[Points], Points], given: Points) -> Points:
    latitude, longitude = given
    for _ in range(_ROUNDS):
        there = shift((latitude, longitude))
        latitude, longitude = latitude - (there[0] - given[0]), longitude - (there[1] - given[1])
    return latitude, longitude


_SHIFTS: dict[str, tuple[Callable[[Points], Points], ...]] = {
    "wgs84": (),
    "gcj02": (gcj02_of,),
    "bd09": (bd09_of, gcj02_of),
}
SYSTEMS = tuple(_SHIFTS)
