"""Health, readiness, metrics, dead letters, headers, limits and the pages."""

import threading

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import exposition
from api.services import Limits
from core.errors import RejectReason, StoreError
from core.model import Name
from core.ports import DeadLetter
from tests.api.asks import fixes_of, get, problem
from tests.api.conftest import client_of
from tests.api.test_estate import PLACE
from tests.api.world import NOW_US

pytestmark = pytest.mark.anyio


async def test_health_only_says_that_the_process_answers(world, client):
    world.feed.is_connected = False
    response = await client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "version": "1.2.3"})


async def test_ready_means_broker_store_and_registry_answer(world, client):
    world.feed.pending = 4
    response = await client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"broker": "ok", "store": "ok", "registry": "ok"},
        "ledger_pending": 4,
        "warnings": [],
    }


async def test_a_warning_says_what_to_do_and_is_no_failure(world, client):
    world.feed.warned = [
        Name("丢弃 7 条消息", "the broker has dropped 7 messages: raise max_queued_messages")
    ]
    response = await client.get("/readyz")
    assert response.status_code == 200
    (warning,) = response.json()["warnings"]
    assert warning == {
        "zh": "丢弃 7 条消息",
        "en": "the broker has dropped 7 messages: raise max_queued_messages",
    }


async def test_not_ready_says_which_part_and_why(world, client):
    world.feed.is_connected = False
    world.store.close()
    response = await client.get("/readyz")
    assert response.status_code == 503
    found = response.json()
    assert found["status"] == "not_ready"
    assert found["checks"]["registry"] == "ok"
    assert "not connected" in found["checks"]["broker"]
    assert found["checks"]["store"] != "ok"


async def test_a_check_that_hangs_is_not_waited_for(world):
    never = threading.Event()

    class Hangs:
        def ping(self):
            never.wait(20)

    async with client_of(world.app(store=Hangs(), limits=Limits(check_s=0.05))) as client:
        response = await client.get("/readyz")
    never.set()
    assert response.status_code == 503
    assert response.json()["checks"]["store"] == "no answer within 0.05 s"


async def test_metrics_are_in_the_prometheus_format(world, client):
    world.feed.totals = {
        'wattline_messages_total{source="mqtt"}': 12.0,
        'wattline_messages_total{source="replay"}': 1e15,
        "wattline_lag_seconds": 0.25,
    }
    world.feed.pending = 2
    response = await client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    messages = families["wattline_messages"]
    assert messages.type == "counter"
    assert {sample.labels["source"]: sample.value for sample in messages.samples} == {
        "mqtt": 12,
        "replay": 1e15,
    }
    assert families["wattline_lag_seconds"].type == "gauge"
    assert families["wattline_ledger_pending"].samples[0].value == 2
    assert families["wattline_broker_connected"].samples[0].value == 1


def test_a_family_is_announced_once_and_stays_together():
    text = exposition({"a_total": 1, 'a_total{b="1"}': 2, "a_b_total": 3, 'a_total{a="1"}': 0.5})
    assert text.splitlines() == [
        "# TYPE a_b_total counter",
        "a_b_total 3",
        "# TYPE a_total counter",
        "a_total 1",
        'a_total{a="1"} 0.5',
        'a_total{b="1"} 2',
    ]


async def test_dead_letters_show_the_payload_whatever_its_bytes(world, client):
    world.registry.put_dead_letters(
        [DeadLetter(NOW_US, "wattline/v1/x/readings", b'{"\xff":1}', RejectReason.UNDECODABLE, "not UTF-8")]
    )
    assert await get(client, "dead-letters") == {
        "counts": {"undecodable": 1},
        "items": [
            {
                "received": "2018-07-02T02:00:00Z",
                "topic": "wattline/v1/x/readings",
                "payload": '{"\\xff":1}',
                "reason": "undecodable",
                "detail": "not UTF-8",
            }
        ],
    }


async def test_a_store_that_fails_is_a_503_that_says_when_to_come_back(world):
    class Busy:
        def interval_sums(self, *_):
            raise StoreError("busy", retryable=True, retry_after_s=7.4)

        def readings(self, *_):
            raise StoreError("broken", retryable=False)

    async with client_of(world.app(store=Busy())) as client:
        busy = await client.get("/api/v1/consumption?place=b1")
        broken = await client.get("/api/v1/readings?device=m0&quantity=power_active")
    assert problem(busy, 503)["detail"] == "the store can't serve now; /readyz and the log say why"
    assert busy.headers["retry-after"] == "7"
    problem(broken, 503)
    assert "retry-after" not in broken.headers


async def test_a_crash_shows_no_trace_but_a_name_for_the_log(world, caplog):
    class Broken:
        def interval_sums(self, *_):
            raise ZeroDivisionError("secret reason")

    async with client_of(world.app(store=Broken())) as client:
        response = await client.get("/api/v1/consumption?place=b1")
    found = problem(response, 500)
    assert "secret" not in response.text
    assert found["instance"].startswith("urn:uuid:")
    assert found["instance"] in caplog.text
    assert "secret reason" in caplog.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("path", ["/api/v1/power", "/api/v1/none", "/healthz", "/docs", "/", "/metrics"])
async def test_every_answer_carries_the_security_headers(client, path):
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


async def test_over_https_browsers_are_told_to_stay_there(world):
    transport = httpx.ASGITransport(world.app())
    async with httpx.AsyncClient(transport=transport, base_url="https://wattline.test") as client:
        assert (await client.get("/healthz")).headers["strict-transport-security"] == "max-age=31536000"


async def test_data_is_never_cached_and_large_answers_are_compressed(client):
    response = await client.get("/api/v1/consumption?place=b0&energy=electricity&interval=15m")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-encoding"] == "gzip"
    plain = await client.get("/healthz")
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large_is_refused(world, announced):
    async def chunks():
        for _ in range(50):
            yield b" " * 1000

    body = b" " * 50_000 if announced else chunks()
    async with client_of(world.app(limits=Limits(body_bytes=10_000))) as client:
        response = await client.post(
            "/api/v1/places", content=body, headers={"content-type": "application/json"}
        )
    assert problem(response, 413)["detail"] == "the body is longer than 10000 bytes"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://wattline.test", 200),
        ("https://dashboard.example", 200),
        ("https://evil.example", 403),
        ("http://wattline.test.evil.example", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
async def test_a_page_of_another_host_may_not_change_anything(world, origin, status):
    async with client_of(world.app(allowed_origins=("https://dashboard.example",))) as client:
        headers = {} if origin is None else {"origin": origin}
        response = await client.post("/api/v1/places", json=PLACE, headers=headers)
    assert response.status_code == status, response.text
    if status == 403:
        problem(response, 403)
        assert PLACE["id"] not in world.catalog.places


async def test_an_address_that_is_none_is_a_problem(client):
    assert "/docs" in problem(await client.get("/api/v1/nothing"), 404)["detail"]
    assert problem(await client.get("/api/v1/places/"), 404)


async def test_a_method_that_is_none_names_those_that_are(client):
    response = await client.delete("/api/v1/places")
    problem(response, 405)
    assert response.headers["allow"] == "HEAD, GET, POST"
    assert (await client.post("/api/v1/power")).headers["allow"] == "HEAD, GET"


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/api/v1/places", "/api/v1/nothing"])
async def test_head_tells_what_get_would(client, path):
    head, get_ = await client.head(path), await client.get(path)
    assert (head.status_code, head.headers, head.content) == (get_.status_code, get_.headers, b"")


async def test_bad_parameters_are_all_named_at_once(client):
    found = problem(await client.get("/api/v1/alerts?limit=0&state=x&cursor=" + "y" * 600), 422)
    assert set(fixes_of(found)) == {"limit", "state", "cursor"}
    assert all(len(str(error["value"])) <= 201 for error in found["errors"])


async def test_without_a_built_page_the_server_says_how_to_build_it(client):
    page = await client.get("/")
    assert page.status_code == 200
    assert "npm run build" in page.text
    assert 'href="/docs"' in page.text


@pytest.fixture
def dist(tmp_path):
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "assets" / "app-1a2b.js").write_text("let x;")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


async def test_the_built_page_is_served_with_a_policy_that_fits_it(world, dist):
    async with client_of(world.app(web_dist=dist)) as client:
        page = await client.get("/", headers={"accept": "text/html"})
        script = await client.get("/assets/app-1a2b.js")
    assert "<title>page" in page.text
    assert page.headers["cache-control"] == "no-cache"
    for part in ("worker-src 'self' blob:", "script-src 'self';", "connect-src 'self'"):
        assert part in page.headers["content-security-policy"]
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_the_pages_own_addresses_give_the_page_to_a_browser_only(world, dist):
    async with client_of(world.app(web_dist=dist)) as client:
        browser = await client.get("/places/b0", headers={"accept": "text/html,*/*"})
        program = await client.get("/places/b0", headers={"accept": "application/json"})
        api = await client.get("/api/v1/nothing", headers={"accept": "text/html"})
        asset = await client.get("/assets/gone.js", headers={"accept": "text/html"})
    assert (browser.status_code, "<title>page" in browser.text) == (200, True)
    for refusal in (program, api, asset):
        problem(refusal, 404)


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"])
async def test_nothing_outside_the_built_page_is_served(world, dist, path):
    async with client_of(world.app(web_dist=dist)) as client:
        response = await client.get(path)
    assert response.status_code == 404
    assert "secret\n" not in response.text


async def test_the_api_page_comes_from_this_server_alone(client):
    page = await client.get("/docs")
    assert "//" not in page.text.replace("<!doctype html>", "")
    assert "<script>" not in page.text
    for path in ("/docs/start.js", "/docs/assets/swagger-ui-bundle.js", "/docs/assets/swagger-ui.css"):
        assert f'"{path}"' in page.text
        assert (await client.get(path)).status_code == 200
    assert "SwaggerUIBundle" in (await client.get("/docs/assets/swagger-ui-bundle.js")).text
    assert '"validatorUrl": null' in (await client.get("/docs/start.js")).text
