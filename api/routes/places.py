"""GET and POST /api/v1/places."""

from bisect import bisect_right
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import pages
from api.depends import EstateOf, ServicesOf
from api.estate import estate_of
from api.openapi import refusals
from api.schemas.estate import PlaceInput, PlaceItem, PlaceList

router = APIRouter(prefix="/api/v1/places", tags=["estate"])


@router.get("", summary="List places", responses=refusals(422))
def places(
    estate: EstateOf,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    cursor: pages.Cursor = None,
) -> PlaceList:
    """The place tree, flat, in order of id; `parent_id` makes it a tree."""
    first = bisect_right(estate.place_ids, pages.after_id(cursor))
    ids = estate.place_ids[first : first + limit]
    more = first + limit < len(estate.place_ids)
    return PlaceList(
        items=[PlaceItem.of(estate.catalog.places[place], estate.energies(place)) for place in ids],
        next=pages.encode(ids[-1]) if more else None,
    )


@router.get("/{place_id}", summary="Get one place", responses=refusals(404))
def place(estate: EstateOf, place_id: Annotated[str, Path(examples=["b0"])]) -> PlaceItem:
    """One place."""
    return PlaceItem.of(estate.place(place_id), estate.energies(place_id))


@router.post("", summary="Add or replace a place", responses=refusals(400, 403, 409, 413, 422, 503))
def put_place(services: ServicesOf, body: PlaceInput) -> PlaceItem:
    """Add the place, or replace the one with its id. The parent must exist already."""
    services.registry.put_place(body.place())
    services.reload_catalog()
    estate = estate_of(services.catalog())
    return PlaceItem.of(estate.place(body.id), estate.energies(body.id))
