"""The publisher against a real mosquitto."""

import asyncio
import socket
from pathlib import Path

import pytest

from simulators.publish import BrokerAddress, BrokerUnreachable, Publisher
from simulators.stream import Message
from tests.servers import binary, free_port, running
from tests.simulators.listening import listening


def numbered(count: int, size: int = 0) -> list[Message]:
    return [
        Message(f"wattline/v1/d{n % 7}/readings", b'{"n":%d,"x":"%s"}' % (n, b"x" * size))
        for n in range(count)
    ]


def publish(port: int, messages: list[Message], **options) -> Publisher:
    async def run() -> Publisher:
        async with Publisher(BrokerAddress(port=port), client_id="test", **options) as publisher:
            await publisher.publish(messages)
        return publisher

    return asyncio.run(run())


def test_every_message_arrives_once_and_in_order(mosquitto):
    messages = numbered(5000)
    with listening(mosquitto.port) as heard:
        publisher = publish(mosquitto.port, messages)
        assert publisher.acknowledged == 5000
        assert heard.wait_for(5000) == [tuple(message) for message in messages]


@pytest.mark.parametrize("size", [0, 120, 128, 20_000, 200_000])
def test_payloads_of_every_length_arrive_whole(mosquitto, size):
    messages = numbered(3, size)
    with listening(mosquitto.port) as heard:
        publish(mosquitto.port, messages)
        assert heard.wait_for(3) == [tuple(message) for message in messages]


def test_a_small_window_still_sends_everything(mosquitto):
    assert publish(mosquitto.port, numbered(40), window=3).acknowledged == 40


def test_more_messages_than_packet_ids_get_through(mosquitto):
    assert publish(mosquitto.port, numbered(70_000), window=30_000).acknowledged == 70_000


def test_a_packet_id_in_flight_is_not_given_again():
    publisher = Publisher(BrokerAddress(), client_id="test")
    publisher._in_flight = {1: b"", 2: b"", 65_535: b""}
    publisher._packet_id = 65_534
    assert publisher._next_packet_id() == 3


def test_a_missing_broker_is_one_clear_line():
    port = free_port()
    with pytest.raises(
        BrokerUnreachable, match=rf"no MQTT broker for us at 127.0.0.1:{port} \(.+\)"
    ) as caught:
        publish(port, numbered(1))
    assert "\n" not in str(caught.value)


def test_a_listener_that_is_no_broker_is_one_clear_line():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        async def run() -> None:
            loop = asyncio.get_running_loop()

            async def hang_up() -> None:
                listener.setblocking(False)
                connection, _ = await loop.sock_accept(listener)
                connection.close()

            hanging = asyncio.create_task(hang_up())
            with pytest.raises(BrokerUnreachable, match="closed before the login"):
                async with Publisher(BrokerAddress(port=listener.getsockname()[1]), client_id="test"):
                    pass
            await hanging

        asyncio.run(run())


@pytest.fixture
def guarded(tmp_path: Path):
    """A mosquitto that wants a password; yields (port, how to run it again)."""
    program, port = binary("mosquitto", "mosquitto"), free_port()
    config, passwords = tmp_path / "mosquitto.conf", tmp_path / "passwords"
    passwords.touch(mode=0o600)
    config.write_text(f"listener {port} 127.0.0.1\npassword_file {passwords}\nuser root\n")
    with running([program, "-c", str(config)], tmp_path, lambda: answers(port)):
        yield port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_refused_login_says_so(guarded):
    broker = BrokerAddress(port=guarded, username="meter", password="wrong")  # noqa: S106

    async def run() -> None:
        async with Publisher(broker, client_id="test"):
            pass

    with pytest.raises(BrokerUnreachable, match=r"does not authorise|user name or password"):
        asyncio.run(run())


def test_what_a_killed_broker_did_not_acknowledge_is_sent_again(tmp_path):
    program, port = binary("mosquitto", "mosquitto"), free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    command = [program, "-c", str(config)]

    async def run() -> Publisher:
        broker = await asyncio.create_subprocess_exec(*command)
        while not answers(port):
            await asyncio.sleep(0.02)
        async with Publisher(BrokerAddress(port=port), client_id="test") as publisher:
            await publisher.publish(numbered(1000))
            broker.kill()
            await broker.wait()
            waiting = asyncio.create_task(publisher.publish(numbered(20_000)))
            await asyncio.sleep(0.1)
            again = await asyncio.create_subprocess_exec(*command)
            try:
                await waiting
                await publisher.drain()
            finally:
                again.terminate()
                await again.wait()
                publisher.patience_s = 0.0
        return publisher

    publisher = asyncio.run(run())
    assert publisher.acknowledged == 21_000
    assert publisher.reconnects >= 1


def test_patience_ends_with_a_clear_error(tmp_path):
    program, port = binary("mosquitto", "mosquitto"), free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")

    async def run() -> None:
        broker = await asyncio.create_subprocess_exec(program, "-c", str(config))
        while not answers(port):
            await asyncio.sleep(0.02)
        async with Publisher(BrokerAddress(port=port), client_id="test", patience_s=0.3) as publisher:
            broker.kill()
            await broker.wait()
            await publisher.publish(numbered(10_000))

    with pytest.raises(BrokerUnreachable):
        asyncio.run(run())


def test_cancelling_closes_without_waiting_for_acknowledgements(mosquitto):
    async def run() -> None:
        async def forever() -> None:
            async with Publisher(BrokerAddress(port=mosquitto.port), client_id="test") as publisher:
                while True:
                    await publisher.publish(numbered(100))

        task = asyncio.create_task(forever())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "host", "port", "username"),
    [
        ("broker", "broker", 1883, None),
        ("127.0.0.1:1884", "127.0.0.1", 1884, None),
        ("mqtt://u%40x:p@host:5", "host", 5, "u@x"),
        ("mqtts://host", "host", 8883, None),
    ],
)
def test_broker_addresses_are_read(text, host, port, username):
    address = BrokerAddress.parse(text)
    assert (address.host, address.port, address.username) == (host, port, username)


@pytest.mark.parametrize("text", ["http://host", "mqtt://", "mqtt://host:port"])
def test_a_wrong_address_is_refused(text):
    with pytest.raises(ValueError, match=r"port|not a broker address"):
        BrokerAddress.parse(text)
