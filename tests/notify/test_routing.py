"""Who is told what, and when: routes, groups, holds, digests, repetitions and storms."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from core.alerting import Act
from core.alerts import EventKind
from core.delivery import Escalation, Event, GroupBy, Match, Notice
from core.model import Severity
from core.rules import MuteTime
from notify.plan import message_id
from tests.notify.receivers import answer
from tests.notify.world import HOUR, NOW_ROUTE, START_US, events, hook

pytestmark = pytest.mark.anyio


def told_of(receiver):
    return [one["id"] for request in receiver.requests for one in json.loads(request.body)["data"]["alerts"]]


def types(receiver):
    return [json.loads(request.body)["type"] for request in receiver.requests]


@pytest.mark.parametrize(
    ("match", "told"),
    [
        (Match(severities=(Severity.CRITICAL,)), {"leak"}),
        (Match(rules=("note",)), {"note"}),
        (Match(places=("office",)), {"high-power", "leak"}),
        (Match(places=("city",)), {"high-power", "leak", "note"}),
        (Match(organisations=("office",), rules=("leak",)), {"leak"}),
        (Match(organisations=("other",)), set()),
        (Match(events=(Event.RESOLVED,)), set()),
    ],
)
async def test_a_route_takes_what_it_matches(make, receiver, match, told):
    world = make(routes=(replace(NOW_ROUTE, match=match),))
    world.fire("high-power", "b0")
    world.fire("leak", "b1")
    world.fire("note", "hall")
    await world.turns(2)
    assert {id_.split(":")[0] for id_ in told_of(receiver)} == told


async def test_two_routes_to_one_channel_tell_it_once(make, receiver):
    world = make(routes=(NOW_ROUTE, replace(NOW_ROUTE, id="again")))
    world.fire()
    await world.turns(2)
    assert len(events(receiver)) == 1


async def test_alerts_of_one_rule_share_a_message(make, receiver):
    world = make(routes=(replace(NOW_ROUTE, group_wait_s=30.0),))
    first = world.fire()
    await world.turns(1, minutes=0.25)
    second = world.fire(place="b1")
    other = world.fire("leak")
    await world.turns(1, minutes=0.25)
    assert receiver.requests == []
    await world.turns(1, minutes=0.25)
    await world.turns(1)
    assert Counter(
        map(
            frozenset,
            ([one["id"] for one in json.loads(r.body)["data"]["alerts"]] for r in receiver.requests),
        )
    ) == Counter([frozenset({first, second}), frozenset({other})])


async def test_a_group_rests_between_messages(make, receiver):
    world = make(routes=(replace(NOW_ROUTE, group_interval_s=600.0),))
    world.fire()
    await world.turns(1, minutes=1)
    world.fire()
    await world.turns(8, minutes=1)
    assert len(receiver.requests) == 1
    await world.turns(3, minutes=1)
    assert len(receiver.requests) == 2


async def test_the_end_is_told_to_whom_the_beginning_was(world, receiver):
    alert = world.fire()
    await world.turns(1, minutes=10)
    world.resolve(alert)
    await world.turns()
    assert events(receiver) == [("firing", alert), ("resolved", alert)]


async def test_what_is_over_before_it_was_told_is_not_told(make, receiver):
    world = make(routes=(replace(NOW_ROUTE, group_wait_s=60.0),))
    alert = world.fire()
    await world.turns(1, minutes=0.5)
    world.resolve(alert)
    await world.turns(3, minutes=1)
    assert receiver.requests == []


async def test_history_is_never_told_and_the_present_is(world, receiver):
    alert = world.fire(retrospective=True)
    await world.turns(2, minutes=1)
    assert receiver.requests == []
    world.live(alert)
    await world.turns()
    assert events(receiver) == [("firing", alert)]


async def test_a_silenced_alert_is_told_when_the_silence_ends_and_it_goes_on(world, receiver):
    world.silence(30, places=("office",))
    alert, elsewhere = world.fire(), world.fire(place="hall")
    await world.turns(3, minutes=5)
    assert told_of(receiver) == [elsewhere]
    assert [(kind, detail["reason"], detail["text"]) for kind, detail in world.told(alert)] == [
        ("not_told", "silenced", "repair")
    ]
    await world.turns(5, minutes=5)
    assert told_of(receiver) == [elsewhere, alert]


async def test_a_silenced_alert_that_is_over_is_not_told(world, receiver):
    world.silence(30)
    alert = world.fire()
    await world.turns(1, minutes=5)
    world.resolve(alert)
    await world.turns(8, minutes=5)
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("more", "held"),
    [
        ({"rules": ("leak",)}, False),
        ({"rules": ("high-power",)}, True),
        ({"devices": ("m0",)}, True),
        ({"devices": ("m1",)}, False),
        ({"severities": (Severity.WARNING,)}, True),
        ({"severities": (Severity.CRITICAL,)}, False),
        ({}, True),
    ],
)
async def test_a_silence_holds_what_it_names(world, receiver, more, held):
    world.silence(30, **more)
    world.fire()
    await world.turns(2)
    assert (receiver.requests == []) is held


async def test_a_shelved_alert_is_told_again_once_its_time_is_over(make, receiver):
    world = make(routes=(replace(NOW_ROUTE, group_wait_s=60.0),))
    alert = world.fire()
    until_us = world.now_us + HOUR
    shelve = Act(EventKind.SHELVED, world.now_us, "someone", {"until_us": until_us, "reason": "known"})
    world.registry.handle(alert, shelve)
    await world.turns(5, minutes=10)
    assert receiver.requests == []
    await world.turns(3, minutes=10)
    assert told_of(receiver) == [alert]


async def test_a_rule_that_is_muted_now_tells_when_its_mute_time_ends(world, receiver):
    """The rule is muted from 11:00 to 13:00 in Shanghai; in Berlin it is 5 in the morning."""
    held, told = world.fire("muted", "b0"), world.fire("muted", "b1")
    await world.turns(2, minutes=1)
    assert told_of(receiver) == [told]
    assert world.told(held)[0][1]["reason"] == "muted"
    world.now_us = START_US + HOUR
    await world.turns()
    assert told_of(receiver) == [told, held]


async def test_quiet_hours_let_the_critical_through(make, receiver):
    quiet = replace(NOW_ROUTE, quiet=(MuteTime("11:00", "14:00"),), timezone="Asia/Shanghai")
    world = make(routes=(quiet,))
    warning, critical = world.fire(), world.fire("leak")
    await world.turns(2, minutes=1)
    assert told_of(receiver) == [critical]
    world.now_us = START_US + 2 * HOUR
    await world.turns()
    assert told_of(receiver) == [critical, warning]


async def test_it_is_repeated_until_somebody_acknowledges_it(make, receiver):
    world = make(routes=(replace(NOW_ROUTE, repeat_s=3600.0),))
    alert = world.fire()
    await world.turns(7, minutes=20)
    assert events(receiver) == [("firing", alert), ("repeated", alert), ("repeated", alert)]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 3
    world.acknowledge(alert)
    await world.turns(9, minutes=20)
    assert len(receiver.requests) == 3


async def test_it_is_told_to_more_people_while_nobody_acknowledges_it(make, receiver):
    steps = (Escalation(1800.0, ("boss",)), Escalation(7200.0, ("minister",)))
    settings = [hook(receiver.port, id_) for id_ in ("hook", "boss", "minister")]
    world = make(settings=settings, routes=(replace(NOW_ROUTE, escalation=steps),))
    alert = world.fire()
    await world.turns(6, minutes=10)
    told = [(record.delivery.channel_id) for record in world.all()]
    assert sorted(told) == ["boss", "hook"]
    world.resolve(alert)
    await world.turns(12, minutes=10)
    told = Counter(record.delivery.channel_id for record in world.all())
    assert told == {"hook": 2, "boss": 2}  # the boss hears that it is over, the minister of nothing
    assert [event for event, _ in events(receiver)] == ["firing", "unacknowledged", "resolved", "resolved"]


async def test_a_digest_tells_everything_once_a_day(make, receiver):
    world = make(routes=(replace(NOW_ROUTE, digest="18:00", timezone="Asia/Shanghai"),))
    first = world.fire()
    await world.turns(2, minutes=60)
    world.resolve(first)
    second = world.fire("leak")
    await world.turns(3, minutes=60)
    assert receiver.requests == []
    await world.turns(3, minutes=60)
    assert types(receiver) == ["alerts.digest"]
    assert sorted(events(receiver)) == sorted([("firing", first), ("resolved", first), ("firing", second)])


async def test_a_storm_of_500_is_one_summary_that_says_how_many_where_and_the_worst(make, receiver):
    route = replace(NOW_ROUTE, group_by=(GroupBy.PLACE, GroupBy.RULE), group_wait_s=5.0)
    world = make(routes=(route,))
    for number in range(500):
        world.fire("leak" if number % 50 == 0 else "high-power", ("b0", "b1", "hall")[number % 3])
        if number % 100 == 99:
            await world.turns(1, minutes=0.1)
    await world.turns(12, minutes=0.1)
    assert types(receiver) == ["alerts.storm"]
    [request] = receiver.requests
    body = json.loads(request.body)
    assert len(body["data"]["alerts"]) == 500
    for said in (
        "500",
        "功率过高 (500)",
        "城市 / 机关 / 一号楼 (",
        "另有 490",
        "https://wattline.example/?alerts=firing",
    ):
        assert said in body["text"]
    assert body["text"].count("\uff08严重\uff09") == 10
    assert set(world.statuses()) == {"delivered"}


async def test_in_a_storm_that_goes_on_there_is_one_summary_a_minute(make, receiver):
    world = make(routes=(replace(NOW_ROUTE, storm=5),))
    for _ in range(60):
        world.fire()
        world.fire(place="hall")
        await world.turns(1, minutes=0.05)
    await world.turns(30, minutes=0.1)
    assert len(told_of(receiver)) == len(set(told_of(receiver))) == 120
    assert len(receiver.requests) <= 3 + 4  # the first ones, then one a minute


async def test_an_end_waits_for_its_beginning_to_arrive(world, receiver):
    receiver.script = [answer(500), answer(204)]
    alert = world.fire()
    await world.turns(1, minutes=0)
    world.resolve(alert)
    await world.turns(2, minutes=0)
    assert len(receiver.requests) == 1
    world.now_us += 48 * HOUR
    await world.turns(2)
    assert events(receiver)[1:] == [("firing", alert), ("resolved", alert)]


async def test_a_message_planned_twice_has_the_same_id():
    notices = [
        Notice("a", 1, 0, "r", "c", Event.FIRING, 0, 0),
        Notice("b", 2, 0, "r", "c", Event.FIRING, 0, 0),
    ]
    assert message_id("r", "c", notices) == message_id("r", "c", notices[::-1])
    assert message_id("r", "c", notices) != message_id("r", "d", notices)
