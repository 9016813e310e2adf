"""Where things lie in the simulated city, and what the map draws of it, as GeoJSON.

Features carry `id`, `kind` and `name` {zh, en}. Coordinates are WGS-84, longitude first.
"""

import json
import math
from typing import Any

import numpy as np

from core.batch import F64
from core.model import MapLayer, Name
from simulators.buildings import BUILDINGS, CITY, DEPOTS, DISTRICTS, FUEL_STATIONS
from simulators.roads import RoadNetwork, river_y, to_degrees
from simulators.trips import YARD_M
from simulators.vehicles import driveway

_MARGIN_M = 700.0
_BUILDING_OFFSET_M = (75.0, 60.0)


def building_position(network: RoadNetwork, junction: int) -> tuple[float, float]:
    """(x, y) of a building whose gate is at the junction."""
    x, y = network.junctions[junction]
    return float(x) + _BUILDING_OFFSET_M[0], float(y) + _BUILDING_OFFSET_M[1]


def depot_position(network: RoadNetwork, depot: str) -> tuple[float, float]:
    """(x, y) of the middle of a depot's yard."""
    x, y = driveway(network, _depot_junction(depot), slot=3)[0]
    return float(x), float(y)


def map_layers(network: RoadNetwork) -> tuple[MapLayer, ...]:
    """Roads (driveways included), geofences and depots."""
    return (
        MapLayer("roads", "roads", _collection(_roads(network))),
        MapLayer("geofences", "geofences", _collection(_geofences(network))),
        MapLayer("depots", "depots", _collection(_depots(network))),
    )


def _roads(network: RoadNetwork) -> list[dict[str, Any]]:
    features = [
        _feature(
            f"road-{number}",
            street.kind,
            street.name,
            {"type": "LineString", "coordinates": _degrees(street.points)},
            tunnel=street.tunnel,
            bridge=street.bridge,
            limit_kmh=street.limit_kmh,
        )
        for number, street in enumerate(network.streets)
    ]
    for depot, (_, _, name) in DEPOTS.items():
        junction = _depot_junction(depot)
        lines = [_degrees(driveway(network, junction, slot)) for slot in range(8)]
        shape = {"type": "MultiLineString", "coordinates": lines}
        features.append(_feature(f"driveway-{depot}", "service", name, shape, tunnel=False, bridge=False))
    return features


def _geofences(network: RoadNetwork) -> list[dict[str, Any]]:
    """The city's boundary, and its districts, which share the river as their border."""
    x0, y0, x1, y1 = network.bounds_m
    west, south, east, north = x0 - _MARGIN_M, y0 - _MARGIN_M, x1 + _MARGIN_M, y1 + _MARGIN_M
    river = [(x, river_y(x)) for x in np.linspace(west, east, 41)]
    outlines: list[tuple[str, str, Name, list[tuple[float, float]]]] = [
        ("city", "jurisdiction", CITY[1], [(west, south), (east, south), (east, north), (west, north)]),
        ("yunling", "district", DISTRICTS["yunling"], [*river, (east, north), (west, north)]),
        ("linjiang", "district", DISTRICTS["linjiang"], [(west, south), (east, south), *river[::-1]]),
    ]
    return [
        _feature(f"geofence-{place}", kind, name, {"type": "Polygon", "coordinates": [_ring(outline)]})
        for place, kind, name, outline in outlines
    ]


def _depots(network: RoadNetwork) -> list[dict[str, Any]]:
    features = []
    for depot, (_, _, name) in DEPOTS.items():
        x, y = depot_position(network, depot)
        angles = np.linspace(0, 2 * math.pi, 12, endpoint=False)
        yard = [(x + 0.8 * YARD_M * math.cos(a), y + 0.8 * YARD_M * math.sin(a)) for a in angles]
        shape = {"type": "Polygon", "coordinates": [_ring(yard)]}
        features.append(_feature(depot, "depot", name, shape, place_id=depot))
    for number, junction in enumerate(FUEL_STATIONS, start=1):
        name = Name(f"{number}号加油站", f"Fuel station {number}")
        point = {"type": "Point", "coordinates": _degrees(network.junctions[junction][None, :])[0]}
        features.append(_feature(f"fuel-{number}", "fuel_station", name, point))
    return features


def _depot_junction(depot: str) -> int:
    building = DEPOTS[depot][1]
    return next(b.junction for b in BUILDINGS if b.id == building)


def _feature(
    identity: str, kind: str, name: Name, geometry: dict[str, Any], **more: object
) -> dict[str, Any]:
    properties = {"id": identity, "kind": kind, "name": {"zh": name.zh, "en": name.en}, **more}
    return {"type": "Feature", "id": identity, "properties": properties, "geometry": geometry}


def _collection(features: list[dict[str, Any]]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def _degrees(points_m: F64) -> list[list[float]]:
    latitude, longitude = to_degrees(points_m[:, 0], points_m[:, 1])
    return [
        [round(float(lon), 6), round(float(lat), 6)] for lat, lon in zip(latitude, longitude, strict=True)
    ]


def _ring(outline: list[tuple[float, float]]) -> list[list[float]]:
    """A closed ring, counter-clockwise as RFC 7946 wants the outer one."""
    area = sum(
        x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(outline, [*outline[1:], outline[0]], strict=True)
    )
    ordered = outline if area > 0 else outline[::-1]
    ring = _degrees(np.array(ordered))
    return [*ring, ring[0]]
