"""Water that never stops at night."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from analytics.figure_rules.found import Found
from core.batch import F64, I64, Mask
from core.rules import NightFlow

_SLOTS_AN_HOUR = 4


def least_flow(amount: F64, night: I64) -> F64:
    """The least flow of each night, in m3 an hour: float64[targets, nights]; NaN unless all of it is known.

    amount: float64[targets, n], m3 of 15-minute slots, NaN where not measured. night: int64[n],
    which night a slot lies in, from 0, ascending, none left out.
    """
    starts = np.searchsorted(night, np.arange(int(night.max(initial=-1)) + 1))
    if not len(starts):
        return np.empty((len(amount), 0))
    flow: F64 = np.minimum.reduceat(amount, starts, axis=1) * _SLOTS_AN_HOUR  # a NaN stays
    return flow


def night_flow(rule: NightFlow, flow: F64, hours: F64, first: int) -> Found:
    """Judge the nights from index `first` on, which are nights - first columns; those before are history.

    flow: least_flow. hours: float64[nights], from the end of the night before until the end of
    this one. In breach once the last rule.nights nights, this one among them, were all above;
    clear with the first that is not. Waste: what flows so at night is taken to flow all day.
    """
    above = flow > rule.threshold
    padded = np.pad(above, ((0, 0), (rule.nights - 1, 0)))
    breach: Mask = np.all(sliding_window_view(padded, rule.nights, axis=1), axis=2)
    value = flow[:, first:]
    return Found.of(
        value,
        np.full(value.shape, rule.threshold),
        breach=breach[:, first:],
        clear=~above[:, first:],
        known=~np.isnan(value),
        waste=value * hours[first:],
    )
