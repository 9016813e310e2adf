"""GET /api/v1/power."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.depends import EstateOf, ServicesOf
from api.items import power_items
from api.openapi import refusals
from api.schemas.series import PowerList

router = APIRouter(prefix="/api/v1/power", tags=["series"])


@router.get("", summary="Get live power", responses=refusals(404))
def power(
    services: ServicesOf,
    estate: EstateOf,
    place: Annotated[str | None, Query(description="This place only.", examples=["b0"])] = None,
    under: Annotated[str | None, Query(description="This place and all below it.")] = None,
) -> PowerList:
    """Electric power now of every place that has an electricity meter at or below it."""
    powers = services.feed.power()
    if place is not None:
        wanted = estate.place(place).id
        powers = [one for one in powers if one.place_id == wanted]
    if under is not None:
        inside = set(estate.catalog.subtree(estate.place(under, "under").id))
        powers = [one for one in powers if one.place_id in inside]
    return PowerList(items=power_items(powers))
