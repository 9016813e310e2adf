"""Amount of a period against a threshold."""

import numpy as np

from analytics.figure_rules.found import Found
from analytics.grouping import Amounts
from core.batch import F64
from core.model import Comparator
from core.rules import Consumption


def consumption(rule: Consumption, amounts: Amounts, floor_area_m2: F64) -> Found:
    """amounts: [targets, periods]. floor_area_m2: float64[targets], NaN not known; used with per_m2 alone.

    Waste of a period above the threshold is what is above it.
    """
    area = floor_area_m2[:, None] if rule.per_m2 else np.ones((len(floor_area_m2), 1))
    value = amounts.amount / area
    back_at = rule.threshold if rule.clear_threshold is None else rule.clear_threshold
    known = amounts.coverage >= rule.minimum_coverage
    limit = np.full(value.shape, rule.threshold)
    if rule.comparator is Comparator.BELOW:
        return Found.of(value, limit, breach=value < rule.threshold, clear=value >= back_at, known=known)
    waste = (value - rule.threshold) * area
    breach, clear = value > rule.threshold, value <= back_at
    return Found.of(value, limit, breach=breach, clear=clear, known=known, waste=waste)
