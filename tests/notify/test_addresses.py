"""Where messages may go: no address of the inside, unless the operator says so. A name is resolved once."""

import ssl

import pytest
import trustme

from notify.addresses import AddressRefused, choose, permitted
from notify.http import NoAnswer, Transport
from tests.notify.receivers import Receiver, answer

INSIDE = [
    "127.0.0.1",
    "127.8.9.10",
    "::1",
    "0.0.0.0",  # noqa: S104 an address like the others here
    "::",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",  # metadata of a cloud
    "169.254.169.254",  # metadata of the others
    "168.63.129.16",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "192.0.2.1",
    "240.0.0.1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_the_inside_is_refused(address):
    assert not permitted(address, ())


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_the_outside_is_not(address):
    assert permitted(address, ())


def test_the_operator_opens_ranges_and_nothing_beside_them():
    allowed = ("10.20.0.0/16", "fd12::/16")
    assert permitted("10.20.3.4", allowed)
    assert permitted("::ffff:10.20.3.4", allowed)
    assert permitted("fd12::1", allowed)
    assert not permitted("10.21.3.4", allowed)
    assert not permitted("127.0.0.1", allowed)


def test_a_metadata_service_is_opened_by_its_own_address_alone():
    assert not permitted("169.254.169.254", ("169.254.0.0/16",))
    assert not permitted("100.100.100.200", ("0.0.0.0/0",))
    assert permitted("169.254.169.254", ("169.254.0.0/16", "169.254.169.254/32"))


def test_of_several_addresses_a_permitted_one_is_taken():
    assert choose("host", ["127.0.0.1", "1.1.1.1"], ()) == "1.1.1.1"
    with pytest.raises(AddressRefused, match="allow_networks"):
        choose("host", ["127.0.0.1", "10.0.0.1"], ())


@pytest.fixture
def anyio_backend():
    return "asyncio"


def _rebinding(*answers):
    """A resolver that says something else each time; the list that it returns counts."""
    asked = []

    async def resolve(host, port):
        asked.append((host, port))
        return [answers[min(len(asked), len(answers)) - 1]]

    return resolve, asked


@pytest.mark.anyio
async def test_a_name_that_changes_its_mind_is_asked_once():
    receiver = Receiver([answer(200)])
    async with receiver.serving():
        resolve, asked = _rebinding("127.0.0.1", "10.9.9.9")
        transport = Transport(("127.0.0.1/32",), 2.0, resolve=resolve)
        said = await transport.post(f"http://hook.example:{receiver.port}/a?b=c", b"{}", {})
        assert said.status == 200
        assert len(asked) == 1
        [request] = receiver.requests
        assert request.headers["host"] == f"hook.example:{receiver.port}"
        assert request.path == "/a?b=c"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_nothing_connects_to_the_inside_however_it_is_written(host):
    receiver = Receiver([answer(200)])
    async with receiver.serving():
        with pytest.raises((AddressRefused, NoAnswer)):
            await Transport((), 2.0).post(f"http://{host}:{receiver.port}/", b"", {})
        assert receiver.connections == 0


@pytest.mark.anyio
async def test_a_name_of_the_inside_never_connects():
    receiver = Receiver([answer(200)])
    async with receiver.serving():
        resolve, _ = _rebinding("127.0.0.1")
        with pytest.raises(AddressRefused):
            await Transport((), 2.0, resolve=resolve).post(f"http://evil.example:{receiver.port}/", b"", {})
        assert receiver.connections == 0


@pytest.mark.anyio
async def test_tls_is_for_the_name_although_the_connection_is_for_the_address():
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hook.example").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    receiver = Receiver([answer(200)])
    async with receiver.serving(tls=server):
        resolve, _ = _rebinding("127.0.0.1")
        transport = Transport(("127.0.0.1/32",), 2.0, client, resolve)
        assert (await transport.post(f"https://hook.example:{receiver.port}/", b"", {})).status == 200
        with pytest.raises(NoAnswer, match=r"(?i)certificate"):
            await transport.post(f"https://other.example:{receiver.port}/", b"", {})


@pytest.mark.anyio
async def test_proxies_of_the_environment_are_ignored(monkeypatch):
    receiver, proxy = Receiver([answer(200)]), Receiver([answer(502)])
    async with receiver.serving(), proxy.serving():
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        said = await Transport(("127.0.0.0/8",), 2.0).post(receiver.url, b"", {})
        assert said.status == 200
        assert proxy.connections == 0
