"""Hourly consumption far from what the same hour of the same kind of day usually takes."""

import numpy as np

from analytics.deviation import HourClock, deviations
from analytics.figure_rules.found import Found
from core.batch import F64
from core.rules import Deviation

COVERAGE = 0.9
"""Of an hour so much must be measured for it to be judged, or to count as history."""


def deviation(rule: Deviation, amount: F64, clock: HourClock, first: int) -> Found:
    """Judge the hours from index `first` on; those before are history.

    amount: float64[targets, hours], consecutive hours, NaN where not measured. clock: of them.
    Waste of an hour above the limit is what is above the usual amount.
    """
    said = deviations(amount, clock, rule, first)
    above = said.value > said.usual
    return Found.of(
        said.value,
        said.limit,
        breach=said.breach,
        clear=said.clear,
        known=said.known,
        waste=np.where(above, said.waste, np.nan),
    )
