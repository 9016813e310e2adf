"""Outdoor temperature of the simulated city: a pure function of seed and time.

Shaped like Chongqing's climate: about 8 degC in January, 29 degC in July and August, a
daily swing of a few degrees, and fronts that pass every three to eleven days.
"""

import numpy as np

from core.batch import F64, I64

_DAY_US = 86_400_000_000
_YEAR_D = 365.2425
_ANNUAL_MEAN_DEGC, _ANNUAL_SWING_DEGC = 18.4, 10.6
_WARMEST_DAY = 203.0  # 22 July
_DAILY_SWING_DEGC, _WARMEST_HOUR = 3.4, 15.5
_FRONT_PERIODS_D = (3.1, 4.7, 7.3, 11.2)
_FRONT_SWING_DEGC = 1.3


def temperature_degc(seed: int, time_us: I64, utc_offset_us: int) -> F64:
    """Temperature at each moment; the daily curve follows local time."""
    days = (time_us + utc_offset_us) / _DAY_US
    phases = np.random.default_rng((seed, 0x7EA)).uniform(0, 2 * np.pi, len(_FRONT_PERIODS_D))
    annual = _ANNUAL_SWING_DEGC * np.cos(2 * np.pi * (days - _WARMEST_DAY) / _YEAR_D)
    daily = _DAILY_SWING_DEGC * np.cos(2 * np.pi * (days - _WARMEST_HOUR / 24))
    fronts = sum(
        _FRONT_SWING_DEGC * np.sin(2 * np.pi * days / period + phase)
        for period, phase in zip(_FRONT_PERIODS_D, phases, strict=True)
    )
    result: F64 = _ANNUAL_MEAN_DEGC + annual + daily + fronts
    return result
