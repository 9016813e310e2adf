"""The production configuration on a real mosquitto: who gets in, what arrives, what survives."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.project.broker import WAIT_S, Broker, Client
from tests.servers import binary
from tools.deploy import add_device, remove_device

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    binary("mosquitto", "mosquitto")
    binary("openssl", "openssl")
    broker = Broker(tmp_path_factory.mktemp("mosquitto"))
    yield broker
    broker.stop()


@pytest.fixture
def wattline(broker: Broker) -> Iterator[Client]:
    client = Client(broker, "wattline", broker.password("wattline"))
    assert client.connected == 0
    assert client.subscribe("wattline/v1/#") == 1
    yield client
    client.close()


@pytest.fixture
def device(broker: Broker) -> tuple[str, str]:
    """A new device: a new password for a connected one would need a restart (config/mosquitto/README.md)."""
    name = f"meter-{next(broker.numbers)}"
    password = add_device(broker.secrets, name)
    broker.reload()
    return name, password


def test_a_device_reaches_wattline(broker: Broker, wattline: Client, device: tuple[str, str]) -> None:
    meter = Client(broker, *device)
    assert meter.publish(f"wattline/v1/{device[0]}/readings", b"1") == 0
    assert wattline.next() == (f"wattline/v1/{device[0]}/readings", b"1")
    meter.close()


@pytest.mark.parametrize("version", [5, 3])
@pytest.mark.parametrize("topic", ["wattline/v1/other/readings", "wattline/v1/{device}0/readings"])
def test_a_device_cannot_speak_for_another(
    broker: Broker, wattline: Client, device: tuple[str, str], topic: str, version: int
) -> None:
    """MQTT 3.1.1 has no way to refuse: it looks like a success, so what counts is what arrives."""
    meter = Client(broker, *device, version=version)
    assert meter.publish(topic.format(device=device[0]), b"forged") == (0x87 if version == 5 else 0)
    meter.publish(f"wattline/v1/{device[0]}/readings", b"own")
    assert wattline.next() == (f"wattline/v1/{device[0]}/readings", b"own")
    meter.close()


def test_a_device_reads_nothing(broker: Broker, wattline: Client, device: tuple[str, str]) -> None:
    meter = Client(broker, *device)
    meter.subscribe("#")
    meter.publish(f"wattline/v1/{device[0]}/readings", b"mine")
    wattline.next()
    assert meter.messages.empty()
    meter.close()


@pytest.mark.parametrize(
    ("account", "password"), [(None, None), ("wattline", "wrong"), ("stranger", "x"), ("health", "")]
)
def test_nobody_gets_in_without_the_password(
    broker: Broker, account: str | None, password: str | None
) -> None:
    client = Client(broker, account, password)
    assert client.connected.value in {0x86, 0x87}  # bad user name or password, not authorised
    client.close()


@pytest.mark.parametrize("client_id", ["wattline-ingest", "wattline", ""])
def test_a_device_cannot_take_wattlines_session_over(
    broker: Broker, wattline: Client, device: tuple[str, str], client_id: str
) -> None:
    """Not while Wattline is connected, and not while its messages wait for it."""
    meter = Client(broker, *device, client_id=client_id)
    meter.publish(f"wattline/v1/{device[0]}/readings", b"live")
    assert wattline.next() == (f"wattline/v1/{device[0]}/readings", b"live")
    assert wattline.lost.empty()
    meter.close()
    wattline.close()
    for payload in (b"queued", b"queued too"):
        meter = Client(broker, *device, client_id=client_id)
        meter.publish(f"wattline/v1/{device[0]}/readings", payload)
        meter.close()
    again = Client(broker, "wattline", broker.password("wattline"))
    assert [again.next()[1], again.next()[1]] == [b"queued", b"queued too"]
    again.close()


def test_a_removed_device_is_shut_out(broker: Broker, device: tuple[str, str]) -> None:
    meter = Client(broker, *device)
    assert meter.connected == 0
    meter.close()
    remove_device(broker.secrets, device[0])
    broker.stop()
    broker.start()
    meter = Client(broker, *device)
    assert meter.connected.value == 0x87
    meter.close()


def test_an_oversized_message_ends_the_connection(
    broker: Broker, wattline: Client, device: tuple[str, str]
) -> None:
    meter = Client(broker, *device, version=3)
    meter.client.publish(f"wattline/v1/{device[0]}/readings", b"x" * 3_000_000, qos=1)
    assert meter.lost.get(timeout=WAIT_S)
    meter.client.loop_stop()
    after = Client(broker, *device)
    after.publish(f"wattline/v1/{device[0]}/readings", b"after")
    assert wattline.next() == (f"wattline/v1/{device[0]}/readings", b"after")
    after.close()


def test_nothing_older_than_tls_1_2_gets_in(broker: Broker) -> None:
    for version, accepted in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        command = ["openssl", "s_client", "-connect", f"localhost:{broker.port}", version]
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=WAIT_S, check=False
        )
        assert (done.returncode == 0) is accepted, version


def test_what_is_queued_survives_a_restart(broker: Broker, device: tuple[str, str]) -> None:
    """More than mosquitto's own limit of 1000 messages, while Wattline is away."""
    wattline = Client(broker, "wattline", broker.password("wattline"))
    wattline.subscribe("wattline/v1/#")
    wattline.close()
    meter = Client(broker, *device)
    for number in range(2500):
        meter.publish(f"wattline/v1/{device[0]}/readings", str(number).encode())
    meter.close()
    broker.stop()
    broker.start()
    wattline = Client(broker, "wattline", broker.password("wattline"))
    assert [int(wattline.next()[1]) for _ in range(2500)] == list(range(2500))
    wattline.close()


def test_the_health_check_of_the_compose_file_succeeds(broker: Broker) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    command = services["mosquitto"]["healthcheck"]["test"][1].replace("$$", "$")
    moved = command.replace("/mosquitto/", f"{broker.folder}/").replace("-p 8883", f"-p {broker.port}")
    assert subprocess.run(["sh", "-c", moved], timeout=WAIT_S, check=False).returncode == 0
