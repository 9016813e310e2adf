"""Watches what rules on figures say, a round a minute: reads, lets alerts move, records, remembers.

Runs in one process of an estate, in a thread of its own, beside ingest. Event time of what is
seen is the end of the period that it is about; of a running demand window, its newest reading.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from analytics import alerts
from analytics.alerts import AlertsState, Observations, Terms
from analytics.figure_rules.spans import LONGEST_US, ended, period_of_rule, silent_us
from analytics.inhibition import held_back
from analytics.selection import Selection
from analytics.waste import waste
from api.accounts import Accounts
from api.estate import estate_of
from api.ledger import Ledger
from api.services import Limits
from core.alerting import AlertQuery
from core.alerts import OPEN, AlertChange, AlertState, Target, TargetKind, Waste
from core.batch import I32, I64, Mask
from core.catalog import Catalog
from core.errors import StoreError
from core.ports import Registry, TimeSeriesStore
from core.reference import References
from core.rules import DemandProjected, FigureCondition, Period, Rule
from wattline.figures.history import History
from wattline.figures.looks import running_windows
from wattline.figures.reads import WAIT_US, Looking
from wattline.figures.rounds import Question, holds, joined, judged, observations
from wattline.figures.saved import Saved, load, save
from wattline.figures.targets import Group, groups_of
from wattline.figures.terms import MOST, terms_of
from wattline.stages.alert_changes import changes

log = logging.getLogger(__name__)

CHECKPOINT = "figures"

SETTLE_US = 2 * 60_000_000
"""So long after a period's end it is looked at for the first time: its last readings must be booked."""

RETRY_US = 5 * 60_000_000
"""A period of which something is missing is looked at again after so long, until WAIT_US have passed."""

_NEVER_STALE_US = 1 << 62

_MOST_OPEN = 10_000
"""So many open alerts are looked at that may hold others back."""

_FIRING = alerts.STATES.index(AlertState.FIRING)


@dataclass(slots=True)
class Watched:
    """A rule's group of targets and the numbers of their watches, ascending."""

    rule: Rule
    group: Group
    watch: I32
    next_us: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What it was looked at up to is kept under this."""
        return self.rule.id, self.group.key


@dataclass(slots=True)
class _Known:
    """What the watches were made for; another object of any of them makes new watches."""

    catalog: Catalog
    references: References
    rules: list[Rule]
    watched: list[Watched]
    watches: list[tuple[Rule, Target]] = field(default_factory=list)
    orphans: int = 0


class FigureWatch:
    """Keeps the state of every rule on figures and target."""

    def __init__(
        self,
        store: TimeSeriesStore,
        registry: Registry,
        catalog: Callable[[], Catalog],
        publish: Callable[[AlertChange], None],
        now_us: Callable[[], int],
    ) -> None:
        """publish: given each change that was news, after it is durable."""
        self._store, self._registry, self._catalog = store, registry, catalog
        self._publish, self._now_us = publish, now_us
        self._ledger = Ledger(store, Limits())
        self._known: _Known | None = None
        self._state = AlertsState.empty(0)
        self._until_us: dict[tuple[str, str], int] = {}
        self._histories: dict[tuple[str, str], History] = {}
        self._started_us: int | None = None
        self._failing = False

    def round(self) -> None:
        """Look at what is due now; if the stores can't serve, say so once and leave it for the next round."""
        try:
            self._round(self._now_us())
        except StoreError as error:
            if not self._failing:
                log.warning("rules on figures wait for the stores: %s", error)
            self._failing = True
        else:
            self._failing = False

    def states(self) -> dict[tuple[str, str], AlertState]:
        """State of every watch by rule id and target."""
        watches = self._known.watches if self._known else []
        return {
            (rule.id, str(target)): alerts.STATES[code]
            for (rule, target), code in zip(watches, self._state.state.tolist(), strict=True)
        }

    def _round(self, now_us: int) -> None:
        if self._started_us is None:
            saved = self._restored()
            self._started_us, self._until_us, self._state = now_us, saved.until_us, saved.state
            known = self._fit(saved.watches)
        else:
            known = self._fit(None)
        until_us = dict(self._until_us)
        # The state is replaced once everything is recorded: what fails is done again as a whole.
        state = self._state.chosen(list(range(len(self._state.state))))
        seen, behind = self._look(known, until_us, now_us)
        terms = self._terms(known, behind)
        state, moved = alerts.step(state, seen, terms)
        state, silent = alerts.tick(state, now_us, terms)

        def worth(rule: Rule, target: Target, amount: float, at_us: int) -> Waste | None:
            place = (
                target.id if target.kind is TargetKind.PLACE else known.catalog.devices[target.id].place_id
            )
            return waste(
                rule.condition,
                amount,
                catalog=known.catalog,
                references=known.references,
                place_id=place,
                at_us=at_us,
            )

        found = [
            change
            for part in (moved, silent)
            for change in changes(part, known.watches.__getitem__, known.catalog, worth)
        ]
        news = self._registry.record_alerts(found, now_us)
        if until_us != self._until_us or found or known.orphans:
            names = [(rule.id, str(target)) for rule, target in known.watches]
            self._registry.save_checkpoint(CHECKPOINT, save(Saved(names, until_us, state), now_us))
        self._state, self._until_us = state, until_us
        if known.orphans:  # they are stale now, and nobody watches them any more
            known.watches = known.watches[: len(known.watches) - known.orphans]
            self._state = state.chosen(list(range(len(known.watches))))
            known.orphans = 0
        for change in news:
            self._publish(change)

    def _restored(self) -> Saved:
        checkpoint = self._registry.load_checkpoint(CHECKPOINT)
        return (None if checkpoint is None else load(checkpoint.state)) or Saved([], {}, AlertsState.empty(0))

    def _fit(self, saved: list[tuple[str, str]] | None) -> _Known:
        """Watches of what is registered now; each that was there before keeps its state.

        saved: names of the watches of a restored state. One that is gone while its alert is open
        stays for this round, in which it becomes stale.
        """
        catalog, references = self._catalog(), self._registry.references()
        every = self._registry.rules()
        rules = [one for one in every if one.enabled and isinstance(one.condition, FigureCondition)]
        known = self._known
        if known and known.catalog is catalog and known.references is references and known.rules == rules:
            return known
        estate, selection = estate_of(catalog), Selection(catalog)
        watches: list[tuple[Rule, Target]] = []
        watched = []
        for rule in rules:
            for group in groups_of(rule, estate, selection, references):
                numbers = np.arange(len(watches), len(watches) + len(group.targets), dtype=np.int32)
                watches += [(rule, target) for target in group.targets]
                watched.append(Watched(rule, group, numbers))
        before = saved if known is None else [(rule.id, str(target)) for rule, target in known.watches]
        at = {name: number for number, name in enumerate(before or [])}
        numbers_before = [at.pop((rule.id, str(target)), -1) for rule, target in watches]
        ever = {one.id: one for one in [*(known.rules if known else []), *every]}
        orphans = [
            (name, number)
            for name, number in at.items()
            if self._state.state[number] == _FIRING and name[0] in ever
        ]
        watches += [(ever[rule], Target.parse(target)) for (rule, target), _ in orphans]
        self._state = self._state.chosen([*numbers_before, *(number for _, number in orphans)])
        keys = {one.key for one in watched}
        self._histories = {key: one for key, one in self._histories.items() if key in keys}
        self._known = _Known(catalog, references, rules, watched, watches, len(orphans))
        return self._known

    def _look(
        self, known: _Known, until_us: dict[tuple[str, str], int], now_us: int
    ) -> tuple[Observations, list[Watched]]:
        """What is seen now, and of what more is to come; moves until_us on."""
        started_us = now_us if self._started_us is None else self._started_us
        final_us = now_us - WAIT_US if now_us - started_us >= WAIT_US else 0
        accounts = Accounts(estate_of(known.catalog), self._ledger, now_us)
        seen, asked, behind = [], [], []
        for one in known.watched:
            condition = one.rule.condition
            if isinstance(condition, DemandProjected):
                seen.append(self._window(condition, one, known, accounts, now_us))
                continue
            if now_us < one.next_us:
                behind.append(one)
                continue
            look = self._looking(one, known, accounts, until_us, now_us=now_us, final_us=final_us)
            if len(look.spans):
                asked.append((one, look))
        questions = [Question(one.rule.condition, look) for one, look in asked]  # type: ignore[arg-type]
        for (one, look), found in zip(asked, judged(questions), strict=True):
            spans, most = look.spans, silent_us(one.rule.condition)
            late = now_us - spans.end_us > most
            active = holds(one.rule.active, one.group, spans)
            seen.append(observations(found, one.watch, spans.end_us, late, active))
            done = (spans.end_us <= final_us) | found.known.all(axis=0)
            finished = len(done) if done.all() else int(np.argmin(done))
            if finished:
                until_us[one.key] = int(spans.end_us[finished - 1])
            if finished < len(done):
                one.next_us = now_us + RETRY_US
                behind.append(one)
            elif len(ended(one.rule.condition, until_us[one.key], now_us - SETTLE_US, one.group.timezone)):
                behind.append(one)
        return joined(seen), behind

    def _looking(
        self,
        one: Watched,
        known: _Known,
        accounts: Accounts,
        until_us: dict[tuple[str, str], int],
        *,
        now_us: int,
        final_us: int,
    ) -> Looking:
        """What to look at: periods that have ended since, or the last one of a rule that is new."""
        condition, timezone = one.rule.condition, one.group.timezone
        period = period_of_rule(condition)
        after_us = until_us.get(one.key)
        first_us = now_us - SETTLE_US - 2 * LONGEST_US[period] if after_us is None else after_us
        spans = ended(condition, first_us, now_us - SETTLE_US, timezone)
        spans = spans.take(slice(-1, None)) if after_us is None else spans.take(slice(0, MOST[period]))
        if not len(spans) and after_us is None:
            until_us[one.key] = first_us
        return Looking(
            one.rule.id,
            one.group,
            spans,
            accounts,
            self._store,
            known.references,
            final_us,
            self._histories,
        )

    def _window(
        self, condition: DemandProjected, one: Watched, known: _Known, accounts: Accounts, now_us: int
    ) -> Observations:
        spans = ended(condition, now_us - 2 * LONGEST_US[Period.QUARTER_HOUR], now_us, one.group.timezone)
        look = Looking(one.rule.id, one.group, spans, accounts, self._store, known.references, now_us)
        window = running_windows(condition, look, self._store, now_us)
        active = holds(one.rule.active, one.group, spans.take(slice(-1, None)))
        newest_us: I64 = window.newest_us[:, None]
        return observations(window.found, one.watch, newest_us, np.zeros(1, np.bool_), active)

    def _terms(self, known: _Known, behind: list[Watched]) -> Terms:
        """How long things must last; a watch that is yet to be looked at is not silent."""
        terms = terms_of([rule for rule, _ in known.watches])
        terms.silent_us[len(known.watches) - known.orphans :] = 0
        for one in behind:
            terms.silent_us[one.watch] = _NEVER_STALE_US
        held = self._held_back(known)
        return terms if held is None else replace(terms, held_back=held)

    def _held_back(self, known: _Known) -> Mask | None:
        """Watches that an open alert of a rule they name holds back."""
        named = tuple(sorted({name for one in known.watched for name in one.rule.inhibited_by}))
        if not named:
            return None
        open_: dict[str, set[Target]] = defaultdict(set)
        for record in self._registry.alerts(AlertQuery(states=OPEN, rules=named, limit=_MOST_OPEN)):
            open_[record.alert.rule_id].add(record.alert.target)
        return held_back(_Inhibited.of(known), open_, known.catalog)


@dataclass(frozen=True, slots=True)
class _Inhibited:
    """The watches as analytics.inhibition asks for them."""

    rules: list[Rule]
    rule: I32
    watches: list[tuple[Rule, Target]]

    @classmethod
    def of(cls, known: _Known) -> "_Inhibited":
        by_id = {rule.id: rule for rule, _ in known.watches}
        number = {id_: row for row, id_ in enumerate(by_id)}
        return cls(
            list(by_id.values()),
            np.array([number[rule.id] for rule, _ in known.watches], np.int32),
            known.watches,
        )

    def target(self, number: int) -> tuple[Rule, Target]:
        """What a watch is of, and about."""
        return self.watches[number]
