"""The MQTT 5 source: messages from a persistent session, acknowledged only when told to.

In: bytes from the broker. Out: RawBatch. The broker sends at most receive_maximum messages
ahead of our acknowledgements; that is the only back-pressure for QoS 1. Every connection has
an epoch: an acknowledgement for an earlier one is dropped, because packet ids mean something
else by then.

Brokers deliver again only at a reconnect. So if a batch is still not acknowledged unacked_s
after a later one was, the consumer has forgotten it, and the source connects again. Waiting
alone is no sign of that: a store that is away for an hour holds up all batches alike, and is
no reason to have the same messages sent again.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import accumulate, takewhile

from core.ports import RawBatch
from ingest.mqtt_connection import Connection
from ingest.mqtt_inbox import Inbox, MqttOptions
from ingest.mqtt_refusals import LostError, TakenOverError, why

__all__ = ["MqttOptions", "MqttSource", "open_session"]

log = logging.getLogger(__name__)

_RECONNECT_FROM_S, _RECONNECT_TO_S = 0.2, 10.0
_CONNECT_WITHIN_S = 10.0
_AFTER_TAKE_OVER_S = 30.0
_SHORT_LIVED = 3  # connections in a row
_IN_ROW = " soon after each connect: does another process connect with our broker.client_id, or account?"
_QUIET_S = 2.0  # a session that is left and delivers nothing for so long is empty


class MqttSource:
    """A Source over one MQTT 5 session; connects and reconnects by itself."""

    def __init__(self, options: MqttOptions, now_us: Callable[[], int]) -> None:
        self.options = options
        self.connected = False
        self.reconnects_total = 0
        self.sessions_lost_total = 0
        self.stale_acks_total = 0
        self.watchdog_total = 0
        self._now_us = now_us
        self._epoch = 0
        self._had_session = False
        self._inbox = Inbox(self._on_arrival)
        self._unacked: dict[int, tuple[RawBatch, float]] = {}
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._connection: Connection | None = None
        self._closing = False
        self._told = ""

    async def batches(self) -> AsyncIterator[RawBatch]:
        """Batches of at most batch_messages and batch_bytes, each held back for linger_s to fill up."""
        keeping = asyncio.create_task(self._keep_connected())
        keeping.add_done_callback(lambda _: self._arrived.set())
        try:
            while True:
                await self._arrived.wait()
                if keeping.done():
                    keeping.result()  # it ends by itself when something is broken, or its task done
                    return
                if self._closing:
                    return
                await self._fill_up()
                if batch := self._take():
                    self._unacked[id(batch)] = batch, float("inf")
                    yield batch
        finally:
            connection, self._connection = self._connection, None
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            if connection is not None:
                await connection.finish(end_session=False)

    def ack(self, batch: RawBatch) -> None:
        """Acknowledge a batch, unless its connection is gone: the broker sends it again."""
        self._note_ack(batch)
        if batch.epoch != self._epoch or self._connection is None:
            self.stale_acks_total += sum(map(bool, batch.packet_ids))
        else:
            self._connection.acknowledge(batch.packet_ids)

    def totals(self) -> dict[str, float]:
        """Counters since start, by metric name."""
        return {
            "wattline_broker_reconnects_total": self.reconnects_total,
            "wattline_broker_sessions_lost_total": self.sessions_lost_total,
            "wattline_broker_watchdog_total": self.watchdog_total,
            "wattline_stale_acks_total": self.stale_acks_total,
        }

    def close(self) -> None:
        """End the iteration of batches; the session stays with the broker."""
        self._closing = True
        self._arrived.set()

    def _note_ack(self, batch: RawBatch) -> None:
        if id(batch) not in self._unacked:
            return
        now = asyncio.get_running_loop().time()
        for earlier, (overtaken, since) in self._unacked.items():
            if earlier == id(batch):
                break
            self._unacked[earlier] = overtaken, min(since, now)
        del self._unacked[id(batch)]

    async def _fill_up(self) -> None:
        """Wait for more messages, unless the batch is full or no more can come unacknowledged."""
        if not self._is_full():
            self._full.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self.options.linger_s)

    def _is_full(self) -> bool:
        options, inbox = self.options, self._inbox
        most = min(options.batch_messages, options.receive_maximum)
        return len(inbox.topics) >= most or inbox.unread_bytes >= options.batch_bytes

    def _on_arrival(self) -> None:
        self._arrived.set()
        if self._is_full():
            self._full.set()

    def _take(self) -> RawBatch | None:
        inbox = self._inbox
        count = min(len(inbox.topics), self.options.batch_messages)
        if inbox.unread_bytes > self.options.batch_bytes:
            sizes = accumulate(map(len, inbox.payloads[:count]))
            count = max(1, sum(1 for _ in takewhile(self.options.batch_bytes.__ge__, sizes)))
        batch = RawBatch(*inbox.oldest(count), self._now_us(), self._epoch, inbox.packet_ids[:count])
        inbox.drop(count)
        if not inbox.topics:
            self._arrived.clear()
        if self._connection is not None:
            self._connection.resume()
        return batch if batch.topics else None

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s, short_lived = _RECONNECT_FROM_S, 0
        while True:
            connected_at = None
            try:
                connection = await self._connect()
                connected_at = loop.time()
                await connection.stay(min(self.options.unacked_s, _QUIET_S) / 4, self._look)
            except LostError as error:
                self._tell(str(error) + (_IN_ROW if short_lived >= _SHORT_LIVED else ""))
                if isinstance(error, TakenOverError):
                    wait_s = _AFTER_TAKE_OVER_S
            except (OSError, TimeoutError) as error:
                self._tell(why(error, self.options.host, tls=self.options.tls is not None))
            except _DoneError:
                if self._connection is not None:
                    await self._connection.finish(end_session=self.options.task == "leave")
                return
            finally:
                self._drop_connection()
            self.reconnects_total += 1
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 jitter, not a secret
            if connected_at is None:
                wait_s = min(wait_s * 2, _RECONNECT_TO_S)
            elif loop.time() - connected_at < _RECONNECT_TO_S + wait_s:
                short_lived += 1
                wait_s = _RECONNECT_FROM_S if short_lived < _SHORT_LIVED else min(wait_s * 2, _RECONNECT_TO_S)
            else:
                wait_s, short_lived = _RECONNECT_FROM_S, 0

    async def _connect(self) -> Connection:
        options = self.options
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_CONNECT_WITHIN_S):
            _, connection = await loop.create_connection(
                lambda: Connection(options, self._inbox), options.host, options.port, ssl=options.tls
            )
            self._connection = connection
            self._epoch += 1
            session_present = await connection.open()
        if self._had_session and not session_present:
            self.sessions_lost_total += 1
            log.error("broker lost our session: what it had queued for us is gone")
        if options.task == "leave" and not session_present:
            log.warning("the broker has no session %r: there is nothing to take from it", options.client_id)
        self._had_session = True
        self.connected = True
        self._told = ""
        log.info("connected to broker %s:%s as %s", options.host, options.port, options.client_id)
        return connection

    def _tell(self, reason: str) -> None:
        """Log why there is no connection, once until there is one."""
        if reason != self._told:
            log.warning("broker %s:%s %s; connecting again", self.options.host, self.options.port, reason)
            self._told = reason

    def _look(self) -> None:
        """See whether a batch was forgotten, or the task is done; raises LostError, _DoneError."""
        if self.options.task == "open" or (self.options.task == "leave" and self._is_empty()):
            raise _DoneError
        forgotten_at = asyncio.get_running_loop().time() - self.options.unacked_s
        lost = [batch for batch, since in self._unacked.values() if since < forgotten_at]
        if lost:
            self.watchdog_total += 1
            count = sum(len(batch.topics) for batch in lost)
            raise LostError(f"is owed {count} acknowledgements for more than {self.options.unacked_s:g} s")

    def _is_empty(self) -> bool:
        """Whether all is acknowledged and the broker, asked again and again, has sent no more for a while."""
        if self._connection is None or self._inbox.topics or self._unacked:
            return False
        if asyncio.get_running_loop().time() - self._connection.messages_at >= _QUIET_S:
            return True
        self._connection.ask()
        return False

    def _drop_connection(self) -> None:
        """Keep what was read and not handed over: a broker that crashed may not send it again.

        Without packet ids, for there is nobody to acknowledge it to: a broker that still has
        it sends it once more, and what is stored twice counts once.
        """
        self.connected = False
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        self._epoch += 1
        self._unacked.clear()
        # No more than a window, or each loss would add to it.
        self._inbox.forget_ids(keep=self.options.receive_maximum)
        if self._closing:
            self._arrived.set()


class _DoneError(Exception):
    """Not an error: what the source was to do is done."""


async def open_session(options: MqttOptions) -> None:
    """Make sure that the session is there and subscribed, however often it takes.

    From then on the broker keeps what is published for it.
    """
    async for _ in MqttSource(replace(options, task="open", receive_maximum=1), int).batches():
        pass  # not acknowledged: it comes again
