"""Channels, routes and messages through the API."""

import json

import httpx
import pytest

from api.app import create_app
from api.services import Services
from core.delivery import Escalation, Match
from core.errors import StoreError
from core.model import Severity
from storage.duckdb import DuckDBStore
from tests.api.world import Feed
from tests.notify.receivers import answer
from tests.notify.world import NOW_ROUTE, SECRET, hook

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api(make, receiver, tmp_path):
    """A world with two channels, and a client of its API."""
    route = NOW_ROUTE.__class__(
        "critical",
        ("hook",),
        Match(severities=(Severity.CRITICAL,), places=("office",)),
        digest="18:00",
        escalation=(Escalation(600.0, ("other",)),),
    )
    world = make(settings=[hook(receiver.port), hook(receiver.port, "other")], routes=(NOW_ROUTE, route))
    store = DuckDBStore(tmp_path / "wattline.duckdb")
    services = Services(
        world.registry,
        store,
        Feed(),
        lambda: world.now_us,
        None,
        lambda: world.catalog,
        lambda: None,
        "1.2.3",
        telling=world.channels,
    )
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://wattline.test/api/v1") as client:
        yield world, client
    store.close()


async def test_channels_are_shown_without_what_is_secret(api):
    _, client = api
    got = await client.get("/channels")
    assert [one["id"] for one in got.json()["items"]] == ["hook", "other"]
    assert got.json()["items"][0]["disabled"] is None
    assert SECRET not in got.text
    assert "HOOK" not in got.text


async def test_the_test_button_says_what_the_other_side_said(api, receiver):
    _, client = api
    receiver.script = [answer(204), answer(403, b"not you")]
    good = (await client.post("/channels/hook/test")).json()
    assert (good["outcome"], good["status"]) == ("delivered", 204)
    bad = (await client.post("/channels/hook/test")).json()
    assert (bad["outcome"], bad["status"], bad["said"]) == ("dead", 403, "HTTP 403: not you")
    assert json.loads(receiver.requests[0].body)["type"] == "test"
    log = (await client.get("/deliveries")).json()["items"]
    assert {one["id"] for one in log} == {good["delivery_id"], bad["delivery_id"]}
    assert (await client.post("/channels/none/test")).status_code == 404


async def test_a_disabled_channel_says_why_and_is_enabled_by_somebody(api, receiver):
    world, client = api
    receiver.script = [answer(410, b"gone")]
    world.fire()
    await world.turns()
    shown = (await client.get("/channels")).json()["items"][0]
    assert shown["disabled"]["reason"] == "HTTP 410: gone"
    assert (await client.post("/channels/hook/enable", json={})).status_code == 422
    enabled = await client.post("/channels/hook/enable", json={"by": "Duty room"})
    assert enabled.json()["disabled"] is None
    assert (await client.get("/channels")).json()["items"][0]["disabled"] is None


async def test_a_disabled_channel_is_a_warning_that_says_what_to_do_and_leaves_it_ready(api, receiver):
    world, client = api
    assert await readiness(client) == (200, [])
    assert await metrics(client) == {
        f'wattline_{name}{{channel="{channel}"}}': 0
        for name in ("deliveries_waiting", "deliveries_dead", "channel_disabled")
        for channel in ("hook", "other")
    }
    receiver.script = [answer(410, b"gone")]
    world.fire()
    await world.turns()
    status, (warning,) = await readiness(client)
    assert status == 200
    for text in (warning["zh"], warning["en"]):
        assert "HTTP 410: gone" in text
        assert "POST /api/v1/channels/hook/enable" in text
    found = await metrics(client)
    assert found['wattline_channel_disabled{channel="hook"}'] == 1
    assert found['wattline_deliveries_dead{channel="hook"}'] == 1
    assert found['wattline_channel_disabled{channel="other"}'] == 0
    await client.post("/channels/hook/enable", json={"by": "Duty room"})
    assert await readiness(client) == (200, [])
    [dead] = (await client.get("/deliveries")).json()["items"]
    await client.post(f"/deliveries/{dead['id']}/retry", json={"by": "Duty room"})
    found = await metrics(client)
    assert found['wattline_deliveries_waiting{channel="hook"}'] == 1
    assert found['wattline_deliveries_dead{channel="hook"}'] == 0


async def test_a_registry_that_fails_leaves_the_other_metrics(api, monkeypatch):
    world, client = api

    def fails():
        raise StoreError("disk full", retryable=True)

    for name in ("counts", "disabled"):
        monkeypatch.setattr(world.registry.deliveries, name, fails)
    response = await client.get("http://wattline.test/metrics")
    assert response.status_code == 200
    assert "wattline_ledger_pending 0" in response.text
    assert await readiness(client) == (200, [])


async def readiness(client):
    response = await client.get("http://wattline.test/readyz")
    return response.status_code, response.json()["warnings"]


async def metrics(client):
    lines = (await client.get("http://wattline.test/metrics")).text.splitlines()
    values = (line.rsplit(" ", 1) for line in lines if "{channel=" in line)
    return {name: float(value) for name, value in values}


async def test_the_log_has_every_message_and_attempt_by_pages_and_filters(api, receiver):
    world, client = api
    receiver.script = [answer(400), answer(204)]
    first = world.fire()
    await world.turns(1, minutes=1)
    for _ in range(3):
        world.fire()
        await world.turns(1, minutes=1)
    [dead] = (await client.get("/deliveries", params={"status": "dead"})).json()["items"]
    assert dead["alerts"] == [first]
    assert [(one["outcome"], one["status"]) for one in dead["attempts"]] == [("dead", 400)]
    by_alert = await client.get("/deliveries", params={"alert": first})
    assert by_alert.json()["items"] == [dead]
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/deliveries", params=params)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 4
    assert (await client.get("/deliveries", params={"channel": "other"})).json()["items"] == []


async def test_only_what_is_dead_is_sent_again(api, receiver):
    world, client = api
    receiver.script = [answer(400), answer(204)]
    world.fire()
    await world.turns()
    [dead] = (await client.get("/deliveries")).json()["items"]
    again = await client.post(f"/deliveries/{dead['id']}/retry", json={"by": "Duty room"})
    assert again.json() == {"id": dead["id"], "status": "queued"}
    await world.turns()
    [told] = (await client.get("/deliveries")).json()["items"]
    assert (told["status"], len(told["attempts"])) == ("delivered", 2)
    refused = await client.post(f"/deliveries/{dead['id']}/retry", json={"by": "Duty room"})
    assert refused.status_code == 409
    assert (await client.post("/deliveries/none/retry", json={"by": "me"})).status_code == 404


async def test_a_preview_says_whom_an_alert_would_reach_and_when(api):
    _, client = api
    assert [one["id"] for one in (await client.get("/routes")).json()["items"]] == ["all", "critical"]
    body = {"rule": "leak", "place": "b0"}
    items = (await client.post("/routes/preview", json=body)).json()["items"]
    assert [(one["route"], one["channel"], one["at"]) for one in items] == [
        ("all", "hook", "2026-11-22T12:00:00+08:00"),
        ("critical", "other", "2026-11-22T18:10:00+08:00"),
    ]
    assert "nobody has acknowledged" in items[1]["why"]
    assert (await client.post("/routes/preview", json=body | {"rule": "none"})).status_code == 404
    assert (await client.post("/routes/preview", json=body | {"place": "none"})).status_code == 404


async def test_a_preview_knows_mute_times_and_silences(api):
    world, client = api
    body = {"rule": "muted", "place": "b0"}
    [item] = (await client.post("/routes/preview", json=body)).json()["items"]
    assert item["at"] == "2026-11-22T13:00:00+08:00"
    assert "muted" in item["why"]
    world.silence(90)
    [item] = (await client.post("/routes/preview", json=body)).json()["items"]
    assert item["at"] == "2026-11-22T13:30:00+08:00"
