"""GET and POST /api/v1/devices."""

from bisect import bisect_right
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Query

from analytics import formula_check
from analytics.formulas import FormulaError
from api import pages, problems
from api.depends import EstateOf, ServicesOf
from api.estate import Estate, estate_of
from api.openapi import refusals
from api.schemas.estate import DeviceInput, DeviceItem, DeviceList
from api.services import Services
from api.times import rfc3339
from core.estate import Estate as Registered
from core.model import Device, DeviceKind

router = APIRouter(prefix="/api/v1/devices", tags=["estate"])


@router.get("", summary="List devices", responses=refusals(404, 422))
def devices(
    services: ServicesOf,
    estate: EstateOf,
    *,
    place: Annotated[str | None, Query(description="At or below this place.", examples=["b0"])] = None,
    kind: Annotated[DeviceKind | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
    cursor: pages.Cursor = None,
) -> DeviceList:
    """Devices in order of id."""
    inside = set(estate.catalog.subtree(estate.place(place).id)) if place is not None else None
    start = bisect_right(estate.device_ids, pages.after_id(cursor))
    matching = (
        device
        for device in (estate.catalog.devices[one] for one in islice(estate.device_ids, start, None))
        if (inside is None or device.place_id in inside) and (kind is None or device.kind is kind)
    )
    page = list(islice(matching, limit + 1))
    more = len(page) > limit
    page = page[:limit]
    return DeviceList(items=_items(services, estate, page), next=pages.encode(page[-1].id) if more else None)


@router.get("/{device_id}", summary="Get one device", responses=refusals(404))
def device(
    services: ServicesOf, estate: EstateOf, device_id: Annotated[str, Path(examples=["m17"])]
) -> DeviceItem:
    """One device."""
    return _items(services, estate, [estate.device(device_id, "device_id")])[0]


@router.post("", summary="Add or replace a device", responses=refusals(400, 403, 409, 413, 422, 503))
def put_device(services: ServicesOf, estate: EstateOf, body: DeviceInput) -> DeviceItem:
    """Add the device, or replace the one with its id.

    Its registers appear with its messages, or with the settings that `registers` gives them.
    A device that was moved is moved on under `placements`.
    """
    device = body.device(estate.catalog.devices.get(body.id))
    _check_formula(estate, device)
    services.registry.put_estate(Registered(devices=(device,), registers=body.settings()))
    services.reload_catalog()
    changed = estate_of(services.catalog())
    return _items(services, changed, [changed.device(body.id)])[0]


def _check_formula(estate: Estate, device: Device) -> None:
    if device.kind is not DeviceKind.VIRTUAL or device.formula is None:
        return
    formulas = {one.id: one.formula for one in estate.catalog.devices.values()}
    try:
        formula_check.check(device.id, device.formula, formulas)
    except FormulaError as error:
        raise problems.invalid("formula", problems.shown(device.formula), str(error), error.fix) from None


def _items(services: Services, estate: Estate, found: list[Device]) -> list[DeviceItem]:
    """The devices with the newest device time of any of their readings and fixes."""
    registers = [register for device in found for register in estate.catalog.registers_of(device.id)]
    last_us: dict[str, int] = {}
    newest = services.feed.last_readings([register.id for register in registers])
    for register, reading in zip(registers, newest, strict=True):
        if reading is not None:
            last_us[register.device_id] = max(reading[0], last_us.get(register.device_id, 0))
    if any(device.kind is DeviceKind.VEHICLE for device in found):
        fixes = services.feed.fixes()
        for number, time_us in zip(fixes.device.tolist(), fixes.fix_time_us.tolist(), strict=True):
            vehicle = estate.catalog.device_ids.get(number, "")
            last_us[vehicle] = max(time_us, last_us.get(vehicle, 0))
    return [
        DeviceItem.of(device, rfc3339(last_us[device.id]) if device.id in last_us else None)
        for device in found
    ]
