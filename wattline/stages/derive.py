"""What the pipeline derives from accepted readings: ledger, live power, alerts.

Runs in the pipeline's worker only. Derived rows that a store could not take yet are kept
and offered again; a checkpoint is saved only when none is waiting.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from analytics import alerts, counters, ledger, power, rules
from analytics.gateways import Gateways
from analytics.silence import observe_silence
from core.alerts import AlertChange
from core.batch import IntervalBatch, PositionBatch, ReadingBatch
from core.catalog import Catalog
from core.errors import RowsRefused, StoreError
from core.ports import (
    Checkpoint,
    LedgerChanged,
    PowerChanged,
    Registry,
    TimeSeriesStore,
    VehiclesMoved,
)
from wattline.feed import LiveFeed
from wattline.shards import WHOLE, Shard
from wattline.stages.alert_changes import Watched, changes
from wattline.stages.checkpoints import Checkpoints
from wattline.stages.forsaken import forsaken
from wattline.stages.heard_elsewhere import HeardElsewhere
from wattline.stages.held_back import HeldBack
from wattline.stages.settle import LateData, at_once, derive_all, recompute, take_over
from wattline.stages.state import Known, State
from wattline.stages.taken_up import take_up

log = logging.getLogger(__name__)


class Derivation:
    """State of the analytics and the stores that their results go to.

    fixed_before_us: intervals that start earlier stay as they are, whatever comes late.
    listening_since_us: a device that was not heard before is not silent for that.
    revised: intervals that late data and other settings have made others.
    """

    def __init__(
        self,
        store: TimeSeriesStore,
        registry: Registry,
        feed: LiveFeed,
        known: Known,
        shard: Shard = WHOLE,
    ) -> None:
        self.store = store
        self.registry = registry
        self.feed = feed
        self.known = known
        self.checkpoints = Checkpoints(registry, shard)
        self.state = State.empty(known)
        self.watermark_us = 0
        self._now_us = 0
        self.fixed_before_us = ledger.NONE_US
        self.listening_since_us = 0
        self._elsewhere = HeardElsewhere(registry, shard)
        self._gateways = Gateways.of(known.silence.behind, self._elsewhere.delay_us)
        self._held = HeldBack()
        self._saved_watermark_us = 0
        self._unsaved_intervals: list[IntervalBatch] = []
        self._unsaved_alerts: list[AlertChange] = []
        self._late_data = LateData()
        self._silence_unsaved = False
        self._rules_are_new = True
        self._doubt_unsaved = False  # something counts otherwise than when the checkpoint was saved
        self.revised = 0

    def restore(self) -> int:
        """Go on from the checkpoint and derive what was received after it; returns readings."""
        first = not self.checkpoints.has_own()
        restored = self.checkpoints.restore(self.known)
        self.state, self.watermark_us = restored.state, restored.until_us
        self.state.ledger.touched[self.state.ledger.start_us != ledger.NONE_US] = True
        if self.watermark_us > self.store.last_received_us():
            log.error("the store has lost readings that were acknowledged: it was repaired or replaced")
        count = 0
        for received in self.store.received_after(restored.since_us):
            readings, positions = restored.new(*received)
            self.derive(readings, positions)
            count += len(readings)
        self.flush()
        take_up(self.registry, self.known, self.state.silent)
        # What waits to be believed now may have been booked before: the stores are looked at again.
        waiting = self.state.newest.waiting
        for register, from_us in zip(waiting.register.tolist(), waiting.event_time_us.tolist(), strict=True):
            self.state.doubt({register: from_us})
        self._doubt_unsaved = bool(self.state.late)
        if first:
            self._save()
        return count

    def refit(self, catalog: Catalog) -> None:
        """Go on with another catalog; raises StoreError if its rules can't be read."""
        before = self.known
        if catalog.extends(before.catalog):
            self.known = before.extended(catalog)
            self.state.grow(self.known)
        else:
            calendars = self.registry.references().calendars
            self.known = Known.of(catalog, self.registry.rules(), calendars, before.shard)
            self.state.fit(before, self.known)
            self._rules_are_new = True
            changed = self.known.columns.changed(before.columns.counting())
            self.state.doubt(changed)
            self._doubt_unsaved |= bool(changed)

    def refit_rules(self) -> None:
        """Go on with the rules as they are now; raises StoreError."""
        found, calendars = self.registry.rules(), self.registry.references().calendars
        before = self.known
        if (found is not before.rules and found != before.rules) or calendars is not before.calendars:
            self.known = before.with_rules(found, calendars)
            self.state.fit(before, self.known)
            self._rules_are_new = True

    def derive(self, readings: ReadingBatch, positions: PositionBatch) -> None:
        """One step of every kind over a batch that the store has made durable."""
        known, state = self.known, self.state
        readings = readings.take(np.lexsort((readings.event_time_us, readings.register)))
        readings = counters.one_an_identity(readings)

        counting = known.columns.is_counter[readings.register]
        state.newest, segments, came_late = counters.step(
            state.newest, readings.take(counting), known.columns
        )
        self._late_data.mark(state, came_late)
        state.ledger, closed = ledger.step(state.ledger, segments)
        self._unsaved_intervals.append(closed)
        state.slope_w = power.slopes(state.slope_w, segments)
        state.newest = counters.remember(state.newest, readings.take(~counting))

        seen = rules.observe(known.watches, readings, known.columns, state.windows)
        self._held.fit(known)
        state.alerts, found = alerts.step(state.alerts, seen, known.watches.terms(self._held.readings))
        self._note_alerts(found, known.watches.target)
        state.heard(known.device_of[readings.register], readings.received_at_us)

        if len(positions):
            state.fixes = newest_fixes(state.fixes, positions)
            state.heard(positions.device, positions.received_at_us)
            moved = np.isin(state.fixes.device, positions.device)
            self.feed.publish(VehiclesMoved(state.fixes.take(moved)))
        received = [batch.received_at_us[-1] for batch in (readings, positions) if len(batch)]
        self.watermark_us = max([self.watermark_us, *map(int, received)])

    def flush(self) -> None:
        """Offer derived rows to the stores, then tell the feed; what fails stays for next time."""
        self.known.refresh()
        self.state.ledger, newest = ledger.open_rows(self.state.ledger)
        rows = [batch for batch in (*self._unsaved_intervals, newest) if len(batch)]
        self._unsaved_intervals = rows
        if rows:
            intervals = IntervalBatch.concat(rows)
            self._put(intervals)
            self._unsaved_intervals = []
            self._tell_ledger(np.unique(intervals.register).tolist())
        self.feed.show_late(self._late_spans())
        self.flush_alerts()

    def flush_alerts(self) -> None:
        """Record alert changes and tell the feed those that were news."""
        if self._unsaved_alerts:
            recorded_at_us = max(self.watermark_us, self._now_us)
            news = self.registry.record_alerts(self._unsaved_alerts, recorded_at_us)
            self._unsaved_alerts = []
            for change in news:
                self.feed.publish(change)

    def rederive(self, registers: list[int], threads: int = 2) -> None:
        """Derive all that these registers ever said again, in so many threads; nothing else may come in."""
        self._flush_before_revisions()
        columns = self.known.columns
        size = min((at_once(columns, register) for register in registers), default=1)
        parts = [registers[first : first + size] for first in range(0, len(registers), size)]
        with ThreadPoolExecutor(threads) as pool:
            ahead = [pool.submit(derive_all, self.store, columns, part) for part in parts[:threads]]
            for number in range(len(parts)):
                again = ahead.pop(0).result()
                if number + threads < len(parts):
                    ahead.append(pool.submit(derive_all, self.store, columns, parts[number + threads]))
                if again is not None:
                    self._revise(take_over(self.state, again))
        for register in registers:
            self.state.late.pop(register, None)
        self.flush()

    def settle_one(self, now_us: int) -> bool:
        """Recompute what late readings or other settings put in doubt, if it is due; says whether it was."""
        registers = self._late_data.due(self.state, self.known.columns, now_us)
        if not registers:
            return False
        self._flush_before_revisions()
        rows = recompute(self.store, self.state, self.known.columns, registers)
        self._revise(rows)
        self._late_data.done(self.state, registers)
        self.flush()  # the newest interval of the register may be another now
        return True

    def _flush_before_revisions(self) -> None:
        self.flush()  # or a row derived before the late reading would be written after its revision
        if self._doubt_unsaved:
            self._save()  # or a setting that is taken back before the next checkpoint would go unnoticed

    def _revise(self, rows: IntervalBatch) -> None:
        if len(rows):
            self._put(rows)
            self.revised += len(rows)
            self._tell_ledger(np.unique(rows.register).tolist())

    def save(self) -> None:
        """Save a checkpoint, unless nothing has come since the last."""
        self.flush()
        if self.watermark_us > self._saved_watermark_us or self._silence_unsaved:
            self._save()

    def show(self, now_us: int) -> None:
        """Tell the feed what is newest: power of every place, readings, fixes, open spans."""
        known, state = self.known, self.state
        self._notice_silence(now_us)
        self.feed.show(state.fixes, state.newest)
        places = power.place_power(known.members, state.newest, state.slope_w, known.columns, now_us)
        self.feed.publish(PowerChanged(places))

    def _notice_silence(self, now_us: int) -> None:
        """Let alerts of what is not heard any more be stale, and rules on silence have their say."""
        if not self.feed.connected():
            self.listening_since_us = now_us
        self._now_us = now_us
        known, state, since_us = self.known, self.state, self.listening_since_us
        self._held.fit(known)
        state.alerts, found = alerts.tick(state.alerts, now_us, known.watches.terms(), since_us)
        self._note_alerts(found, known.watches.target)
        if self._gateways.behind is not known.silence.behind:
            self._gateways = Gateways.of(known.silence.behind, self._elsewhere.delay_us)
        or_later(
            lambda: self._elsewhere.exchange(known, state.heard_us, since_us, now_us), "what others hear"
        )
        seen = observe_silence(
            known.silence,
            self._gateways,
            self._elsewhere.with_ours(state.heard_us),
            state.silent,
            listening_since_us=since_us,
            now_us=now_us,
            together=self._elsewhere.together,
        )
        state.silent, found = alerts.step(state.silent, seen, known.silence.terms(self._held.silence))
        self._silence_unsaved |= len(found) > 0
        self._note_alerts(found, known.silence.target)
        if or_later(self.flush_alerts, "alerts") and self._rules_are_new:
            or_later(self._leave_forsaken, "alerts that nothing watches")
        or_later(lambda: self._held.look(self.registry, known), "what is held back")

    def _leave_forsaken(self) -> None:
        """Let alerts be stale that rules or places of now have left alone."""
        self._unsaved_alerts += forsaken(self.registry, self.known, self._now_us)
        self._rules_are_new = False
        self.flush_alerts()

    def _note_alerts(self, found: alerts.Transitions, watched: Watched) -> None:
        self._unsaved_alerts += changes(found, watched, self.known.catalog)

    def _save(self) -> None:
        state = self.state.save(self.known)
        self.checkpoints.save(Checkpoint(self.watermark_us, state))
        self._saved_watermark_us = self.watermark_us
        self._doubt_unsaved = self._silence_unsaved = False

    def _late_spans(self) -> int:
        return sum(map(len, self.state.late.values()))

    def _put(self, intervals: IntervalBatch) -> None:
        intervals = intervals.take(intervals.start_us >= self.fixed_before_us)
        try:
            self.store.put_intervals(intervals)
        except RowsRefused as error:  # offering them again would not help
            log.warning("%d intervals are not stored: %s", len(error.refused), error)

    def _tell_ledger(self, registers: list[int]) -> None:
        self.feed.publish(LedgerChanged(places_of(self.known.catalog, registers)))


def newest_fixes(known: PositionBatch, positions: PositionBatch) -> PositionBatch:
    """The newest fix of each vehicle in either batch, by vehicle number."""
    fixes = PositionBatch.concat([known, positions])
    fixes = fixes.take(np.lexsort((fixes.fix_time_us, fixes.device)))
    return fixes.take(np.append(fixes.device[1:] != fixes.device[:-1], np.True_))


def places_of(catalog: Catalog, registers: list[int]) -> list[str]:
    """Every place that the registers stand in, at any level."""
    devices = {catalog.registers[register].device_id for register in registers}
    standing = {catalog.devices[device].place_id for device in devices}
    return sorted({place for leaf in standing for place in catalog.ancestors(leaf)})


def or_later(work: Callable[[], object], what: str) -> bool:
    """Do work that may fail with its store, to be tried again later; whether it did something."""
    try:
        return work() is not False
    except StoreError as error:
        log.warning("%s waits: %s", what, error)
        return False
