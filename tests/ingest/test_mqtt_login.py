"""The source at the door of a real mosquitto: TLS, certificates, accounts, and what each refusal says."""

import asyncio
import contextlib
import getpass
import itertools
import logging
import socket
import ssl
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import pytest

from ingest.mqtt import MqttOptions, MqttSource
from tests.servers import binary, free_port, running

pytestmark = pytest.mark.anyio
RIGHT, WRONG = "correct-horse", "battery-staple"
TOPIC = "wattline/v1/m/readings"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Doors:
    """A mosquitto that listens five times, and the folder of its certificates."""

    folder: Path
    plain: int
    tls: int
    expired: int
    elsewhere: int
    identity: int


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def openssl(folder, *arguments):
    subprocess.run(
        [binary("openssl", "openssl"), *map(str, arguments)], cwd=folder, check=True, capture_output=True
    )


def certificate(folder, name, common_name, *, names="", days="1"):
    """Signed by ca.crt; days may be -1, for one that ended yesterday."""
    openssl(
        folder, "req", *CURVE, "-subj", f"/CN={common_name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"
    )
    (folder / "names").write_text(f"subjectAltName={names}\n" if names else "")
    signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-days", days, "-out", f"{name}.crt")


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    program = binary("mosquitto", "mosquitto")
    folder = tmp_path_factory.mktemp("doors")
    for authority in ("ca", "stranger"):
        made = ("-keyout", f"{authority}.key", "-out", f"{authority}.crt", "-days", "2")
        openssl(folder, "req", "-x509", *CURVE, "-subj", f"/CN={authority}", *made)
    certificate(folder, "server", "server", names="DNS:localhost,IP:127.0.0.1")
    certificate(folder, "expired", "server", names="DNS:localhost,IP:127.0.0.1", days="-1")
    certificate(folder, "elsewhere", "server", names="DNS:mqtt.example.org")
    certificate(folder, "client", "ingest")
    passwords = folder / "passwords"
    passwords.touch(0o600)
    for account in ("ingest", "meter"):
        command = [binary("mosquitto_passwd", "mosquitto"), "-b", passwords, account, RIGHT]
        subprocess.run(command, check=True)
    (folder / "acl").write_text(f"user ingest\ntopic read {TOPIC}\nuser meter\ntopic write {TOPIC}\n")
    ports = [free_port() for _ in range(5)]
    tls = f"cafile {folder}/ca.crt\ncertfile {folder}/{{0}}.crt\nkeyfile {folder}/{{0}}.key\n"
    lines = [
        f"per_listener_settings true\nuser {getpass.getuser()}\nlistener {ports[0]} 127.0.0.1\n",
        f"allow_anonymous false\npassword_file {passwords}\nacl_file {folder}/acl\n",
    ]
    for port, name in zip(ports[1:4], ("server", "expired", "elsewhere"), strict=True):
        lines.append(f"listener {port} 127.0.0.1\nallow_anonymous true\n" + tls.format(name))
    lines.append(f"listener {ports[4]} 127.0.0.1\nacl_file {folder}/acl\n" + tls.format("server"))
    lines.append("require_certificate true\nuse_identity_as_username true\n")
    config = folder / "mosquitto.conf"
    config.write_text("".join(lines))
    with running([program, "-c", str(config)], folder, lambda: all(map(accepts, ports))):
        yield Doors(folder, *ports)


@pytest.fixture
def anyio_backend():
    return "asyncio"


def context(doors, *, authority="ca", client=None):
    made = ssl.create_default_context(cafile=doors.folder / f"{authority}.crt")
    if client is not None:
        made.load_cert_chain(doors.folder / f"{client}.crt", doors.folder / f"{client}.key")
    return made


def source_at(port, **changes):
    given = {"client_id": f"test-{uuid.uuid4()}", "host": "127.0.0.1", "topic_filters": [TOPIC]}
    return MqttSource(MqttOptions(port=port, **(given | changes)), itertools.count(1).__next__)


async def told(source, caplog):
    """What the log says of a source that does not get in."""
    caplog.set_level(logging.WARNING)
    batches = source.batches()
    waiting = asyncio.ensure_future(anext(batches, None))
    async with asyncio.timeout(10):
        while source.reconnects_total < 2:
            await asyncio.sleep(0.01)
    assert not source.connected
    source.close()
    await waiting
    said = [record.getMessage() for record in caplog.records if record.name == "ingest.mqtt"]
    assert len(said) == len(set(said))  # once, not at every attempt
    return said[-1]


async def gets_in(source):
    batches = source.batches()
    waiting = asyncio.ensure_future(anext(batches, None))
    async with asyncio.timeout(10):
        while not source.connected:
            await asyncio.sleep(0.01)
    source.close()
    await waiting


async def test_a_wrong_password_is_refused_and_said(doors, caplog):
    said = await told(source_at(doors.plain, username="ingest", password=WRONG), caplog)
    assert "broker.password_file" in said
    assert WRONG not in said


async def test_an_account_is_let_in(doors):
    await gets_in(source_at(doors.plain, username="ingest", password=RIGHT))


async def test_a_trusted_server_is_talked_to_over_tls(doors):
    await gets_in(source_at(doors.tls, tls=context(doors)))


async def test_long_messages_arrive_whole_over_tls(doors):
    """Longer together than what is read at once."""
    sent = [bytes([number]) * 50_000 for number in range(60)]
    source = source_at(doors.tls, tls=context(doors))
    batches = source.batches()
    waiting = asyncio.ensure_future(anext(batches))
    got = []
    async with asyncio.timeout(20):
        while not source.connected:
            await asyncio.sleep(0.01)
        async with aiomqtt.Client("127.0.0.1", doors.plain, username="meter", password=RIGHT) as meter:
            for payload in sent:
                await meter.publish(TOPIC, payload, qos=1)
        while len(got) < len(sent):
            batch = await waiting
            source.ack(batch)
            got += batch.payloads
            if len(got) < len(sent):
                waiting = asyncio.ensure_future(anext(batches))
    await batches.aclose()
    assert got == sent


async def test_a_server_of_another_authority_is_left(doors, caplog):
    said = await told(source_at(doors.tls, tls=context(doors, authority="stranger")), caplog)
    assert "broker.ca_file does not vouch for" in said


async def test_an_expired_certificate_is_said(doors, caplog):
    assert "has expired" in await told(source_at(doors.expired, tls=context(doors)), caplog)


async def test_a_certificate_for_another_name_is_said(doors, caplog):
    said = await told(source_at(doors.elsewhere, tls=context(doors)), caplog)
    assert "another name than 127.0.0.1" in said


async def test_a_port_without_tls_is_said(doors, caplog):
    said = await told(source_at(doors.plain, tls=context(doors)), caplog)
    assert "TLS on this port" in said


async def test_a_port_that_wants_tls_is_said(doors, caplog):
    assert "broker.tls" in await told(source_at(doors.tls), caplog)


async def test_without_a_client_certificate_nobody_gets_in(doors, caplog):
    said = await told(source_at(doors.identity, tls=context(doors)), caplog)
    assert "broker.certificate_file" in said


async def test_a_client_certificate_names_the_account(doors):
    """The ACL lets the account `ingest` read; the source gives no user name."""
    source = source_at(doors.identity, tls=context(doors, client="client"))
    batches = source.batches()
    waiting = asyncio.ensure_future(anext(batches))
    async with asyncio.timeout(10):
        while not source.connected:
            await asyncio.sleep(0.01)
        async with aiomqtt.Client("127.0.0.1", doors.plain, username="meter", password=RIGHT) as meter:
            await meter.publish(TOPIC, b"1", qos=1)
        assert (await waiting).payloads == [b"1"]
    source.close()
    with pytest.raises(StopAsyncIteration):
        await anext(batches)
