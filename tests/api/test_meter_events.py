"""Settings of registers, replacements, moves and references through the API."""

import pytest

from core.model import Placement
from tests.api.asks import fixes_of, get, problem, refused
from tests.api.world import ENERGY, NOW_US, us
from tests.storage.registries import REFERENCES

pytestmark = pytest.mark.anyio

SWAP = {"quantity": ENERGY, "at": "2018-06-01T09:30:00+08:00", "final_value": 900.5, "initial_value": 2}
PLACE = {"id": "b7", "kind": "building", "name": {"zh": "七", "en": "7"}, "timezone": "Asia/Shanghai"}
METER = {"id": "m9", "kind": "meter", "place_id": "b0", "name": {"zh": "表", "en": "Meter"}}


async def done(response):
    answer = await response
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_register_is_set_and_what_is_left_out_is_taken_back(client):
    address = f"/api/v1/registers/m0/{ENERGY}"
    body = {"ratio": 40, "policy": "dlt645", "rollover_at": 1e6, "max_rate": 500, "rated_rate": 200}
    found = await done(client.put(address, json=body))
    assert {key: found[key] for key in body} == body
    assert (await get(client, "registers", device="m0"))["items"][0] == found
    again = await done(client.put(address, json={"ratio": 2}))
    assert (again["id"], again["ratio"], again["policy"]) == (found["id"], 2, None)


async def test_a_register_that_has_not_reported_yet_can_be_set(client):
    found = await done(client.put("/api/v1/registers/m2/water_volume_total", json={"ratio": 1}))
    assert (found["unit"], found["energy"], found["last"]) == ("m3", "water", None)


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("ghost/power_active", {}, 404, "device_id"),
        ("m0/joy", {}, 404, "quantity"),
        ("m0/power_active", {"ratio": 0}, 422, "ratio"),
        ("m0/power_active", {"polcy": "x"}, 422, "polcy"),
        (f"m0/{ENERGY}", {"policy": "none"}, 409, "'none' dlt645"),
        ("m0/power_active", {"rollover_at": 5}, 409, "counter"),
    ],
)
async def test_settings_that_are_wrong_are_refused_with_the_fix(client, path, body, status, words):
    found = problem(await client.put(f"/api/v1/registers/{path}", json=body), status)
    assert all(word in str(found) for word in words.split()), found


async def test_a_device_comes_with_settings_of_its_registers(world, client):
    posted = METER | {
        "meter_type": "three_phase",
        "rated_power_w": 1e5,
        "accuracy_class": 0.5,
        "item": "special",
        "organisation_id": "org",
        "registers": [{"quantity": ENERGY, "ratio": 60}, {"quantity": "power_active", "ratio": 60}],
    }
    found = await done(client.post("/api/v1/devices", json=posted))
    assert {key: found[key] for key in posted if key != "registers"} == {
        key: value for key, value in posted.items() if key != "registers"
    }
    assert [one["ratio"] for one in (await get(client, "registers", device="m9"))["items"]] == [60, 60]
    await done(client.post("/api/v1/devices", json=METER))
    assert [one["ratio"] for one in (await get(client, "registers", device="m9"))["items"]] == [60, 60]
    assert world.registry.catalog().devices["m9"].meter_type is None


async def test_a_place_names_its_calendar_tariffs_and_region(world, client):
    named = PLACE | {
        "climate_zone": "mild",
        "calendar_id": "workdays",
        "tariffs": {"electricity": "flat"},
        "contract_demand_w": 5e5,
        "region_code": "CN-CQ",
    }
    refusal = problem(await client.post("/api/v1/places", json=named), 409)
    assert "'workdays'" in refusal["detail"]
    world.registry.put_references(REFERENCES)
    found = await done(client.post("/api/v1/places", json=named))
    assert {key: found[key] for key in named} == named
    assert await get(client, "places/b7") == found


@pytest.mark.parametrize(
    ("formula", "words"),
    [("[m0] +", "character"), ("[m0] - [ghost]", "ghost"), ("[sum]", "itself"), ("1 + 1", "meter")],
)
async def test_a_formula_that_can_not_be_used_is_refused(client, formula, words):
    body = METER | {"id": "sum", "kind": "virtual", "formula": formula}
    found = problem(await client.post("/api/v1/devices", json=body), 422)
    assert "formula" in fixes_of(found)
    assert words in found["detail"]


async def test_virtual_meters_can_not_be_made_of_one_another_in_a_circle(client):
    virtual = METER | {"kind": "virtual"}
    await done(client.post("/api/v1/devices", json=virtual | {"id": "v1", "formula": "[m0] - [m1]"}))
    await done(client.post("/api/v1/devices", json=virtual | {"id": "v2", "formula": "[v1] * 2"}))
    found = problem(await client.post("/api/v1/devices", json=virtual | {"id": "v1", "formula": "[v2]"}), 422)
    assert "v1 → v2 → v1" in found["detail"]


async def test_a_replacement_is_recorded_once_corrected_and_taken_back(world, client):
    address = "/api/v1/devices/m0/replacements"
    (first,) = (await done(client.post(address, json=SWAP)))["items"]
    assert (first["at"], first["final_value"], first["ratio"]) == ("2018-06-01T09:30:00+08:00", 900.5, None)
    assert (await done(client.post(address, json=SWAP)))["items"] == [first]
    corrected = SWAP | {"id": first["id"], "ratio": 60, "at": "2018-06-02"}
    (second,) = (await done(client.post(address, json=corrected)))["items"]
    assert (second["id"], second["ratio"], second["at"]) == (first["id"], 60, "2018-06-02T00:00:00+08:00")
    assert await get(client, "devices/m0/replacements") == {"items": [second]}
    assert (await get(client, "registers", device="m0"))["items"][0]["ratio"] == 60
    assert (await done(client.delete(f"{address}/{first['id']}")))["items"] == []
    assert "replacement_id" in fixes_of(problem(await client.delete(f"{address}/{first['id']}"), 404))
    assert world.registry.catalog().replacements == {}


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"at": "2018-07-03"}, 422, "future"),
        ({"at": "yesterday"}, 422, "at"),
        ({"ratio": -1}, 422, "ratio"),
        ({"quantity": "power_active"}, 409, "counter"),
        ({"quantity": "joy"}, 422, "quantity"),
    ],
)
async def test_a_replacement_that_can_not_be_is_refused(client, change, status, words):
    found = problem(await client.post("/api/v1/devices/m0/replacements", json=SWAP | change), status)
    assert words in str(found)


async def test_a_replacement_of_another_device_is_not_taken_back(world, client):
    (made,) = (await done(client.post("/api/v1/devices/m0/replacements", json=SWAP)))["items"]
    problem(await client.delete(f"/api/v1/devices/m1/replacements/{made['id']}"), 404)
    assert world.registry.catalog().replacements


async def test_a_move_shows_where_a_device_has_been_and_can_be_taken_back(world, client):
    address = "/api/v1/devices/m1/placements"
    assert (await get(client, "devices/m1/placements"))["items"] == [
        {"from": None, "place_id": "b0", "parent_device_id": "m0"}
    ]
    moved = await done(client.post(address, json={"from": "2018-06-01", "place_id": "b1"}))
    assert [(one["place_id"], one["parent_device_id"]) for one in moved["items"]] == [
        ("b0", "m0"),
        ("b1", None),
    ]
    assert (await get(client, "devices/m1"))["place_id"] == "b1"
    assert world.registry.catalog().placements["m1"] == (
        Placement("m1", 0, "b0", "m0"),
        Placement("m1", us("2018-06-01"), "b1"),
    )
    shown = moved["items"][1]["from"]
    problem(await client.delete(address, params={"from": "2018-06-02"}), 404)
    left = await done(client.delete(address, params={"from": shown}))
    assert left["items"] == [{"from": None, "place_id": "b0", "parent_device_id": "m0"}]
    assert (await get(client, "devices/m1"))["place_id"] == "b0"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"from": "2018-07-03", "place_id": "b1"}, 422, "future"),
        ({"from": "2018-06-01", "place_id": "nowhere"}, 409, "nowhere"),
        ({"from": "2018-06-01", "place_id": "b0", "parent_device_id": "m1"}, 409, "loop"),
    ],
)
async def test_a_move_that_can_not_be_is_refused(client, body, status, words):
    assert words in str(problem(await client.post("/api/v1/devices/m1/placements", json=body), status))


async def test_where_a_device_was_at_first_is_corrected_without_a_time(world, client):
    await done(client.post("/api/v1/devices/m1/placements", json={"place_id": "b1"}))
    catalog = world.registry.catalog()
    assert catalog.placed("m1", NOW_US) == catalog.placed("m1", 0) == ("b1", None)


async def test_references_are_shown_with_their_sources(world, client):
    assert await get(client, "references/calendars") == {"items": []}
    world.registry.put_references(REFERENCES)
    (calendar,) = (await get(client, "references/calendars"))["items"]
    assert (calendar["id"], calendar["years"][0]["source"]) == ("workdays", "law")
    assert [one["id"] for one in (await get(client, "references/tariffs"))["items"]] == ["flat", "wet"]
    assert (await get(client, "references/policies"))["items"][0]["rollover_at"] == 4096
    await refused(client, "references/joys", 422)
