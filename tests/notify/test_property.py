"""Whatever happens, every line of the outbox ends in exactly one way on every channel."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.alerts import EventKind
from core.delivery import (
    TOLD_OF,
    Delivery,
    DeliveryStatus,
    Escalation,
    GroupBy,
    Match,
    NoticeStatus,
    Outcome,
    Said,
)
from core.errors import Conflict
from core.model import Severity
from core.rules import MuteTime
from storage.delivery_tables import channel_state, delivery, delivery_attempt, following, notice, outbox
from storage.tables import silence
from tests.notify.world import NOW_ROUTE, SECRET, World, hook

ROUTES = st.builds(
    lambda wait, storm, quiet, digest, repeat, by: replace(
        NOW_ROUTE,
        group_wait_s=wait,
        group_interval_s=wait,
        storm=storm,
        quiet=quiet,
        digest=digest,
        repeat_s=repeat,
        group_by=by,
        escalation=(Escalation(1800.0, ("boss",)),),
    ),
    st.sampled_from([0.0, 60.0]),
    st.sampled_from([1, 3, 20]),
    st.sampled_from([(), (MuteTime("11:00", "13:00"),)]),
    st.sampled_from([None, None, "18:00"]),
    st.sampled_from([None, 3600.0]),
    st.sampled_from([(), (GroupBy.RULE,), (GroupBy.PLACE, GroupBy.RULE)]),
)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["fire", "fire", "resolve", "acknowledge", "silence", "wait", "look", "look"]),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=25,
)
OUTCOMES = st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=6)
ELSEWHERE = replace(
    NOW_ROUTE, id="critical", channels=("boss",), match=Match(severities=(Severity.CRITICAL,))
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A registry with an estate; tests change alerts only."""
    folder = tmp_path_factory.mktemp("property")
    world = World(f"sqlite:///{folder}/registry.sqlite", environ={"HOOK": SECRET})
    yield world
    world.close()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(route=ROUTES, acts=ACTS, outcomes=OUTCOMES)
def test_every_line_is_delivered_dead_or_not_told_with_a_reason(base, route, acts, outcomes):
    world = base
    world.settings = [hook(1, "hook"), hook(1, "boss")]
    world.routes = (route, ELSEWHERE)
    world.another()
    for channel in ("hook", "boss"):
        world.deliveries.enable(channel)
    _forget_everything(world)
    fired, said = [], iter(())
    for act, number in acts:
        world.now_us += 1_000_000
        if act == "fire":
            fired.append(
                world.fire(("high-power", "leak", "note")[number % 3], ("b0", "b1", "hall")[number % 3])
            )
        elif act == "resolve" and fired:
            world.resolve(fired[number % len(fired)])
        elif act == "acknowledge" and fired:
            _acknowledged(world, fired[number % len(fired)])
        elif act == "silence":
            world.silence(30)
        elif act == "wait":
            world.now_us += number * 600_000_000
        else:
            said = _look(world, said, outcomes)
    for id_ in fired:
        world.resolve(id_)
    for _ in range(60):
        world.now_us += 3 * 3_600_000_000
        said = _look(world, said, outcomes)
    _check(world, fired)


def _acknowledged(world, id_):
    with contextlib.suppress(Conflict):  # it is acknowledged
        world.acknowledge(id_)


def _look(world, said, outcomes):
    """Plan, and let each message that is sent have the next outcome."""
    world.deliveries.plan(world.channels.planner(), world.now_us)
    claimed = world.deliveries.claim(world.now_us, 1_000_000, {"hook": (100, 100), "boss": (100, 100)}, 100)
    for one in claimed:
        assert isinstance(one, Delivery)
        outcome = next(said, None)
        if outcome is None:
            said = iter(outcomes)
            outcome = next(said)
        again_us = world.now_us + 60_000_000 if outcome is Outcome.RETRY and one.tries < 3 else None
        world.deliveries.finish(one, Said(outcome, 200, "said"), world.now_us, 1.0, again_us)
    return said


def _check(world, fired):
    with world.deliveries._database.read() as connection:
        notices = connection.execute(notice.select()).mappings().all()
        sent = {row["id"]: row["status"] for row in connection.execute(delivery.select()).mappings()}
    assert not world.deliveries.news()
    lines = {
        (id_, event.number)
        for id_ in fired
        for event in world.registry.timeline(id_)
        if event.kind in TOLD_OF
        # Nobody hears that we gave it to the organisation that it is of anyway.
        and not (event.kind is EventKind.ASSIGNED and event.by == "wattline")
    }
    assert {(row["alert_id"], row["number"]) for row in notices} == lines
    for row in notices:
        if row["status"] == NoticeStatus.SENT:
            assert sent[row["delivery_id"]] in (DeliveryStatus.DELIVERED, DeliveryStatus.DEAD)
        else:
            assert row["status"] == NoticeStatus.NOT_TOLD
            assert row["reason"]


def _forget_everything(world):
    with world.deliveries._database.write() as connection:
        for table in (notice, delivery, delivery_attempt, following, outbox, channel_state, silence):
            connection.execute(table.delete())
