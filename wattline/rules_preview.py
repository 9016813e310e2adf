"""Runs a rule over stored history, with the engine and the evaluators that run it in the present."""

from collections.abc import Callable

import numpy as np

from analytics.alerts import STATES
from analytics.counters import NEVER_US
from analytics.replay import LONGEST_US, Episodes, Replay
from core.alerts import Target, TargetKind
from core.batch import F64
from core.catalog import Catalog
from core.model import Comparator
from core.ports import Registry, TimeSeriesStore
from core.preview import Episode, Highest, PreviewRefused, RulePreview, Totals
from core.rules import Deviation, FigureCondition, NoData, PowerFactorLow, Rule
from wattline.alert_changes import unit_of
from wattline.rules_advice import advice
from wattline.rules_history import FigureHistory, History, ReadingHistory

MOST_ROWS = 60_000_000
"""Stored rows that one preview may read: some 30 s."""

_MOST_EPISODES = 500
_WEEK_US = 7 * 86_400_000_000


class RulePreviewer:
    """A core.preview.Previewer over the stores of this process."""

    def __init__(self, store: TimeSeriesStore, registry: Registry, catalog: Callable[[], Catalog]) -> None:
        self._store, self._registry, self._catalog = store, registry, catalog

    def preview(self, rule: Rule, from_us: int, to_us: int) -> RulePreview:
        """What a rule would have said; raises PreviewRefused, StoreError."""
        catalog = self._catalog()
        _check_span(from_us, to_us)
        history = history_of(rule, self._store, self._registry, catalog)
        rows = history.rows(from_us, to_us)
        if rows > MOST_ROWS:
            raise PreviewRefused(
                "to",
                f"{(to_us - from_us) / 86_400e6:g} days",
                f"takes {rows / 1e6:,.0f} million readings, and {MOST_ROWS / 1e6:.0f} million is the most: "
                "ask for a shorter span, or narrow the rule's select",
            )
        replay = Replay(history.terms, from_us)
        for seen in history.stretches(from_us, to_us):
            replay.see(seen)
        found = replay.end(to_us)
        totals = _totals(found, replay, (from_us, to_us))
        highest = _highest(rule, replay)
        return RulePreview(
            rule,
            from_us,
            to_us,
            unit_of(rule.condition),
            totals,
            highest,
            _told(found, history.targets, catalog, to_us),
            advice(rule, totals, highest),
        )


def history_of(rule: Rule, store: TimeSeriesStore, registry: Registry, catalog: Catalog) -> History:
    """Where what a rule looks at is stored; raises PreviewRefused where it is not."""
    references = registry.references()
    condition = rule.condition
    if isinstance(condition, FigureCondition):
        return FigureHistory.of(rule, store, catalog, references)
    if isinstance(condition, NoData):
        raise PreviewRefused(
            "rule.condition.kind", "no_data", "silence is not kept: try it with `rules test`"
        )
    return ReadingHistory.of(rule, store, catalog, references.calendars)


def _check_span(from_us: int, to_us: int) -> None:
    if to_us <= from_us:
        raise PreviewRefused("to", "the same or earlier", "must be after from")
    if to_us - from_us > LONGEST_US:
        days = LONGEST_US // 86_400_000_000
        raise PreviewRefused("to", "too far from from", f"ask for at most {days} days")


def _totals(found: Episodes, replay: Replay, span_us: tuple[int, int]) -> Totals:
    from_us, to_us = span_us
    lasted_s = _lasted_us(found, to_us) / 1e6
    targets, seen = len(replay.terms.for_us), replay.seen
    known = ~np.isnan(found.waste)
    return Totals(
        targets,
        len(np.unique(found.watch)),
        int(seen.count.sum()),
        round(float(seen.covered_us.sum()) / (targets * (to_us - from_us)), 4) if targets else 0.0,
        len(found),
        int(found.history.sum()),
        int((found.ended_us == NEVER_US).sum()),
        round(len(found) * _WEEK_US / (to_us - from_us), 2),
        float(lasted_s.sum()),
        float(lasted_s.max(initial=0.0)),
        float(np.median(lasted_s)) if len(found) else 0.0,
        float(found.waste[known].sum()) if known.any() else None,
    )


def _lasted_us(found: Episodes, to_us: int) -> F64:
    ended_us = np.where(found.ended_us == NEVER_US, to_us, found.ended_us)
    return (ended_us - found.fired_us).astype(np.float64)


def _highest(rule: Rule, replay: Replay) -> Highest | None:
    """Of each target that was seen its value farthest to the wrong side."""
    seen = replay.seen.count > 0
    comparator = _comparator(rule)
    if not seen.any() or comparator is None:
        return None
    above = comparator is Comparator.ABOVE
    values = replay.seen.highest[seen] if above else replay.seen.lowest[seen]
    most = values.max() if above else values.min()
    p50, p95 = np.quantile(values, [0.5, 0.95] if above else [0.5, 0.05])
    return Highest(comparator, float(p50), float(p95), float(most))


def _comparator(rule: Rule) -> Comparator | None:
    """Which side is wrong; None where both are."""
    condition = rule.condition
    if isinstance(condition, Deviation):
        return None
    if isinstance(condition, PowerFactorLow):
        return Comparator.BELOW
    stated: Comparator = getattr(condition, "comparator", Comparator.ABOVE)
    return stated


def _told(found: Episodes, targets: list[Target], catalog: Catalog, to_us: int) -> tuple[Episode, ...]:
    lasted_us = _lasted_us(found, to_us)
    longest = np.argsort(-lasted_us, kind="stable")[:_MOST_EPISODES]
    return tuple(_episode(found, row, targets, catalog, lasted_us) for row in longest.tolist())


def _episode(found: Episodes, row: int, targets: list[Target], catalog: Catalog, lasted_us: F64) -> Episode:
    target = targets[int(found.watch[row])]
    ended_us, waste = int(found.ended_us[row]), float(found.waste[row])
    return Episode(
        target,
        _place(target, catalog),
        int(found.since_us[row]),
        int(found.fired_us[row]),
        None if ended_us == NEVER_US else ended_us,
        STATES[found.state[row]],
        float(lasted_us[row]) / 1e6,
        float(found.silent_us[row]) / 1e6,
        float(found.peak[row]),
        float(found.limit[row]),
        None if np.isnan(waste) else waste,
        bool(found.history[row]),
    )


def _place(target: Target, catalog: Catalog) -> str:
    if target.kind is TargetKind.PLACE:
        return target.id
    device = target.id.rpartition("/")[0] if target.kind is TargetKind.REGISTER else target.id
    return catalog.devices[device].place_id
