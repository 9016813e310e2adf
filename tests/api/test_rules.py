"""Rules and silences, made and changed in the API."""

import pytest

from core.estate import Estate
from tests.api.asks import fixes_of, get, problem, refused
from tests.api.test_alerts import record
from tests.api.world import NOW_US
from tests.storage.registries import rule as api_rule

pytestmark = pytest.mark.anyio

BODY = {
    "id": "night-load",
    "name": {"zh": "夜间用电", "en": "Night load"},
    "action": {"zh": "去看看", "en": "Go and look"},
    "condition": {"kind": "off_hours", "factor": 2},
    "select": {"places": ["b0"], "categories": ["office"]},
    "mute": [{"start": "22:00", "end": "06:00", "weekdays": [6, 7]}],
    "deadline_s": 3600,
    "approval": True,
}


async def post(client, **changes):
    return await client.post("/api/v1/rules", json=BODY | changes)


async def test_a_rule_comes_back_in_the_words_in_which_it_can_be_posted(world, client):
    made = await post(client)
    assert made.status_code == 200, made.text
    item = made.json()
    assert item == await get(client, "rules/night-load")
    assert (item["origin"], item["severity"], item["condition"]["factor"]) == ("api", "warning", 2.0)
    del item["origin"]
    again = await client.post("/api/v1/rules", json=item)
    assert again.status_code == 200, again.text
    assert [one.id for one in world.registry.rules()] == ["high-power", "night-load"]


async def test_a_change_of_a_rule_is_seen_by_every_process(world, client):
    before = world.registry.revision()
    await post(client)
    made = world.registry.revision()
    assert (made.rules, made.estate) == (before.rules + 1, before.estate)
    await post(client)
    assert world.registry.revision() == made
    put = await client.put("/api/v1/rules/night-load", json=BODY | {"enabled": False})
    assert put.json()["enabled"] is False
    assert not world.registry.rule("night-load").enabled
    left = await client.request("DELETE", "/api/v1/rules/night-load")
    assert [one["id"] for one in left.json()["items"]] == ["high-power"]
    assert world.registry.revision().rules == before.rules + 3


async def test_a_rule_of_the_file_is_changed_in_the_file(world, client):
    for answer in (
        await post(client, id="high-power"),
        await client.put("/api/v1/rules/high-power", json=BODY | {"id": "high-power"}),
        await client.request("DELETE", "/api/v1/rules/high-power"),
    ):
        assert "rules.yaml: edit it there" in problem(answer, 409)["detail"]
    assert [one.origin for one in world.registry.rules()] == ["file"]


async def test_alerts_of_a_dropped_rule_keep_its_words_and_are_to_be_closed(world, client):
    world.registry.put_estate(Estate(rules=(), all_rules=True))
    record(world, "a1", NOW_US)
    assert (await get(client, "rules"))["items"] == []
    alert = await get(client, "alerts/a1")
    assert alert["rule"]["name"]["en"] == "Power too high"
    assert alert["rule"]["action"]["en"] == "Check the chillers"
    assert "close it as rule_withdrawn" in alert["next_action"]["en"]
    await refused(client, "rules/high-power", 404)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"condition": {"kind": "thresh"}}, {"condition.kind"}),
        ({"condition": {"factor": 2}}, {"condition.kind"}),
        (
            {"condition": {"kind": "threshold", "quantity": "powr", "comparator": "over"}},
            {"condition.quantity", "condition.comparator", "condition.threshold"},
        ),
        ({"condition": {"kind": "off_hours", "facto": 2}}, {"condition.facto"}),
        (
            {"condition": {"kind": "demand", "share": 0.8, "clear_share": 0.9}},
            {"condition.clear_share"},
        ),
        ({"select": {"places": ["b0", "x"]}}, {"select.places[1]"}),
        ({"select": {"devices": ["x"], "tags": ["roof"]}}, {"select.devices[0]", "select.tags[0]"}),
        ({"select": {"categories": ["offce"]}}, {"select.categories[0]"}),
        ({"inhibited_by": ["night-load", "nobody"]}, {"inhibited_by[0]", "inhibited_by[1]"}),
        ({"mute": [{"start": "24:00", "end": "6"}]}, {"mute.0.start", "mute.0.end"}),
        ({"runbook": "javascript:alert(1)"}, {"runbook"}),
        ({"for_s": -1, "deadline_s": 0}, {"for_s", "deadline_s"}),
        ({"action": None}, {"action"}),
    ],
)
async def test_every_mistake_is_named_with_its_field(world, client, changes, fields):
    assert set(fixes_of(problem(await post(client, **changes), 422))) == fields
    assert len(world.registry.rules()) == 1


async def test_the_id_of_the_address_is_that_of_the_rule(client):
    await post(client)
    other = await client.put("/api/v1/rules/night-load", json=BODY | {"id": "other"})
    assert "id" in fixes_of(problem(other, 422))
    problem(await client.put("/api/v1/rules/nobody", json=BODY | {"id": "nobody"}), 404)
    problem(await client.request("DELETE", "/api/v1/rules/nobody"), 404)


async def test_a_rule_that_others_name_is_not_dropped(world, client):
    await post(client)
    world.registry.put_rule(api_rule("r", inhibited_by=("night-load",), origin="api"))
    answer = await client.request("DELETE", "/api/v1/rules/night-load")
    assert "inhibits r" in problem(answer, 409)["detail"]


SILENCE = {
    "ends_at": "2018-07-02T12:00:00+08:00",
    "reason": "works",
    "by": "Li",
    "places": ["b0"],
    "severities": ["info"],
}


async def test_a_silence_has_an_end_a_reason_and_can_be_ended(world, client):
    made = (await client.post("/api/v1/silences", json=SILENCE)).json()
    assert (made["in_force"], made["starts_at"], made["ends_at"]) == (
        True,
        "2018-07-02T02:00:00Z",
        "2018-07-02T04:00:00Z",
    )
    later = SILENCE | {"starts_at": "2018-07-02T03:00:00Z"}
    await client.post("/api/v1/silences", json=later)
    assert [one["in_force"] for one in (await get(client, "silences"))["items"]] == [True, False]
    assert len((await get(client, "silences", in_force=True))["items"]) == 1
    end = f"/api/v1/silences/{made['id']}/end"
    world.now_us += 60_000_000
    ended = (await client.post(end, json={"by": "Zhao"})).json()
    assert (ended["in_force"], ended["ends_at"]) == (False, "2018-07-02T02:01:00Z")
    assert "over already" in problem(await client.post(end, json={"by": "Zhao"}), 409)["detail"]
    problem(await client.post("/api/v1/silences/x/end", json={"by": "Zhao"}), 404)


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"ends_at": "2018-07-02T01:00:00Z"}, 422, "ends_at"),
        ({"ends_at": "2030-07-02T01:00:00Z"}, 422, "ends_at"),
        ({"reason": " "}, 422, "reason"),
        ({"by": ""}, 422, "by"),
        ({"places": [], "severities": []}, 422, "rules"),
        ({"rules": ["x"]}, 404, "rules"),
        ({"places": ["x"]}, 404, "places"),
        ({"devices": ["x"]}, 404, "devices"),
    ],
)
async def test_nobody_silences_without_end_reason_or_aim(world, client, changes, status, field):
    answer = await client.post("/api/v1/silences", json=SILENCE | changes)
    assert field in fixes_of(problem(answer, status))
    assert world.registry.silences() == []
