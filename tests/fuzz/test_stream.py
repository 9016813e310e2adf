"""Whatever a broker sends, in whatever pieces: no crash, no hang, no growth, and the next one is heard."""

import asyncio
import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.mqtt import MqttOptions, MqttSource
from tests.fuzz.stream import (
    CONNACK,
    HANG_S,
    SUBACK,
    TOPIC_FILTERS,
    Peer,
    chunks,
    conversation,
    packets,
    publish,
    streams,
)

# The codec panics at text that is not UTF-8, and the reason why comes from nowhere in particular.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
EXAMPLES = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@EXAMPLES
@given(streams(), st.lists(st.integers(0, 4000), max_size=12), st.integers(0, 2))
def test_whatever_comes_the_source_ends_in_order(stream, cuts, greet):
    asyncio.run(conversation(chunks(stream, cuts), greet=greet, again=False))


@settings(EXAMPLES, max_examples=20)
@given(streams(), st.lists(st.integers(0, 4000), max_size=12), st.integers(0, 2))
def test_after_any_bytes_the_next_connection_serves(stream, cuts, greet):
    heard = asyncio.run(conversation(chunks(stream, cuts), greet=greet))
    assert heard.messages[-1][1] == Peer.GOODBYE


@EXAMPLES
@given(st.lists(st.binary(max_size=300), max_size=20), st.lists(st.integers(0, 9000), max_size=30))
def test_any_split_of_the_bytes_gives_the_same_messages(payloads, cuts):
    sent = [*payloads, Peer.GOODBYE]
    stream = b"".join(publish(number, payload) for number, payload in enumerate(sent, 1))
    heard = asyncio.run(conversation(chunks(stream, cuts)))
    assert [payload for _, payload in heard.messages] == sent
    assert heard.connections == 1


async def _each_alone() -> list[tuple[str, int]]:
    """The packets, and how much of a handshake preceded them, after which no connection served."""
    told = [(packet, greet) for packet in packets() for greet in (0, 1, 2)]
    heard = await asyncio.gather(*(conversation([packet], greet=greet) for packet, greet in told))
    return [
        (packet[:24].hex(), greet)
        for (packet, greet), what in zip(told, heard, strict=True)
        if what.messages[-1][1] != Peer.GOODBYE
    ]


def test_no_packet_out_of_place_is_the_end():
    assert asyncio.run(_each_alone()) == []


async def _endless() -> int:
    """How much of a packet of 256 MB the source lets a peer send before it leaves."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readexactly(2)
        writer.write(CONNACK + SUBACK + bytes.fromhex("30ffffff7f"))
        with contextlib.suppress(OSError):
            while sent < 256_000_000:
                writer.write(bytes(100_000))
                await writer.drain()
                sent += 100_000
        left.set()

    left = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(HANG_S):
        options = MqttOptions("127.0.0.1", server.sockets[0].getsockname()[1], TOPIC_FILTERS)
        source = MqttSource(options, lambda: 1)
        waiting = asyncio.create_task(anext(source.batches(), None))
        await left.wait()
        source.close()
        await waiting
    return sent


def test_a_packet_longer_than_we_allow_is_not_gathered():
    """What the kernel's buffers hold comes on top of the 256 KiB that we asked for."""
    assert asyncio.run(_endless()) < 30_000_000
