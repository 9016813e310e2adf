"""Whether places, devices and registers hang together: what is wrong, each with its fix."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from core.catalog import Catalog
from core.model import Device, DeviceKind, Place, PlaceKind, Placement, RegisterSettings, Replacement
from core.quantities import QUANTITIES, RegisterKind
from core.rules import Rule


@dataclass(frozen=True, slots=True)
class References:
    """Documents that places and registers may name: ids, and what each tariff prices."""

    calendars: frozenset[str]
    tariffs: Mapping[str, str]
    policies: frozenset[str]


@dataclass(frozen=True, slots=True)
class Selectable:
    """What rules may name: ids."""

    places: AbstractSet[str]
    devices: AbstractSet[str]
    rules: AbstractSet[str]


def estate_mistakes(
    places: Mapping[str, Place],
    devices: Mapping[str, Device],
    new_places: Iterable[Place],
    new_devices: Iterable[Device],
    references: References,
) -> list[str]:
    """Every mistake of the new ones; places and devices hold them and all that they lead to."""
    found: list[str] = []
    for place in new_places:
        found += _place_mistakes(place, places, references)
    for device in new_devices:
        found += _device_mistakes(device, places, devices)
    found += [
        f"places form a loop: {' -> '.join(loop)}; give one of them another parent"
        for loop in loops({place.id: place.parent_id for place in places.values()})
    ]
    found += [
        f"devices form a loop: {' -> '.join(loop)}; give one of them another upstream device"
        for loop in loops({device.id: device.parent_device_id for device in devices.values()})
    ]
    return found


def _place_mistakes(place: Place, places: Mapping[str, Place], references: References) -> list[str]:
    found = []
    if place.parent_id is not None and place.parent_id not in places:
        found.append(
            f"place {place.id!r}: its parent {place.parent_id!r} is not registered; "
            "register the parent first or with it"
        )
    if place.calendar_id is not None and place.calendar_id not in references.calendars:
        fix = _one_of(references.calendars)
        found.append(f"place {place.id!r}: there is no calendar {place.calendar_id!r}; {fix}")
    for energy, tariff in place.tariffs:
        fitting = [id_ for id_, prices in references.tariffs.items() if prices == energy]
        if tariff not in fitting:
            what = f"prices {references.tariffs[tariff]}" if tariff in references.tariffs else "is not known"
            found.append(f"place {place.id!r}: its {energy} tariff {tariff!r} {what}; {_one_of(fitting)}")
    return found


def _device_mistakes(device: Device, places: Mapping[str, Place], devices: Mapping[str, Device]) -> list[str]:
    found = []
    if device.place_id not in places:
        found.append(
            f"device {device.id!r}: its place {device.place_id!r} is not registered; "
            "register the place first or with it"
        )
    virtual = device.kind is DeviceKind.VIRTUAL
    if device.parent_device_id is not None:
        above = devices.get(device.parent_device_id)
        if above is None:
            found.append(
                f"device {device.id!r}: its upstream device {device.parent_device_id!r} is not registered; "
                "register it first or with it"
            )
        if virtual:
            found.append(f"device {device.id!r}: a virtual meter has no upstream device; leave it out")
    if virtual and not device.formula:
        found.append(f"device {device.id!r}: a virtual meter needs a formula, such as '[main] - [charger]'")
    if device.formula is not None and not virtual:
        found.append(f"device {device.id!r}: only a virtual meter has a formula; leave it out")
    found += _gateway_mistakes(device, devices)
    if device.organisation_id is not None:
        account = places.get(device.organisation_id)
        if account is None or account.kind is not PlaceKind.ORGANISATION:
            what = "is not registered" if account is None else f"is a {account.kind}"
            found.append(
                f"device {device.id!r}: its organisation {device.organisation_id!r} {what}; "
                "name a place of kind organisation, or leave it out for the nearest above its place"
            )
    return found


def _gateway_mistakes(device: Device, devices: Mapping[str, Device]) -> list[str]:
    if device.gateway_id is None:
        return []
    gateway = devices.get(device.gateway_id)
    if gateway is not None and gateway.kind is DeviceKind.GATEWAY:
        return []
    what = "is not registered" if gateway is None else f"is a {gateway.kind}"
    fix = "register a device of kind gateway first or with it, or leave it out"
    return [f"device {device.id!r}: its gateway {device.gateway_id!r} {what}; {fix}"]


def settings_mistakes(
    settings: Iterable[RegisterSettings], devices: Mapping[str, Device], policies: frozenset[str]
) -> list[str]:
    """What is wrong with settings of registers."""
    found = []
    for one in settings:
        name = f"register {one.quantity!r} of {one.device_id!r}"
        found += register_mistakes(one.device_id, one.quantity, devices)
        for key in ("ratio", "rollover_at", "max_rate", "rated_rate"):
            value = getattr(one, key)
            if value is not None and not value > 0:
                found.append(f"{name}: {key} = {value:g}; give a number above 0")
        quantity = QUANTITIES.get(one.quantity)
        counts = quantity is not None and quantity.kind is RegisterKind.COUNTER
        if one.policy is not None and one.policy not in policies:
            found.append(f"{name}: there is no policy {one.policy!r}; {_one_of(policies)}")
        if quantity is not None and not counts and (one.policy or one.rollover_at):
            found.append(f"{name}: is no counter; leave policy and rollover_at out")
    return found


def register_mistakes(device_id: str, quantity: str, devices: Mapping[str, Device]) -> list[str]:
    """Why a device can't have a register."""
    found = []
    device = devices.get(device_id)
    if device is None:
        found.append(f"device {device_id!r} is not registered")
    elif device.kind is DeviceKind.VIRTUAL:
        found.append(f"device {device_id!r} is virtual: it has no registers")
    if quantity not in QUANTITIES:
        found.append(f"quantity {quantity!r} is unknown")
    return found


def rule_mistakes(rule: Rule, known: Selectable) -> list[str]:
    """What is wrong with a rule's references."""
    name = f"rule {rule.id!r}"
    found = []
    for what, ids, there in (
        ("place", rule.select.places, known.places),
        ("device", rule.select.devices, known.devices),
        ("rule", rule.inhibited_by, known.rules),
    ):
        found += [
            f"{name}: there is no {what} {id_!r}; register it first or with it, or correct the id"
            for id_ in ids
            if id_ not in there
        ]
    if rule.id in rule.inhibited_by:
        found.append(f"{name}: can't inhibit itself; take it out of inhibited_by")
    return found


def replacement_mistakes(replacement: Replacement, devices: Mapping[str, Device]) -> list[str]:
    """What is wrong with a replacement."""
    found = register_mistakes(replacement.device_id, replacement.quantity, devices)
    quantity = QUANTITIES.get(replacement.quantity)
    if quantity is not None and quantity.kind is not RegisterKind.COUNTER:
        found.append(f"quantity {replacement.quantity!r} is no counter: name one that counts")
    for key in ("ratio", "rollover_at"):
        value = getattr(replacement, key)
        if value is not None and not value > 0:
            found.append(f"{key} = {value:g}: give a number above 0")
    if replacement.at_us <= 0:
        found.append("the time is before 1970: give the moment of the replacement")
    return found


def placement_mistakes(catalog: Catalog, placement: Placement) -> list[str]:
    """What is wrong with a placement, given everything with the placement in it."""
    found = []
    if placement.place_id not in catalog.places:
        found.append(f"place {placement.place_id!r} is not registered; register it first")
    above = placement.parent_device_id
    if catalog.devices[placement.device_id].kind is DeviceKind.VIRTUAL:
        found.append(f"device {placement.device_id!r} is virtual: it stands nowhere")
    if above is None:
        return found
    upstream = catalog.devices.get(above)
    if upstream is None:
        return [*found, f"the upstream device {above!r} is not registered; register it first"]
    moments = {one.from_us for moved in catalog.placements.values() for one in moved}
    for at_us in sorted(moments):
        chain = [placement.device_id]
        while (up := catalog.placed(chain[-1], at_us)[1]) is not None and up not in chain:
            chain.append(up)
        if up is not None:
            loop = " -> ".join([*chain[chain.index(up) :], up])
            return [*found, f"devices form a loop: {loop}; name another upstream device"]
    return found


def loops(parent_of: Mapping[str, str | None]) -> list[list[str]]:
    """Every cycle of parents once, its first member repeated at the end."""
    found: list[list[str]] = []
    done: set[str] = set()
    for start in parent_of:
        path: dict[str, int] = {}
        current: str | None = start
        while current is not None and current not in done and current not in path:
            path[current] = len(path)
            current = parent_of.get(current)
        if current is not None and current in path:
            found.append([*list(path)[path[current] :], current])
        done.update(path)
    return found


def _one_of(ids: Iterable[str]) -> str:
    known = sorted(ids)
    return f"choose one of {', '.join(known[:8])}" if known else "there is none yet"
