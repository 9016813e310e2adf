"""What will exceed what was agreed: the demand of the window that runs, and a year's quota."""

import numpy as np

from analytics.figure_rules.found import Found
from core.batch import F64, Mask
from core.rules import DemandProjected, QuotaBurn


def demand_projected(
    rule: DemandProjected, projected_w: F64, contract_w: F64, elapsed_s: F64, complete: Mask
) -> Found:
    """Hold windows against the contract of their place; arrays [targets, windows].

    projected_w: demand that the window will end with, NaN unknown. elapsed_s: how much of it has
    passed. complete: the power of every meter is known; else the projection is too low, which
    can't clear anything.
    """
    limit = rule.share * contract_w
    known = elapsed_s >= rule.earliest_s
    breach = projected_w > limit
    clear = (projected_w <= rule.clear_share * contract_w) & complete
    return Found.of(projected_w, limit, breach=breach, clear=clear, known=known & (breach | complete))


def quota_burn(rule: QuotaBurn, projected: F64, amount: F64) -> Found:
    """Hold what a year will end with against its quota, both in one unit; arrays [targets, days]."""
    value = projected / amount
    limit = np.full(value.shape, rule.share)
    return Found.of(
        value, limit, breach=value > rule.share, clear=value <= rule.clear_share, known=~np.isnan(value)
    )
