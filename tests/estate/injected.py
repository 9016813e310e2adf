"""Faults that energy managers look for, put into a recorded estate: where and when by seed alone."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.quantities import Energy

EACH = 50
FIRST_DAYS, LAST_DAYS = 35, 15
"""Faults begin so many days after the record does, past any warm-up, and before it ends."""

LEAST_EFFECT = 0.1
"""Share of the energy below which nothing is wrong: a building that works at weekends has no fault then."""

_NIGHT = 22, 6


class Kind(StrEnum):
    """What goes wrong."""

    STUCK = "stuck"  # the counter stands for 1 to 7 days
    NIGHT = "doubled night load"  # 22:00 to 06:00 takes twice as much for 3 to 14 nights
    PHASE = "missing phase"  # a third is not counted for 1 to 14 days
    WEEKEND = "weekend left on"  # days of rest run as the working day before them, which takes a tenth more
    LEAK = "leak"  # half of what the meter takes on average is added day and night for 3 to 14 days


KINDS = {
    Energy.ELECTRICITY: (Kind.STUCK, Kind.NIGHT, Kind.PHASE, Kind.WEEKEND),
    Energy.GAS: (Kind.STUCK, Kind.NIGHT, Kind.WEEKEND, Kind.LEAK),
}
"""What can go wrong with a meter of each energy."""


@dataclass(frozen=True)
class Fault:
    """One fault of the meter in a row of the estate, from hour `begin` to before hour `end`.

    kwh: what the meter tells of these hours. effect: how much more of the energy, as a share.
    """

    kind: Kind
    row: int
    begin: int
    end: int
    kwh: np.ndarray
    effect: float


def faults(kwh, clock, rows, seed, each=EACH, *, kinds=KINDS[Energy.ELECTRICITY]):
    """`each` of every kind at random meters among the rows of kwh [meters, hours] and at random hours."""
    rng = np.random.default_rng(seed)
    hours = kwh.shape[1]
    found = []
    for number, kind in enumerate(kinds):
        while len(found) < each * (number + 1):
            row = int(rng.choice(rows))
            begin = int(rng.integers(FIRST_DAYS * 24, hours - LAST_DAYS * 24))
            begin, end, told = _MAKE[kind](kwh[row], clock, begin, rng)
            effect = _effect(kind, told, kwh[row, begin:end]) if end <= hours else 0.0  # beyond the record
            if abs(effect) >= LEAST_EFFECT and (kind is not Kind.WEEKEND or effect > 0):
                found.append(Fault(kind, row, begin, end, told, effect))
    return found


def _effect(kind, told, recorded):
    """What uses nothing cannot be at fault, unless it leaks."""
    if recorded.sum() > 0:
        return float(told.sum() / recorded.sum()) - 1
    return float("inf") if kind is Kind.LEAK and told.any() else 0.0


def _stuck(_, __, begin, rng):
    hours = int(rng.integers(24, 7 * 24 + 1))
    return begin, begin + hours, np.zeros(hours)


def _night(kwh, clock, begin, rng):
    begin = _next(clock.hour == _NIGHT[0], begin)
    end = _next(clock.hour == _NIGHT[1], begin + (int(rng.integers(3, 15)) - 1) * 24)
    hour = clock.hour[begin:end]
    return begin, end, kwh[begin:end] * np.where((hour >= _NIGHT[0]) | (hour < _NIGHT[1]), 2, 1)


def _phase(kwh, _, begin, rng):
    end = begin + int(rng.integers(24, 14 * 24 + 1))
    return begin, end, kwh[begin:end] * 2 / 3


def _weekend(kwh, clock, begin, _):
    works = clock.kind == 0
    begin = _next(~works, _next(works, begin))
    end = _next(works, begin)
    before = dict(zip(clock.hour[begin - 24 : begin].tolist(), kwh[begin - 24 : begin], strict=True))
    return begin, end, np.array([before.get(hour, kwh[begin - 1]) for hour in clock.hour[begin:end].tolist()])


def _leak(kwh, _, begin, rng):
    end = begin + int(rng.integers(3 * 24, 14 * 24 + 1))
    return begin, end, kwh[begin:end] + kwh.mean() / 2


def _next(where, begin):
    """The first hour from begin on at which it holds; the last one if there is none."""
    return begin + int(np.argmax(where[begin:])) if where[begin:].any() else len(where)


_MAKE = {
    Kind.STUCK: _stuck,
    Kind.NIGHT: _night,
    Kind.PHASE: _phase,
    Kind.WEEKEND: _weekend,
    Kind.LEAK: _leak,
}
