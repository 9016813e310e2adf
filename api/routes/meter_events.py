"""Replacements and moves: /api/v1/devices/{id}/replacements and /api/v1/devices/{id}/placements."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import problems
from api.depends import EstateOf, ServicesOf
from api.estate import Estate
from api.openapi import refusals
from api.schemas.registers import (
    PlacementInput,
    PlacementItem,
    PlacementList,
    ReplacementInput,
    ReplacementItem,
    ReplacementList,
)
from api.services import Services
from api.times import parse
from core.catalog import Catalog
from core.model import Device, Placement, Replacement

router = APIRouter(prefix="/api/v1/devices/{device_id}", tags=["estate"])

_CHANGES = refusals(400, 403, 404, 409, 413, 422, 503)
_CLOCKS_DIFFER_US = 300_000_000

DeviceId = Annotated[str, Path(examples=["m17"])]


@router.get("/replacements", summary="List replacements of a meter", responses=refusals(404))
def replacements(estate: EstateOf, device_id: DeviceId) -> ReplacementList:
    """Replacements of the device's meter and changes of its ratio, in order of time."""
    return _replacements(estate.catalog, estate.device(device_id, "device_id"))


@router.post("/replacements", summary="Record a replacement", responses=_CHANGES)
def put_replacement(
    services: ServicesOf, estate: EstateOf, device_id: DeviceId, body: ReplacementInput
) -> ReplacementList:
    """Record that a meter was replaced, or correct a record by its id; returns all of the device.

    A ratio that changed without a new meter is a replacement whose final and initial values
    are the same. What was consumed is computed anew from then on.
    """
    device = estate.device(device_id, "device_id")
    at_us = _past(services, estate, device, body.at, "at")
    services.registry.put_replacement(
        Replacement(
            body.id or _id(device.id, body.quantity, at_us),
            device.id,
            body.quantity,
            at_us,
            body.final_value,
            body.initial_value,
            body.ratio,
            body.rollover_at,
            body.note,
        )
    )
    services.reload_catalog()
    return _replacements(services.catalog(), device)


@router.delete("/replacements/{replacement_id}", summary="Take a replacement back", responses=_CHANGES)
def drop_replacement(
    services: ServicesOf, estate: EstateOf, device_id: DeviceId, replacement_id: str
) -> ReplacementList:
    """Forget a replacement that did not happen; returns those that are left."""
    device = estate.device(device_id, "device_id")
    known = [item.id for item in _replacements(estate.catalog, device).items]
    if replacement_id not in known:
        listing = f"/api/v1/devices/{device.id}/replacements"
        raise problems.unknown("replacement_id", replacement_id, known, listing)
    services.registry.drop_replacement(replacement_id)
    services.reload_catalog()
    return _replacements(services.catalog(), device)


@router.get("/placements", summary="List where a device has been", responses=refusals(404))
def placements(estate: EstateOf, device_id: DeviceId) -> PlacementList:
    """Where the device has been and below which meter, in order of time."""
    return _placements(estate.catalog, estate.device(device_id, "device_id"))


@router.post("/placements", summary="Move a device", responses=_CHANGES)
def put_placement(
    services: ServicesOf, estate: EstateOf, device_id: DeviceId, body: PlacementInput
) -> PlacementList:
    """Record that the device was moved, or correct a move of the same moment.

    Its consumption counts where it was at the time.
    """
    device = estate.device(device_id, "device_id")
    from_us = 0 if body.from_ is None else _past(services, estate, device, body.from_, "from")
    services.registry.put_placement(Placement(device.id, from_us, body.place_id, body.parent_device_id))
    services.reload_catalog()
    return _placements(services.catalog(), device)


@router.delete("/placements", summary="Take a move back", responses=_CHANGES)
def drop_placement(
    services: ServicesOf,
    estate: EstateOf,
    device_id: DeviceId,
    from_: Annotated[str, Query(alias="from", max_length=64, description="As the list shows it.")],
) -> PlacementList:
    """Forget a move that did not happen, as if the device had stayed; returns where it has been."""
    device = estate.device(device_id, "device_id")
    from_us = parse(from_, estate.timezone(device), "from")
    if not services.registry.drop_placement(device.id, from_us):
        moves = [item.from_ for item in _placements(estate.catalog, device).items if item.from_ is not None]
        raise problems.unknown("from", from_, moves, f"/api/v1/devices/{device.id}/placements")
    services.reload_catalog()
    return _placements(services.catalog(), device)


def _past(services: Services, estate: Estate, device: Device, text: str, field: str) -> int:
    at_us = parse(text, estate.timezone(device), field)
    if at_us > services.clock() + _CLOCKS_DIFFER_US:
        raise problems.invalid(
            field, problems.shown(text), "is in the future", "record it once it has happened"
        )
    return at_us


def _id(device_id: str, quantity: str, at_us: int) -> str:
    """The same for the same event, so that recording it again changes nothing."""
    event = f"{device_id}\n{quantity}\n{at_us}".encode()
    return f"r-{hashlib.blake2s(event, digest_size=8).hexdigest()}"


def _replacements(catalog: Catalog, device: Device) -> ReplacementList:
    timezone = catalog.places[device.place_id].timezone
    of_device = [
        one
        for (device_id, _), happened in catalog.replacements.items()
        if device_id == device.id
        for one in happened
    ]
    of_device.sort(key=lambda one: (one.at_us, one.quantity))
    return ReplacementList(items=[ReplacementItem.of(one, timezone) for one in of_device])


def _placements(catalog: Catalog, device: Device) -> PlacementList:
    now = catalog.devices[device.id]
    always = Placement(now.id, 0, now.place_id, now.parent_device_id)
    timezone = catalog.places[now.place_id].timezone
    been = catalog.placements.get(device.id, (always,))
    return PlacementList(items=[PlacementItem.of(one, timezone) for one in been])
