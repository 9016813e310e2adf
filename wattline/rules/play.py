"""Plays a case of rules through the product: real stores, real derivation, and time that is given.

The message broker and the wall clock alone are left out: readings come as columns, each with
the time at which it was received.
"""

import asyncio
import json
import shutil
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from analytics.alerts import STATES
from core.alerting import AlertQuery
from core.alerts import OPEN, Target
from core.batch import PositionBatch, ReadingBatch
from core.errors import RejectReason
from core.ports import DeadLetter
from ingest.normalise import Normalised
from ingest.validate import validate
from storage.duckdb import DuckDBStore
from storage.registry import SqlRegistry, open_registry
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.figures.watch import FigureWatch
from wattline.rules.case import Case
from wattline.rules.expect import WORDS, Line
from wattline.rules.points import Point
from wattline.rules.told import Teller
from wattline.stages.derive import Derivation
from wattline.stages.state import Known

_HISTORY_ROWS = 50_000
"""What came before the ticks is derived in batches of so many readings."""


_MOST_ALERTS = 10_000


@dataclass(slots=True)
class Story:
    """What a case did: transitions as timelines have them, states and open alerts at the times looked at."""

    transitions: list[Line] = field(default_factory=list)
    states: dict[int, dict[tuple[str, str], str]] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    told: list[Line] = field(default_factory=list)


def _feed() -> LiveFeed:
    """Nobody listens to it, and the broker is there."""
    loop = asyncio.new_event_loop()
    loop.close()
    feed = LiveFeed(loop)
    feed.is_connected = lambda: True
    return feed


class _Process:
    """What one process that evaluates rules is made of."""

    def __init__(self, store: DuckDBStore, url: str, now_us: int) -> None:
        self.registry: SqlRegistry = open_registry(url)
        self.catalogs = Catalogs(self.registry)
        feed = _feed()
        calendars = self.registry.references().calendars
        known = Known.of(self.catalogs.current, self.registry.rules(), calendars)
        self.derivation = Derivation(store, self.registry, feed, known)
        self.derivation.restore()
        feed.is_connected = lambda: False  # as at every start: silence counts from here on
        self.derivation.show(now_us)
        feed.is_connected = lambda: True
        self._now_us = now_us
        self._teller = Teller(self.registry, lambda: self.catalogs.current)
        self._figures = FigureWatch(
            store, self.registry, lambda: self.catalogs.current, feed.publish, lambda: self._now_us
        )

    def tick(self, now_us: int) -> list[Line]:
        """What is done by the clock, once; returns what people are told."""
        derivation = self.derivation
        derivation.flush()
        while derivation.settle_one(now_us):
            pass
        derivation.show(now_us)
        self._now_us = now_us
        self._figures.round()
        return self._teller.tell(now_us)

    def states(self) -> Iterator[tuple[tuple[str, str], str]]:
        """((rule, target), state) of every watch."""
        known, state = self.derivation.known, self.derivation.state
        for watches, alerts in ((known.watches, state.alerts), (known.silence, state.silent)):
            for number, code in enumerate(alerts.state.tolist()):
                rule, target = watches.target(number)
                yield (rule.id, target.id), STATES[code].value
        for (rule_id, of_figures), said in self._figures.states().items():
            yield (rule_id, Target.parse(of_figures).id), said.value


def play(case: Case, folder: Path, template: Path | None = None) -> Story:
    """Let a case happen over new stores in an empty folder.

    template: an empty registry file of this version to begin with; making one takes a while.
    """
    player = _Player(case, folder, template)
    try:
        player.run()
    finally:
        player.close()
    return player.story


class _Player:
    def __init__(self, case: Case, folder: Path, template: Path | None) -> None:
        self.case, self.story = case, Story()
        file = folder / "registry.sqlite"
        if template is not None:
            shutil.copy(template, file)
        self._url = f"sqlite:///{file}"
        self._file = folder / "case.duckdb"
        self._store = DuckDBStore(self._file, threads=1)
        with self._registry() as registry:
            registry.put_references(case.references)
            registry.put_estate(case.estate)
            for silence in case.silences:
                registry.put_silence(silence)
            registry.add_registers(sorted({(point.device, point.quantity) for point in case.points}))
        self._processes: list[_Process] = []

    def run(self) -> None:
        """Everything in the order in which it is received; ticks and restarts between."""
        case = self.case
        before = [point for point in case.points if point.received_us < case.from_us]
        after = case.points[len(before) :]
        self._start(before[0].received_us if before else case.from_us)
        for first in range(0, len(before), _HISTORY_ROWS):
            self._receive(before[first : first + _HISTORY_ROWS])
        looks_us = case.expected.looks_us()
        ticks_us = {*range(case.from_us, case.until_us + 1, case.tick_us), case.until_us, *looks_us}
        stops_us = {*case.restarts_us, *case.crashes_us}
        times_us = sorted(at_us for at_us in ticks_us | stops_us if at_us <= case.until_us)
        # What is received until the next tick is one batch, as in the product.
        came = {
            times_us[at]: list(rows)
            for at, rows in groupby(after, lambda point: bisect_left(times_us, point.received_us))
            if at < len(times_us)
        }
        for now_us in times_us:
            if now_us in came:
                self._receive(came[now_us])
            if now_us in stops_us:
                self._stop(crash=now_us in case.crashes_us)
                self._start(now_us)
            if now_us in ticks_us:
                for process in self._processes:
                    self.story.told += process.tick(now_us)
            if now_us in looks_us:
                self._look(now_us)
        self.story.transitions = list(_told_by_timelines(self._processes[0].registry))

    def close(self) -> None:
        """Release the stores."""
        for process in self._processes:
            process.registry.close()
        self._store.close()

    def _start(self, now_us: int) -> None:
        for _ in range(self.case.processes):
            self._processes.append(_Process(self._store, self._url, now_us))

    def _stop(self, *, crash: bool) -> None:
        """Nothing but the stores is left, and a checkpoint unless this is a crash."""
        for process in self._processes:
            if not crash:
                process.derivation.save()
        self.close()
        self._processes = []
        self._store = DuckDBStore(self._file, threads=1)

    def _receive(self, points: list[Point]) -> None:
        """Check, store and derive readings; what is wrong with them goes to the dead letters."""
        first = self._processes[0]
        known, newest = first.derivation.known, first.derivation.state.newest
        rows = normalised(points, known)
        accepted = validate(rows, known.catalog, known.columns, newest.last_us, newest.last_value)
        self._store.append(accepted.readings, PositionBatch.empty())
        if accepted.rejected:
            first.registry.put_dead_letters(
                [_dead(points[one.message], one.reason, one.detail) for one in accepted.rejected]
            )
        for process in self._processes:
            process.derivation.derive(accepted.readings, PositionBatch.empty())
            process.derivation.flush_alerts()

    def _look(self, now_us: int) -> None:
        self.story.states[now_us] = dict(state for process in self._processes for state in process.states())
        query = AlertQuery(states=OPEN, limit=_MOST_ALERTS)
        self.story.open[now_us] = len(self._processes[0].registry.alerts(query))

    @contextmanager
    def _registry(self) -> Iterator[SqlRegistry]:
        registry = open_registry(self._url)
        try:
            yield registry
        finally:
            registry.close()


def _told_by_timelines(registry: SqlRegistry) -> Iterator[Line]:
    """What telemetry did to every alert, as its timeline has it."""
    for record in registry.alerts(AlertQuery(limit=_MOST_ALERTS)):
        alert = record.alert
        for event in registry.timeline(alert.id):
            if event.kind.value in WORDS:
                history = bool(event.detail.get("retrospective"))
                yield Line(event.at_us, event.kind.value, alert.rule_id, alert.target.id, history)


def normalised(points: list[Point], known: Known) -> Normalised:
    """Points as the columns that decoding and normalising messages gives; gauges with their ratio."""
    registers = [known.catalog.register_of[point.device, point.quantity] for point in points]
    ratios = [1.0 if known.columns.is_counter[one.id] else one.ratio for one in registers]
    readings = ReadingBatch(
        np.array([register.id for register in registers], np.int32),
        np.array([point.event_time_us for point in points], np.int64),
        np.array([point.value for point in points], np.float64) * np.array(ratios, np.float64),
        np.zeros(len(points), np.uint8),
        np.array([point.received_us for point in points], np.int64),
    )
    numbers = np.arange(len(points))
    return Normalised(readings, numbers, PositionBatch.empty(), numbers[:0], [], [])


def _dead(point: Point, reason: RejectReason, detail: str) -> DeadLetter:
    payload = json.dumps({"ts": point.event_time_us // 1000, point.quantity: point.value}).encode()
    topic = f"wattline/v1/{point.device}/readings"
    return DeadLetter(point.received_us, topic, payload, reason, detail)
