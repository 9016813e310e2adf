"""Writes places, devices and map layers, if they hang together.

What is there already is not written again: a start with the same configuration changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection, func, select

from core.catalog import Catalog
from core.errors import Conflict
from core.estate import Estate
from core.model import Device, DeviceKind, MapLayer, Place, PlaceKind, Placement
from core.policies import POLICIES
from storage import estate_check, registers, tables
from storage import references as reference_rows
from storage import registry_rows as rows
from storage.statements import rows_of, upsert

_Thing = TypeVar("_Thing")


def catalog(connection: Connection) -> Catalog:
    """Everything registered."""
    return Catalog(
        rows.PLACES.all(connection),
        rows.DEVICES.all(connection),
        rows.REGISTERS.all(connection),
        rows.REPLACEMENTS.all(connection),
        rows.PLACEMENTS.all(connection),
        policies=POLICIES | reference_rows.read(connection, ["policies"]).policies,
    )


def put(connection: Connection, estate: Estate) -> tuple[bool, bool]:
    """Add or update by id; whether the estate changed, and whether there are more registers.

    Raises Conflict with every mistake.
    """
    devices = {device.id: device for device in estate.devices}
    settings = {(one.device_id, one.quantity): one for one in estate.registers}
    named = [*devices, *(device_id for device_id, _ in settings)]
    numbered, known_devices = _devices_up_from(connection, [*named, *_led_by(devices.values())])
    wrong = _keep_placements(connection, devices, known_devices)
    places = {place.id: place for place in estate.places}
    known_places = _places_up_from(connection, [*places, *_led_to(places.values(), devices.values())])
    references = estate_check.References(
        reference_rows.ids_of(connection, "calendars"),
        reference_rows.tariff_energies(connection),
        reference_rows.ids_of(connection, "policies") | POLICIES.keys(),
    )
    new_places = [place for place in places.values() if known_places.get(place.id) != place]
    new_devices = [device for device in devices.values() if known_devices.get(device.id) != device]
    after = known_devices | devices
    wrong += estate_check.estate_mistakes(known_places | places, after, new_places, new_devices, references)
    wrong += estate_check.settings_mistakes(settings.values(), after, references.policies)
    wrong += _kept_roles(connection, known_places, known_devices, new_places, new_devices)
    if wrong:
        raise Conflict("\n".join(wrong))
    upsert(connection, tables.place, [rows.to_row(place) for place in new_places])
    first = connection.scalar(select(func.count()).select_from(tables.device)) or 0
    unknown = (device.id for device in new_devices if device.id not in known_devices)
    numbered |= {id_: number for number, id_ in enumerate(unknown, first)}
    upsert(
        connection,
        tables.device,
        [rows.to_row(device) | {"number": numbered[device.id]} for device in new_devices],
        permanent=("number",),
    )
    changed, more = registers.put(connection, settings)
    changed |= bool(new_places or new_devices) | _put_layers(connection, estate.map_layers)
    return changed, more


def _put_layers(connection: Connection, layers: Iterable[MapLayer]) -> bool:
    wanted = {layer.id: layer for layer in layers}
    held = rows_of(connection, tables.map_layer) if wanted else ()
    known = {row["id"]: rows.map_layer(row) for row in held}
    new = [layer for layer in wanted.values() if known.get(layer.id) != layer]
    upsert(connection, tables.map_layer, [rows.to_row(layer) for layer in new])
    return bool(new)


def _keep_placements(
    connection: Connection, devices: dict[str, Device], known: Mapping[str, Device]
) -> list[str]:
    """Let devices that have been moved stay where they are; what is wrong.

    A configuration that still says where a device was before is out of date, not a move.
    """
    placements: dict[str, list[Placement]] = {}
    for one in sorted(rows.PLACEMENTS.all(connection), key=lambda one: one.from_us):
        if one.device_id in devices:
            placements.setdefault(one.device_id, []).append(one)
    wrong = []
    for device_id, been in placements.items():
        device, now = devices[device_id], known[device_id]
        if (device.place_id, device.parent_device_id) in {
            (one.place_id, one.parent_device_id) for one in been
        }:
            devices[device_id] = replace(device, place_id=now.place_id, parent_device_id=now.parent_device_id)
        else:
            wrong.append(
                f"device {device_id!r}: has never been at {device.place_id!r} below "
                f"{device.parent_device_id!r}, and its moves are dated; add a placement to move it"
            )
    return wrong


def _kept_roles(
    connection: Connection,
    known_places: Mapping[str, Place],
    known_devices: Mapping[str, Device],
    new_places: Iterable[Place],
    new_devices: Iterable[Device],
) -> list[str]:
    """What an organisation or a real meter is needed for, so that it can't become something else."""
    device, register = tables.device.c, tables.register.c
    former = [
        place.id
        for place in new_places
        if place.kind is not PlaceKind.ORGANISATION
        and place.id in known_places
        and known_places[place.id].kind is PlaceKind.ORGANISATION
    ]
    unreal = [
        one.id
        for one in new_devices
        if one.kind is DeviceKind.VIRTUAL
        and one.id in known_devices
        and known_devices[one.id].kind is not DeviceKind.VIRTUAL
    ]
    return [
        *(
            f"place {place!r}: devices are on its account: it must stay an organisation"
            for place in former
            if connection.scalar(select(device.id).where(device.organisation_id == place).limit(1))
        ),
        *(
            f"device {one!r}: has registers: it can't become virtual"
            for one in unreal
            if connection.scalar(select(register.id).where(register.device_id == one).limit(1)) is not None
        ),
    ]


def _places_up_from(connection: Connection, ids: Iterable[str]) -> dict[str, Place]:
    """These places and all above them."""

    def read(some: Iterable[str]) -> dict[str, Place]:
        return {place.id: place for place in rows.PLACES.of(connection, some)}

    return _up_from(ids, read, lambda place: place.parent_id)


def _devices_up_from(connection: Connection, ids: Iterable[str]) -> tuple[dict[str, int], dict[str, Device]]:
    """Numbers and devices: these and all upstream of them."""
    numbers: dict[str, int] = {}

    def read(some: Iterable[str]) -> dict[str, Device]:
        found = list(rows.DEVICES.of(connection, some))
        numbers.update((device.id, number) for number, device in found)
        return {device.id: device for _, device in found}

    known = _up_from(ids, read, lambda device: device.parent_device_id)
    return numbers, known


def _up_from(
    ids: Iterable[str],
    read: Callable[[Iterable[str]], dict[str, _Thing]],
    above: Callable[[_Thing], str | None],
) -> dict[str, _Thing]:
    known: dict[str, _Thing] = {}
    asked: set[str] = set()
    wanted = set(ids)
    while wanted:
        asked |= wanted
        found = read(wanted)
        known |= found
        wanted = {up for one in found.values() if (up := above(one)) is not None} - asked
    return known


def _led_by(devices: Iterable[Device]) -> set[str]:
    led = {device.parent_device_id for device in devices}
    led |= {device.gateway_id for device in devices}
    return {one for one in led if one is not None}


def _led_to(places: Iterable[Place], devices: Iterable[Device]) -> set[str]:
    led = {place.parent_id for place in places}
    led |= {device.place_id for device in devices}
    led |= {device.organisation_id for device in devices}
    return {one for one in led if one is not None}
