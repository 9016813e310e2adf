"""Places, devices and registers: what is there, page by page, and what may change it."""

import json
from dataclasses import replace

import pytest

from tests.api.asks import fixes_of, get, problem, refused
from tests.api.world import ENERGY, NOW_US

pytestmark = pytest.mark.anyio

PLACE = {
    "id": "b7",
    "kind": "building",
    "parent_id": "org",
    "name": {"zh": "七号楼", "en": "Building 7"},
    "timezone": "Asia/Shanghai",
}
DEVICE = {
    "id": "m7",
    "kind": "meter",
    "place_id": "b0",
    "parent_device_id": "m0",
    "name": {"zh": "表", "en": "Meter"},
    "expected_interval_s": 60,
}


async def pages(client, path, **query):
    """All items of a list, and how many pages they came in."""
    items, count, cursor = [], 0, {}
    while True:
        page = await get(client, path, **query, **cursor)
        items, count = items + page["items"], count + 1
        if page["next"] is None:
            return items, count
        cursor = {"cursor": page["next"]}


async def test_places_say_what_is_metered_at_or_below_them(client):
    items = (await get(client, "places"))["items"]
    assert {item["id"]: item["energies"] for item in items} == {
        "city": ["electricity", "gas"],
        "org": ["electricity", "gas"],
        "b0": ["electricity", "gas"],
        "b1": ["electricity"],
        "empty": [],  # it only exports
    }


async def test_a_place_tells_all_that_is_registered(client):
    assert await get(client, "places/b0") == {
        "id": "b0",
        "kind": "building",
        "parent_id": "org",
        "name": {"zh": "一号楼", "en": "Building 1"},
        "timezone": "Asia/Shanghai",
        "floor_area_m2": 9045.0,
        "headcount": 320,
        "category": "office",
        "latitude": 29.5,
        "longitude": 106.5,
        "climate_zone": None,
        "calendar_id": None,
        "tariffs": {},
        "contract_demand_w": None,
        "region_code": None,
        "base_minutes": None,
        "energies": ["electricity", "gas"],
    }


@pytest.mark.parametrize("path", ["places", "devices", "registers"])
async def test_pages_hold_every_item_once(client, path):
    whole, one = await pages(client, path)
    paged, many = await pages(client, path, limit=2)
    assert paged == whole
    assert (one, many) == (1, -(-len(whole) // 2))


@pytest.mark.parametrize("path", ["places", "devices", "registers"])
@pytest.mark.parametrize(
    "cursor", ["x", "%%%", "WyJ4Il0=", "WzFd", "W10", "WzFlOTldCg", "WzEyMzQ1Njc4OTAxMjM0NTY3ODkwXQ", "é"]
)
async def test_a_cursor_of_nobodys_making_is_refused_or_harmless(client, path, cursor):
    response = await client.get(f"/api/v1/{path}", params={"cursor": cursor})
    if response.status_code != 200:
        assert "cursor" in fixes_of(problem(response, 422))


async def test_a_cursor_of_another_list_is_refused(client):
    cursor = (await get(client, "places", limit=1))["next"]
    assert "cursor" in fixes_of(await refused(client, "registers", 422, cursor=cursor))


async def test_devices_of_a_place_are_those_at_or_below_it(client):
    below = (await get(client, "devices", place="org", kind="meter"))["items"]
    assert [item["id"] for item in below] == ["gas-kwh", "gas-m3", "m0", "m1", "m2"]
    assert [item["id"] for item in (await get(client, "devices", place="b1"))["items"]] == ["m2"]
    assert [item["id"] for item in (await get(client, "devices", kind="vehicle"))["items"]] == [
        "car1",
        "car2",
        "car3",
    ]


async def test_a_device_was_last_seen_at_its_newest_reading_or_fix(world, client):
    world.feed.last = {
        world.register("m0"): (NOW_US - 5_000_000, 7.0),
        world.register("m0", "power_active"): (NOW_US - 1_000_000, 8.0),
    }
    world.feed.newest_fixes = world.fixes(("car1", NOW_US - 2_000_000, 29.5, 106.5, 0, 0))
    assert (await get(client, "devices/m0"))["last_seen"] == "2018-07-02T01:59:59Z"
    assert (await get(client, "devices/car1"))["last_seen"] == "2018-07-02T01:59:58Z"
    assert (await get(client, "devices/m1"))["last_seen"] is None


async def test_a_register_shows_its_newest_reading_and_how_old_it_is(world, client):
    world.feed.last = {world.register("m0"): (NOW_US - 90_000_000, 12.5)}
    energy, power = (await get(client, "registers", device="m0"))["items"]
    assert energy["last"] == {"time": "2018-07-02T01:58:30Z", "value": 12.5, "age_s": 90.0}
    assert (energy["quantity"], energy["unit"], energy["energy"]) == (ENERGY, "kWh", "electricity")
    assert power["last"] is None


async def test_registers_of_a_place_are_those_at_or_below_it(client):
    items = (await get(client, "registers", place="b1"))["items"]
    assert [item["device_id"] for item in items] == ["m2"]
    assert (await get(client, "registers", place="b1", device="m0"))["items"] == []


@pytest.mark.parametrize("path", ["places/b9", "devices/m9", "places/%00", "places/%E4%B8%80"])
async def test_what_is_not_there_is_a_404_with_what_is(client, path):
    found = await refused(client, path, 404)
    assert "one of" in found["errors"][0]["fix"]


@pytest.mark.parametrize("query", [{"place": "b9"}, {"device": "m9"}])
async def test_a_filter_that_names_nothing_is_a_404(client, query):
    assert next(iter(query)) in fixes_of(await refused(client, "registers", 404, **query))


async def test_a_place_can_be_added_and_replaced(client):
    added = await client.post("/api/v1/places", json=PLACE)
    assert added.status_code == 200
    assert added.json() == await get(client, "places/b7")
    changed = PLACE | {"floor_area_m2": 100.5, "timezone": "Asia/Urumqi"}
    assert (await client.post("/api/v1/places", json=changed)).json()["floor_area_m2"] == 100.5
    assert (await get(client, "places/b7"))["timezone"] == "Asia/Urumqi"


async def test_a_device_can_be_added_and_replaced(client):
    added = await client.post("/api/v1/devices", json=DEVICE)
    assert added.status_code == 200
    assert added.json() == await get(client, "devices/m7")
    assert added.json()["coordinate_system"] == "wgs84"
    moved = await client.post("/api/v1/devices", json=DEVICE | {"place_id": "b1", "parent_device_id": None})
    assert moved.json()["place_id"] == "b1"


async def test_validity_in_time_survives_a_replacement(world, client):
    registered = world.catalog.devices["m0"]
    world.registry.put_device(replace(registered, valid_from_us=5, valid_to_us=9))
    world.reload()
    await client.post("/api/v1/devices", json=DEVICE | {"id": "m0", "parent_device_id": None})
    changed = world.catalog.devices["m0"]
    assert (changed.valid_from_us, changed.valid_to_us, changed.expected_interval_s) == (5, 9, 60.0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "a/b"}, "id"),
        ({"id": ""}, "id"),
        ({"kind": "castle"}, "kind"),
        ({"timezone": "Asia/Chongqing2"}, "timezone"),
        ({"timezone": "Asia"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": "Asia/Shang\ud800hai"}, "timezone"),
        ({"name": {"zh": "x"}}, "name.en"),
        ({"name": {"zh": "x", "en": "a\x00b"}}, "name.en"),
        ({"name": {"zh": "x", "en": "   "}}, "name.en"),
        ({"name": {"zh": "x", "en": "\ud800"}}, "name.en"),
        ({"latitude": 91}, "latitude"),
        ({"longitude": "east"}, "longitude"),
        ({"floor_area_m2": 0}, "floor_area_m2"),
        ({"headcount": -1}, "headcount"),
        ({"headcount": 10**30}, "headcount"),
        ({"floor_area": 12}, "floor_area"),
        ({"energies": []}, "energies"),
    ],
)
async def test_a_place_that_makes_no_sense_is_refused_by_field(client, change, field):
    body = json.dumps(PLACE | change)
    response = await client.post("/api/v1/places", content=body, headers={"content-type": "application/json"})
    assert list(fixes_of(problem(response, 422))) == [field]


@pytest.mark.parametrize(
    ("number", "shown"), [("NaN", "nan"), ("Infinity", "inf"), ("-Infinity", "-inf"), ("1e999", "inf")]
)
async def test_a_number_that_is_none_is_refused(client, number, shown):
    body = json.dumps(PLACE | {"floor_area_m2": 1.5}).replace("1.5", number)
    response = await client.post("/api/v1/places", content=body, headers={"content-type": "application/json"})
    (error,) = problem(response, 422)["errors"]
    assert (error["field"], error["value"]) == ("floor_area_m2", shown)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("places", PLACE | {"parent_id": "nowhere"}),
        ("places", PLACE | {"id": "city", "parent_id": "b0"}),
        ("devices", DEVICE | {"place_id": "nowhere"}),
        ("devices", DEVICE | {"parent_device_id": "nothing"}),
    ],
)
async def test_a_change_that_contradicts_the_registry_is_a_conflict(client, path, body):
    assert (
        "register" in problem(await client.post(f"/api/v1/{path}", json=body), 409)["detail"]
        or "loop" in (problem(await client.post(f"/api/v1/{path}", json=body), 409)["detail"])
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_only_json_is_read(client, content_type):
    response = await client.post("/api/v1/places", content="{}", headers={"content-type": content_type})
    assert "application/json" in fixes_of(problem(response, 422))["body"]


async def test_json_that_is_broken_says_where(client):
    response = await client.post(
        "/api/v1/places", content='{"id": ', headers={"content-type": "application/json"}
    )
    assert "character 7" in fixes_of(problem(response, 422))["body"]


async def test_json_nested_without_end_is_no_crash(client):
    response = await client.post(
        "/api/v1/places", content="[" * 30_000, headers={"content-type": "application/json"}
    )
    assert response.status_code in (400, 422)
    problem(response, response.status_code)
