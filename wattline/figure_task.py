"""Runs the watch of rules on figures beside ingest: a round a minute, in a thread."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from wattline.assemble import Parts, now_us
from wattline.figure_watch import FigureWatch

log = logging.getLogger(__name__)

EVERY_S = 60.0


@contextlib.asynccontextmanager
async def figures_watched(parts: Parts, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Watch until the block ends; a round that runs then is waited for, as it holds the stores."""
    watch = FigureWatch(
        parts.store, parts.registry, lambda: parts.catalogs.current, parts.feed.publish, now_us
    )
    stop = asyncio.Event()
    watching = asyncio.create_task(_rounds(watch, stop, every_s))
    try:
        yield
    finally:
        stop.set()
        await watching


async def _rounds(watch: FigureWatch, stop: asyncio.Event, every_s: float) -> None:
    while not stop.is_set():
        try:
            await asyncio.to_thread(watch.round)
        except Exception:  # ingest goes on, whatever is wrong with a figure
            log.exception("a round of rules on figures failed; the next one tries again")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)
