"""A rule over stored history, asked of the API."""

import pytest

from core.alerts import Silence
from tests.api.asks import fixes_of, problem
from tests.api.conftest import client_of
from tests.api.world import us
from tests.storage.batches import NO_POSITIONS, readings

pytestmark = pytest.mark.anyio

MINUTE_US = 60_000_000
BEGIN_US = us("2018-07-01T08:00:00")
SPAN = {"from": "2018-07-01", "to": "2018-07-02"}
POWER = {
    "id": "too-much",
    "name": {"zh": "功率", "en": "Power"},
    "action": {"zh": "检查", "en": "Check"},
    "condition": {
        "kind": "threshold",
        "quantity": "power_active",
        "comparator": "above",
        "threshold": 50_000,
        "clear_threshold": 45_000,
    },
    "for_s": 1800,
}


@pytest.fixture
def measured(world):
    """Power each quarter of an hour from 08:00: an hour high, one between, one low; silent from 14:00."""
    values = [30_000.0] * 4 + [60_000.0] * 3 + [72_000.0] + [47_000.0] * 4 + [30_000.0] * 4 + [51_000.0] * 8
    rows = [(BEGIN_US + at * 15 * MINUTE_US, value) for at, value in enumerate(values)]
    world.readings("m0", "power_active", rows)
    return world


async def ask(client, status=200, **body):
    response = await client.post("/api/v1/rules/preview", json=SPAN | body)
    if status != 200:
        return problem(response, status)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.usefixtures("measured")
async def test_a_preview_says_when_on_what_and_for_how_long(client):
    found = await ask(client, rule=POWER)
    totals = found["totals"]
    assert (totals["targets"], totals["targets_with_alerts"], totals["alerts"], totals["open"]) == (
        1,
        1,
        2,
        1,
    )
    assert totals["observations"] == 24
    assert (found["from"], found["to"]) == ("2018-07-01T00:00:00+08:00", "2018-07-02T00:00:00+08:00")
    assert found["unit"] == "W"
    assert found["highest"] == {"comparator": "above", "p50": 72_000.0, "p95": 72_000.0, "most": 72_000.0}
    longest, shorter = found["episodes"]
    assert longest == {
        "target": {"kind": "register", "id": "m0/power_active", "place_id": "b0"},
        "pending_at": "2018-07-01T12:00:00+08:00",
        "fired_at": "2018-07-01T12:30:00+08:00",
        "ended_at": None,
        "state": "stale",
        "duration_s": 11.5 * 3600,
        "silent_s": (10.25 - 0.75) * 3600,
        "peak": 51_000.0,
        "limit": 50_000.0,
        "waste": None,
        "retrospective": True,
        "told_at": None,
        "held_by": "history",
    }
    assert (shorter["fired_at"], shorter["ended_at"], shorter["peak"]) == (
        "2018-07-01T09:30:00+08:00",
        "2018-07-01T11:00:00+08:00",
        72_000.0,
    )
    assert totals["coverage"] == pytest.approx(5.75 / 24, abs=1e-4)
    assert "24%" in found["next_action"]["en"]


@pytest.mark.usefixtures("measured")
async def test_a_stored_rule_is_tried_by_its_id(client):
    found = await ask(client, rule_id="high-power", to="2018-07-01T14:00:00+08:00")
    assert found["rule"]["id"] == "high-power"
    assert found["totals"]["alerts"] == 2


async def test_nothing_is_stored_by_a_preview(measured, client):
    await ask(client, rule=POWER)
    assert [rule.id for rule in measured.registry.rules()] == ["high-power"]
    response = await client.get("/api/v1/alerts")
    assert response.json()["items"] == []


@pytest.mark.usefixtures("measured")
async def test_a_threshold_that_nothing_passes_says_how_far_it_was(client):
    rule = POWER | {"condition": POWER["condition"] | {"threshold": 90_000}}
    found = await ask(
        client, rule=rule, **{"from": "2018-07-01T08:00:00+08:00", "to": "2018-07-01T14:00:00+08:00"}
    )
    assert found["totals"]["alerts"] == 0
    assert found["next_action"]["en"].startswith(
        "It would not have fired: the highest value is 72000, the threshold 90000."
    )


@pytest.mark.usefixtures("measured")
async def test_a_rule_that_selects_nothing_says_so(client):
    rule = POWER | {"condition": POWER["condition"] | {"quantity": "frequency"}}
    found = await ask(client, rule=rule)
    assert found["totals"]["targets"] == 0
    assert found["next_action"]["en"].startswith("The rule watches nothing")


async def test_a_rule_on_figures_is_tried_on_the_ledger(world, client):
    world.meter("m0", us("2018-07-01T00:00:00"), [2.0] * 40 + [10.0] * 8 + [2.0] * 48)
    rule = POWER | {
        "for_s": 0,
        "condition": {
            "kind": "consumption",
            "energy": "electricity",
            "period": "1h",
            "comparator": "above",
            "threshold": 20,
            "scope": "device",
        },
        "select": {"devices": ["m0"]},
    }
    found = await ask(client, rule=rule)
    assert [(one["fired_at"], one["ended_at"]) for one in found["episodes"]] == [
        ("2018-07-01T11:00:00+08:00", "2018-07-01T13:00:00+08:00")
    ]
    assert found["totals"]["waste"] == 40.0
    assert found["unit"] == "kWh"


SILENT = POWER | {
    "id": "silent",
    "condition": {"kind": "no_data", "factor": 3},
    "select": {"devices": ["m0", "m1", "m2"]},
    "for_s": 0,
    "inhibited_by": ["high-power"],
}


@pytest.fixture
def heard(world):
    """m0 speaks each minute but from 10:00 to 11:00; m1 does all day, and m2 never did."""
    rows = []
    for minute in range(24 * 60):
        at_us = us("2018-07-01T00:00:00") + minute * MINUTE_US
        spoke = ["m1"] if 10 * 60 <= minute < 11 * 60 else ["m0", "m1"]
        rows += [(world.register(device), at_us, 1.0, at_us + 1_000_000) for device in spoke]
    world.store.append(readings(*rows), NO_POSITIONS)
    return world


@pytest.mark.usefixtures("heard")
async def test_a_rule_on_silence_is_tried_on_times_of_receipt(client):
    found = await ask(client, rule=SILENT)
    (episode,) = found["episodes"]
    assert (episode["target"]["id"], episode["fired_at"], episode["ended_at"]) == (
        "m0",
        "2018-07-01T10:44:01+08:00",
        "2018-07-01T11:00:01+08:00",
    )
    assert (episode["peak"], episode["limit"], found["unit"]) == (61 * 60.0, 2700.0, "s")
    assert (episode["told_at"], episode["held_by"]) == (episode["fired_at"], None)
    assert found["totals"]["observations"] == 2 * 24 * 60 - 60
    assert found["highest"]["most"] == 61 * 60.0
    recorded, heard = (one["en"] for one in found["unknown"])
    assert recorded.startswith("No alert of rule high-power is recorded in this span")
    assert heard.startswith("1 devices were never heard (m2)")


async def test_what_was_silenced_says_when_it_would_have_been_told(heard, client):
    start_us, end_us = us("2018-07-01T10:00:00"), us("2018-07-01T10:50:00")
    heard.registry.put_silence(Silence("s", start_us, end_us, "works", "somebody", start_us, places=("b0",)))
    found = await ask(client, rule=SILENT)
    (episode,) = found["episodes"]
    assert (episode["told_at"], episode["held_by"]) == ("2018-07-01T10:50:00+08:00", "silenced")
    muted = SILENT | {"mute": [{"start": "09:00", "end": "12:00"}]}
    found = await ask(client, rule=muted)
    (episode,) = found["episodes"]
    assert (episode["told_at"], episode["held_by"]) == (None, "silenced")
    assert (found["totals"]["alerts"], found["totals"]["not_told"]) == (1, 1)


@pytest.mark.usefixtures("heard")
async def test_a_rule_that_is_disabled_is_tried_all_the_same(client):
    found = await ask(client, rule=SILENT | {"enabled": False})
    assert found["totals"]["alerts"] == 1
    assert found["rule"]["enabled"] is False


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, None),
        ({"rule": POWER, "rule_id": "high-power"}, 422, None),
        ({"rule_id": "none-such"}, 404, "rule_id"),
        ({"rule": POWER, "from": "yesterday"}, 422, "from"),
        ({"rule": POWER, "to": "2018-06-01"}, 422, "to"),
        ({"rule": POWER, "from": "2016-01-01"}, 422, "to"),
        ({"rule": POWER | {"select": {"places": ["nowhere"]}}}, 422, "rule.select.places[0]"),
        ({"rule": POWER | {"condition": {"kind": "treshold"}}}, 422, None),
    ],
)
async def test_what_cannot_be_tried_is_refused_with_the_fix(client, body, status, field):
    found = await ask(client, status, **body)
    if field is not None:
        assert field in fixes_of(found)


async def test_too_many_readings_are_refused_before_any_is_read(client, monkeypatch):
    monkeypatch.setattr("wattline.rules.preview.MOST_ROWS", 95)
    found = await ask(client, 422, rule=POWER)
    assert "shorter span" in fixes_of(found)["to"]
    monkeypatch.setattr("wattline.rules.preview.MOST_ROWS", 96)
    await ask(client, rule=POWER)


async def test_without_a_previewer_it_says_so(world):
    async with client_of(world.app(previewer=None)) as client:
        await ask(client, 503, rule=POWER)
