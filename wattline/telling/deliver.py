"""Tells people of alerts: plans what lies in the outbox, sends it, and logs what came of it.

Any number of processes may run this on one registry: planning is one transaction, and whoever
sends a delivery holds its lease. A process that dies in between leaves a delivery that is sent
again, with the same id, once the lease has ended.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from core.delivering import Deliveries
from core.delivery import Delivery, Outcome
from core.errors import StoreError
from notify.backoff import next_at_us
from wattline.telling.channels import OpenChannels

log = logging.getLogger(__name__)

_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often it looks, in seconds, and how long things may take.

    look_s: for news; again_s: for what waits, such as the end of a silence. lease_s: longer than
    any channel takes to send. at_once: deliveries under way, together and of one channel.
    """

    look_s: float = 0.5
    again_s: float = 2.0
    forget_s: float = 3600.0
    lease_s: float = 120.0
    at_once: int = 16
    at_once_a_channel: int = 4


class Dispatcher:
    """Plans and sends until it is stopped. log_days: how long what ended is kept."""

    def __init__(
        self,
        deliveries: Deliveries,
        channels: OpenChannels,
        now_us: Callable[[], int],
        *,
        log_days: int = 400,
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        self._deliveries = deliveries
        self._channels = channels
        self._now_us = now_us
        self._log_us = log_days * _DAY_US
        self._rhythm = rhythm
        self._stop = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._planned_at = self._forgot_at = -float("inf")

    def stop(self) -> None:
        """Send nothing more; run() returns once all that is under way has an answer."""
        self._stop.set()

    async def run(self) -> None:
        """Look, plan and send, for ever."""
        while not self._stop.is_set():
            try:
                await self.turn()
            except StoreError as error:
                log.warning("alerts can't be told now: %s", error)
            try:
                await asyncio.wait_for(self._stop.wait(), self._rhythm.look_s)
            except TimeoutError:
                continue
        if self._sending:
            await asyncio.wait(self._sending)

    async def turn(self) -> None:
        """Plan if there is something to plan, and start to send what is due."""
        await asyncio.to_thread(self._plan)
        rhythm = self._rhythm
        limits = {
            id_: (one.rate_per_minute, rhythm.at_once_a_channel - self._busy[id_])
            for id_, one in self._channels.settings.items()
            if self._busy[id_] < rhythm.at_once_a_channel
        }
        room = rhythm.at_once - len(self._sending)
        if not limits or room <= 0:
            return
        lease_us = round(rhythm.lease_s * 1e6)
        claimed = await asyncio.to_thread(self._deliveries.claim, self._now_us(), lease_us, limits, room)
        for delivery in claimed:
            self._busy[delivery.channel_id] += 1
            task = asyncio.create_task(self._send(delivery))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def settled(self) -> None:
        """Wait until everything under way has an answer."""
        while self._sending:
            await asyncio.wait(self._sending)

    def _plan(self) -> None:
        now = time.monotonic()
        if now - self._forgot_at >= self._rhythm.forget_s:
            self._forgot_at = now
            while self._deliveries.forget(self._now_us() - self._log_us):
                log.info("old deliveries are forgotten")
        if now - self._planned_at < self._rhythm.again_s and not self._deliveries.news():
            return
        planner = self._channels.planner()
        if planner is None:
            # Nobody is told of anything: the outbox must not grow for ever.
            self._deliveries.forget_lines()
        else:
            self._deliveries.plan(planner, self._now_us())
        self._planned_at = now

    async def _send(self, delivery: Delivery) -> None:
        try:
            said, took_ms = await self._channels.send(delivery)
            if said.outcome is not Outcome.DELIVERED:
                log.warning("%s to %s: %s", delivery.id, delivery.channel_id, said.detail)
            settings = self._channels.settings[delivery.channel_id]
            now_us = self._now_us()
            again_us = next_at_us(
                said,
                delivery.tries,
                now_us,
                most=settings.tries,
                span_s=settings.span_s,
                chance=random.random(),  # noqa: S311 it spreads load
            )
            await asyncio.to_thread(self._deliveries.finish, delivery, said, now_us, took_ms, again_us)
        except StoreError as error:
            log.warning("%s was sent, and will be again: its outcome can't be kept (%s)", delivery.id, error)
        finally:
            self._busy[delivery.channel_id] -= 1
