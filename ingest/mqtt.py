"""The MQTT 5 source: messages from a persistent session, acknowledged only when told to.

An asyncio protocol on the mqtt5 codec. In: bytes from the broker. Out: RawBatch. The broker
sends at most receive_maximum messages ahead of our acknowledgements; that is the only
back-pressure for QoS 1. Every connection has an epoch: an acknowledgement for an earlier one
is dropped, because packet ids mean something else by then.
"""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import mqtt5
import numpy as np

from core.ports import RawBatch

log = logging.getLogger(__name__)
_Packet = TypeVar("_Packet")

_READ_AHEAD_BYTES = 64 * 1024 * 1024
_RECONNECT_FROM_S, _RECONNECT_TO_S = 0.2, 10.0


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """How to connect and how to batch."""

    host: str
    port: int
    topic_filters: Sequence[str]
    client_id: str = "wattline-ingest"
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    keep_alive_s: int = 30
    session_expiry_s: int = 7 * 24 * 3600
    receive_maximum: int = 20_000
    max_packet_bytes: int = 256 * 1024
    batch_messages: int = 10_000
    linger_s: float = 0.005


# The codec's enumerations compare for equality only.
_GRANTED = (mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE)


class _LostError(Exception):
    """The connection ended or was refused."""


class MqttSource:
    """A Source over one MQTT 5 session; connects and reconnects by itself."""

    def __init__(self, options: MqttOptions, now_us: Callable[[], int]) -> None:
        self.options = options
        self.connected = False
        self.reconnects_total = 0
        self.sessions_lost_total = 0
        self.stale_acks_total = 0
        self._now_us = now_us
        self._epoch = 0
        self._had_session = False
        self._topics: list[str] = []
        self._payloads: list[bytes] = []
        self._packet_ids: list[int] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._full_at = 0
        self._connection: _Connection | None = None
        self._closing = False

    async def batches(self) -> AsyncIterator[RawBatch]:
        """Batches of at most batch_messages, each held back for linger_s to fill up."""
        keeping = asyncio.create_task(self._keep_connected())
        keeping.add_done_callback(lambda _: self._arrived.set())
        try:
            while True:
                await self._arrived.wait()
                if keeping.done():
                    keeping.result()  # it ends by itself only when something is broken
                if self._closing:
                    return
                await self._fill_up()
                if batch := self._take():
                    yield batch
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    def ack(self, batch: RawBatch) -> None:
        """Acknowledge a batch, unless its connection is gone: the broker sends it again."""
        packet_ids = np.array([number for number in batch.packet_ids if number], np.uint16)
        if batch.epoch != self._epoch or self._connection is None:
            self.stale_acks_total += len(packet_ids)
            return
        # PUBACK without properties: 0x40, length 2, packet id, big-endian.
        packets = np.empty((len(packet_ids), 4), np.uint8)
        packets[:, 0], packets[:, 1] = 0x40, 2
        packets[:, 2], packets[:, 3] = packet_ids >> 8, packet_ids & 0xFF
        self._connection.write(packets.tobytes())

    def totals(self) -> dict[str, float]:
        """Counters since start, by metric name."""
        return {
            "wattline_broker_reconnects_total": self.reconnects_total,
            "wattline_broker_sessions_lost_total": self.sessions_lost_total,
            "wattline_stale_acks_total": self.stale_acks_total,
        }

    def close(self) -> None:
        """End the iteration of batches; the session stays with the broker."""
        self._closing = True
        self._arrived.set()

    async def _fill_up(self) -> None:
        """Wait for more messages, unless the batch is full or no more can come unacknowledged."""
        full = min(self.options.batch_messages, self.options.receive_maximum)
        if len(self._topics) < full:
            self._full.clear()
            self._full_at = full
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self.options.linger_s)

    def _take(self) -> RawBatch | None:
        count = min(len(self._topics), self.options.batch_messages)
        batch = RawBatch(
            self._topics[:count],
            self._payloads[:count],
            self._now_us(),
            self._epoch,
            self._packet_ids[:count],
        )
        del self._topics[:count], self._payloads[:count], self._packet_ids[:count]
        if not self._topics:
            self._arrived.clear()
        if self._connection is not None:
            self._connection.resume()
        return batch if count else None

    def _receive(self, packet: mqtt5.PublishPacket) -> None:
        self._topics.append(packet.topic)
        self._payloads.append(packet.payload)
        self._packet_ids.append(packet.packet_id or 0)
        if len(self._topics) == self._full_at:
            self._full.set()
        self._arrived.set()

    async def _keep_connected(self) -> None:
        wait_s = _RECONNECT_FROM_S
        while not self._closing:
            try:
                await self._connect()
                wait_s = _RECONNECT_FROM_S
                connection = self._connection
                if connection is not None:
                    await connection.stay()
            except (OSError, _LostError, TimeoutError) as error:
                if self.connected or wait_s == _RECONNECT_FROM_S:
                    address = f"{self.options.host}:{self.options.port}"
                    log.warning("broker %s: %s; connecting again", address, str(error) or "no answer in time")
            finally:
                self._drop_connection()
            self.reconnects_total += 1
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 jitter, not a secret
            wait_s = min(wait_s * 2, _RECONNECT_TO_S)

    async def _connect(self) -> None:
        options = self.options
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            _, connection = await loop.create_connection(
                lambda: _Connection(options, self._receive), options.host, options.port, ssl=options.tls
            )
            self._connection = connection
            self._epoch += 1
            session_present = await connection.open()
        if self._had_session and not session_present:
            self.sessions_lost_total += 1
            log.error("broker lost our session: what it had queued for us is gone")
        self._had_session = True
        self.connected = True
        log.info("connected to broker %s:%s", options.host, options.port)

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
        kept = min(len(self._topics), self.options.receive_maximum)  # else each loss would add to it
        del self._topics[kept:], self._payloads[kept:]
        self._packet_ids = [0] * kept
        if self._closing:
            self._arrived.set()


class _Connection(asyncio.Protocol):
    """One network connection: framing, handshake, keep-alive, flow control."""

    def __init__(self, options: MqttOptions, receive: Callable[[mqtt5.PublishPacket], None]) -> None:
        self._options = options
        self._receive = receive
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connack: asyncio.Future[mqtt5.ConnAckPacket] = asyncio.get_running_loop().create_future()
        self._suback: asyncio.Future[mqtt5.SubAckPacket] = asyncio.get_running_loop().create_future()
        self._heard_at = 0.0
        self._unread_bytes = 0
        self._paused = False
        self._keep_alive_s = options.keep_alive_s

    async def open(self) -> bool:
        """Connect and subscribe; returns whether the broker still had our session."""
        options = self._options
        self.write(
            mqtt5.ConnectPacket(
                options.client_id,
                username=options.username,
                password=None if options.password is None else options.password.encode(),
                clean_start=False,
                keep_alive=options.keep_alive_s,
                session_expiry_interval=options.session_expiry_s,
                receive_max=options.receive_maximum,
                max_packet_size=options.max_packet_bytes,
            ).write()
        )
        connack = await self._until(self._connack)
        if connack.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise _LostError(f"refused us: {connack.reason_code.name} {connack.reason_str or ''}".rstrip())
        if connack.server_keep_alive:
            self._keep_alive_s = connack.server_keep_alive
        filters = [
            mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for pattern in options.topic_filters
        ]
        self.write(mqtt5.SubscribePacket(1, filters).write())
        suback = await self._until(self._suback)
        if len(suback.reason_codes) != len(options.topic_filters):
            raise _LostError("did not answer each of our subscriptions")
        refused = [
            pattern
            for pattern, code in zip(options.topic_filters, suback.reason_codes, strict=True)
            if code not in _GRANTED
        ]
        if refused:
            raise _LostError(f"refused our subscription to {', '.join(refused)}")
        return connack.session_present

    async def stay(self) -> None:
        """Keep the connection alive; raises when it is lost or silent."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.wait([self._lost], timeout=self._keep_alive_s / 2)
            if self._lost.done():
                self._lost.result()
                return
            if not self._paused and loop.time() - self._heard_at > 1.5 * self._keep_alive_s:
                raise _LostError(f"silent for {1.5 * self._keep_alive_s:g} s")
            self.write(mqtt5.PingReqPacket().write())

    def write(self, packet: bytes) -> None:
        """Send bytes; a lost connection is noticed elsewhere."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packet)

    def resume(self) -> None:
        """Read on: what was read before has been handed over."""
        self._unread_bytes = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _until(self, answer: asyncio.Future[_Packet]) -> _Packet:
        either: list[asyncio.Future[Any]] = [answer, self._lost]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self._lost.result()
        return answer.result()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 what create_connection makes
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        if not self._lost.done():
            self._lost.set_exception(_LostError(str(exc) if exc else "closed the connection"))
            self._lost.exception()  # retrieved here, in case nobody is waiting

    def data_received(self, data: bytes) -> None:
        """Cut the stream into packets."""
        self._heard_at = asyncio.get_running_loop().time()
        self._buffer += data
        self._unread_bytes += len(data)
        at = 0
        view = memoryview(self._buffer)
        try:
            while at < len(view):
                packet, size = mqtt5.read(view[at:])
                at += size
                self._handle(packet)
        except IndexError:
            pass  # the rest of the packet has not arrived yet
        except ValueError as error:
            self._end(_LostError(f"sent what is not MQTT 5: {error}"))
        except BaseException as error:
            # At text that is not UTF-8 the codec (mqtt5 0.8.0) panics, which is no Exception.
            if type(error).__name__ != "PanicException":
                raise
            self._end(_LostError("sent what is not MQTT 5: text that is not UTF-8"))
        finally:
            view.release()
        del self._buffer[:at]
        if len(self._buffer) > self._options.max_packet_bytes:
            self._end(_LostError(f"sends a packet of more than {self._options.max_packet_bytes} bytes"))
        if self._unread_bytes > _READ_AHEAD_BYTES and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _handle(self, packet: mqtt5.Packet) -> None:
        if isinstance(packet, mqtt5.PublishPacket):
            self._receive(packet)
        elif isinstance(packet, mqtt5.ConnAckPacket) and not self._connack.done():
            self._connack.set_result(packet)
        elif isinstance(packet, mqtt5.SubAckPacket) and not self._suback.done():
            self._suback.set_result(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self._end(_LostError(f"disconnected us: {packet.reason_code.name}"))

    def _end(self, error: _LostError) -> None:
        if not self._lost.done():
            self._lost.set_exception(error)
            self._lost.exception()
        self.abort()
