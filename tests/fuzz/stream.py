"""A peer that plays broker and sends any bytes, and what the source has to do about it."""

import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field

import mqtt5
from hypothesis import strategies as st

from ingest.mqtt import MqttOptions, MqttSource

TOPIC_FILTERS = ("wattline/v1/+/readings", "wattline/v1/+/position")
HANG_S = 20.0
"""Far longer than anything takes here, on a busy machine too: what takes longer hangs."""

_GRANTED = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE] * len(TOPIC_FILTERS)
CONNACK = mqtt5.ConnAckPacket(session_present=True).write()
SUBACK = mqtt5.SubAckPacket(1, _GRANTED).write()


def publish(number: int, payload: bytes = b"{}", topic: str = "wattline/v1/m1/readings", **more) -> bytes:
    """A QoS 1 message, or QoS 0 with the number 0."""
    if number:
        more |= {"qos": mqtt5.QoS.AT_LEAST_ONCE, "packet_id": number}
    return mqtt5.PublishPacket(topic, payload, **more).write()


def packets() -> list[bytes]:
    """One of each that a broker may send, must not send, and should not send now."""
    long = mqtt5.PublishPacket(
        "wattline/v1/m1/readings",
        b"x" * 300,
        qos=mqtt5.QoS.EXACTLY_ONCE,
        packet_id=65535,
        retain=True,
        content_type="application/json",
        response_topic="a",
        correlation_data=b"c",
        subscription_ids=[1, 268_435_455],
        user_properties=[("a", "b")],
    )
    return [
        publish(1),
        publish(65535, b"", duplicate=True),
        publish(0, b"x"),
        publish(2, b"x" * 200, message_expiry_interval=1),
        publish(3, b"x", topic="", topic_alias=1),
        publish(4, b"x", topic="米\0"),
        long.write(),
        CONNACK,
        mqtt5.ConnAckPacket(server_keep_alive=1, receive_max=1, max_packet_size=1).write(),
        mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.BANNED, reason_str="go").write(),
        SUBACK,
        mqtt5.SubAckPacket(1, _GRANTED[:1]).write(),
        mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.NOT_AUTHORIZED] * 2).write(),
        mqtt5.SubAckPacket(7, _GRANTED * 9).write(),
        mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SERVER_BUSY).write(),
        mqtt5.AuthPacket().write(),
        mqtt5.PingRespPacket().write(),
        mqtt5.PingReqPacket().write(),
        mqtt5.ConnectPacket("x").write(),
        mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("#")]).write(),
        mqtt5.UnsubscribePacket(1, ["#"]).write(),
        mqtt5.UnsubAckPacket(1, [mqtt5.UnsubAckReasonCode.SUCCESS]).write(),
        *(kind(9).write() for kind in (mqtt5.PubAckPacket, mqtt5.PubRecPacket, mqtt5.PubRelPacket)),
        mqtt5.PubCompPacket(9).write(),
        *(bytes.fromhex(broken) for broken in BROKEN),
    ]


BROKEN = (
    "30ffffff7f",  # 256 MB are to come
    "30ffffffff",  # a length without end
    "3080808000",  # a length in more bytes than needed
    "3600" + "00" * 4,  # QoS 3
    "0000",  # no such packet
    "320d0003ff622f0003007b7d7b7d7b",  # a topic that is not UTF-8
    "3007000161052600012600",  # a property cut short
    "2002ff00",
    "9000",
    "e0",
)


def streams() -> st.SearchStrategy[bytes]:
    """Packets in any order, whole, damaged or cut, and bytes that are none."""
    whole = st.sampled_from(packets())
    damaged = st.builds(
        _damaged, whole, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3)
    )
    cut = st.builds(lambda packet, at: packet[: at % (len(packet) + 1)], whole, st.integers(0, 400))
    return st.lists(st.one_of(whole, whole, damaged, cut, st.binary(max_size=20)), max_size=8).map(b"".join)


def _damaged(packet: bytes, changes: list[tuple[int, int]]) -> bytes:
    changed = bytearray(packet)
    for at, byte in changes:
        changed[at % len(changed)] = byte
    return bytes(changed)


def chunks(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream, cut at these places."""
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@dataclass
class Heard:
    """What the source made of a conversation."""

    messages: list[tuple[str, bytes]] = field(default_factory=list)
    acknowledged: bytes = b""
    connections: int = 0


class Peer:
    """Says what it is told to on its first connection; on every later one it is a good broker.

    greet: how many packets of a proper handshake its first connection starts with, 0 to 2. A good
    broker sends one message, GOODBYE; conversation() ends when the source has handed that over.
    """

    GOODBYE = b'"good broker"'

    def __init__(self, script: list[bytes], *, greet: int, again: bool) -> None:
        self.script, self.greet, self.again = script, greet, again
        self.heard = Heard()
        self.done = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.heard.connections == 1:
                await self._first(reader, writer)
            else:
                await self._good(reader, writer)
        writer.transport.abort()

    async def _first(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        for chunk in [*(CONNACK, SUBACK)[: self.greet], *self.script]:
            writer.write(chunk)
            await asyncio.sleep(0)  # the other side reads it before there is more
        writer.write_eof()
        while data := await reader.read(65536):
            self.heard.acknowledged += data
        if not self.again:
            self.done.set()

    async def _good(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(CONNACK + SUBACK + publish(1, self.GOODBYE))
        await reader.read()


async def conversation(script: list[bytes], *, greet: int = 2, again: bool = True) -> Heard:
    """A source meets a peer; with `again` it has to come back to it and take its message.

    Raises whatever the source dies of, and TimeoutError if it hangs.
    """
    peer = Peer(script, greet=greet, again=again)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(HANG_S):
        ticks = itertools.count(1)
        port = server.sockets[0].getsockname()[1]
        options = MqttOptions("127.0.0.1", port, TOPIC_FILTERS, linger_s=0.0)
        source = MqttSource(options, lambda: next(ticks))
        taking = asyncio.create_task(_take(source, peer))
        finished = asyncio.create_task(peer.done.wait())
        await asyncio.wait([taking, finished], return_when=asyncio.FIRST_COMPLETED)
        source.close()
        finished.cancel()
        await taking
    return peer.heard


async def _take(source: MqttSource, peer: Peer) -> None:
    async for batch in source.batches():
        assert len(batch.topics) == len(batch.payloads) == len(batch.packet_ids) > 0
        assert all(0 <= number <= 65535 for number in batch.packet_ids)
        peer.heard.messages += zip(batch.topics, batch.payloads, strict=True)
        source.ack(batch)
        if batch.payloads[-1] == Peer.GOODBYE:
            peer.done.set()
