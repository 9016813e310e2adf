"""Whom the source may meet: a rival with its client id, brokers that say strange things."""

import asyncio
import itertools
import uuid

import aiomqtt
import mqtt5
import pytest

from ingest.mqtt import MqttOptions, MqttSource

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def source_at(port, client_id, **more):
    options = MqttOptions("127.0.0.1", port, ["rivals/#"], client_id=client_id, **more)
    return MqttSource(options, itertools.count(1).__next__)


async def broker_that_sends(packets):
    """Greets whoever comes, sends these bytes, and keeps what it hears in server.heard."""
    greeting = mqtt5.ConnAckPacket().write()
    greeting += mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write()

    async def serve(reader, writer):
        writer.write(await reader.read(10) and greeting + packets)
        server.heard += await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.heard = b""
    return server


async def until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_rival_is_said_and_both_try_less_often(mosquitto, caplog):
    """Two processes with one client id would take the session from one another for ever.

    mosquitto 2.0.11 closes the connection of the one that was there before, without a word.
    """
    client_id = f"test-{uuid.uuid4()}"
    rivals = [source_at(mosquitto.port, client_id) for _ in range(2)]
    waiting = [asyncio.ensure_future(anext(rival.batches(), None)) for rival in rivals]
    await until(lambda: "does another process connect with our broker.client_id" in caplog.text)
    for rival in rivals:
        rival.close()
    assert await asyncio.gather(*waiting) == [None, None]
    assert sum(rival.reconnects_total for rival in rivals) < 20


async def test_a_broker_that_says_so_is_left_alone_for_a_while(caplog):
    taken_over = mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER)
    async with await broker_that_sends(taken_over.write()) as server:
        source = source_at(server.sockets[0].getsockname()[1], "ours")
        waiting = asyncio.ensure_future(anext(source.batches(), None))
        await until(lambda: source.reconnects_total)
        await asyncio.sleep(0.8)  # several times the usual wait
        assert source.reconnects_total == 1
        assert "a second process connects as 'ours'" in caplog.text
        source.close()
        await waiting


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the codec's panic
async def test_a_topic_that_is_not_utf_8_goes_on_to_be_rejected():
    """Else redelivery would bring it back for ever. What comes before and after it is not touched."""
    good, qos = mqtt5.PublishPacket, mqtt5.QoS.AT_LEAST_ONCE
    bad = bytes.fromhex("320d0003ff622f0003007b7d7b7d7b")
    packets = good("rivals/a", b"1", qos=qos, packet_id=2).write() + bad
    packets += good("rivals/a", b"2", qos=qos, packet_id=4).write()
    async with await broker_that_sends(packets) as server:
        source = source_at(server.sockets[0].getsockname()[1], "ours")
        async for batch in source.batches():
            source.ack(batch)
            source.close()
            assert batch.topics == ["rivals/a", "\ufffdb/", "rivals/a"]
            assert (batch.payloads[0], batch.payloads[2]) == (b"1", b"2")
        await until(lambda: b"".join(b"@\x02\0%c" % number for number in (2, 3, 4)) in server.heard)


async def test_messages_wait_with_the_broker_while_a_batch_is_dealt_with(mosquitto):
    """It sends far more than Receive Maximum once we acknowledge; the reader's buffer holds 52 of these."""
    source = source_at(mosquitto.port, f"ahead-{uuid.uuid4()}", batch_messages=10)
    batches = source.batches()
    first = asyncio.ensure_future(anext(batches))
    async with asyncio.timeout(30):
        while not source.connected:
            await asyncio.sleep(0.01)
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            for number in range(300):
                await client.publish("rivals/m", b"%4d" % number + b" " * 20_000, qos=1)
        batch, numbers = await first, []
        while True:
            await asyncio.sleep(0.01)  # time enough to read all the rest
            assert len(source._inbox.topics) < 100
            numbers += [int(payload) for payload in batch.payloads]
            source.ack(batch)
            if len(numbers) >= 300:
                break
            batch = await anext(batches)
    assert numbers == list(range(300))
    await batches.aclose()
