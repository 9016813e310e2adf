"""What the pipeline does by the clock and not for every batch: show, flush, settle, save."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from wattline.derive import Derivation, or_later

InWorker = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs work in the pipeline's worker, between batches."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, in seconds."""

    tick_s: float = 0.2
    flush_s: float = 1.0
    checkpoint_s: float = 15.0
    retry_s: float = 1.0


async def keep_time(
    rhythm: Rhythm,
    derivation: Derivation,
    in_worker: InWorker,
    *,
    show: Callable[[], None],
    flush: Callable[[], None],
) -> None:
    """Show what is live, put what was derived into the figures, save checkpoints; for ever."""
    loop = asyncio.get_running_loop()
    flushed = saved = loop.time()
    while True:
        await asyncio.sleep(rhythm.tick_s)
        await in_worker(partial(or_later, show, "live view"))
        if loop.time() - flushed >= rhythm.flush_s:
            started = loop.time()
            await in_worker(partial(or_later, flush, "ledger"))
            await _settle(derivation, in_worker, until=started + rhythm.flush_s)
            # A long recomputation must not keep new data out: rest for as long as it took.
            flushed = 2 * loop.time() - started
        if loop.time() - saved >= rhythm.checkpoint_s:
            await in_worker(partial(or_later, derivation.save, "checkpoint"))
            saved = loop.time()


async def _settle(derivation: Derivation, in_worker: InWorker, *, until: float) -> None:
    loop = asyncio.get_running_loop()
    work = partial(or_later, derivation.settle_one, "late data")
    while derivation.state.late and loop.time() < until:
        await in_worker(work)
