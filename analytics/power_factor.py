"""The power-factor adjustment of a month's bill.

Source: 功率因数调整电费办法 (83)水电财字第215号, whose three tables follow the steps below.
They were written down from the rule as it is commonly quoted, not from its print: compare
with a bill of yours.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import hypot

_RAISES = ((20, Decimal("0.5")), (5, Decimal(1)))
"""For each 0.01 below the standard: so many steps of so many percent, then 2 % each."""

_BEYOND = Decimal(2)

_REWARDS = {
    90: ((5, Decimal("0.15")),),
    85: ((5, Decimal("0.10")), (4, Decimal("0.15"))),
    80: ((10, Decimal("0.10")), (2, Decimal("0.15"))),
}
"""By standard, for each 0.01 above it: so many steps of so many percent, then no more."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """power_factor: of the month, to the hundredth. percent: what is added; below 0 is a reward."""

    power_factor: Decimal
    percent: Decimal


def adjustment(active_kwh: float, reactive_kvarh: float, standard: float) -> Adjustment | None:
    """What the month's energies add to the bill; None without active energy.

    reactive_kvarh: drawn and fed in, both counted as positive. standard: 0.90, 0.85 or 0.80.
    """
    apparent = hypot(active_kwh, reactive_kvarh)
    if active_kwh <= 0:
        return None
    factor = Decimal(repr(active_kwh / apparent)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Adjustment(factor, percent(factor, standard))


def percent(power_factor: Decimal, standard: float) -> Decimal:
    """Percent added at a power factor (in hundredths) by the table of a standard."""
    hundredths = round(standard * 100)
    steps = hundredths - int(power_factor * 100)
    if steps >= 0:
        added, left = _taken(steps, _RAISES)
        return added + left * _BEYOND
    reward, _ = _taken(-steps, _REWARDS[hundredths])
    return -reward


def _taken(steps: int, stages: tuple[tuple[int, Decimal], ...]) -> tuple[Decimal, int]:
    """Percent of so many steps through the stages, and the steps left after them."""
    total = Decimal(0)
    for length, each in stages:
        total += min(steps, length) * each
        steps = max(steps - length, 0)
    return total, steps
