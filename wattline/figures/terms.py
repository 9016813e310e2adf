"""How long things must last for watches of rules on figures, and how much is looked at at once."""

from collections.abc import Sequence

import numpy as np

from analytics.alerts import Terms
from analytics.figure_rules.spans import silent_us
from core.rules import Period, Rule

MOST = {Period.QUARTER_HOUR: 192, Period.HOUR: 168, Period.DAY: 62, Period.WEEK: 9, Period.MONTH: 3}
"""Periods that are looked at at once where many have ended: memory for what is read of them."""


def terms_of(rules: Sequence[Rule]) -> Terms:
    """Terms of watches, by the rule of each; nobody is held back."""
    return Terms(
        np.array([round(rule.for_s * 1e6) for rule in rules], np.int64),
        np.array([round(rule.keep_firing_for_s * 1e6) for rule in rules], np.int64),
        np.array([silent_us(rule.condition) for rule in rules], np.int64),
        np.zeros(len(rules), np.bool_),
    )
