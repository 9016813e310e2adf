"""GET /api/v1/vehicles."""

from fastapi import APIRouter

from api.depends import EstateOf, ServicesOf
from api.items import every_vehicle
from api.schemas.fleet import VehicleList

router = APIRouter(prefix="/api/v1/vehicles", tags=["fleet"])


@router.get("", summary="List vehicles")
def vehicles(services: ServicesOf, estate: EstateOf) -> VehicleList:
    """Every vehicle as of its newest fix, those never heard included."""
    return VehicleList(items=every_vehicle(estate, services.feed.fixes(), services.clock()))
