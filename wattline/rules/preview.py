"""Runs a rule over stored history, with the engine and the evaluators that run it in the present."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analytics.alerts import STATES
from analytics.counters import NEVER_US
from analytics.replay import LONGEST_US, Episodes, Replay
from core.alerts import Target
from core.batch import F64
from core.catalog import Catalog
from core.model import Comparator
from core.ports import Registry, TimeSeriesStore
from core.preview import Episode, Highest, PreviewRefused, RulePreview, Telling, Totals
from core.rules import Deviation, FigureCondition, NoData, PowerFactorLow, Rule
from wattline.rules.advice import advice
from wattline.rules.history import FigureHistory, History, ReadingHistory
from wattline.rules.inhibited import Inhibited
from wattline.rules.silence_history import SilenceHistory
from wattline.rules.told_then import ToldThen
from wattline.rules.unknown import unknown
from wattline.stages.alert_changes import unit_of, where

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
        # One that is disabled is tried before it is enabled.
        history = history_of(replace(rule, enabled=True), self._store, self._registry, catalog)
        rows = history.rows(from_us, to_us)
        if rows > MOST_ROWS:
            raise PreviewRefused(
                "to",
                f"{(to_us - from_us) / 86_400e6:g} days",
                f"takes {rows / 1e6:,.0f} million readings, and {MOST_ROWS / 1e6:.0f} million is the most: "
                "ask for a shorter span, or narrow the rule's select",
            )
        span_us = history.begins_us(from_us, to_us), to_us
        inhibited = Inhibited.of(rule, history.targets, self._registry, catalog, span_us)
        found, replay = _replayed(history, from_us, to_us, inhibited)
        then = ToldThen(rule, self._registry, catalog)
        tellings = _tellings(found, history.targets, then, to_us)
        totals = _totals(found, tellings, replay, (from_us, to_us))
        highest = _highest(rule, replay)
        return RulePreview(
            rule,
            from_us,
            to_us,
            unit_of(rule.condition),
            totals,
            highest,
            _longest(found, tellings, history.targets, catalog, to_us),
            advice(rule, totals, highest),
            unknown(history, inhibited, (from_us, to_us)),
        )


def history_of(
    rule: Rule, store: TimeSeriesStore, registry: Registry, catalog: Catalog
) -> History | SilenceHistory:
    """Where what a rule looks at is stored."""
    references = registry.references()
    condition = rule.condition
    if isinstance(condition, FigureCondition):
        return FigureHistory.of(rule, store, catalog, references)
    if isinstance(condition, NoData):
        return SilenceHistory.of(rule, store, catalog, references.calendars)
    return ReadingHistory.of(rule, store, catalog, references.calendars)


def _replayed(
    history: History | SilenceHistory, from_us: int, to_us: int, inhibited: Inhibited
) -> tuple[Episodes, Replay]:
    if isinstance(history, SilenceHistory):
        return history.replayed(from_us, to_us, inhibited)
    replay = Replay(history.terms, from_us, inhibited.held)
    for seen in history.stretches(from_us, to_us):
        replay.see(seen)
    return replay.end(to_us), replay


def _check_span(from_us: int, to_us: int) -> None:
    if to_us <= from_us:
        raise PreviewRefused("to", "the same or earlier", "must be after from")
    if to_us - from_us > LONGEST_US:
        days = LONGEST_US // 86_400_000_000
        raise PreviewRefused("to", "too far from from", f"ask for at most {days} days")


def _tellings(found: Episodes, targets: list[Target], then: ToldThen, to_us: int) -> list[Telling]:
    """Of every alert, when anybody would have been told."""
    live_us, ended_us = (
        [None if one == NEVER_US else one for one in column.tolist()]
        for column in (found.live_us, found.ended_us)
    )
    return [
        then.telling(targets[watch], live, ended, to_us)
        for watch, live, ended in zip(found.watch.tolist(), live_us, ended_us, strict=True)
    ]


def _totals(found: Episodes, tellings: list[Telling], replay: Replay, span_us: tuple[int, int]) -> Totals:
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
        sum(one.told_us is None for one in tellings),
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


def _longest(
    found: Episodes, tellings: list[Telling], targets: list[Target], catalog: Catalog, to_us: int
) -> tuple[Episode, ...]:
    lasted_us = _lasted_us(found, to_us)
    longest = np.argsort(-lasted_us, kind="stable")[:_MOST_EPISODES]
    places = {target: where(target, catalog)[0] for target in targets}
    of = [targets[watch] for watch in found.watch[longest].tolist()]
    return tuple(
        _episode(found, row, (target, places[target]), tellings[row], float(lasted_us[row]))
        for row, target in zip(longest.tolist(), of, strict=True)
    )


def _episode(
    found: Episodes, row: int, of: tuple[Target, str], telling: Telling, lasted_us: float
) -> Episode:
    ended_us, waste = int(found.ended_us[row]), float(found.waste[row])
    return Episode(
        *of,
        int(found.since_us[row]),
        int(found.fired_us[row]),
        None if ended_us == NEVER_US else ended_us,
        STATES[found.state[row]],
        lasted_us / 1e6,
        float(found.silent_us[row]) / 1e6,
        float(found.peak[row]),
        float(found.limit[row]),
        None if np.isnan(waste) else waste,
        bool(found.history[row]),
        telling,
    )
