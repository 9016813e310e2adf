"""One network connection to an MQTT 5 broker: framing, handshake, keep-alive, flow control.

What is published goes into an Inbox; everything else is dealt with here.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import mqtt5
import numpy as np

from ingest.mqtt_inbox import Inbox, MqttOptions, publish_by_hand
from ingest.mqtt_refusals import LostError, connection_refused, disconnected, subscription_refused, why

_Packet = TypeVar("_Packet")

_BUFFER_BYTES = 1024 * 1024
_READ_AHEAD_BYTES = 64 * 1024 * 1024
_DISMISS_S = 0.005
_GOODBYE_S = 2.0
_FRAME_BYTES = 5  # first byte and length of a packet, at most
_NAMES, _LONGEST_NAME = 1_000_000, 200  # topics remembered as ours or not: noise must not cost memory


class Connection(asyncio.BufferedProtocol):
    """Reads into one buffer; whole packets leave it, the start of the next moves to the front."""

    def __init__(self, options: MqttOptions, inbox: Inbox) -> None:
        self._options = options
        self._inbox = inbox
        self._ours = None if options.wants is None else _Ours(options.wants)
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._filled = 0
        self._foreign: list[int] = []
        self._dismissing: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._lost = _future()
        self._connack = _future()
        self._suback = _future()
        self._unsuback = _future()
        self.heard_at = self.messages_at = 0.0
        self._asked_at = 0.0
        self._paused = False
        self._keep_alive_s: float = options.keep_alive_s

    async def open(self) -> bool:
        """Connect and subscribe; returns whether the broker still had our session.

        A broker may put a whole window of queued messages in front of its answer to the
        subscription; that of a session which has one already is therefore not waited for.
        """
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
        connack: mqtt5.ConnAckPacket = await self._until(self._connack)
        if connack.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise connection_refused(connack)
        if connack.server_keep_alive:
            self._keep_alive_s = connack.server_keep_alive
        if options.task == "leave":
            self.write(mqtt5.UnsubscribePacket(1, list(options.topic_filters)).write())
            await self._until(self._unsuback)
        else:
            self._subscribe()
            if not connack.session_present:
                await self._until(self._suback)
        return connack.session_present

    async def stay(self, every_s: float, look: Callable[[], None]) -> None:
        """Keep the connection alive and look every_s; raises when it is lost or silent."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.wait([self._lost], timeout=min(every_s, self._keep_alive_s / 2))
            if self._lost.done():
                self._lost.result()
            look()
            if not self._paused and loop.time() - self.heard_at > 1.5 * self._keep_alive_s:
                raise LostError(f"silent for {1.5 * self._keep_alive_s:g} s")
            if loop.time() - self._asked_at >= self._keep_alive_s / 2:
                self.ask()

    def ask(self) -> None:
        """Make the broker answer."""
        self._asked_at = asyncio.get_running_loop().time()
        self.write(mqtt5.PingReqPacket().write())

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Send a PUBACK for every packet id but 0."""
        ids = np.array(packet_ids, np.uint16)
        ids = ids[ids != 0]
        # PUBACK without properties: 0x40, length 2, packet id, big-endian.
        packets = np.empty((len(ids), 4), np.uint8)
        packets[:, 0], packets[:, 1] = 0x40, 2
        packets[:, 2], packets[:, 3] = ids >> 8, ids & 0xFF
        self.write(packets.tobytes())

    def write(self, packet: bytes) -> None:
        """Send bytes; a lost connection is noticed elsewhere."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packet)

    def resume(self) -> None:
        """Read on: what was read before has been handed over."""
        if self._paused and self._transport is not None and not self._is_ahead():
            self._paused = False
            self._transport.resume_reading()

    async def finish(self, *, end_session: bool) -> None:
        """Say goodbye after all that was written; the end of the session is waited for."""
        self._dismiss()
        expiry_s = 0 if end_session else None
        self.write(mqtt5.DisconnectPacket(session_expiry_interval=expiry_s).write())
        if end_session:
            await asyncio.wait([self._lost], timeout=_GOODBYE_S)
        if self._transport is not None:
            self._transport.close()
        await asyncio.wait([self._lost], timeout=_GOODBYE_S)
        self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _subscribe(self) -> None:
        # Retained messages come with a new subscription only, not at every reconnect.
        at_first = mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS
        filters = [
            mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS.AT_LEAST_ONCE, retain_handling=at_first)
            for pattern in self._options.topic_filters
        ]
        self.write(mqtt5.SubscribePacket(1, filters).write())

    async def _until(self, answer: "asyncio.Future[_Packet]") -> _Packet:
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
        if self._connack.done():
            self._end(LostError(str(exc) if exc else "closed the connection"))
        else:
            self._end(LostError(why(exc, self._options.host, tls=self._options.tls is not None)))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Where to read into: behind what has not been understood yet."""
        if self._filled == len(self._buffer):  # one packet fills it
            larger = memoryview(bytearray(2 * len(self._buffer)))
            larger[: self._filled] = self._buffer
            self._buffer = larger
        return self._buffer[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Cut what was read into packets."""
        self.heard_at = asyncio.get_running_loop().time()
        self._filled += nbytes
        try:
            at = self._take(self._buffer[: self._filled])
        except ValueError as error:
            self._end(LostError(f"sent what is not MQTT 5: {error}"))
            self.abort()
            return
        except BaseException as error:
            # At text that is not UTF-8 the codec (mqtt5 0.8.0) panics, which is no Exception.
            if type(error).__name__ != "PanicException":
                raise
            self._end(LostError("sent what is not MQTT 5: text that is not UTF-8"))
            self.abort()
            return
        self._filled -= at
        self._buffer[: self._filled] = self._buffer[at : at + self._filled]
        if self._filled > self._options.max_packet_bytes + _FRAME_BYTES:
            self._end(LostError(f"sends a packet of more than {self._options.max_packet_bytes} bytes"))
            self.abort()
            return
        inbox = self._inbox
        if inbox.topics:
            self.messages_at = self.heard_at
            inbox.unread_bytes += at
            inbox.arrived()
            if self._is_ahead() and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()

    def _is_ahead(self) -> bool:
        """Whether as much has been read as is good: messages wait better with the broker, in the order sent.

        Receive Maximum does not see to that: mosquitto 2.0.11 sends far more once we acknowledge.
        """
        inbox = self._inbox
        return len(inbox.topics) >= self._options.batch_messages or inbox.unread_bytes > _READ_AHEAD_BYTES

    def _take(self, read: memoryview) -> int:
        """Take every whole packet; returns how many bytes they had. Raises ValueError."""
        inbox, ours, foreign = self._inbox, self._ours, self._foreign
        # Bound once: the loop runs once a message.
        decode, publish = mqtt5.read, mqtt5.PublishPacket
        add_topic, add_payload, add_id = inbox.topics.append, inbox.payloads.append, inbox.packet_ids.append
        at, end = 0, len(read)
        while at < end:
            try:
                while at < end:
                    packet, size = decode(read[at:])
                    at += size
                    if packet.__class__ is not publish:
                        self._handle(packet)
                    elif ours is None or ours[packet.topic]:
                        add_topic(packet.topic)
                        add_payload(packet.payload)
                        add_id(packet.packet_id or 0)
                    elif packet.packet_id:
                        foreign.append(packet.packet_id)
            except IndexError:
                break  # the rest of the packet has not arrived yet
            except BaseException as error:
                # The codec is Rust and panics at text that is not UTF-8, which a broker should refuse.
                # Redelivery would bring it back for ever, so it goes on to be rejected.
                if type(error).__name__ != "PanicException":
                    raise
                topic, payload, packet_id, size = publish_by_hand(read[at:])
                at += size
                add_topic(topic)
                add_payload(payload)
                add_id(packet_id)
        if foreign:
            self._dismiss_soon()
        return at

    def _dismiss_soon(self) -> None:
        self.messages_at = self.heard_at
        if len(self._foreign) >= self._options.receive_maximum // 4:
            self._dismiss()
        elif self._dismissing is None:
            self._dismissing = asyncio.get_running_loop().call_later(_DISMISS_S, self._dismiss)

    def _dismiss(self) -> None:
        """Acknowledge what is not ours, many at a time: a write and its answer cost more than a message."""
        if self._dismissing is not None:
            self._dismissing.cancel()
            self._dismissing = None
        self.acknowledge(self._foreign)
        self._foreign.clear()

    def _handle(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.ConnAckPacket() if not self._connack.done():
                self._connack.set_result(packet)
            case mqtt5.SubAckPacket():
                if told := subscription_refused(self._options.topic_filters, packet):
                    self._end(LostError(told))
                    self.abort()
                elif not self._suback.done():
                    self._suback.set_result(packet)
            case mqtt5.UnsubAckPacket() if not self._unsuback.done():
                self._unsuback.set_result(packet)
            case mqtt5.DisconnectPacket():
                self._end(disconnected(packet, self._options.client_id))
                self.abort()

    def _end(self, error: LostError) -> None:
        if not self._lost.done():
            self._lost.set_exception(error)
            self._lost.exception()  # retrieved here, in case nobody is waiting


class _Ours(dict[str, bool]):
    """Whether a topic is ours, found out once."""

    def __init__(self, wants: Callable[[str], bool]) -> None:
        super().__init__()
        self._wants = wants

    def __missing__(self, topic: str) -> bool:
        if len(self) >= _NAMES:
            self.clear()
        ours = self._wants(topic)
        if len(topic) <= _LONGEST_NAME:
            self[topic] = ours
        return ours


def _future() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()
