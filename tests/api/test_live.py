"""The live socket on a real server, spoken to by a real WebSocket client."""

import asyncio
import contextlib
import json
import socket

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.items import power_items
from api.live_messages import Messages
from api.server import server_config
from api.services import Limits
from core.alerting import Act
from core.alerts import AlertChange, AlertState, EventKind, Target, TargetKind
from core.errors import StoreError
from core.ports import AlertActed, AlertsMoved, LedgerChanged, PlacePower, PowerChanged, VehiclesMoved
from tests.api.test_alerts import record
from tests.api.world import NOW_US

pytestmark = pytest.mark.anyio

SECOND = 1_000_000
PATIENCE_S = 20


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


@contextlib.asynccontextmanager
async def serving(app):
    """host:port of a server that runs the app in this loop."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    server = Server(server_config(app, host, port))
    task = asyncio.create_task(server.serve([listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.01)
    try:
        yield f"{host}:{port}", server
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, PATIENCE_S)


async def receive(websocket):
    return json.loads(await asyncio.wait_for(websocket.recv(), PATIENCE_S))


async def no_ping(websocket):
    while (message := await receive(websocket))["type"] == "ping":
        pass
    return message


async def until(condition):
    """Wait for what another task does."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def listening(world, **changes):
    """A client of a fresh server that has taken its hello."""
    async with (
        serving(world.app(**changes)) as (address, server),
        connect(f"ws://{address}/api/v1/live") as websocket,
    ):
        yield websocket, await receive(websocket), server


async def test_the_first_message_is_everything_as_it_stands(world):
    world.feed.powers = [PlacePower("b0", 200.0, 1, 1, NOW_US)]
    world.feed.newest_fixes = world.fixes(("car1", NOW_US - SECOND, 29.5, 106.5, 42, 1))
    record(world, "old", NOW_US - 9_000 * SECOND, state=AlertState.RESOLVED)
    record(world, "open", NOW_US - 60 * SECOND)
    async with listening(world) as (_, hello, _):
        assert list(hello) == ["type", "at", "power", "vehicles", "alerts"]
        assert hello["type"] == "hello"
        assert hello["at"] == "2018-07-02T02:00:00Z"
        assert [item["power_w"] for item in hello["power"]] == [200.0]
        assert [(item["id"], item["status"]) for item in hello["vehicles"]] == [
            ("car1", "moving"),
            ("car2", "unknown"),
            ("car3", "unknown"),
        ]
        assert [item["id"] for item in hello["alerts"]] == ["open"]


async def test_each_event_is_told_in_its_own_words(world):
    record(world, "a1", NOW_US - 60 * SECOND)
    alert = world.registry.alert("a1").alert
    world.registry.handle("a1", Act(EventKind.ACKNOWLEDGED, NOW_US, "Li"))
    async with listening(world) as (websocket, _, _):
        world.feed.publish(PowerChanged([PlacePower("b0", None, 1, 0, 0)]))
        world.feed.publish(VehiclesMoved(world.fixes(("car2", NOW_US, 29.5, 106.5, 0, 1))))
        world.feed.publish(AlertChange(alert, AlertState.PENDING, NOW_US))
        world.feed.publish(LedgerChanged(["b0", "org"]))
        power, vehicles, change, ledger = [await receive(websocket) for _ in range(4)]
    at = "2018-07-02T02:00:00Z"
    nothing = {"place": "b0", "power_w": None, "meters": 1, "reporting": 0, "at": None}
    assert power == {"type": "power", "at": at, "items": [nothing]}
    assert (vehicles["type"], vehicles["items"][0]["id"], vehicles["items"][0]["status"]) == (
        "vehicles",
        "car2",
        "idle",
    )
    assert (change["type"], change["at"], change["previous"]) == ("alert", at, "pending")
    assert change["alert"]["rule"]["action"]["en"] == "Check the chillers"
    assert change["alert"]["handling"]["acknowledged_by"] == "Li"
    assert ledger == {"type": "ledger", "at": at, "places": ["b0", "org"]}


async def test_what_changes_while_the_snapshot_is_taken_is_not_lost(world):
    taken = world.registry.alerts

    def alerts_and_meanwhile(query):
        world.feed.publish(LedgerChanged(["b0"]))
        return taken(query)

    world.registry.alerts = alerts_and_meanwhile
    async with listening(world) as (websocket, hello, _):
        assert hello["type"] == "hello"
        assert (await receive(websocket))["type"] == "ledger"


async def test_every_client_hears_every_event(world):
    async with serving(world.app()) as (address, _), contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(f"ws://{address}/api/v1/live")) for _ in range(3)]
        for client in clients:
            await receive(client)
        for number in range(5):
            world.feed.publish(LedgerChanged([str(number)]))
        heard = [[(await receive(client))["places"] for _ in range(5)] for client in clients]
    assert heard == [[[str(number)] for number in range(5)]] * 3


async def test_what_all_clients_hear_is_worded_once(world, monkeypatch):
    worded = []
    monkeypatch.setattr(
        "api.live_messages.power_items", lambda places: worded.append(places) or power_items(places)
    )
    clients = [Messages(world.services())] * 3

    def changes(power_w):
        """The same change, in a record of its own for each reader, as the feed hands it out."""
        return [PowerChanged([PlacePower("b0", power_w, 1, 1, NOW_US)]) for _ in clients]

    for power_w in (1.0, 2.0, 1.0):
        said = await asyncio.gather(
            *(client.of(event) for client, event in zip(clients, changes(power_w), strict=True))
        )
        assert [message.items[0].power_w for ((message, _),) in said] == [power_w] * 3
    assert len(worded) == 3


async def test_what_a_person_does_is_told_at_once_to_every_client(world):
    record(world, "a1", NOW_US - 60 * SECOND)
    async with (
        serving(world.app()) as (address, _),
        connect(f"ws://{address}/api/v1/live") as one,
        connect(f"ws://{address}/api/v1/live") as other,
        httpx.AsyncClient(base_url=f"http://{address}/api/v1/alerts/") as client,
    ):
        for websocket in (one, other):
            assert (await receive(websocket))["alerts"][0]["handling"]["status"] == "new"
        answer = (await client.post("a1/acknowledge", json={"by": "Li"})).json()
        refused = await client.post("a1/acknowledge", json={"by": "Li"})
        told = [await receive(websocket) for websocket in (one, other)]
        await client.post("a1/comment", json={"by": "Wang", "text": "on my way"})
        comment = await receive(one)
    assert refused.status_code == 409
    assert told[0] == told[1]
    assert (told[0]["type"], told[0]["previous"], told[0]["alert"]) == ("alert", "firing", answer)
    assert answer["handling"]["acknowledged_by"] == "Li"
    assert comment["alert"]["events"] == answer["events"] + 1


async def test_many_alerts_in_one_go_cost_one_look(world, monkeypatch):
    ids = [f"a{number}" for number in range(50)]
    for number, id_ in enumerate(ids):
        target = Target(TargetKind.REGISTER, f"d{number}/power_active")
        record(world, id_, NOW_US - 60 * SECOND, target=target)
    moved = AlertsMoved(
        [AlertChange(world.registry.alert(id_).alert, AlertState.PENDING, NOW_US) for id_ in ids]
        + [AlertActed(id_) for id_ in ids]
    )
    looks = []
    read = world.registry._database.read
    monkeypatch.setattr(world.registry._database, "read", lambda: looks.append(1) or read())
    said = await Messages(world.services()).of(moved)
    assert [message.alert.id for message, _ in said] == ids * 2
    assert len(looks) == 2  # the alerts, and whether rules have changed


async def test_a_vehicle_that_falls_silent_is_told_without_an_event(world):
    world.feed.newest_fixes = world.fixes(("car1", NOW_US, 29.5, 106.5, 42, 1))
    async with listening(world, limits=Limits(live_status_s=0.05)) as (websocket, hello, _):
        assert hello["vehicles"][0]["status"] == "moving"
        world.now_us += 61 * SECOND
        message = await no_ping(websocket)
        assert [(item["id"], item["status"]) for item in message["items"]] == [("car1", "offline")]
        world.feed.publish(LedgerChanged([]))
        # Told once, not every time that it is looked at.
        assert (await no_ping(websocket))["type"] == "ledger"


async def test_a_quiet_estate_is_told_from_a_dead_connection(world):
    async with listening(world, limits=Limits(live_status_s=0.05)) as (websocket, _, _):
        assert (await receive(websocket))["type"] == "ping"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_of_another_host_may_not_listen(world, origin):
    async with serving(world.app()) as (address, _):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"ws://{address}/api/v1/live", origin=origin)
    assert refusal.value.response.status_code == 403
    assert json.loads(refusal.value.response.body)["title"] == "Forbidden"


async def test_the_servers_own_page_and_allowed_ones_may_listen(world):
    allowed = ("https://dashboard.example",)
    async with serving(world.app(allowed_origins=allowed)) as (address, _):
        for origin in (f"http://{address}", *allowed):
            async with connect(f"ws://{address}/api/v1/live", origin=origin) as websocket:
                assert (await receive(websocket))["type"] == "hello"


async def test_the_number_of_clients_is_limited_and_a_place_becomes_free(world):
    app = world.app(limits=Limits(live_clients=1))
    async with serving(app) as (address, _):
        async with connect(f"ws://{address}/api/v1/live") as websocket:
            await receive(websocket)
            with pytest.raises(InvalidStatus) as refusal:
                await connect(f"ws://{address}/api/v1/live")
            assert refusal.value.response.status_code == 503
            assert refusal.value.response.headers["Retry-After"] == "30"
        await until(lambda: app.state.live.clients == 0)
        assert not world.feed.readers
        async with connect(f"ws://{address}/api/v1/live") as websocket:
            assert (await receive(websocket))["type"] == "hello"


async def test_a_client_that_takes_nothing_is_dropped_and_the_others_are_served(world):
    app = world.app(limits=Limits(live_send_s=0.3))
    async with serving(app) as (address, _), connect(f"ws://{address}/api/v1/live") as healthy:
        await receive(healthy)
        stuck = await connect(f"ws://{address}/api/v1/live", max_queue=1, compression=None)
        await receive(stuck)
        stuck.transport.pause_reading()
        places = [f"place-{number}" for number in range(20_000)]
        sent = 0
        while app.state.live.clients == 2 and sent < 200:
            world.feed.publish(LedgerChanged([*places, str(sent)]))
            assert (await receive(healthy))["places"][-1] == str(sent)
            sent += 1
            await asyncio.sleep(0.01)
        await until(lambda: app.state.live.clients == 1)
        await until(lambda: len(world.feed.readers) == 1)
        world.feed.publish(LedgerChanged(["still here"]))
        assert (await receive(healthy))["places"] == ["still here"]
        stuck.transport.abort()


async def test_what_a_client_says_is_ignored_up_to_a_size(world):
    async with listening(world) as (websocket, _, _):
        await websocket.send("hello?")
        await websocket.send(b"\x00\xff")
        world.feed.publish(LedgerChanged([]))
        assert (await receive(websocket))["type"] == "ledger"
        await websocket.send("x" * 5000)
        with pytest.raises(ConnectionClosed) as closed:
            await receive(websocket)
    assert closed.value.rcvd.code == 1009


async def test_a_stop_of_the_server_closes_the_socket_cleanly(world):
    async with listening(world) as (websocket, _, server):
        server.should_exit = True
        with pytest.raises(ConnectionClosed) as closed:
            await receive(websocket)
        assert closed.value.rcvd.code == 1012
        await until(lambda: not world.feed.readers)


async def test_the_end_of_the_feed_closes_the_socket(world):
    async with listening(world) as (websocket, _, _):
        world.feed.publish(None)
        with pytest.raises(ConnectionClosed) as closed:
            await receive(websocket)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "the pipeline stopped")


async def test_a_registry_that_fails_closes_the_socket_with_the_reason(world):
    def broken(_):
        raise StoreError("disk full", retryable=False)

    world.registry.alerts = broken
    async with serving(world.app()) as (address, _), connect(f"ws://{address}/api/v1/live") as websocket:
        with pytest.raises(ConnectionClosed) as closed:
            await receive(websocket)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "disk full")
