"""Alerts and rules: complete pages, what to do next."""

from dataclasses import replace

import pytest

from core.alerting import Act
from core.alerts import Alert, AlertChange, AlertState, EventKind, Evidence, Target, TargetKind
from core.model import Comparator, Severity
from tests.api.asks import fixes_of, get, refused
from tests.api.test_estate import pages
from tests.api.world import NOW_US

pytestmark = pytest.mark.anyio

MINUTE = 60_000_000


TARGET = Target(TargetKind.REGISTER, "m0/power_active")


def record(world, identity, active_at_us, *, state=AlertState.FIRING, target=TARGET, place="b0", **more):
    """Put an alert into the registry the way the pipeline does."""
    fired_us = active_at_us + MINUTE
    alert = Alert(
        identity,
        "high-power",
        target,
        place,
        "m0",
        "power_active",
        "W",
        Severity.WARNING,
        AlertState.FIRING,
        60_000.0,
        50_000.0,
        Comparator.ABOVE,
        active_at_us,
        fired_us,
        **({"organisation_id": "org"} | more),
    )
    changes = [AlertChange(alert, AlertState.PENDING, fired_us)]
    if state is AlertState.RESOLVED:
        resolved_us = active_at_us + 5 * MINUTE
        ended = replace(alert, state=state, value=40_000.0, resolved_at_us=resolved_us)
        evidence = Evidence(((resolved_us, 40_000.0),), "W", 50_000.0, Comparator.ABOVE)
        changes.append(AlertChange(ended, AlertState.FIRING, resolved_us, evidence))
    world.registry.record_alerts(changes, NOW_US)


async def test_an_alert_says_where_since_when_and_what_to_do(world, client):
    record(world, "a1", NOW_US - 10 * MINUTE)
    assert (await get(client, "alerts"))["items"] == [
        {
            "id": "a1",
            "rule": {
                "id": "high-power",
                "name": {"zh": "功率过高", "en": "Power too high"},
                "kind": "threshold",
                "severity": "warning",
                "action": {"zh": "检查空调", "en": "Check the chillers"},
                "runbook": "https://example.org/chillers",
            },
            "target": {"kind": "register", "id": "m0/power_active"},
            "place_id": "b0",
            "device_id": "m0",
            "quantity": "power_active",
            "unit": "W",
            "state": "firing",
            "value": 60_000.0,
            "limit": 50_000.0,
            "comparator": "above",
            "active_at": "2018-07-02T01:50:00Z",
            "fired_at": "2018-07-02T01:51:00Z",
            "stale_at": None,
            "resolved_at": None,
            "retrospective": False,
            "organisation_id": "org",
            "waste": None,
            "withdrawn": None,
            "handling": {
                "status": "new",
                "organisation_id": "org",
                "assignee": None,
                "acknowledged_at": None,
                "acknowledged_by": None,
                "shelved_until": None,
                "due_at": "2018-07-03T01:51:00Z",
                "escalations": 0,
                "closed_at": None,
                "closed_by": None,
                "close_reason": None,
                "close_note": "",
                "approved_by": None,
                "evidence": None,
            },
            "events": 2,
            "next_action": {"zh": "检查空调", "en": "Check the chillers"},
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


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "open"}, ["c", "b", "a"]),
        ({"place": "b0"}, ["c", "a", "old"]),
        ({"place": "org"}, ["c", "b", "a", "old"]),
        ({"place": "empty"}, []),
        ({"organisation": "city"}, ["c"]),
        ({"rule": "high-power", "state": "resolved"}, ["old"]),
        ({"rule": "low-power"}, []),
        ({"retrospective": "true"}, ["b"]),
        ({"handled": "acknowledged"}, ["a"]),
        ({"handled": "open", "retrospective": "false"}, ["c", "a", "old"]),
    ],
)
async def test_alerts_can_be_asked_for_by_what_they_are(world, client, query, found):
    record(world, "old", NOW_US - 60 * MINUTE, state=AlertState.RESOLVED)
    record(world, "a", NOW_US - 3 * MINUTE)
    record(
        world, "b", NOW_US - 2 * MINUTE, target=Target(TargetKind.PLACE, "b1"), place="b1", retrospective=True
    )
    other = {"target": Target(TargetKind.DEVICE, "m0"), "organisation_id": "city"}
    record(world, "c", NOW_US - MINUTE, **other)
    world.registry.handle("a", Act(EventKind.ACKNOWLEDGED, NOW_US, "Li"))
    assert [item["id"] for item in (await get(client, "alerts", **query))["items"]] == found


async def test_a_place_that_is_not_there_is_said(client):
    assert "place" in fixes_of(await refused(client, "alerts", 404, place="nowhere"))


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_pages_lose_no_alert_although_many_begin_at_once(world, client, limit):
    for group in range(3):
        for number in range(5):
            begins_us = NOW_US - group * 60 * MINUTE
            # Only one alert of a rule and target may be open, so most are resolved.
            record(world, f"{group}-{number}", begins_us, state=AlertState.RESOLVED)
    items, count = await pages(client, "alerts", limit=limit)
    assert [item["id"] for item in items] == [
        f"{group}-{number}" for group in range(3) for number in range(5)
    ]
    assert count == -(-15 // limit)


async def test_rules_show_their_condition_and_what_they_select(client):
    (item,) = (await get(client, "rules"))["items"]
    assert item["condition"] == {
        "kind": "threshold",
        "quantity": "power_active",
        "comparator": "above",
        "threshold": 50_000.0,
        "clear_threshold": 45_000.0,
        "window_s": 0.0,
        "aggregate": "mean",
    }
    assert item["select"] == {"places": ["b0"], "devices": [], "categories": [], "tags": []}
    assert (item["for_s"], item["active"], item["origin"]) == (60.0, "always", "file")
