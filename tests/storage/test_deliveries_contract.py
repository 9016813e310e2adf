"""Deliveries on SQLite and PostgreSQL: the same on both, and nothing is sent by two at once."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select

from core.delivery import DeliveryQuery, DeliveryStatus, GroupBy, Outcome, Said
from core.errors import Conflict
from storage.delivery_tables import delivery_attempt, notice
from tests.notify.world import DAY, NOW_ROUTE, World, hook

LIMITS = {"hook": (100, 100)}
LEASE_US = 60_000_000
GOOD, LATER = Said(Outcome.DELIVERED, 204, "ok"), Said(Outcome.RETRY, 500, "HTTP 500")


@pytest.fixture
def world(url):
    route = replace(NOW_ROUTE, group_by=(GroupBy.RULE, GroupBy.PLACE), storm=1000)
    made = World(url, settings=[hook(1)], routes=(route,))
    yield made
    made.close()


def planned(world, *alerts):
    """Alerts of these (rule, place), each with a message that waits."""
    ids = [world.fire(rule, place) for rule, place in alerts]
    world.deliveries.plan(world.channels.planner(), world.now_us)
    return ids


def test_many_who_claim_at_once_never_claim_the_same(world):
    places = [(rule, place) for rule in ("high-power", "leak", "note") for place in ("b0", "b1", "hall")]
    planned(world, *places)
    claimed, together = [], threading.Barrier(4)

    def claim():
        together.wait()
        for _ in range(5):
            claimed.extend(one.id for one in world.deliveries.claim(world.now_us, LEASE_US, LIMITS, 2))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 9


def test_a_lease_that_has_ended_is_taken_over_and_the_late_outcome_is_only_logged(world):
    [alert] = planned(world, ("leak", "b0"))
    [first] = world.deliveries.claim(world.now_us, LEASE_US, LIMITS, 10)
    assert world.deliveries.claim(world.now_us, LEASE_US, LIMITS, 10) == []
    world.now_us += LEASE_US
    [second] = world.deliveries.claim(world.now_us, LEASE_US, LIMITS, 10)
    assert (second.id, second.tries) == (first.id, 2)
    assert not world.deliveries.finish(first, GOOD, world.now_us, 1.0, None)
    assert world.statuses() == ["sending"]
    assert world.deliveries.finish(second, GOOD, world.now_us, 1.0, None)
    assert world.statuses() == ["delivered"]
    assert [kind for kind, _ in world.told(alert)] == ["told"]
    [record] = world.all(alert_id=alert)
    assert [one.outcome for one in record.attempts] == [Outcome.DELIVERED] * 2


def test_what_is_planned_twice_is_planned_once(world):
    planned(world, ("leak", "b0"))
    for _ in range(3):
        world.deliveries.plan(world.channels.planner(), world.now_us)
    assert len(world.all()) == 1


def test_a_planner_that_fails_leaves_everything_as_it_was(world):
    world.fire()
    with pytest.raises(ZeroDivisionError):
        world.deliveries.plan(lambda _: 1 / 0, world.now_us)
    assert world.deliveries.news()
    world.deliveries.plan(world.channels.planner(), world.now_us)
    assert not world.deliveries.news()
    assert len(world.all()) == 1


def test_an_alert_that_is_not_stored_leaves_nothing_in_the_outbox(world, monkeypatch):
    """The line of the timeline and the line of the outbox are one transaction."""
    monkeypatch.setattr("storage.alerting.outbox.put", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.fire()
    assert not world.deliveries.news()
    assert world.registry.alert(next(iter(world.alerts))) is None


def test_pages_filters_and_sending_again(world):
    alerts = planned(world, ("leak", "b0"), ("leak", "b1"), ("note", "b0"))
    claimed = world.deliveries.claim(world.now_us, LEASE_US, LIMITS, 10)
    for one in claimed[:2]:
        world.deliveries.finish(one, GOOD, world.now_us, 1.0, None)
    world.deliveries.finish(claimed[2], LATER, world.now_us, 1.0, None)
    assert len(world.all(status=DeliveryStatus.DELIVERED)) == 2
    [dead] = world.all(status=DeliveryStatus.DEAD)
    assert dead.delivery.id == claimed[2].id
    assert {record.alert_ids for record in world.all()} == {(alert,) for alert in alerts}
    first, *rest = world.all()
    before = first.delivery.created_at_us, first.delivery.id
    assert world.deliveries.deliveries(DeliveryQuery(before=before)) == rest
    with pytest.raises(Conflict, match="only a dead one"):
        world.deliveries.retry(claimed[0].id, world.now_us)
    assert not world.deliveries.retry("none", world.now_us)
    assert world.deliveries.retry(dead.delivery.id, world.now_us)
    assert [one.id for one in world.deliveries.claim(world.now_us, LEASE_US, LIMITS, 10)] == [
        dead.delivery.id
    ]


def test_what_ended_long_ago_is_forgotten_but_the_dead(world):
    planned(world, ("leak", "b0"), ("leak", "b1"))
    good, bad = world.deliveries.claim(world.now_us, LEASE_US, LIMITS, 10)
    world.deliveries.finish(good, GOOD, world.now_us, 1.0, None)
    world.deliveries.finish(bad, LATER, world.now_us, 1.0, None)
    while world.deliveries.forget(world.now_us + DAY):
        pass
    assert [record.delivery.id for record in world.all()] == [bad.id]
    with world.deliveries._database.read() as connection:
        assert len(connection.execute(select(notice)).all()) == 1
        assert len(connection.execute(select(delivery_attempt)).all()) == 1
