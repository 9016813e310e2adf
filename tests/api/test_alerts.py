"""Alerts and rules: complete pages, what to do next."""

import itertools

import pytest

from core.alerts import Alert, AlertChange, AlertState
from tests.api.asks import fixes_of, get, refused
from tests.api.test_estate import pages
from tests.api.world import NOW_US

pytestmark = pytest.mark.anyio

MINUTE = 60_000_000


def record(world, identity, active_at_us, *, register=None, state=AlertState.FIRING):
    """Put an alert into the registry the way the pipeline does."""
    if register is None:
        register = world.register("m0", "power_active")
    resolved_us = active_at_us + 5 * MINUTE if state is AlertState.RESOLVED else None
    alert = Alert(
        identity, "high-power", register, AlertState.FIRING, 60_000.0, active_at_us, active_at_us + MINUTE
    )
    changes = [AlertChange(alert, AlertState.PENDING, active_at_us + MINUTE)]
    if resolved_us is not None:
        ended = Alert(
            identity,
            "high-power",
            register,
            AlertState.RESOLVED,
            40_000.0,
            active_at_us,
            active_at_us + MINUTE,
            resolved_us,
        )
        changes.append(AlertChange(ended, AlertState.FIRING, resolved_us))
    world.registry.record_alerts(changes)


async def test_an_alert_says_where_since_when_and_what_to_do(world, client):
    record(world, "a1", NOW_US - 10 * MINUTE)
    assert (await get(client, "alerts"))["items"] == [
        {
            "id": "a1",
            "rule": {
                "id": "high-power",
                "name": {"zh": "功率过高", "en": "Power too high"},
                "severity": "warning",
                "threshold": 50_000.0,
                "comparator": "above",
                "action": {"zh": "检查空调", "en": "Check the chillers"},
            },
            "place_id": "b0",
            "device_id": "m0",
            "quantity": "power_active",
            "unit": "W",
            "state": "firing",
            "value": 60_000.0,
            "active_at": "2018-07-02T01:50:00Z",
            "fired_at": "2018-07-02T01:51:00Z",
            "resolved_at": None,
        }
    ]


async def test_alerts_can_be_asked_for_by_state(world, client):
    record(world, "old", NOW_US - 60 * MINUTE, state=AlertState.RESOLVED)
    record(world, "new", NOW_US)
    assert [item["id"] for item in (await get(client, "alerts"))["items"]] == ["new", "old"]
    assert [item["id"] for item in (await get(client, "alerts", state="firing"))["items"]] == ["new"]
    resolved = (await get(client, "alerts", state="resolved"))["items"]
    assert [(item["id"], item["resolved_at"]) for item in resolved] == [("old", "2018-07-02T01:05:00Z")]
    assert "state" in fixes_of(await refused(client, "alerts", 422, state="inactive"))


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_pages_lose_no_alert_although_many_begin_at_once(world, client, limit):
    for group in range(3):
        for number in range(5):
            begins_us = NOW_US - group * 60 * MINUTE
            # Only one alert of a rule and register may be open, so most are resolved.
            record(world, f"{group}-{number}", begins_us, state=AlertState.RESOLVED)
    items, count = await pages(client, "alerts", limit=limit)
    assert [item["id"] for item in items] == [
        f"{group}-{number}" for group in range(3) for number in range(5)
    ]
    assert count == -(-15 // limit)


async def test_pages_do_not_rely_on_the_order_of_alerts_that_began_at_once(world, client):
    for number in range(7):
        record(world, str(number), NOW_US, state=AlertState.RESOLVED)
    inner = world.registry.alerts
    asked = itertools.count(3)

    def in_another_order_each_time(**query):
        everything = inner(**(query | {"limit": 1000}))
        turn = next(asked) % len(everything)
        return (everything[turn:] + everything[:turn])[: query["limit"]]

    world.registry.alerts = in_another_order_each_time
    items, _ = await pages(client, "alerts", limit=2)
    assert [item["id"] for item in items] == [str(number) for number in range(7)]


async def test_rules_show_their_threshold_and_scope(client):
    assert (await get(client, "rules"))["items"] == [
        {
            "id": "high-power",
            "name": {"zh": "功率过高", "en": "Power too high"},
            "severity": "warning",
            "threshold": 50_000.0,
            "comparator": "above",
            "action": {"zh": "检查空调", "en": "Check the chillers"},
            "quantity": "power_active",
            "clear_threshold": 45_000.0,
            "for_s": 60.0,
            "places": ["b0"],
            "devices": [],
        }
    ]
