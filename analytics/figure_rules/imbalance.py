"""A meter less the meters below it: leak, theft, a dead sub-meter or a wrong ratio."""

import numpy as np

from analytics.balance import Verdict, judged
from analytics.figure_rules.found import Found
from analytics.grouping import Amounts
from core.batch import F64
from core.rules import Imbalance


def imbalance(rule: Imbalance, amounts: Amounts, classes: F64) -> Found:
    """One target: amounts is [1 + c, p], row 0 the parent, and so are classes (accuracy in percent).

    value: parent less children; below 0 the children count more than went in. limit: on the
    side of the value, the larger of what accuracy explains and share of the parent. Waste is
    what is missing beyond accuracy; what children count too much is none.
    """
    said = judged(amounts.amount, amounts.coverage, amounts.due, classes, rule.minimum_coverage)
    size = np.maximum(said.tolerance, rule.share * np.abs(said.parent))
    known = np.array([one is not Verdict.NOT_JUDGED for one in said.verdict])
    beyond = np.array([one in {Verdict.UNMETERED, Verdict.CHILDREN_EXCEED} for one in said.verdict])
    breach = beyond & (np.abs(said.rest) > size)
    waste = np.where(said.rest > 0, said.rest - said.tolerance, np.nan)
    return Found.of(
        said.rest[None, :],
        np.where(said.rest < 0, -size, size)[None, :],
        breach=breach[None, :],
        clear=~breach[None, :],
        known=known[None, :],
        waste=waste[None, :],
    )
