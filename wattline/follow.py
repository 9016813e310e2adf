"""The live view of an API that runs apart from ingest: follows the stores every second.

It starts from the pipeline's checkpoint and reads what was received since, so that it shows
the same newest readings, power and fixes without writing anything.
"""

import asyncio
import logging
from typing import TypeVar

import numpy as np

from analytics import counters, power
from core.alerting import AlertQuery
from core.alerts import OPEN, Alert, AlertChange, AlertState
from core.batch import PositionBatch, ReadingBatch
from core.errors import StoreError
from core.ports import AlertActed, LedgerChanged, PowerChanged, Registry, TimeSeriesStore, VehiclesMoved
from wattline.assemble import Parts, now_us
from wattline.shards import SLOTS
from wattline.stages.checkpoints import Checkpoints
from wattline.stages.derive import newest_fixes, places_of
from wattline.stages.state import Known, State

log = logging.getLogger(__name__)
_Rows = TypeVar("_Rows", ReadingBatch, PositionBatch)

_BEHIND_US = 2_000_000
"""A shard whose batch waits longer for the store is shown with its next one; figures are right."""

_MOST_OPEN = 10_000

_ONE_WRITER = 2  # times of receipt: where we began, and its newest


class Follower:
    """Keeps a LiveFeed up to date from what another process writes."""

    def __init__(self, parts: Parts, every_s: float = 1.0) -> None:
        self.parts = parts
        self.every_s = every_s
        self.reachable = False
        self._known = Known.of(parts.catalogs.current, [])
        self._state = State.empty(self._known)
        self._seen_us = np.zeros(SLOTS, np.int64)
        self._open: dict[str, Alert] = {}
        self._alerts_seen = 0
        parts.feed.is_connected = lambda: self.reachable

    async def run(self) -> None:
        """Follow until cancelled."""
        await asyncio.to_thread(self._restore, self.parts.registry, self.parts.store)
        while True:
            try:
                await asyncio.to_thread(self._step, self.parts.registry, self.parts.store)
                self.reachable = True
            except StoreError as error:
                if self.reachable:
                    log.warning("can't follow the stores: %s", error)
                self.reachable = False
            await asyncio.sleep(self.every_s)

    def _restore(self, registry: Registry, store: TimeSeriesStore) -> None:
        checkpoints = Checkpoints(registry)
        if checkpoints.exist():
            restored = checkpoints.everything(self._known)
            self._state = restored.state
            self._seen_us[:] = restored.since_us
        else:
            self._seen_us[:] = store.last_received_us()
        _, self._alerts_seen = registry.alerts_changed(None)
        open_now = registry.alerts(AlertQuery(states=OPEN, limit=_MOST_OPEN))
        self._open = {record.alert.id: record.alert for record in open_now}

    def _step(self, registry: Registry, store: TimeSeriesStore) -> None:
        feed, state = self.parts.feed, self._state
        self.parts.catalogs.reload()
        if len(self.parts.catalogs.current.registers) != len(self._known.catalog.registers):
            self._known = Known.of(self.parts.catalogs.current, [])
            state.grow(self._known)
        for readings, positions in store.received_after(self._since_us()):
            self._follow(self._unseen(readings), self._unseen(positions))
            self._note(readings)
            self._note(positions)
        feed.show(state.fixes, state.newest)
        known = self._known
        places = power.place_power(known.members, state.newest, state.slope_w, known.columns, now_us())
        feed.publish(PowerChanged(places))
        self._tell_alerts(registry)

    def _tell_alerts(self, registry: Registry) -> None:
        """What telemetry, people and deadlines have done since we looked last."""
        while True:
            changed, self._alerts_seen = registry.alerts_changed(self._alerts_seen)
            for record in changed:
                self._tell(record.alert)
            if not changed:
                return

    def _tell(self, alert: Alert) -> None:
        was = self._open.pop(alert.id, None)
        if alert.state in OPEN:
            self._open[alert.id] = alert
        is_new = was is None and alert.state in OPEN
        if is_new or (was is not None and _stands(was) != _stands(alert)):
            previous = AlertState.INACTIVE if was is None else was.state
            at_us = alert.resolved_at_us or alert.stale_at_us or alert.fired_at_us
            self.parts.feed.publish(AlertChange(alert, previous, at_us))
        else:
            self.parts.feed.publish(AlertActed(alert.id))

    def _follow(self, readings: ReadingBatch, positions: PositionBatch) -> None:
        known, state, feed = self._known, self._state, self.parts.feed
        readings = readings.take(np.lexsort((readings.event_time_us, readings.register)))
        counting = known.columns.is_counter[readings.register]
        state.newest, segments, _ = counters.step(state.newest, readings.take(counting), known.columns)
        state.slope_w = power.slopes(state.slope_w, segments)
        state.newest = counters.remember(state.newest, readings.take(~counting))
        if len(positions):
            state.fixes = newest_fixes(state.fixes, positions)
            feed.publish(VehiclesMoved(state.fixes))
        if counting.any():
            registers = np.unique(readings.register[counting]).tolist()
            feed.publish(LedgerChanged(places_of(known.catalog, registers)))

    def _since_us(self) -> int:
        """What was received up to here has been seen, for sure.

        Several shards write at once, so what one received earlier may come later.
        """
        writers = np.unique(self._seen_us)
        newest_us = int(writers[-1])
        return newest_us if len(writers) <= _ONE_WRITER else max(int(writers[0]), newest_us - _BEHIND_US)

    def _unseen(self, batch: _Rows) -> _Rows:
        return batch.take(batch.received_at_us > self._seen_us[batch.received_at_us % SLOTS])

    def _note(self, batch: ReadingBatch | PositionBatch) -> None:
        np.maximum.at(self._seen_us, batch.received_at_us % SLOTS, batch.received_at_us)


def _stands(alert: Alert) -> tuple[AlertState, bool]:
    return alert.state, alert.retrospective
