"""What runs beside ingest, round after round in a thread: rules on figures, deadlines of alerts."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from core.errors import StoreError
from core.ports import AlertActed
from wattline.assemble import Parts, now_us
from wattline.figures.watch import FigureWatch
from wattline.telling.deadlines import escalate

log = logging.getLogger(__name__)

_Beside = AbstractAsyncContextManager[None]


def figures_watched(parts: Parts, every_s: float = 60.0) -> _Beside:
    """Watch what rules on figures say until the block ends."""
    watch = FigureWatch(
        parts.store, parts.registry, lambda: parts.catalogs.current, parts.feed.publish, now_us
    )
    return _rounds(watch.round, every_s, "rules on figures", _Counted("figures", parts.feed.rounds))


def deadlines_kept(parts: Parts, every_s: float = 30.0) -> _Beside:
    """Let overdue alerts go up until the block ends."""

    def look() -> None:
        moved = escalate(parts.registry, parts.catalogs.current, now_us())
        for record in moved:
            parts.feed.publish(AlertActed(record.alert.id))
        if moved:
            log.info("%d alerts were overdue or came back from their shelf", len(moved))

    return _rounds(look, every_s, "deadlines of alerts", _Counted("deadlines", parts.feed.rounds))


@dataclass(frozen=True, slots=True)
class _Counted:
    """Counts rounds by metric name, for whoever wonders whether they keep up."""

    of: str
    totals: dict[str, float]

    def add(self, took_s: float, *, failed: bool) -> None:
        """A round is over."""
        for name, more in (("rounds", 1), ("rounds_failed", failed)):
            metric = f'wattline_{name}_total{{of="{self.of}"}}'
            self.totals[metric] = self.totals.get(metric, 0) + more
        self.totals[f'wattline_round_seconds{{of="{self.of}"}}'] = round(took_s, 3)


@contextlib.asynccontextmanager
async def _rounds(
    work: Callable[[], None], every_s: float, what: str, counted: _Counted
) -> AsyncIterator[None]:
    """Do it again and again; a round that runs at the end is waited for, as it holds the stores."""
    stop = asyncio.Event()

    async def go_round() -> None:
        while not stop.is_set():
            started_s, failed = time.monotonic(), True
            try:
                await asyncio.to_thread(work)
                failed = False
            except StoreError as error:
                log.warning("%s wait for the stores: %s", what, error)
            except Exception:  # ingest goes on, whatever is wrong with a figure
                log.exception("a round of %s failed; the next one tries again", what)
            counted.add(time.monotonic() - started_s, failed=failed)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_s)

    going = asyncio.create_task(go_round())
    try:
        yield
    finally:
        stop.set()
        await going
