"""What a rule on figures would have seen in a span of stored history."""

import numpy as np

from analytics.alerts import Observations, Terms
from analytics.figure_rules.spans import ended, period_of_rule
from analytics.selection import Selection
from api.accounts import Accounts
from api.estate import Estate
from api.ledger import Ledger
from api.services import Limits
from core.alerts import Target
from core.ports import TimeSeriesStore
from core.reference import References
from core.rules import FigureCondition, QuotaBurn, Rule
from wattline.figures.history import History
from wattline.figures.reads import Looking
from wattline.figures.rounds import Question, holds, joined, judged, observations
from wattline.figures.targets import groups_of
from wattline.figures.terms import MOST, terms_of

_AT_ONCE = 750_000
"""Periods of all targets that are judged at once: a month of 1,000 meters, with half a gigabyte to do it."""


def looked_back(
    rule: Rule,
    store: TimeSeriesStore,
    estate: Estate,
    references: References,
    *,
    from_us: int,
    until_us: int,
) -> tuple[list[Target], Observations, Terms]:
    """Targets, what each of them would have seen in periods that ended in the span, and the rule's terms.

    A watch is the number of its target in the list. Everything is judged as the estate stands
    now and by what is stored now; of demand, windows that have ended. Raises StoreError.
    """
    condition = rule.condition
    if not isinstance(condition, FigureCondition):
        raise TypeError(f"{rule.id} is no rule on figures")
    targets: list[Target] = []
    seen: list[Observations] = []
    histories: dict[tuple[str, str], History] = {}
    accounts = Accounts(estate, Ledger(store, Limits()), until_us)
    for group in groups_of(rule, estate, Selection(estate.catalog), references):
        watch = np.arange(len(targets), len(targets) + len(group.targets), dtype=np.int32)
        targets += group.targets
        every = ended(condition, from_us, until_us, group.timezone)
        # What is usual is worked out for the days before each look: few long ones are cheaper.
        at_once = max(_AT_ONCE // max(len(group.targets), 1), MOST[period_of_rule(condition)])
        if isinstance(condition, QuotaBurn):  # of a quota only the last day of a look is judged
            at_once = 1
        for first in range(0, len(every), at_once):
            spans = every.take(slice(first, first + at_once))
            look = Looking(rule.id, group, spans, accounts, store, references, until_us, histories)
            (found,) = judged([Question(condition, look)])
            active = holds(rule.active, group, spans)
            seen.append(observations(found, watch, spans.end_us, np.zeros(len(spans), np.bool_), active))
    return targets, joined(seen), terms_of([rule] * len(targets))
