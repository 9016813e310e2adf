"""Vehicles as of their newest fix, and the map."""

import pytest

from tests.api.asks import get
from tests.api.world import NAN, NOW_US

pytestmark = pytest.mark.anyio

SECOND = 1_000_000


async def test_every_vehicle_has_a_status_even_one_never_heard(world, client):
    world.feed.newest_fixes = world.fixes(
        ("car1", NOW_US - SECOND, 29.5, 106.5, 42.5, 1), ("car2", NOW_US - 61 * SECOND, 29.6, 106.6, 0, 0)
    )
    items = (await get(client, "vehicles"))["items"]
    assert [(item["id"], item["status"]) for item in items] == [
        ("car1", "moving"),
        ("car2", "offline"),
        ("car3", "unknown"),
    ]
    assert items[0] == {
        "id": "car1",
        "name": {"zh": "渝A·car1", "en": "car1"},
        "place_id": "b0",
        "status": "moving",
        "position": {
            "lat": 29.5,
            "lon": 106.5,
            "speed_kmh": 42.5,
            "course_deg": 90.0,
            "time": "2018-07-02T01:59:59Z",
            "age_s": 1.0,
        },
        "ignition": True,
        "soc_pct": 61.3,
        "fuel_l": None,
        "odometer_km": 1234.5,
    }
    assert items[2]["position"] is None


async def test_a_vehicle_that_reports_seldom_is_not_offline_so_soon(world, client):
    world.feed.newest_fixes = world.fixes(("car3", NOW_US - 1700 * SECOND, 29.5, 106.5, 0, 1))
    assert (await get(client, "vehicles"))["items"][2]["status"] == "idle"


async def test_a_fix_of_a_device_that_is_gone_is_left_out(world, client):
    fixes = world.fixes(("car1", NOW_US, 29.5, 106.5, NAN, NAN))
    fixes.device[0] = 4711
    world.feed.newest_fixes = fixes
    assert [item["status"] for item in (await get(client, "vehicles"))["items"]] == ["unknown"] * 3


async def test_the_map_comes_from_the_registry(client):
    assert await get(client, "map") == {
        "layers": [
            {"id": "roads", "kind": "roads", "features": {"type": "FeatureCollection", "features": []}}
        ]
    }
