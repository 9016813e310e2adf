"""Vehicles, their tracks and the map they drive on."""

from pydantic import Field, JsonValue

from analytics.fleet import VehicleStatus
from api.schemas.base import Answer, Names, Page, Time


class Position(Answer):
    """Where a vehicle is, WGS-84."""

    lat: float
    lon: float
    speed_kmh: float | None
    course_deg: float | None
    time: Time
    age_s: float


class VehicleItem(Answer):
    """A vehicle as of its newest fix."""

    id: str
    name: Names
    place_id: str
    status: VehicleStatus = Field(description="unknown: it has never been heard.")
    position: Position | None
    ignition: bool | None
    soc_pct: float | None
    fuel_l: float | None
    odometer_km: float | None


class VehicleList(Answer):
    """All vehicles in order of id."""

    items: list[VehicleItem]


class TrackPoint(Answer):
    """One fix."""

    time: Time
    lat: float
    lon: float
    speed_kmh: float | None
    course_deg: float | None
    ignition: bool | None


class Track(Page):
    """Fixes of one vehicle, oldest first."""

    vehicle: str
    items: list[TrackPoint]


class MapLayerItem(Answer):
    """One layer of the map."""

    id: str
    kind: str = Field(description="roads, geofences or depots.", examples=["roads"])
    features: JsonValue = Field(description="A GeoJSON FeatureCollection.")


class MapAnswer(Answer):
    """Everything that the map draws under the vehicles."""

    layers: list[MapLayerItem]
