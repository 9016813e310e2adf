"""What people do about alerts, through the API."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from core.alerts import AlertChange, AlertState
from core.estate import Estate
from core.rules import Selector
from tests.api.asks import fixes_of, get, problem, refused
from tests.api.test_alerts import MINUTE, record
from tests.api.world import NOW_US, RULE
from tests.storage.test_timelines import raw

pytestmark = pytest.mark.anyio

ID = "high-power:register:m0/power_active:1530496200000000"
BEGAN_US = NOW_US - 10 * MINUTE


async def post(client, verb, identity=ID, **body):
    return await client.post(f"/api/v1/alerts/{quote(identity, safe='')}/{verb}", json={"by": "Li", **body})


async def done(client, verb, **body):
    """The alert after an act that was taken."""
    response = await post(client, verb, **body)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def firing(world):
    record(world, ID, BEGAN_US)
    return world


@pytest.fixture
def resolved(world):
    record(world, ID, BEGAN_US, state=AlertState.RESOLVED)
    return world


@pytest.mark.parametrize("written", [ID, quote(ID, safe="")])
async def test_an_id_with_slashes_is_an_address(firing, client, written):
    assert (await get(client, f"alerts/{written}"))["id"] == ID
    assert (await get(client, f"alerts/{written}/timeline"))["whole"] is True
    assert firing.registry.alert(ID) is not None


async def test_every_step_is_on_the_timeline(firing, client):
    assert (await done(client, "acknowledge"))["handling"]["acknowledged_by"] == "Li"
    given = await done(client, "assign", organisation_id="city", assignee="Wang")
    assert (given["handling"]["organisation_id"], given["handling"]["assignee"]) == ("city", "Wang")
    assert given["handling"]["due_at"] == "2018-07-03T02:00:00Z"
    await done(client, "comment", text="看过了")
    shelved = await done(client, "shelve", until="2018-07-04T08:00:00+08:00", reason="part is ordered")
    assert shelved["handling"]["shelved_until"] == "2018-07-04T00:00:00Z"
    assert (await done(client, "unshelve"))["handling"]["shelved_until"] is None
    closed = await done(client, "close", reason="false_alarm", note="meter was tested")
    assert (closed["handling"]["status"], closed["next_action"]) == ("closed", None)
    timeline = await get(client, f"alerts/{ID}/timeline")
    assert (timeline["whole"], timeline["fault"]) == (True, None)
    assert [(line["number"], line["kind"], line["by"]) for line in timeline["items"]] == [
        (1, "fired", "wattline"),
        (2, "assigned", "wattline"),
        (3, "acknowledged", "Li"),
        (4, "assigned", "Li"),
        (5, "commented", "Li"),
        (6, "shelved", "Li"),
        (7, "unshelved", "Li"),
        (8, "closed", "Li"),
    ]
    assert timeline["items"][1]["detail"] == {"organisation_id": "org", "due_at": "2018-07-03T01:51:00Z"}
    assert timeline["items"][5]["detail"] == {"reason": "part is ordered", "until": "2018-07-04T00:00:00Z"}
    assert firing.registry.timeline_fault(ID) is None


async def test_closing_is_proved_by_telemetry(resolved, client):
    alert = await get(client, f"alerts/{ID}")
    assert alert["next_action"]["en"].startswith("Telemetry has returned to normal")
    closed = await done(client, "close", reason="fixed")
    evidence = closed["handling"]["evidence"]
    assert evidence["samples"] == [{"time": "2018-07-02T01:55:00Z", "value": 40_000.0}]
    lines = (await get(client, f"alerts/{ID}/timeline"))["items"]
    assert lines[2]["detail"]["evidence"] == evidence
    assert resolved.registry.alert(ID).handling.closed_by == "Li"


async def test_a_firing_alert_is_not_closed_as_fixed(firing, client):
    found = problem(await post(client, "close", reason="fixed"), 409)
    assert "shelve it until it is mended, or close it as false_alarm" in found["detail"]
    assert firing.registry.alert(ID).events == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("drop", "rule_dropped"),
        ({"enabled": False}, "rule_disabled"),
        ({"select": Selector(places=("b1",))}, "not_selected"),
    ],
)
async def test_what_nothing_watches_any_more_is_closed_as_rule_withdrawn(firing, client, change, why):
    assert (await get(client, f"alerts/{ID}"))["withdrawn"] is None
    found = problem(await post(client, "close", reason="rule_withdrawn"), 409)
    assert "its rule still watches it" in found["detail"]
    firing.registry.put_estate(
        Estate(all_rules=True) if change == "drop" else Estate(rules=(replace(RULE, **change),))
    )
    left = await get(client, f"alerts/{ID}")
    assert left["withdrawn"] == why
    assert "close it as rule_withdrawn" in left["next_action"]["en"]
    assert left["rule"]["name"]["en"] == "Power too high"
    closed = await done(client, "close", reason="rule_withdrawn")
    assert (closed["handling"]["close_reason"], closed["withdrawn"]) == ("rule_withdrawn", None)
    line = (await get(client, f"alerts/{ID}/timeline"))["items"][-1]
    assert line["detail"] == {"reason": "rule_withdrawn", "note": "", "withdrawn": why}


async def test_where_the_rule_says_so_another_person_approves(resolved, client):
    resolved.registry.put_estate(replace_rule(approval=True))
    waiting = await done(client, "close", reason="returned")
    assert waiting["handling"]["status"] == "closing"
    assert "other than Li" in waiting["next_action"]["en"]
    assert "another person" in problem(await post(client, "approve"), 409)["detail"]
    refused_ = await done(client, "reopen", by="Zhao", note="look again")
    assert (refused_["handling"]["status"], refused_["handling"]["closed_by"]) == ("acknowledged", None)
    await done(client, "close", reason="fixed")
    approved = await done(client, "approve", by="Zhao")
    assert (approved["handling"]["status"], approved["handling"]["approved_by"]) == ("closed", "Zhao")


def replace_rule(**more):
    return Estate(rules=(replace(RULE, **more),))


@pytest.mark.usefixtures("firing")
@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("acknowledge", {"by": "  "}, "by"),
        ("acknowledge", {"by": "Wattline"}, "by"),
        ("acknowledge", {"note": "x"}, "note"),
        ("assign", {}, "body"),
        ("assign", {"organisation_id": "b0"}, "organisation_id"),
        ("comment", {"text": ""}, "text"),
        ("shelve", {"until": "2018-07-01T00:00:00Z", "reason": "x"}, "until"),
        ("shelve", {"until": "2020-07-01T00:00:00Z", "reason": "x"}, "until"),
        ("shelve", {"until": "soon", "reason": "x"}, "until"),
        ("shelve", {"until": "2018-07-03T00:00:00Z"}, "reason"),
        ("close", {"reason": "checked"}, "reason"),
    ],
)
async def test_what_is_not_understood_is_said_by_field(client, verb, body, field):
    assert field in fixes_of(problem(await post(client, verb, **body), 422))


@pytest.mark.usefixtures("firing")
async def test_what_is_not_there_is_said(client):
    assert "alert_id" in fixes_of(problem(await post(client, "acknowledge", identity="nobody"), 404))
    assert "alert_id" in fixes_of(await refused(client, "alerts/nobody", 404))
    assert "alert_id" in fixes_of(await refused(client, "alerts/nobody/timeline", 404))
    assert "organisation_id" in fixes_of(problem(await post(client, "assign", organisation_id="x"), 404))


async def test_a_timeline_that_was_cut_says_so(firing, client):
    await done(client, "acknowledge")
    url = str(firing.registry._database._engine.url).replace("sqlite+pysqlite", "sqlite")
    raw(url, "drop trigger alert_event_never_goes")
    raw(url, "delete from alert_event where number = 3")
    timeline = await get(client, f"alerts/{ID}/timeline")
    assert (timeline["whole"], timeline["fault"]) == (False, "it was cut after line 2: it had 3")


async def test_a_stale_alert_says_what_to_look_at_first(world, client):
    record(world, ID, BEGAN_US)
    held = world.registry.alert(ID).alert
    stale = replace(held, state=AlertState.STALE, stale_at_us=NOW_US)
    world.registry.record_alerts([AlertChange(stale, AlertState.FIRING, NOW_US)], NOW_US)
    alert = await get(client, f"alerts/{ID}")
    assert (alert["state"], alert["stale_at"]) == ("stale", "2018-07-02T02:00:00Z")
    assert "power and network" in alert["next_action"]["en"]
