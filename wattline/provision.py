"""Registers an estate with a running Wattline through its API."""

import httpx

from core.errors import StartError
from core.estate import Estate
from core.model import Device, Place, RegisterSettings


def provision(api: str, estate: Estate) -> None:
    """Post places (parents first) and devices (upstream meters first); raises StartError."""
    with httpx.Client(base_url=api, timeout=30) as client:
        for place in estate.places:
            _post(client, "/api/v1/places", _place(place))
        for device in estate.devices:
            settings = [one for one in estate.registers if one.device_id == device.id]
            _post(client, "/api/v1/devices", _device(device, settings))


def messages_in_figures(api: str) -> float:
    """How many messages since its start are in the figures of the Wattline at this address."""
    lines = _get(f"{api}/metrics").text.splitlines()
    name = "wattline_messages_in_figures_total "
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def late_spans(api: str) -> int:
    """How many spans of late data it has still to recompute."""
    return int(_get(f"{api}/readyz").json()["ledger_pending"])


def _get(address: str) -> httpx.Response:
    try:
        return httpx.get(address, timeout=30)
    except httpx.HTTPError as error:
        raise _unreachable(address, error) from error


def _post(client: httpx.Client, path: str, body: dict[str, object]) -> None:
    try:
        answer = client.post(path, json=body)
    except httpx.HTTPError as error:
        raise _unreachable(str(client.base_url), error) from error
    if answer.is_error:
        raise StartError(f"{path} refused {body['id']!r}: {answer.text}")


def _unreachable(api: str, error: httpx.HTTPError) -> StartError:
    return StartError(
        f"no Wattline answers at {api} ({error}): start one with `python -m wattline run`, "
        "or name its address with --api"
    )


def _place(place: Place) -> dict[str, object]:
    return {
        "id": place.id,
        "kind": place.kind,
        "parent_id": place.parent_id,
        "name": {"zh": place.name.zh, "en": place.name.en},
        "timezone": place.timezone,
        "floor_area_m2": place.floor_area_m2,
        "headcount": place.headcount,
        "category": place.category,
        "latitude": place.latitude_deg,
        "longitude": place.longitude_deg,
        "climate_zone": place.climate_zone,
        "calendar_id": place.calendar_id,
        "tariffs": dict(place.tariffs),
        "contract_demand_w": place.contract_demand_w,
        "region_code": place.region_code,
        "base_minutes": place.base_minutes,
    }


def _device(device: Device, registers: list[RegisterSettings]) -> dict[str, object]:
    return {
        "id": device.id,
        "kind": device.kind,
        "place_id": device.place_id,
        "parent_device_id": device.parent_device_id,
        "name": {"zh": device.name.zh, "en": device.name.en},
        "decoder": device.decoder,
        "expected_interval_s": device.expected_interval_s,
        "coordinate_system": device.coordinate_system,
        "meter_type": device.meter_type,
        "rated_power_w": device.rated_power_w,
        "accuracy_class": device.accuracy_class,
        "item": device.item,
        "organisation_id": device.organisation_id,
        "formula": device.formula,
        "gateway_id": device.gateway_id,
        "tags": list(device.tags),
        "registers": [
            {
                "quantity": one.quantity,
                "ratio": one.ratio,
                "policy": one.policy,
                "rollover_at": one.rollover_at,
                "max_rate": one.max_rate,
                "rated_rate": one.rated_rate,
            }
            for one in registers
        ],
    }
