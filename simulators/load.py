"""How much a load draws at any moment, and how much it has drawn since the simulation's origin.

Both are pure functions of (seed, time): a register read after a restart continues exactly
where the same register would have been. Between hourly knots the rate is a straight line,
so its integral is a parabola; short swings are sines, whose integral is exact as well.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.batch import F64, I64
from core.errors import StartError
from simulators.weather import temperature_degc
from simulators.workdays import DayType, day_type

UTC_OFFSET_US = 8 * 3_600_000_000
"""Asia/Shanghai has had no daylight saving since 1991, so local time is a fixed shift."""
ORIGIN_US = 1_735_660_800_000_000
"""2025-01-01T00:00:00+08:00, when every simulated register began to count."""

_HOUR_US = 3_600_000_000
_BLOCK_H = 720
_COMFORT_COOL_DEGC, _COMFORT_HEAT_DEGC = 25.0, 12.0
_SWING_PERIODS_S = ((19.0, 41.0), (140.0, 260.0), (650.0, 1100.0))
_SWING_SHARES = (0.2, 0.35, 0.45)


class Profile(IntEnum):
    """Occupancy of a load over the day; the row of the profile table."""

    OFFICE = 0
    HOSPITAL = 1
    SCHOOL = 2
    VENUE = 3
    KITCHEN = 4
    ALWAYS = 5


def _hours(*spans: tuple[int, float]) -> list[float]:
    """24 hourly values from (first hour, value) spans."""
    values = [0.0] * 24
    for (first, value), following in zip(spans, [*(s[0] for s in spans[1:]), 24], strict=True):
        values[first:following] = [value] * (following - first)
    return values


_OFFICE = _hours(
    (0, 0.05), (7, 0.3), (8, 0.8), (9, 1.0), (12, 0.7), (14, 1.0), (18, 0.4), (20, 0.2), (22, 0.08)
)
_OFFICE_OFF = _hours((0, 0.05), (9, 0.14), (17, 0.06))
_WARD = _hours((0, 0.45), (7, 0.75), (8, 1.0), (12, 0.85), (14, 1.0), (18, 0.7), (22, 0.5))
_WARD_OFF = _hours((0, 0.45), (8, 0.7), (18, 0.6), (22, 0.48))
_SCHOOL = _hours(
    (0, 0.1), (6, 0.35), (7, 0.8), (8, 1.0), (12, 0.6), (14, 1.0), (17, 0.6), (19, 0.75), (22, 0.2)
)
_SCHOOL_OFF = _hours((0, 0.08), (8, 0.15), (18, 0.1))
_VENUE = _hours((0, 0.06), (8, 0.5), (9, 0.8), (17, 0.4), (18, 0.3), (21, 0.08))
_VENUE_OFF = _hours((0, 0.06), (8, 0.6), (9, 1.0), (17, 0.6), (18, 0.4), (21, 0.08))
_KITCHEN = _hours(
    (0, 0.02), (5, 0.5), (6, 0.9), (8, 0.3), (10, 1.0), (13, 0.2), (16, 0.8), (19, 0.1), (21, 0.02)
)
_KITCHEN_OFF = _hours((0, 0.02), (6, 0.2), (10, 0.3), (13, 0.05), (16, 0.2), (19, 0.02))
_ALWAYS = [1.0] * 24

_OCCUPANCY = np.array(  # [profile][day type][local hour]
    [
        [_OFFICE, _OFFICE_OFF, _OFFICE],
        [_WARD, _WARD_OFF, _WARD],
        [_SCHOOL, _SCHOOL_OFF, _SCHOOL_OFF],
        [_VENUE, _VENUE_OFF, _VENUE],
        [_KITCHEN, _KITCHEN_OFF, _KITCHEN],
        [_ALWAYS, _ALWAYS, _ALWAYS],
    ]
)


@dataclass(frozen=True, slots=True)
class Load:
    """Something that draws; every rate is the counter's unit an hour (kW for a counter in kWh).

    rate = base + occupancy x (occupied + cooling x degrees above 25 + heating x degrees below 12)
    swing: share of base that short swings take away or add, below 1.
    """

    profile: Profile
    base: float
    occupied: float = 0.0
    cooling: float = 0.0
    heating: float = 0.0
    swing: float = 0.5


class LoadModel:
    """Rates and totals of many loads at any time after ORIGIN_US."""

    def __init__(self, loads: list[Load], seed: int) -> None:
        rng = np.random.default_rng((seed, 0x10AD))
        count = len(loads)
        self._seed = seed
        self._profile = np.array([load.profile for load in loads], np.int64)
        self._base, self._occupied, self._cooling, self._heating = (
            np.array([getattr(load, name) for load in loads])
            for name in ("base", "occupied", "cooling", "heating")
        )
        lowest, highest = np.array(_SWING_PERIODS_S).T
        self._omega = 2 * np.pi / rng.uniform(lowest, highest, (count, len(_SWING_SHARES)))
        self._phase = rng.uniform(0, 2 * np.pi, (count, len(_SWING_SHARES)))
        swing = self._base * np.array([load.swing for load in loads])
        self._amplitude = swing[:, None] * np.array(_SWING_SHARES)
        self._mood_period_h = rng.uniform(30, 200, count)
        self._mood_phase = rng.uniform(0, 2 * np.pi, count)
        self._block_start = [np.zeros(count)]
        self._block = lru_cache(maxsize=4)(self._make_block)

    def at(self, time_us: I64) -> tuple[F64, F64]:
        """(total since ORIGIN_US in counter units, rate in units an hour), each [time, load].

        Raises StartError for a time before ORIGIN_US.
        """
        if len(time_us) and int(time_us.min()) < ORIGIN_US:
            raise StartError("the clock is before 2025, where the simulated estate begins: set the clock")
        total = np.empty((len(time_us), len(self._base)))
        rate = np.empty_like(total)
        hour, within_us = np.divmod(time_us - ORIGIN_US, _HOUR_US)
        within_h = (within_us / _HOUR_US)[:, None]
        for number in np.unique(hour // _BLOCK_H):
            rows = hour // _BLOCK_H == number
            knots, before = self._block(int(number))
            at = hour[rows] - number * _BLOCK_H
            left, slope = knots[at], knots[at + 1] - knots[at]
            tau = within_h[rows]
            total[rows] = before[at] + tau * (left + 0.5 * slope * tau)
            rate[rows] = left + slope * tau
        self._add_swings(time_us, total, rate)
        return total, rate

    def _add_swings(self, time_us: I64, total: F64, rate: F64) -> None:
        elapsed_s = ((time_us - ORIGIN_US) / 1e6)[:, None]
        for omega, phase, amplitude in zip(self._omega.T, self._phase.T, self._amplitude.T, strict=True):
            angle = omega * elapsed_s + phase
            rate += amplitude * np.sin(angle)
            total += amplitude / (omega * 3600) * (np.cos(phase) - np.cos(angle))

    def _make_block(self, number: int) -> tuple[F64, F64]:
        """(rate at the block's 721 hourly knots, total at its 720 hours' starts), each [hour, load]."""
        while len(self._block_start) <= number:
            knots = self._knots(len(self._block_start) - 1)
            self._block_start.append(self._block_start[-1] + _areas(knots).sum(axis=0))
        knots = self._knots(number)
        before = self._block_start[number] + np.vstack(
            [np.zeros(knots.shape[1]), np.cumsum(_areas(knots)[:-1], axis=0)]
        )
        return knots, before

    def _knots(self, number: int) -> F64:
        hour = np.arange(number * _BLOCK_H, (number + 1) * _BLOCK_H + 1, dtype=np.int64)
        time_us = ORIGIN_US + hour * _HOUR_US
        day_number, local_us = np.divmod(time_us + UTC_OFFSET_US, 24 * _HOUR_US)
        occupancy = occupancy_at(self._profile, day_number, local_us // _HOUR_US)
        degc = temperature_degc(self._seed, time_us, UTC_OFFSET_US)[:, None]
        mood = 1 + 0.08 * np.sin(2 * np.pi * hour[:, None] / self._mood_period_h + self._mood_phase)
        weather = self._cooling * np.maximum(0, degc - _COMFORT_COOL_DEGC) + self._heating * np.maximum(
            0, _COMFORT_HEAT_DEGC - degc
        )
        rate: F64 = self._base + occupancy * mood * (self._occupied + weather)
        return rate


def occupancy_at(profile: NDArray[np.int64], day_number: I64, local_hour: I64) -> F64:
    """Occupancy 0 to 1 [time, profile given] on local days since 1970-01-01 at local hours."""
    types = {int(day): day_type(int(day)) for day in np.unique(day_number)}
    kind = np.array([types[int(day)] for day in day_number], np.int64)
    table: F64 = _OCCUPANCY[profile[None, :], kind[:, None], local_hour[:, None]]
    return table


def _areas(knots: F64) -> F64:
    """Amount of each hour between consecutive knots."""
    area: F64 = 0.5 * (knots[:-1] + knots[1:])
    return area


__all__ = ["ORIGIN_US", "UTC_OFFSET_US", "DayType", "Load", "LoadModel", "Profile", "occupancy_at"]
