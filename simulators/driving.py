"""Motion along a path: where a vehicle is, how fast and which way, every moment of one drive.

A vehicle accelerates, cruises below the limit, slows at junctions and waits at some of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from core.batch import F64
from simulators.roads import Leg

_ACCELERATION_MS2 = 1.3
_TURN_MS = 8.0  # about 29 km/h through a junction without a stop
_YARD_MS = 4.0
_STOP_CHANCE, _LONGEST_WAIT_S = 0.3, 40.0
_SLOWEST_CRUISE = 0.75

USUAL_S_PER_KM = 120.0
"""What a plan may reckon with, waits included."""


@dataclass(frozen=True, slots=True)
class Motion:
    """State on a drive; x and y in metres, course clockwise from north."""

    x_m: float
    y_m: float
    speed_kmh: float
    course_deg: float
    driven_m: float
    in_tunnel: bool


class Drive:
    """A drive over a polyline with a speed that changes linearly between its time knots."""

    def __init__(
        self, points: F64, knots: list[tuple[float, float, float]], tunnels: list[tuple[float, float]]
    ) -> None:
        self._points = points
        steps = np.diff(points, axis=0)
        self._along = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
        self._course = np.degrees(np.arctan2(steps[:, 0], steps[:, 1])) % 360.0
        self._time, self._distance, self._speed = (np.array(column) for column in zip(*knots, strict=True))
        self._tunnels = tunnels
        self.duration_s = float(self._time[-1])
        self.length_m = float(self._along[-1])

    def at(self, elapsed_s: float) -> Motion:
        """Motion elapsed_s after the start, 0 to duration_s."""
        last = len(self._time) - 2
        piece = min(max(int(np.searchsorted(self._time, elapsed_s, side="right")) - 1, 0), last)
        span = self._time[piece + 1] - self._time[piece]
        tau = min(max(elapsed_s - self._time[piece], 0.0), span)
        slope = (self._speed[piece + 1] - self._speed[piece]) / span if span else 0.0
        speed = float(self._speed[piece] + slope * tau)
        driven = float(self._distance[piece] + (self._speed[piece] + 0.5 * slope * tau) * tau)
        driven = min(driven, self.length_m)
        segment = min(
            max(int(np.searchsorted(self._along, driven, side="right")) - 1, 0), len(self._course) - 1
        )
        return Motion(
            float(np.interp(driven, self._along, self._points[:, 0])),
            float(np.interp(driven, self._along, self._points[:, 1])),
            speed * 3.6,
            float(self._course[segment]),
            driven,
            any(start <= driven <= end for start, end in self._tunnels),
        )


def plan_drive(legs: Sequence[Leg], before: F64, after: F64, rng: Random) -> Drive:
    """A drive over `before` (a driveway to the first junction), the legs and `after`.

    before and after: [n, 2] metres in the direction of travel, empty for none.
    """
    stretches = [(before, _YARD_MS, False)] if len(before) else []
    for leg in legs:
        cruise = leg.street.limit_kmh / 3.6 * rng.uniform(_SLOWEST_CRUISE, 1.0)
        stretches.append((leg.points, cruise, leg.street.tunnel))
    if len(after):
        stretches.append((after, _YARD_MS, False))
    points = np.vstack([stretches[0][0][:1], *(stretch[0][1:] for stretch in stretches)])
    knots = [(0.0, 0.0, 0.0)]
    tunnels = []
    for number, (line, cruise, tunnel) in enumerate(stretches):
        entry = knots[-1][2]
        following = stretches[number + 1][1] if number + 1 < len(stretches) else 0.0
        stops = not following or rng.random() < _STOP_CHANCE
        leave = 0.0 if stops else min(_TURN_MS, cruise, following)
        start_m = knots[-1][1]
        length_m = float(np.hypot(*np.diff(line.T)).sum())
        knots += _stretch(knots[-1], length_m, entry, cruise, leave)
        if tunnel:
            tunnels.append((start_m, start_m + length_m))
        if stops and following:
            time_s, driven_m, _ = knots[-1]
            knots.append((time_s + rng.uniform(3.0, _LONGEST_WAIT_S), driven_m, 0.0))
    return Drive(points, knots, tunnels)


def _stretch(
    origin: tuple[float, float, float], length_m: float, entry: float, cruise: float, leave: float
) -> list[tuple[float, float, float]]:
    """Knots (seconds, metres, m/s) after accelerating, cruising and braking over length_m."""
    time_s, driven_m, _ = origin
    a = _ACCELERATION_MS2
    top = min(cruise, math.sqrt(a * length_m + (entry**2 + leave**2) / 2))
    top = max(top, entry, leave)
    speed_up_m, brake_m = (top**2 - entry**2) / (2 * a), (top**2 - leave**2) / (2 * a)
    cruise_m = max(0.0, length_m - speed_up_m - brake_m)
    knots = []
    for metres, seconds, speed in (
        (speed_up_m, (top - entry) / a, top),
        (cruise_m, cruise_m / top, top),
        (brake_m, (top - leave) / a, leave),
    ):
        if seconds > 0:
            time_s, driven_m = time_s + seconds, driven_m + metres
            knots.append((time_s, driven_m, speed))
    return knots
