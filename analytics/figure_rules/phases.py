"""Power factor and phase unbalance over periods. A line that idles says nothing, and is no silence."""

import numpy as np

from analytics.figure_rules.found import Found
from core.batch import F64, Mask
from core.rules import PowerFactorLow, Unbalance


def power_factor_low(rule: PowerFactorLow, factor: F64, mean_w: F64, known: Mask) -> Found:
    """Arrays [targets, periods]; factor and mean_w: NaN unknown. known: the meter was heard for long enough.

    While less than minimum_w flows the factor means nothing: neither breach nor clear. Where
    nothing flows there is none, and value is 1.
    """
    loaded = np.abs(mean_w) >= rule.minimum_w
    idle = known & ~np.isnan(mean_w) & ~loaded
    value = np.where(idle & np.isnan(factor), 1.0, factor)
    limit = np.full(value.shape, rule.threshold)
    return Found.of(
        value,
        limit,
        breach=loaded & (value < rule.threshold),
        clear=loaded & (value >= rule.clear_threshold),
        known=known & (loaded | idle),
    )


def unbalance(rule: Unbalance, share: F64, heard: Mask) -> Found:
    """Arrays [targets, periods]; share: of 1, NaN where the line idled. heard: all phases were read.

    Values and limits are percent. Of an idle line value is 0, and neither breach nor clear holds.
    """
    loaded = ~np.isnan(share)
    value = np.where(loaded, 100 * share, 0.0)
    limit = np.full(value.shape, rule.threshold)
    return Found.of(
        value,
        limit,
        breach=loaded & (value > rule.threshold),
        clear=loaded & (value <= rule.clear_threshold),
        known=heard,
    )
