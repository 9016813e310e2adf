"""The production configuration on a real mosquitto: who gets in, what arrives, what survives."""

import contextlib
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import mqtt5
import pytest
import yaml

from tests.project.broker import WAIT_S, Broker, Client
from tests.servers import binary
from tools.deploy import add_certificate, add_device, make_secrets, remove_device

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "mosquitto" / "mosquitto.conf"


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


def test_the_longest_message_that_the_broker_takes_arrives(
    broker: Broker, wattline: Client, device: tuple[str, str]
) -> None:
    """One that is longer than its reader takes would be acknowledged and dropped."""
    taken = int(re.search(r"^max_packet_size (\d+)$", CONFIG.read_text(), re.MULTILINE)[1])
    topic = f"wattline/v1/{device[0]}/readings"
    overhead = 1 + 2 + len(topic) + 2  # as mosquitto counts: type, topic with its length, packet id
    meter = Client(broker, *device, version=3)
    assert meter.publish(topic, b"x" * (taken - overhead)) == 0
    assert len(wattline.next()[1]) == taken - overhead
    meter.client.publish(topic, b"x" * (taken - overhead + 1), qos=1)
    assert meter.lost.get(timeout=WAIT_S)
    meter.client.loop_stop()


def test_the_account_for_the_brokers_figures_reads_them_and_no_messages(
    broker: Broker, wattline: Client, device: tuple[str, str]
) -> None:
    """mosquitto grants any subscription; what an account may not read is not delivered to it."""
    watch = Client(broker, "watch", broker.password("watch"))
    watch.subscribe("wattline/v1/#")
    meter = Client(broker, *device)
    meter.publish(f"wattline/v1/{device[0]}/readings", b"1")
    wattline.next()
    meter.close()
    assert watch.subscribe("$SYS/broker/publish/messages/dropped") == 1
    assert watch.next() == ("$SYS/broker/publish/messages/dropped", b"0")
    watch.close()


def test_only_wattlines_own_account_may_say_what_a_person_read(
    broker: Broker, wattline: Client, device: tuple[str, str]
) -> None:
    topic = f"wattline/v1/{device[0]}/manual"
    meter = Client(broker, *device)
    importer = Client(broker, "import", broker.password("import"))
    assert meter.publish(topic, b"forged") == 0x87
    assert importer.publish(topic, b"read by a person") == 0
    assert wattline.next() == (topic, b"read by a person")
    assert importer.publish(f"wattline/v1/{device[0]}/readings", b"forged") == 0x87
    for client in (meter, importer):
        client.close()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that asks for certificates as well."""
    broker = Broker(
        tmp_path_factory.mktemp("strict"), {"require_certificate false": "require_certificate true"}
    )
    yield broker
    broker.stop()


def _is_answered(broker: Broker, certificate: Path | None) -> bool:
    """Whether a CONNECT is answered: in TLS 1.3 a client is told of its refusal only by the end."""
    context = ssl.create_default_context(cafile=broker.folder / "secrets" / "ca.crt")
    if certificate is not None:
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    plain = socket.create_connection(("127.0.0.1", broker.port), WAIT_S)
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(mqtt5.ConnectPacket("x").write())
        return bool(connection.recv(1))
    return False


def test_where_certificates_are_asked_for_a_password_alone_is_not_enough(strict: Broker) -> None:
    password = add_device(strict.secrets, "meter-1")
    strict.reload()
    assert not _is_answered(strict, None)
    certificate = add_certificate(strict.secrets, "meter-1")
    meter = Client(strict, "meter-1", password, certificate=certificate)
    assert meter.publish("wattline/v1/meter-1/readings", b"1") == 0x10  # nobody listens yet
    meter.close()
    without = Client(strict, "meter-1", "wrong", certificate=certificate)
    assert without.connected == 0x87
    without.close()


def test_a_certificate_of_another_authority_is_none(strict: Broker, tmp_path: Path) -> None:
    make_secrets(tmp_path / "theirs", [])
    assert not _is_answered(strict, add_certificate(tmp_path / "theirs", "meter-1"))
    assert _is_answered(strict, add_certificate(strict.secrets, "meter-2"))


def test_the_certificates_name_can_be_the_account(tmp_path: Path) -> None:
    """Then a device speaks for the name in its certificate, whatever it says."""
    named = "require_certificate true\nuse_identity_as_username true"
    broker = Broker(tmp_path, {"require_certificate false": named})
    try:
        reader = Client(broker, None, None, certificate=add_certificate(broker.secrets, "wattline"))
        assert reader.subscribe("wattline/v1/#") == 1
        meter = Client(broker, None, None, certificate=add_certificate(broker.secrets, "meter-1"))
        assert meter.publish("wattline/v1/meter-2/readings", b"forged").value == 0x87
        assert meter.publish("wattline/v1/meter-1/readings", b"own") == 0
        assert reader.next() == ("wattline/v1/meter-1/readings", b"own")
        for client in (reader, meter):
            client.close()
    finally:
        broker.stop()


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


def test_what_was_acknowledged_before_the_last_save_survives_a_crash(
    broker: Broker, device: tuple[str, str]
) -> None:
    wattline = Client(broker, "wattline", broker.password("wattline"))
    wattline.subscribe("wattline/v1/#")
    wattline.close()
    meter = Client(broker, *device)
    meter.publish(f"wattline/v1/{device[0]}/readings", b"saved")
    meter.close()
    saved = broker.folder / "data" / "mosquitto.db"
    before = saved.stat().st_mtime_ns if saved.exists() else 0
    deadline_s = time.monotonic() + WAIT_S
    while not (saved.exists() and saved.stat().st_mtime_ns > before):  # autosave_interval
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    broker.stop(signal.SIGKILL)
    broker.start()
    wattline = Client(broker, "wattline", broker.password("wattline"))
    assert wattline.next()[1] == b"saved"
    wattline.close()


def test_the_health_check_of_the_compose_file_succeeds(broker: Broker) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    command = services["mosquitto"]["healthcheck"]["test"][1].replace("$$", "$")
    moved = command.replace("/mosquitto/", f"{broker.folder}/").replace("-p 8883", f"-p {broker.port}")
    assert subprocess.run(["sh", "-c", moved], timeout=WAIT_S, check=False).returncode == 0
