"""Readings of a device that were not believed, as a share of a period's intervals."""

import numpy as np

from analytics.figure_rules.found import Found
from core.batch import I64, U16, Mask
from core.quality import Quality
from core.rules import Implausible

DISBELIEVED = np.uint16(Quality.DOUBTED | Quality.JUMP)
"""Flags of an interval with a reading in or beside it that was not believed, or that jumped."""


def implausible(rule: Implausible, quality: U16, heard: Mask, period: I64, periods: int) -> Found:
    """quality: uint16[targets, n], flags of 15-minute slots; heard: bool[targets, n], something is stored.

    period: int64[n], which period a slot lies in, ascending. A period in which nothing was heard
    is not known.
    """
    starts = np.searchsorted(period, np.arange(periods))
    slots = np.bincount(period, minlength=periods)
    doubted = np.add.reduceat((quality & DISBELIEVED) != 0, starts, axis=1, dtype=np.int64)
    value = doubted / slots
    limit = np.full(value.shape, rule.share)
    breach = value > rule.share
    known = np.logical_or.reduceat(heard, starts, axis=1)
    return Found.of(value, limit, breach=breach, clear=~breach, known=known)
