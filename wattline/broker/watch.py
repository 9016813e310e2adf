"""A connection of its own to the broker's figures ($SYS): none of them is worth a place in ingest's queue.

QoS 0, no session: what is missed is told again. It never uses the client id or, unless told to, the
account of ingest, whose session a broker may then hand over to it, with all that is queued in it.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import mqtt5

from core.model import Name
from wattline.broker.figures import TOPICS, Figures

log = logging.getLogger(__name__)

_ANSWER_S = 10.0
_KEEP_ALIVE_S = 60
_AGAIN_S = 15.0
_MOST_BYTES = 64 * 1024
_NO_FIGURES = "it publishes none of mosquitto's figures under $SYS, or lets us read none"


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How to reach the broker."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    again_s: float = _AGAIN_S
    patience_s: float = 3 * _AGAIN_S  # mosquitto tells every 10 s by itself


class _RefusedError(Exception):
    """The broker does not want us; the message says why."""


class BrokerWatch:
    """Follows the broker's figures until it is cancelled, and tells of messages that it drops."""

    def __init__(self, options: WatchOptions, now_us: Callable[[], int]) -> None:
        self.options, self._now_us = options, now_us
        self.figures = Figures()
        self._told = ""

    def warnings(self) -> list[Name]:
        """What someone has to do something about."""
        return self.figures.warnings(self._now_us())

    async def run(self) -> None:
        """Connect, and connect again."""
        while True:
            try:
                await self._follow()
            except (OSError, EOFError, ValueError, _RefusedError) as error:
                self._tell(str(error) or type(error).__name__)
            finally:
                self.figures.forget()
            await asyncio.sleep(self.options.again_s * random.uniform(0.5, 1.0))  # noqa: S311 jitter

    async def _follow(self) -> None:
        options = self.options
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(options.host, options.port, ssl=options.tls)
        try:
            packets = _Packets(reader)
            connect = mqtt5.ConnectPacket(
                options.client_id,
                username=options.username,
                password=None if options.password is None else options.password.encode(),
                clean_start=True,
                keep_alive=_KEEP_ALIVE_S,
                max_packet_size=_MOST_BYTES,
            )
            writer.write(connect.write())
            match await packets.next(_ANSWER_S):
                case mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.SUCCESS):
                    pass
                case mqtt5.ConnAckPacket(reason_code=reason):
                    raise _RefusedError(f"it refused the account {options.username}: {reason.name}")
                case _:
                    raise EOFError("it does not speak MQTT 5")
            filters = [mqtt5.TopicFilter(topic, max_qos=mqtt5.QoS.AT_MOST_ONCE) for topic in TOPICS]
            writer.write(mqtt5.SubscribePacket(1, filters).write())
            await self._listen(packets, writer)
        finally:
            writer.transport.abort()

    async def _listen(self, packets: "_Packets", writer: asyncio.StreamWriter) -> None:
        """Take what comes; raises EOFError or TimeoutError when nothing does."""
        loop = asyncio.get_running_loop()
        since_s = heard_s = loop.time()
        while True:
            try:
                packet = await packets.next(self.options.patience_s / 3)
            except TimeoutError:
                if loop.time() - heard_s > 1.5 * _KEEP_ALIVE_S:
                    raise
                if not self.figures.values and loop.time() - since_s > self.options.patience_s:
                    self._tell(_NO_FIGURES)
                writer.write(mqtt5.PingReqPacket().write())
                continue
            heard_s = loop.time()
            match packet:
                case mqtt5.PublishPacket():
                    self._told = ""
                    self._take(packet)
                case mqtt5.DisconnectPacket(reason_code=reason):
                    raise EOFError(f"it disconnected us: {reason.name}")

    def _take(self, packet: mqtt5.PublishPacket) -> None:
        more = self.figures.take(packet.topic, packet.payload, self._now_us())
        if more:
            log.error("%d messages dropped: %s", more, self.warnings()[0].en)

    def _tell(self, reason: str) -> None:
        """Log why there are no figures, once until there are some."""
        if reason != self._told:
            log.warning("figures of broker %s:%s are not available: %s",
                        self.options.host, self.options.port, reason)  # fmt: skip
            self._told = reason


class _Packets:
    """Whole packets from a stream of bytes."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._read = b""

    async def next(self, within_s: float) -> mqtt5.Packet:
        """The next packet; raises TimeoutError, EOFError, or ValueError for what is none."""
        async with asyncio.timeout(within_s):
            while True:
                try:
                    packet, size = mqtt5.read(memoryview(self._read))
                except IndexError:
                    if len(self._read) > _MOST_BYTES:
                        raise ValueError("it sends longer packets than we allow") from None
                else:
                    self._read = self._read[size:]
                    return packet
                more = await self._reader.read(_MOST_BYTES)
                if not more:
                    raise EOFError("it closed the connection")
                self._read += more
