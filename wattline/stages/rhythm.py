"""What the pipeline does by the clock and not for every batch: show, flush, settle, save."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from wattline.stages.derive import or_later

InWorker = Callable[[Callable[[], bool]], Awaitable[bool]]
"""Runs work in the pipeline's worker, between batches."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, in seconds."""

    tick_s: float = 0.2
    flush_s: float = 1.0
    checkpoint_s: float = 15.0
    compact_s: float = 60.0
    retry_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Beats:
    """What is done: settle and compact return False when nothing is left to do for now."""

    show: Callable[[], None]
    flush: Callable[[], None]
    settle: Callable[[], bool]
    save: Callable[[], None]
    compact: Callable[[], bool]


async def keep_time(rhythm: Rhythm, beats: Beats, in_worker: InWorker) -> None:
    """Show what is live, put what was derived into the figures, save checkpoints; for ever."""
    loop = asyncio.get_running_loop()
    flushed = compacted = loop.time()
    save_at = flushed + rhythm.checkpoint_s
    while True:
        await asyncio.sleep(rhythm.tick_s)
        await in_worker(partial(or_later, beats.show, "live view"))
        if loop.time() - flushed >= rhythm.flush_s:
            started = loop.time()
            await in_worker(partial(or_later, beats.flush, "ledger"))
            await _while_there_is(beats.settle, "late data", in_worker, until=started + rhythm.flush_s)
            # A long recomputation must not keep new data out: rest for as long as it took.
            flushed = 2 * loop.time() - started
        if loop.time() >= save_at:
            started = loop.time()
            await in_worker(partial(or_later, beats.save, "checkpoint"))
            took = loop.time() - started
            # The state of a large estate is tens of megabytes: saving it takes half a percent of the time.
            save_at = loop.time() + min(max(rhythm.checkpoint_s, 200 * took), 20 * rhythm.checkpoint_s)
        if loop.time() - compacted >= rhythm.compact_s:
            await _while_there_is(beats.compact, "compaction", in_worker, until=loop.time() + rhythm.flush_s)
            compacted = loop.time()


async def _while_there_is(work: Callable[[], bool], what: str, in_worker: InWorker, *, until: float) -> None:
    loop = asyncio.get_running_loop()
    while await in_worker(partial(or_later, work, what)) and loop.time() < until:
        pass
