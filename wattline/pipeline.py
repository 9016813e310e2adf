"""Every step that a message goes through, in order: the table of contents of Wattline.

source -> decode, normalise, validate -> store -> ack -> derive -> feed

A message is acknowledged once its readings are durable, or once it is a dead letter with a
reason. All steps of all batches run in one worker thread, so their state needs no locks,
but for the store, which takes a batch while the next one is read and made ready for it; the
event loop stays free for the network.
"""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from core.errors import RejectReason, RowsRefused, StoreError
from core.ports import DeadLetter, RawBatch, Registry, Source, TimeSeriesStore
from core.retention import Retention
from ingest.decoders.samples import Decoder
from ingest.validate import Accepted
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.retention import Keeping, fixed_before_us
from wattline.shards import WHOLE, Shard
from wattline.stages.derive import Derivation, or_later
from wattline.stages.intake import Intake
from wattline.stages.rhythm import Beats, Rhythm, keep_time
from wattline.stages.state import Known

log = logging.getLogger(__name__)
_T = TypeVar("_T")

_UNDER_WAY = 2
"""Batches at a time: one is read and made ready while the one before it is stored."""

_COMPACT_ROWS = 250_000
"""What one step of compaction or retention deals with: batches wait for it, a quarter of a second or so."""


class Pipeline:
    """Runs the straight line for one source until it is closed."""

    def __init__(
        self,
        *,
        source: Source,
        decoder: Decoder,
        store: TimeSeriesStore,
        registry: Registry,
        catalogs: Catalogs,
        feed: LiveFeed,
        now_us: Callable[[], int],
        rhythm: Rhythm | None = None,
        keeping: Keeping | None = None,
        shard: Shard = WHOLE,
    ) -> None:
        self.source, self.store, self.registry, self.catalogs = source, store, registry, catalogs
        self.now_us, self.rhythm = now_us, rhythm or Rhythm()
        self.keeping = keeping or Keeping()
        known = Known.of(catalogs.current, registry.rules(), registry.references().calendars, shard)
        self.derivation = Derivation(store, registry, feed, known, shard)
        self.intake = Intake(decoder, registry, catalogs, self.derivation)
        self.totals: Counter[str] = Counter()
        self._derived_messages = 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="pipeline")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._room = asyncio.Semaphore(_UNDER_WAY)
        self._storing = asyncio.Lock()

    async def run(self) -> None:
        """Take batches until the source ends; then save a checkpoint."""
        self._may_go()
        count = await self._in_worker(self.derivation.restore)
        self.derivation.listening_since_us = self.now_us()
        log.info("restored; %d readings derived again", count)
        # What is registered stays: looking for garbage in it stops everything for 0.3 s at 200,000 registers.
        gc.collect()
        gc.freeze()
        try:
            async with asyncio.TaskGroup() as beside:
                beats = Beats(self._show, self._flush, self._settle, self.derivation.save, self._compact)
                ticking = beside.create_task(keep_time(self.rhythm, beats, self._in_worker))
                async for raw in self.source.batches():
                    await self._room.acquire()
                    accepted, store = await self._once_served(partial(self._take, raw), self._worker)
                    finishing = beside.create_task(self._finish(raw, accepted, store))
                    finishing.add_done_callback(lambda _: self._room.release())
                for _ in range(_UNDER_WAY):
                    await self._room.acquire()
                ticking.cancel()
        finally:
            await asyncio.to_thread(self._writer.shutdown)
            await self._in_worker(partial(or_later, self.derivation.save, "checkpoint"))
            self._worker.shutdown()
            gc.unfreeze()

    async def _finish(self, raw: RawBatch, accepted: Accepted, store: Callable[[], None]) -> None:
        """Store, acknowledge, derive: batches one after the other, as they came."""
        async with self._storing:
            kept = await self._once_served(partial(self._keep, raw, accepted, store), self._writer)
        await asyncio.sleep(0)  # the next batch sets out before we do the rest: a store that waits is idle
        self.source.ack(raw)
        await asyncio.wrap_future(self._worker.submit(self._derive, raw, kept))

    async def _once_served(self, work: Callable[[], _T], thread: ThreadPoolExecutor) -> _T:
        """Do work that needs the stores, again and again until they serve it."""
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(thread, work)
            except StoreError as error:
                self.totals["wattline_store_retries_total"] += 1
                self.derivation.listening_since_us = self.now_us()  # what waits here was no silence
                log.warning("a batch waits for the store: %s", error)
                await asyncio.sleep(error.retry_after_s or self.rhythm.retry_s)

    def _take(self, raw: RawBatch) -> tuple[Accepted, Callable[[], None]]:
        """What a batch brings, and how to store it."""
        accepted = self.intake.accept(raw)
        return accepted, self.store.prepare(accepted.readings, accepted.positions)

    def _keep(self, raw: RawBatch, accepted: Accepted, store: Callable[[], None]) -> Accepted:
        """Readings into the store, what was rejected to the dead letters; returns what is stored."""
        received_us = raw.received_at_us
        dead = [
            DeadLetter(received_us, raw.topics[r.message], raw.payloads[r.message], r.reason, r.detail)
            for r in accepted.rejected
        ]
        try:
            store()
        except RowsRefused as error:
            accepted = _without(accepted, error)
            refused = RejectReason.STORE_REFUSED
            dead += [DeadLetter(received_us, "", row, refused, said) for row, said in error.refused]
        if dead:
            self.registry.put_dead_letters(dead)
        self._count(raw, accepted, dead)
        return accepted

    def _derive(self, raw: RawBatch, accepted: Accepted) -> None:
        """Ledger, alerts and live view of a batch that is durable."""
        self.derivation.derive(accepted.readings, accepted.positions)
        self._derived_messages += len(raw.topics)
        or_later(self.derivation.flush_alerts, "alerts")

    def _flush(self) -> None:
        """Put what was derived into the figures, and see what has been registered meanwhile."""
        self.derivation.flush()
        self.totals["wattline_messages_in_figures_total"] = self._derived_messages
        self.catalogs.reload()
        self.derivation.refit_rules()

    def _settle(self) -> bool:
        return self.derivation.settle_one(self.now_us())

    def _compact(self) -> bool:
        return self.store.compact(_COMPACT_ROWS) > 0 or self._retain()

    def _retain(self) -> bool:
        """Let go of what is past its time."""
        may_go = self._may_go()
        rows = self.store.retain(may_go, _COMPACT_ROWS)
        self.totals["wattline_retention_rows_total"] += rows
        return rows > 0

    def _may_go(self) -> Retention:
        may_go = self.keeping.as_of(self.now_us(), self.derivation.known.columns)
        self.derivation.fixed_before_us = fixed_before_us(may_go)
        return may_go

    def _show(self) -> None:
        self.intake.refit()
        self.derivation.show(self.now_us())

    def _count(self, raw: RawBatch, accepted: Accepted, dead: list[DeadLetter]) -> None:
        self.totals["wattline_messages_total"] += len(raw.topics)
        self.totals["wattline_readings_total"] += len(accepted.readings)
        self.totals["wattline_positions_total"] += len(accepted.positions)
        self.totals["wattline_repeated_readings_total"] += accepted.repeated
        for reason, count in Counter(letter.reason for letter in dead).items():
            self.totals[f'wattline_rejected_total{{reason="{reason}"}}'] += count

    async def _in_worker(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)


def _without(accepted: Accepted, error: RowsRefused) -> Accepted:
    """What was accepted but for what the store has refused: it counts for nothing."""
    if error.readings is not None:
        accepted = replace(accepted, readings=accepted.readings.take(~error.readings))
    if error.positions is not None:
        accepted = replace(accepted, positions=accepted.positions.take(~error.positions))
    return accepted
