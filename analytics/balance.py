"""A meter against the meters right below it: whether what went in came out, within their accuracy.

Judged only where everything was measured: a silent sub-meter is no loss.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.batch import F64, Mask
from core.quantities import Energy

USUAL_CLASS = {
    Energy.ELECTRICITY: 1.0,
    Energy.WATER: 2.0,
    Energy.GAS: 1.5,
    Energy.HEAT: 3.0,
}
"""Accuracy class in percent of a meter whose own is not registered.

The usual ones of building meters: electricity class 1 (GB/T 17215.321), water class 2 above the
transitional flow (GB/T 778.1), gas class 1.5 (GB/T 6968), heat class 3 (GB/T 32224).
"""


class Verdict(StrEnum):
    """What a balance says."""

    BALANCED = "balanced"
    UNMETERED = "unmetered"
    CHILDREN_EXCEED = "children_exceed"
    NOT_JUDGED = "not_judged"


_CODES = tuple(Verdict)


@dataclass(frozen=True, slots=True)
class Balances:
    """One row a period; NaN where an amount is unknown. verdict: one of Verdict."""

    parent: F64
    children: F64
    rest: F64
    tolerance: F64
    verdict: list[Verdict]


def balance(
    parent: F64,
    children: F64,
    parent_class: float,
    child_class: F64,
    complete: Mask,
) -> Balances:
    """Judge parent less the sum of children, period by period.

    parent: float64[p]; children: float64[c, p]; NaN unknown. parent_class, child_class[c]:
    accuracy in percent. complete: bool[p], whether all of them were measured all the time.

    Each meter may be wrong by its class, all in the worst direction at once:
    tolerance = (parent class x |parent| + sum of child class x |child|) / 100.
    A rest above it is unmetered use or a meter that counts too little; one below minus it
    can't be: children then count more than went in.
    """
    sum_ = children.sum(axis=0)
    rest = parent - sum_
    tolerance = (parent_class * np.abs(parent) + child_class @ np.abs(children)) / 100
    judged = complete & ~np.isnan(rest)
    # A mWh, a mL: what is below is noise of floating-point sums.
    code = np.where(rest > tolerance + 1e-6, 1, np.where(rest < -tolerance - 1e-6, 2, 0))
    verdict = [_CODES[one] for one in np.where(judged, code, 3).tolist()]
    return Balances(parent, sum_, rest, tolerance, verdict)


def judged(amount: F64, coverage: F64, due: Mask, classes: F64, least: float = 1.0) -> Balances:
    """Judge a parent against its children, period by period, from what is known of each meter.

    amount, coverage, due: [1 + c, p], row 0 the parent. due: whether the meter should have
    been measured: one that did not stand there in a period has nothing due, and nothing to
    add. classes: accuracy in percent of each row. least: coverage that all of them need.
    """
    complete = np.all(~due | (coverage >= least), axis=0) & due[0]
    return balance(amount[0], np.where(due[1:], amount[1:], 0.0), float(classes[0]), classes[1:], complete)
