"""Places among their peers: same category, same climate zone, by use per m² or per person.

A place is ranked only if its year was measured well enough to compare; the others are
listed all the same, with their coverage, so that none disappears for measuring badly.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import F64, I64, Mask

LEAST_COVERAGE = 0.9
"""Measured share of the time below which a place is not ranked."""

FEW_PEERS = 5
"""Ranked places below which a group says little, and its answer says so."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """One row a place, as they came in.

    value: use per m² or per person; NaN where one of the two is not known. ranked: whether
    it takes part. rank: 1 for the least use; equal values share a rank; 0: not ranked.
    peers: ranked places of its group, itself included. median: of the ranked of its group;
    NaN if none is. above_share: value over the median less 1; NaN where not ranked.
    """

    value: F64
    ranked: Mask
    rank: I64
    peers: I64
    median: F64
    above_share: F64


def intensity(amount: F64, size: F64) -> F64:
    """Amount per m² or per person; NaN where the amount or the size is unknown or the size is 0."""
    known = ~np.isnan(size) & (size > 0)
    return np.where(known, amount / np.where(known, size, 1.0), np.nan)


def rank(
    amount: F64, size: F64, coverage: F64, group: I64, least_coverage: float = LEAST_COVERAGE
) -> Ranking:
    """Rank places inside their groups.

    amount, size (m² or people), coverage: float64[n]. group: int64[n], equal for peers.
    """
    value = intensity(amount, size)
    ranked: Mask = ~np.isnan(value) & (coverage >= least_coverage)
    n = len(value)
    places, peers = np.zeros(n, np.int64), np.zeros(n, np.int64)
    median = np.full(n, np.nan)
    for one in np.unique(group).tolist():
        members = group == one
        taking_part = members & ranked
        peers[members] = taking_part.sum()
        if taking_part.any():
            values = value[taking_part]
            places[taking_part] = 1 + np.searchsorted(np.sort(values), values, "left")
            median[members] = np.median(values)
    above = np.where(ranked & (median > 0), value / np.where(median > 0, median, 1.0) - 1, np.nan)
    return Ranking(value, ranked, places, peers, median, above)
