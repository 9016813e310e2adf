"""Looks after deadlines beside ingest: every half minute, in a thread."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from core.errors import StoreError
from wattline.assemble import Parts, now_us
from wattline.deadlines import escalate

log = logging.getLogger(__name__)

EVERY_S = 30.0


@contextlib.asynccontextmanager
async def deadlines_kept(parts: Parts, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Let overdue alerts go up until the block ends."""
    stop = asyncio.Event()
    looking = asyncio.create_task(_rounds(parts, stop, every_s))
    try:
        yield
    finally:
        stop.set()
        await looking


async def _rounds(parts: Parts, stop: asyncio.Event, every_s: float) -> None:
    while not stop.is_set():
        try:
            moved = await asyncio.to_thread(escalate, parts.registry, parts.catalogs.current, now_us())
            if moved:
                log.info("%d alerts were overdue or came back from their shelf", len(moved))
        except StoreError as error:
            log.warning("deadlines of alerts can't be looked at now: %s", error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)
