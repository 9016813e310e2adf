"""The source against a real mosquitto."""

import asyncio
import contextlib
import itertools
import uuid

import aiomqtt
import pytest

from ingest.mqtt import MqttOptions, MqttSource, open_session

pytestmark = pytest.mark.anyio
TOPIC = "wattline/v1/{}/readings"


@pytest.fixture
def anyio_backend():
    return "asyncio"


def source_for(server, **changes):
    given = {
        "host": server.host,
        "port": server.port,
        "topic_filters": [TOPIC.format("+")],
        "client_id": f"test-{uuid.uuid4()}",
        "linger_s": 0.01,
    }
    ticks = itertools.count(1)
    return MqttSource(MqttOptions(**(given | changes)), lambda: next(ticks))


@contextlib.asynccontextmanager
async def reading(source):
    """An iterator of batches of a connected source, closed afterwards."""
    batches = source.batches()
    first = asyncio.ensure_future(anext(batches))
    async with asyncio.timeout(10):
        while not source.connected:
            await asyncio.sleep(0.01)

    async def one_by_one():
        yield await first
        async for batch in batches:
            yield batch

    iterator = one_by_one()
    try:
        yield iterator
    finally:
        source.close()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await iterator.aclose()
        await batches.aclose()


async def publish(server, *payloads, device="m"):
    async with aiomqtt.Client(server.host, server.port) as client:
        for payload in payloads:
            await client.publish(TOPIC.format(device), payload, qos=1)


async def next_payloads(batches, count):
    got, taken = [], []
    async with asyncio.timeout(10):
        while len(got) < count:
            batch = await anext(batches)
            got += batch.payloads
            taken.append(batch)
    return got, taken


async def test_messages_arrive_in_order_and_are_acknowledged(mosquitto):
    source = source_for(mosquitto)
    async with reading(source) as batches:
        await publish(mosquitto, b"1", b"2", b"3")
        got, taken = await next_payloads(batches, 3)
        for batch in taken:
            source.ack(batch)
    assert got == [b"1", b"2", b"3"]
    assert source.stale_acks_total == 0


async def test_what_was_not_acknowledged_comes_again_after_a_reconnect(mosquitto):
    client_id = f"test-{uuid.uuid4()}"
    source = source_for(mosquitto, client_id=client_id)
    async with reading(source) as batches:
        await publish(mosquitto, b"kept")
        _, taken = await next_payloads(batches, 1)
        source.ack(taken[0])
        await publish(mosquitto, b"lost")
        await next_payloads(batches, 1)
        await asyncio.sleep(0.1)  # the acknowledgement of the first is on its way
    again = source_for(mosquitto, client_id=client_id)
    async with reading(again) as batches:
        got, _ = await next_payloads(batches, 1)
    assert got == [b"lost"]


async def test_messages_published_while_we_were_away_are_delivered(mosquitto):
    client_id = f"test-{uuid.uuid4()}"
    async with reading(source_for(mosquitto, client_id=client_id)):
        pass
    await publish(mosquitto, b"a", b"b")
    async with reading(source_for(mosquitto, client_id=client_id)) as batches:
        got, _ = await next_payloads(batches, 2)
    assert got == [b"a", b"b"]


async def test_an_ack_for_an_earlier_connection_is_dropped(mosquitto):
    source = source_for(mosquitto)
    async with reading(source) as batches:
        await publish(mosquitto, b"1")
        _, taken = await next_payloads(batches, 1)
        source._connection.abort()
        got, again = await next_payloads(batches, 1)
        source.ack(taken[0])
        assert got == [b"1"]
        assert source.stale_acks_total == 1
        assert again[0].epoch > taken[0].epoch
        assert source.reconnects_total == 1


async def test_what_was_read_survives_a_broker_that_forgets_it(mosquitto):
    """As after a crash of the broker: the session ends with the connection."""
    source = source_for(mosquitto, session_expiry_s=0, linger_s=1.0)
    async with reading(source) as batches:
        await publish(mosquitto, *(b"%d" % number for number in range(10)))
        async with asyncio.timeout(10):
            while len(source._inbox.topics) < 10:
                await asyncio.sleep(0.01)
        source._connection.abort()
        got, taken = await next_payloads(batches, 10)
        assert got == [b"%d" % number for number in range(10)]
        assert not any(number for batch in taken for number in batch.packet_ids)


async def test_lost_connections_do_not_add_up_in_memory(mosquitto):
    source = source_for(mosquitto, linger_s=60, receive_maximum=10)
    async with reading(source) as batches:
        await publish(mosquitto, *(b"%d" % number for number in range(25)))
        reader = asyncio.ensure_future(anext(batches))
        for connections in range(1, 6):
            async with asyncio.timeout(10):
                while source.reconnects_total < connections - 1 or not source.connected:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)  # what the broker sends again has arrived
            assert len(source._inbox.topics) <= 20
            source._connection.abort()
            await asyncio.sleep(0.05)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def test_the_broker_holds_back_more_than_the_receive_maximum(mosquitto):
    source = source_for(mosquitto, receive_maximum=10)
    async with reading(source) as batches:
        await publish(mosquitto, *(b"%d" % number for number in range(25)))
        got, taken = await next_payloads(batches, 10)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(batches), 0.3)
        assert len(got) == 10
    assert taken


async def test_a_broker_that_is_not_there_yet_is_waited_for(mosquitto):
    source = source_for(mosquitto, port=1)
    batches = source.batches()
    waiting = asyncio.ensure_future(anext(batches))
    await asyncio.sleep(0.5)
    assert not source.connected
    assert not waiting.done()
    source.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_a_session_that_never_was_is_not_reported_as_lost(mosquitto):
    source = source_for(mosquitto)
    source._drop_connection()  # an attempt that failed, as when the broker starts after us
    async with reading(source):
        pass
    assert source.sessions_lost_total == 0


async def test_a_session_that_the_broker_forgot_is_reported(mosquitto):
    source = source_for(mosquitto, session_expiry_s=0)
    async with reading(source):
        source._connection.abort()
        async with asyncio.timeout(10):
            while source.sessions_lost_total == 0:
                await asyncio.sleep(0.01)


async def test_a_peer_that_does_not_speak_mqtt_5_is_left(mosquitto):
    async def chatter(reader, writer):
        await reader.read(100)
        writer.write(b"\x00\x00 no packet of MQTT begins with a zero")
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    async with server:
        source = source_for(mosquitto, port=server.sockets[0].getsockname()[1])
        batches = source.batches()
        waiting = asyncio.ensure_future(anext(batches))
        async with asyncio.timeout(10):
            while source.reconnects_total == 0:
                await asyncio.sleep(0.01)
        assert not source.connected
        source.close()
        with pytest.raises(StopAsyncIteration):
            await waiting


async def test_a_batch_that_was_forgotten_comes_again(mosquitto):
    """A later one was acknowledged. Brokers deliver again at a reconnect only."""
    source = source_for(mosquitto, unacked_s=0.2)
    async with reading(source) as batches:
        for payload in (b"forgotten", b"next"):
            await publish(mosquitto, payload)
            got, taken = await next_payloads(batches, 1)
            assert got == [payload]
        source.ack(taken[0])
        got, taken = await next_payloads(batches, 1)
        assert got == [b"forgotten"]
        source.ack(taken[0])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(batches), 0.8)
        assert source.totals()["wattline_broker_watchdog_total"] == 1


async def test_batches_that_wait_for_the_store_are_not_forgotten(mosquitto):
    """None is acknowledged for long, then all are, in order."""
    source = source_for(mosquitto, unacked_s=0.1)
    waiting = []
    async with reading(source) as batches:
        for payload in (b"1", b"2", b"3"):
            await publish(mosquitto, payload)
            waiting += (await next_payloads(batches, 1))[1]
        await asyncio.sleep(0.6)
        for batch in waiting:
            source.ack(batch)
        await asyncio.sleep(0.3)
    assert (source.watchdog_total, source.reconnects_total, source.stale_acks_total) == (0, 0, 0)


async def test_a_batch_is_handed_over_by_bytes_as_well(mosquitto):
    source = source_for(mosquitto, batch_bytes=1000, linger_s=0.3)
    async with reading(source) as batches:
        await publish(mosquitto, *(bytes(400) for _ in range(6)), bytes(5000), bytes(400))
        got, taken = await next_payloads(batches, 8)
        assert sum(map(len, got)) == 7 * 400 + 5000
        assert all(sum(map(len, batch.payloads)) <= 1000 or len(batch.payloads) == 1 for batch in taken)
        for batch in taken:
            source.ack(batch)
    assert source.stale_acks_total == 0


async def test_a_batch_that_is_full_by_bytes_does_not_wait(mosquitto):
    source = source_for(mosquitto, batch_bytes=1000, linger_s=3600)
    async with reading(source) as batches:
        await publish(mosquitto, bytes(1000))
        got, _ = await next_payloads(batches, 1)
        assert got == [bytes(1000)]


async def test_messages_of_others_are_acknowledged_and_forgotten(mosquitto):
    source = source_for(mosquitto, wants=lambda topic: "/mine/" in topic, receive_maximum=5)
    async with reading(source) as batches:
        for _ in range(4):
            await publish(mosquitto, *(bytes(10) for _ in range(5)), device="theirs")
            await publish(mosquitto, b"1", device="mine")
            got, taken = await next_payloads(batches, 1)
            source.ack(taken[0])
            assert taken[0].topics == [TOPIC.format("mine")]
            assert got == [b"1"]


async def test_leaving_takes_what_is_queued_and_ends_the_session(mosquitto):
    client_id = f"test-{uuid.uuid4()}"
    async with reading(source_for(mosquitto, client_id=client_id)):
        pass
    await publish(mosquitto, *(b"%d" % number for number in range(30)))
    leaving = source_for(mosquitto, client_id=client_id, task="leave", receive_maximum=4)
    got = []
    async for batch in leaving.batches():
        if not got:
            await publish(mosquitto, b"for others")
        got += batch.payloads
        leaving.ack(batch)
    assert got == [b"%d" % number for number in range(30)]
    again = source_for(mosquitto, client_id=client_id, task="leave")
    assert [batch async for batch in again.batches()] == []


async def test_a_session_that_was_opened_keeps_what_is_published(mosquitto):
    client_id = f"test-{uuid.uuid4()}"
    options = source_for(mosquitto, client_id=client_id).options
    await open_session(options)
    await publish(mosquitto, b"a", b"b")
    await open_session(options)
    async with reading(source_for(mosquitto, client_id=client_id)) as batches:
        got, _ = await next_payloads(batches, 2)
    assert sorted(got) == [b"a", b"b"]


async def test_retained_messages_come_with_a_new_session_only(mosquitto):
    topic = TOPIC.format(f"retained-{uuid.uuid4()}")
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.publish(topic, b"old", qos=1, retain=True)
        source = source_for(mosquitto, topic_filters=[topic])
        async with reading(source) as batches:
            got, taken = await next_payloads(batches, 1)
            source.ack(taken[0])
            source._connection.abort()
            async with asyncio.timeout(10):
                while not source.reconnects_total or not source.connected:
                    await asyncio.sleep(0.01)
            await client.publish(topic, b"new", qos=1)
            more, _ = await next_payloads(batches, 1)
        await client.publish(topic, b"", qos=1, retain=True)
    assert (got, more) == ([b"old"], [b"new"])


async def test_qos_0_is_taken_and_needs_no_acknowledgement(mosquitto):
    source = source_for(mosquitto)
    async with reading(source) as batches:
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            await client.publish(TOPIC.format("m"), b"0", qos=0)
        got, taken = await next_payloads(batches, 1)
        source.ack(taken[0])
        assert (got, taken[0].packet_ids) == ([b"0"], [0])


async def test_the_broker_drops_what_is_longer_than_we_take(mosquitto):
    source = source_for(mosquitto, max_packet_bytes=2000)
    async with reading(source) as batches:
        await publish(mosquitto, bytes(5000), b"next")
        got, _ = await next_payloads(batches, 1)
        assert got == [b"next"]
        assert source.connected
