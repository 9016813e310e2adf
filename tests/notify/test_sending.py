"""What happens to a message, by what the other side does. Real sockets, a settable clock."""

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from core.delivery import DeliveryStatus, GroupBy, Outcome
from tests.notify.receivers import answer, drip, drip_headers, flood, hang, slam
from tests.notify.world import DAY, MINUTE, NOW_ROUTE, SECOND, SECRET, World, events, hook

pytestmark = pytest.mark.anyio


async def test_an_alert_that_fires_is_told_and_its_timeline_says_so(world, receiver):
    alert = world.fire()
    await world.turns()
    assert events(receiver) == [("firing", alert)]
    assert world.statuses() == ["delivered"]
    [(kind, detail)] = world.told(alert)
    assert kind == "told"
    assert detail["channel"] == "hook"
    assert detail["of"] == ["firing"]


async def test_the_signature_is_that_of_the_standard(world, receiver):
    """Computed here from the specification's text, without the library that signed."""
    world.fire()
    await world.turns()
    [request] = receiver.requests
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    id_, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    assert int(at) == world.now_us // SECOND
    assert id_.startswith("msg_")
    signed = b".".join([id_.encode(), at.encode(), request.body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert set(json.loads(request.body)) == {"type", "timestamp", "data", "text"}


async def test_a_failure_is_tried_again_with_the_same_id_and_body(world, receiver):
    receiver.script = [answer(500), slam(), answer(204)]
    world.fire()
    await world.turns(3, minutes=60 * 24)
    assert len(receiver.requests) == 3
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in receiver.requests}) == 3
    [record] = world.all()
    assert record.delivery.status is DeliveryStatus.DELIVERED
    assert [attempt.outcome for attempt in record.attempts] == [
        Outcome.RETRY,
        Outcome.RETRY,
        Outcome.DELIVERED,
    ]
    assert [attempt.status for attempt in record.attempts] == [500, None, 204]


async def test_nothing_is_tried_before_its_time(world, receiver):
    receiver.script = [answer(503, Retry_After="3600")]
    world.fire()
    await world.turns(3, minutes=19)
    assert len(receiver.requests) == 1
    world.now_us += DAY
    await world.turns()
    assert len(receiver.requests) == 2


async def test_retry_after_holds_for_the_whole_channel(world, receiver):
    receiver.script = [answer(429, Retry_After="600"), answer(204)]
    world.fire()
    await world.turns(1, minutes=1)
    world.fire()
    await world.turns(2, minutes=1)
    assert len(receiver.requests) == 1
    world.now_us += DAY
    await world.turns()
    assert sorted(world.statuses()) == ["delivered", "delivered"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
async def test_a_refusal_is_dead_at_once(world, receiver, status):
    receiver.script = [answer(status, b"no such hook")]
    alert = world.fire()
    await world.turns(3, minutes=60 * 24)
    assert len(receiver.requests) == 1
    [record] = world.all()
    assert record.delivery.status is DeliveryStatus.DEAD
    assert "no such hook" in record.delivery.reason
    [(kind, detail)] = world.told(alert)
    assert (kind, detail["reason"]) == ("not_told", "given_up")


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(world, receiver, status):
    receiver.script = [answer(status), answer(200)]
    world.fire()
    await world.turns(2, minutes=60 * 24)
    assert world.statuses() == ["delivered"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(world, receiver, status):
    receiver.script = [answer(status, Location=f"http://127.0.0.1:{receiver.port}/elsewhere"), answer(204)]
    world.fire()
    await world.turns()
    assert [request.path for request in receiver.requests] == ["/hook"]
    assert world.statuses() == ["queued"]


async def test_410_disables_the_channel_until_a_person_enables_it(world, receiver):
    receiver.script = [answer(410, b"unsubscribed"), answer(204)]
    first, second = world.fire(), world.fire()
    await world.turns()
    later = world.fire()
    await world.turns(2, minutes=60 * 24)
    assert len(receiver.requests) == 1
    assert "unsubscribed" in world.deliveries.disabled()["hook"][1]
    assert {one.delivery.status for one in world.all()} == {DeliveryStatus.DEAD}
    for alert in (first, second):
        assert world.told(alert)[-1][1]["reason"] == "given_up"
    assert world.told(later)[-1][1]["reason"] == "channel_disabled"
    assert world.deliveries.enable("hook")
    world.fire()
    await world.turns()
    assert len(receiver.requests) == 2


async def test_a_receiver_that_hangs_is_given_up_and_tried_again(world, receiver):
    receiver.script = [hang(), drip_headers(), answer(204)]
    world.fire()
    await world.turns(3, minutes=60 * 24)
    [record] = world.all()
    assert [attempt.detail for attempt in record.attempts[:2]] == ["no answer within 1 s"] * 2
    assert record.delivery.status is DeliveryStatus.DELIVERED


async def test_a_good_status_counts_however_slowly_the_rest_drips(world, receiver):
    receiver.script = [drip(200)]
    world.fire()
    await world.turns()
    assert world.statuses() == ["delivered"]


async def test_only_the_start_of_an_answer_is_read(world, receiver):
    receiver.script = [flood()]
    world.fire()
    await world.turns()
    assert world.statuses() == ["delivered"]


async def test_what_is_given_up_is_kept_and_can_be_sent_again(make, receiver):
    world = make(settings=[hook(receiver.port, tries=3, span_s=60)])
    receiver.script = [answer(500)] * 3 + [answer(204)]
    alert = world.fire()
    await world.turns(6, minutes=60)
    [record] = world.all()
    assert record.delivery.status is DeliveryStatus.DEAD
    assert len(receiver.requests) == 3
    assert world.deliveries.retry(record.delivery.id, world.now_us)
    await world.turns()
    assert world.statuses() == ["delivered"]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert [kind for kind, _ in world.told(alert)] == ["not_told", "told"]


async def test_two_dispatchers_at_once_send_nothing_twice(world, receiver):
    alerts = [world.fire(place=place) for place in ("b0", "b1", "hall") for _ in range(5)]
    first, second = world.dispatcher, world.another()
    await asyncio.gather(*[one.turn() for _ in range(4) for one in (first, second)])
    await first.settled()
    await second.settled()
    told = events(receiver)
    assert sorted(alert for _, alert in told) == sorted(alerts)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == len(receiver.requests)


async def test_a_channel_sends_no_more_a_minute_than_it_may(make, receiver):
    route = replace(NOW_ROUTE, group_by=(GroupBy.PLACE, GroupBy.RULE), storm=1000)
    world = make(settings=[hook(receiver.port, rate_per_minute=2)], routes=(route,))
    for place in ("b0", "b1", "hall"):
        world.fire(place=place)
        world.fire("leak", place=place)
    await world.turns(3)
    assert len(receiver.requests) == 2
    world.now_us += MINUTE
    await world.turns(3)
    assert len(receiver.requests) == 4


async def test_without_routes_the_outbox_does_not_grow(make):
    world = make(settings=[], routes=())
    world.fire()
    assert world.deliveries.news()
    await world.turns()
    assert not world.deliveries.news()
    assert world.all() == []


async def test_a_registry_that_is_opened_again_still_knows_what_waits(tmp_path, receiver):
    url = f"sqlite:///{tmp_path}/again.sqlite"
    receiver.script = [answer(500), answer(204)]
    world = World(url, settings=[hook(receiver.port)])
    world.fire()
    await world.turns()
    world.close()
    again = World(url, settings=[hook(receiver.port)], now_us=world.now_us + DAY)
    await again.turns()
    assert again.statuses() == ["delivered"]
    again.close()
