"""GET /api/v1/map."""

import json

from fastapi import APIRouter

from api.depends import ServicesOf
from api.openapi import refusals
from api.schemas.fleet import MapAnswer, MapLayerItem

router = APIRouter(prefix="/api/v1/map", tags=["fleet"])


@router.get("", summary="Get the map's layers", responses=refusals(503))
def map_layers(services: ServicesOf) -> MapAnswer:
    """Roads, geofences and depots as GeoJSON: the map needs no tiles from outside."""
    return MapAnswer(
        layers=[
            MapLayerItem(id=layer.id, kind=layer.kind, features=json.loads(layer.geojson))
            for layer in services.registry.map_layers()
        ]
    )
