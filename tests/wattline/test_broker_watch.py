"""The watch of the broker's figures, on a real mosquitto that really drops messages."""

import asyncio
import contextlib
import getpass
import logging
import socket
import time

import aiomqtt
import httpx
import mqtt5
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.servers import Server, binary, free_port, running
from wattline.broker.embedded import start_broker
from wattline.broker.watch import BrokerWatch, WatchOptions
from wattline.stated.settings import Broker

pytestmark = pytest.mark.anyio
QUEUE = 10


@pytest.fixture
def anyio_backend():
    return "asyncio"


@contextlib.contextmanager
def mosquitto_with(folder, *settings):
    """A mosquitto whose queues hold ten messages and that tells its figures every second."""
    port, config = free_port(), folder / "mosquitto.conf"
    lines = [
        f"listener {port} 127.0.0.1",
        f"max_queued_messages {QUEUE}",
        f"user {getpass.getuser()}",
        *settings,
    ]
    config.write_text("\n".join(lines) + "\n")

    def answers():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    with running([binary("mosquitto", "mosquitto"), "-c", str(config)], folder, answers):
        yield Server(port, folder)


async def overflow(server, messages):
    """Publish to a session whose client is away; mosquitto acknowledges what it then drops."""
    lasting = Properties(PacketTypes.CONNECT)
    lasting.SessionExpiryInterval = 3600
    given = {"protocol": aiomqtt.ProtocolVersion.V5, "clean_start": False, "properties": lasting}
    async with aiomqtt.Client(server.host, server.port, identifier="away", **given) as away:
        await away.subscribe("wattline/v1/#", qos=1)
    async with aiomqtt.Client(server.host, server.port) as device:
        for number in range(messages):
            await device.publish("wattline/v1/m/readings", str(number), qos=1)


@contextlib.asynccontextmanager
async def watching(server, **more):
    watch = BrokerWatch(
        WatchOptions(server.host, server.port, "watch", **more), lambda: time.time_ns() // 1000
    )
    running = asyncio.create_task(watch.run())
    try:
        yield watch
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("watched_first", [True, False])
async def test_what_an_absent_consumers_queue_does_not_hold_is_told(tmp_path, caplog, watched_first):
    """Also what was dropped before anyone looked: while Wattline itself was away."""
    with mosquitto_with(tmp_path, "allow_anonymous true", "sys_interval 1") as server:
        if not watched_first:
            await overflow(server, 50)
        async with watching(server) as watch:
            await until(lambda: watch.figures.values)
            if watched_first:
                assert watch.warnings() == []
                await overflow(server, 50)
            await until(lambda: watch.figures.dropped)
            await until(lambda: watch.figures.metrics().get("wattline_broker_backlog_messages") == QUEUE)
            found = watch.figures.metrics()
    assert found["wattline_broker_messages_dropped_total"] == 50 - QUEUE
    assert found["wattline_broker_clients_disconnected"] == 1
    assert found["wattline_broker_watched"] == 1
    assert "40 messages" in watch.warnings()[0].en
    assert "max_queued_messages" in watch.warnings()[0].en
    alarms = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.args[0] for record in alarms] == [40]


async def test_what_a_slow_reader_of_qos_0_does_not_take_is_counted_as_well(tmp_path):
    """So a dropped message is not always one of Wattline's: docs/operations.md says how to tell."""
    with mosquitto_with(tmp_path, "allow_anonymous true", "sys_interval 1") as server:
        _, slow = await asyncio.open_connection(server.host, server.port, limit=1)  # nobody reads on
        everything = mqtt5.TopicFilter("wattline/v1/#", max_qos=mqtt5.QoS.AT_MOST_ONCE)
        slow.write(mqtt5.ConnectPacket("slow").write() + mqtt5.SubscribePacket(1, [everything]).write())
        async with watching(server) as watch, aiomqtt.Client(server.host, server.port) as device:
            await until(lambda: watch.figures.metrics().get("wattline_broker_clients_connected") == 3)
            for _ in range(200):
                await device.publish("wattline/v1/m/readings", bytes(100_000), qos=1)
            await until(lambda: watch.figures.dropped)
        slow.transport.abort()


async def test_a_broker_that_restarts_is_followed_on(tmp_path):
    with mosquitto_with(tmp_path, "allow_anonymous true", "sys_interval 1") as server:
        async with watching(server, again_s=0.05) as watch:
            await until(lambda: watch.figures.values)
            watch.figures.forget()
            async with aiomqtt.Client(server.host, server.port, identifier="watch"):  # takes its place
                await until(lambda: watch.figures.values)


async def test_figures_that_are_not_there_are_no_error(tmp_path, caplog):
    with mosquitto_with(tmp_path, "allow_anonymous true", "sys_interval 0") as server:
        async with watching(server, patience_s=0.1) as watch:
            await until(lambda: "publishes none" in caplog.text)
            await asyncio.sleep(0.3)
    assert watch.figures.metrics() == {"wattline_broker_watched": 0}
    assert watch.warnings() == []
    assert caplog.text.count("not available") == 1


async def test_the_embedded_broker_has_no_figures(tmp_path, caplog):
    settings = Broker(port=free_port(), device_port=free_port())
    broker = await asyncio.to_thread(start_broker, settings, tmp_path)
    try:
        async with watching(Server(settings.port, tmp_path), patience_s=0.1, again_s=0.1) as watch:
            await until(lambda: "not available" in caplog.text)
    finally:
        broker.stop()
    assert watch.figures.metrics() == {"wattline_broker_watched": 0}


async def test_an_account_that_is_refused_is_told_once(tmp_path, caplog):
    with mosquitto_with(tmp_path, "allow_anonymous false") as server:
        async with watching(server, username="stranger", password="", again_s=0.05):
            await until(lambda: "stranger" in caplog.text)
            await asyncio.sleep(0.3)
    assert caplog.text.count("not available") == 1


async def test_a_broker_that_is_not_there_is_told_once(tmp_path, caplog):
    async with watching(Server(free_port(), tmp_path), again_s=0.05):
        await until(lambda: "not available" in caplog.text)
        await asyncio.sleep(0.3)
    assert caplog.text.count("not available") == 1


async def test_dropped_messages_are_seen_where_an_operator_looks(tmp_path, product):
    (tmp_path / "mosquitto").mkdir()
    with mosquitto_with(tmp_path / "mosquitto", "allow_anonymous true", "sys_interval 1") as server:
        product.variables = {"WATTLINE_BROKER__KIND": "external", "WATTLINE_BROKER__PORT": str(server.port)}
        await asyncio.to_thread(product.start)
        async with httpx.AsyncClient(base_url=product.url) as client:
            assert (await client.get("/readyz")).json()["warnings"] == []
            await overflow(server, 50)
            async with asyncio.timeout(30):
                while not (found := (await client.get("/readyz")).json())["warnings"]:
                    await asyncio.sleep(0.1)
        assert found["status"] == "ready"
        assert "40 messages" in found["warnings"][0]["en"]
        assert product.total("wattline_broker_messages_dropped_total") == 40
        assert product.stop() == 0
