"""Every step that a message goes through, in order: the table of contents of Wattline.

mqtt -> decoders -> normalise -> validate -> store -> ack -> derive -> feed

A message is acknowledged once its readings are durable, or once it is a dead letter with a
reason. All steps of all batches run in one worker thread, so their state needs no locks;
the event loop stays free for the network.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from core.errors import RejectReason, RowsRefused, StoreError
from core.ports import DeadLetter, RawBatch, Registry, Source, TimeSeriesStore
from ingest.decoders.samples import Decoded, Decoder
from ingest.normalise import Normalised, RegisterIndex, normalise
from ingest.validate import Accepted, validate
from wattline.catalogs import Catalogs
from wattline.derive import Derivation, or_later
from wattline.feed import LiveFeed
from wattline.state import Known

log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often the pipeline does what is not done for every batch."""

    tick_s: float = 0.2
    flush_s: float = 1.0
    checkpoint_s: float = 15.0
    retry_s: float = 1.0


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
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        self.source, self.decoder, self.store, self.registry = source, decoder, store, registry
        self.catalogs, self.feed, self.now_us, self.rhythm = catalogs, feed, now_us, rhythm
        self.totals: Counter[str] = Counter()
        self.index = RegisterIndex(catalogs.current)
        known = Known.of(catalogs.current, registry.rules())
        self.derivation = Derivation(store, registry, feed, known)
        self._derived_messages = 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="pipeline")

    async def run(self) -> None:
        """Take batches until the source ends; then save a checkpoint."""
        count = await self._in_worker(self.derivation.restore)
        log.info("restored; %d readings derived again", count)
        await self._in_worker(self._show)
        ticking = asyncio.create_task(self._tick())
        try:
            async for raw in self.source.batches():
                accepted = await self._in_worker(partial(self.accept, raw))
                await self._keep(raw, accepted)
                self.source.ack(raw)
                await self._in_worker(partial(self.derive, raw, accepted))
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            await self._in_worker(partial(or_later, self.derivation.save, "checkpoint"))
            self._worker.shutdown()

    def accept(self, raw: RawBatch) -> Accepted:
        """Decode, normalise and validate a batch."""
        if self.index.catalog is not self.catalogs.current:
            self._refit()
        decoded = self.decoder.decode(raw)
        normalised = self._normalise(decoded, raw)
        newest = self.derivation.state.newest
        accepted = validate(
            normalised, self.index.catalog, self.index.columns, newest.last_us, newest.last_value
        )
        accepted.rejected[:0] = decoded.rejected + normalised.rejected
        return accepted

    def _normalise(self, decoded: Decoded, raw: RawBatch) -> Normalised:
        """Normalise, registering what known devices send for the first time."""
        normalised = normalise(decoded, raw, self.index)
        if any(rejection.reason is RejectReason.UNKNOWN_DEVICE for rejection in normalised.rejected):
            self.catalogs.reload()  # another process may have registered the device
            if self.index.catalog is not self.catalogs.current:
                self._refit()
                normalised = normalise(decoded, raw, self.index)
        if normalised.wanted:
            self.registry.add_registers(normalised.wanted)
            self.catalogs.reload()
            self._refit()
            normalised = normalise(decoded, raw, self.index)
        return normalised

    def keep(self, raw: RawBatch, accepted: Accepted) -> None:
        """Make a batch durable: its readings in the store, what was rejected as dead letters."""
        received_us = raw.received_at_us
        dead = [
            DeadLetter(received_us, raw.topics[r.message], raw.payloads[r.message], r.reason, r.detail)
            for r in accepted.rejected
        ]
        try:
            self.store.append(accepted.readings, accepted.positions)
        except RowsRefused as error:
            refused = RejectReason.STORE_REFUSED
            dead += [DeadLetter(received_us, "", row, refused, said) for row, said in error.refused]
        if dead:
            self.registry.put_dead_letters(dead)
        self.totals["wattline_messages_total"] += len(raw.topics)
        self.totals["wattline_readings_total"] += len(accepted.readings)
        self.totals["wattline_positions_total"] += len(accepted.positions)
        self.totals["wattline_repeated_readings_total"] += accepted.repeated
        for letter in dead:
            self.totals[f'wattline_rejected_total{{reason="{letter.reason}"}}'] += 1

    def derive(self, raw: RawBatch, accepted: Accepted) -> None:
        """Ledger, alerts and live view of a batch that is durable."""
        self.derivation.derive(accepted.readings, accepted.positions)
        self._derived_messages += len(raw.topics)
        or_later(self.derivation.flush_alerts, "alerts")

    def flush(self) -> None:
        """Put what was derived into the figures, and see what has been registered meanwhile."""
        self.derivation.flush()
        self.catalogs.reload()
        self.totals["wattline_messages_in_figures_total"] = self._derived_messages

    async def _keep(self, raw: RawBatch, accepted: Accepted) -> None:
        """Try until the batch is durable; meanwhile nothing is acknowledged."""
        while True:
            try:
                await self._in_worker(partial(self.keep, raw, accepted))
            except StoreError as error:
                self.totals["wattline_store_retries_total"] += 1
                log.warning("batch of %d messages waits for the store: %s", len(raw.topics), error)
                await asyncio.sleep(error.retry_after_s or self.rhythm.retry_s)
            else:
                return

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        flushed = saved = loop.time()
        while True:
            await asyncio.sleep(self.rhythm.tick_s)
            await self._in_worker(self._show)
            if loop.time() - flushed >= self.rhythm.flush_s:
                started = loop.time()
                await self._in_worker(partial(or_later, self.flush, "ledger"))
                await self._settle()
                # A long recomputation must not keep new data out: rest for as long as it took.
                flushed = 2 * loop.time() - started
            if loop.time() - saved >= self.rhythm.checkpoint_s:
                await self._in_worker(partial(or_later, self.derivation.save, "checkpoint"))
                saved = loop.time()

    async def _settle(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.rhythm.flush_s
        work = partial(or_later, self.derivation.settle_one, "late data")
        while self.derivation.state.late and loop.time() < until:
            await self._in_worker(work)

    def _show(self) -> None:
        if self.index.catalog is not self.catalogs.current:
            self._refit()
        self.derivation.show(self.now_us())

    def _refit(self) -> None:
        self.index = RegisterIndex(self.catalogs.current)
        self.derivation.refit(Known.of(self.catalogs.current, self.registry.rules()))

    async def _in_worker(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)
