"""GET /api/v1/registers."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query

from api import pages
from api.depends import EstateOf, ServicesOf
from api.items import age_s
from api.openapi import refusals
from api.schemas.estate import LastReading, RegisterItem, RegisterList
from api.times import rfc3339

router = APIRouter(prefix="/api/v1/registers", tags=["estate"])


@router.get("", summary="List registers", responses=refusals(404, 422))
def registers(
    services: ServicesOf,
    estate: EstateOf,
    *,
    device: Annotated[str | None, Query(examples=["m17"])] = None,
    place: Annotated[str | None, Query(description="At or below this place.", examples=["b0"])] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    cursor: pages.Cursor = None,
) -> RegisterList:
    """What devices report, in order of register id, with the newest reading of each."""
    catalog = estate.catalog
    first = pages.after_number(cursor, 0) + 1
    inside = set(catalog.subtree(estate.place(place).id)) if place is not None else None
    source = catalog.registers if device is None else catalog.registers_of(estate.device(device).id)
    matching = (
        register
        for register in source
        if register.id >= first and (inside is None or catalog.devices[register.device_id].place_id in inside)
    )
    page = list(islice(matching, limit + 1))
    more = len(page) > limit
    page = page[:limit]
    now_us = services.clock()
    newest = services.feed.last_readings([register.id for register in page])
    return RegisterList(
        items=[
            RegisterItem(
                id=register.id,
                device_id=register.device_id,
                quantity=register.quantity,
                kind=register.kind,
                unit=register.unit,
                energy=register.energy,
                ratio=register.ratio,
                last=LastReading(time=rfc3339(last[0]), value=last[1], age_s=age_s(last[0], now_us))
                if last is not None
                else None,
            )
            for register, last in zip(page, newest, strict=True)
        ],
        next=pages.encode(page[-1].id) if more else None,
    )
