"""GET /api/v1/registers, PUT /api/v1/registers/{device}/{quantity}."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import pages, problems
from api.depends import EstateOf, ServicesOf
from api.items import age_s
from api.openapi import refusals
from api.schemas.registers import LastReading, RegisterInput, RegisterItem, RegisterList
from api.times import rfc3339
from core.catalog import Catalog
from core.model import Register
from core.quantities import QUANTITIES

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
        items=[_item(catalog, register, last, now_us) for register, last in zip(page, newest, strict=True)],
        next=pages.encode(page[-1].id) if more else None,
    )


@router.put(
    "/{device_id}/{quantity}",
    summary="Set a register",
    responses=refusals(400, 403, 404, 409, 413, 422, 503),
)
def put_register(
    services: ServicesOf,
    estate: EstateOf,
    device_id: Annotated[str, Path(examples=["m17"])],
    quantity: Annotated[str, Path(examples=["energy_active_import_total"])],
    body: RegisterInput,
) -> RegisterItem:
    """Set how a register counts; it is made if it has not reported yet.

    It holds from the beginning: the ledger is computed anew. A ratio that changed on a day is
    a replacement of the device.
    """
    device = estate.device(device_id, "device_id")
    if quantity not in QUANTITIES:
        raise problems.unknown("quantity", quantity, QUANTITIES, "/api/v1/registers")
    services.registry.put_register(body.of(device.id, quantity))
    services.reload_catalog()
    catalog = services.catalog()
    register = catalog.register_of[device.id, quantity]
    (last,) = services.feed.last_readings([register.id])
    return _item(catalog, register, last, services.clock())


def _item(catalog: Catalog, register: Register, last: tuple[int, float] | None, now_us: int) -> RegisterItem:
    newest = (
        None
        if last is None
        else LastReading(time=rfc3339(last[0]), value=last[1], age_s=age_s(last[0], now_us))
    )
    return RegisterItem.shown(register, catalog.ratio(register, now_us), newest)
