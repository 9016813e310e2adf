"""The estate that the simulated city registers."""

import itertools
import json

from core.model import DeviceKind, PlaceKind
from core.quantities import QUANTITIES
from simulators.buildings import BUILDINGS
from simulators.demo import City, demo_faults
from simulators.estate import build_estate, overpower_rule_id
from simulators.load import ORIGIN_US
from simulators.metering import contracted_power_w

ESTATE = build_estate(5)


def test_it_is_the_city_that_was_ordered():
    kinds = [place.kind for place in ESTATE.places]
    assert kinds.count(PlaceKind.REGION) == 3
    assert kinds.count(PlaceKind.ORGANISATION) == 6
    assert kinds.count(PlaceKind.BUILDING) == 20
    devices = [device.kind for device in ESTATE.devices]
    assert 180 <= devices.count(DeviceKind.METER) <= 220
    assert devices.count(DeviceKind.VEHICLE) == 30


def test_the_same_seed_builds_the_same_estate():
    assert build_estate(5) == ESTATE
    assert build_estate(6) != ESTATE


def test_every_reference_leads_somewhere():
    places = {place.id for place in ESTATE.places}
    devices = {device.id for device in ESTATE.devices}
    assert len(places) == len(ESTATE.places)
    assert len(devices) == len(ESTATE.devices)
    assert all(place.parent_id is None or place.parent_id in places for place in ESTATE.places)
    assert all(device.place_id in places for device in ESTATE.devices)
    assert all(d.parent_device_id is None or d.parent_device_id in devices for d in ESTATE.devices)
    assert all(
        set(rule.select.devices) <= devices and rule.condition.quantity in QUANTITIES for rule in ESTATE.rules
    )


def test_every_name_is_in_both_languages():
    for thing in (*ESTATE.places, *ESTATE.devices, *ESTATE.rules):
        assert thing.name.zh
        assert thing.name.en


def test_whoever_speaks_is_registered_and_everyone_speaks():
    city = City(5)
    start_us = ORIGIN_US + 430 * 86_400_000_000
    speaking = {sample.device for sample in city.past(start_us, start_us + 1_200_000_000)}
    assert speaking == {device.id for device in ESTATE.devices}


def test_map_layers_are_geojson_with_names():
    for layer in ESTATE.map_layers:
        collection = json.loads(layer.geojson)
        assert collection["type"] == "FeatureCollection"
        for feature in collection["features"]:
            assert set(feature["properties"]["name"]) == {"zh", "en"}
    assert {layer.kind for layer in ESTATE.map_layers} == {"roads", "geofences", "depots"}


def test_buildings_lie_inside_their_district_by_the_river():
    fences = next(json.loads(layer.geojson) for layer in ESTATE.map_layers if layer.kind == "geofences")
    rings = {f["properties"]["id"]: f["geometry"]["coordinates"][0] for f in fences["features"]}
    by_id = {place.id: place for place in ESTATE.places}
    for place in ESTATE.places:
        if place.kind is PlaceKind.BUILDING:
            district = by_id[by_id[place.parent_id].parent_id].id
            assert inside(place.longitude_deg, place.latitude_deg, rings[f"geofence-{district}"])


def inside(x: float, y: float, ring: list[list[float]]) -> bool:
    odd = False
    for (x0, y0), (x1, y1) in itertools.pairwise(ring):
        if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
            odd = not odd
    return odd


def test_the_scripted_spike_breaks_a_rule_long_enough_to_fire_and_then_ends():
    spike = next(fault for fault in demo_faults() if fault.name == "spike")
    rules = {rule.id: rule for rule in ESTATE.rules}
    building = BUILDINGS[0]
    rule = rules[overpower_rule_id(building.id)]
    assert rule.select.devices == (spike.device,)
    assert spike.value > rule.condition.threshold == contracted_power_w(building)
    assert spike.start <= 60
    assert rule.for_s < spike.duration <= 20 < spike.every


def test_every_building_has_a_contract_and_the_city_its_climate():
    contracts = {place.id: place.contract_demand_w for place in ESTATE.places if place.contract_demand_w}
    assert contracts == {building.id: contracted_power_w(building) for building in BUILDINGS}
    roots = [place for place in ESTATE.places if place.parent_id is None]
    assert {(place.climate_zone, place.region_code) for place in roots} == {
        ("hot_summer_cold_winter", "CN-CQ")
    }
