"""Hourly consumption far from what the same hour of the same kind of day usually takes."""

import numpy as np

from analytics.deviation import HourClock, deviations
from analytics.figure_rules.found import Found
from analytics.usual import FEWEST_SAMPLES, days_heard
from core.batch import F64
from core.rules import Deviation

COVERAGE = 0.9
"""Of an hour so much must be measured for it to be judged, or to count as history."""


def deviation(rule: Deviation, amount: F64, clock: HourClock, first: int, change: F64 | None = None) -> Found:
    """Judge the hours from index `first` on; those before are history.

    amount: float64[targets, hours], consecutive hours, NaN where not measured. clock: of them.
    change: how the whole estate has changed, if these are not all of it.
    Waste of an hour above the limit is what is above the usual amount.
    """
    heard = days_heard(amount, clock) >= FEWEST_SAMPLES
    if not heard.any():
        return Found.nothing(len(amount), len(clock) - first)
    if not heard.all():  # nothing is usual for the others, so they are no peers either: no work for them
        return deviation(rule, amount[heard], clock, first, change).among(heard)
    said = deviations(amount, clock, rule, first, change)
    above = said.value > said.usual
    return Found.of(
        said.value,
        said.limit,
        breach=said.breach,
        clear=said.clear,
        known=said.known,
        waste=np.where(above, said.waste, np.nan),
    )
