"""What is wrong between the entries of config/*.yaml, each mistake by file, key, value and fix."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from analytics import formula_check
from analytics.formulas import FormulaError
from api import rule_faults
from core.model import Device, DeviceKind, Place, PlaceKind, RegisterSettings
from core.policies import POLICIES
from core.quantities import QUANTITIES, RegisterKind
from core.reference import References
from core.rules import Rule


def of_places(path: Path, places: Sequence[Place], known: References) -> list[str]:
    """Places: each id once, parents that there are, no loops, calendars and tariffs that fit."""
    parent = {place.id: place.parent_id for place in places}
    mistakes = _repeated(path, "places", [place.id for place in places])
    for at, place in enumerate(places):
        where = f"{path}: places[{at}]"
        mistakes += _references(where, place, known)
        if place.parent_id is None:
            continue
        where = f"{where}.parent_id = {place.parent_id!r}"
        if place.parent_id not in parent:
            mistakes.append(f"{where}: no such place: add it or correct the id")
        elif _is_below_itself(place.id, parent):
            mistakes.append(f"{where}: is below {place.id!r} itself: a place can't contain its parent")
    return mistakes


def _references(where: str, place: Place, known: References) -> list[str]:
    mistakes = []
    if place.calendar_id is not None and place.calendar_id not in known.calendars:
        fix = _choice(known.calendars)
        mistakes.append(f"{where}.calendar_id = {place.calendar_id!r}: not in calendars.yaml: {fix}")
    for energy, tariff_id in place.tariffs:
        tariff = known.tariffs.get(tariff_id)
        fitting = [id_ for id_, one in known.tariffs.items() if one.energy == energy]
        if tariff_id not in fitting:
            why = "not in tariffs.yaml" if tariff is None else f"prices {tariff.energy}"
            mistakes.append(f"{where}.tariffs.{energy} = {tariff_id!r}: {why}: {_choice(fitting)}")
    return mistakes


def of_devices(path: Path, devices: Sequence[Device], places: Sequence[Place]) -> list[str]:
    """Devices: each id once, at places and below meters that there are, formulas that read."""
    kinds = {place.id: place.kind for place in places}
    by_id = {device.id: device for device in devices}
    parents = {device.id: device.parent_device_id for device in devices}
    mistakes = _repeated(path, "devices", [device.id for device in devices])
    for at, device in enumerate(devices):
        where = f"{path}: devices[{at}]"
        if device.place_id not in kinds:
            said = "no such place in places.yaml: add it or correct the id"
            mistakes.append(f"{where}.place_id = {device.place_id!r}: {said}")
        if device.organisation_id is not None and kinds.get(device.organisation_id) != PlaceKind.ORGANISATION:
            said = "no organisation in places.yaml: name a place of that kind, or leave it out"
            mistakes.append(f"{where}.organisation_id = {device.organisation_id!r}: {said}")
        if device.gateway_id is not None:
            gateway = by_id.get(device.gateway_id)
            if gateway is None or gateway.kind is not DeviceKind.GATEWAY:
                said = "no gateway in devices.yaml: name a device of that kind, or leave it out"
                mistakes.append(f"{where}.gateway_id = {device.gateway_id!r}: {said}")
        mistakes += _virtual(where, device, by_id)
        above = device.parent_device_id
        if above is None:
            continue
        if above not in by_id:
            said = "no such device: add it or correct the id"
        elif _is_below_itself(device.id, parents):
            said = f"is below {device.id!r} itself: name the meter that is really upstream"
        else:
            continue
        mistakes.append(f"{where}.parent_device_id = {above!r}: {said}")
    return mistakes


def _virtual(where: str, device: Device, by_id: dict[str, Device]) -> list[str]:
    if device.kind is not DeviceKind.VIRTUAL:
        if device.formula is None:
            return []
        return [f"{where}.formula = {device.formula!r}: only a virtual meter has one: remove it"]
    mistakes = []
    if device.parent_device_id is not None:
        said = "a virtual meter has none: remove it"
        mistakes.append(f"{where}.parent_device_id = {device.parent_device_id!r}: {said}")
    if device.formula is None:
        return [*mistakes, f"{where}.formula: is missing: add one, such as '[main] - [charger]'"]
    try:
        formula_check.check(device.id, device.formula, {id_: one.formula for id_, one in by_id.items()})
    except FormulaError as error:
        mistakes.append(f"{where}.formula = {device.formula!r}: {error}: {error.fix}")
    return mistakes


def of_registers(
    path: Path, devices: Sequence[Device], settings: Sequence[Sequence[RegisterSettings]], known: References
) -> list[str]:
    """Registers of each device: each quantity once, policies that there are, only on real meters."""
    policies = POLICIES.keys() | known.policies.keys()
    mistakes = []
    for at, (device, of_device) in enumerate(zip(devices, settings, strict=True)):
        where = f"{path}: devices[{at}].registers"
        if of_device and device.kind is DeviceKind.VIRTUAL:
            mistakes.append(f"{where}: a virtual meter has none: remove them")
        quantities = [one.quantity for one in of_device]
        for number, one in enumerate(of_device):
            if one.quantity in quantities[:number]:
                said = "is given before: give each quantity once"
                mistakes.append(f"{where}[{number}].quantity = {one.quantity!r}: {said}")
            if one.policy is not None and one.policy not in policies:
                said = f"no such policy: {_choice(policies)}"
                mistakes.append(f"{where}[{number}].policy = {one.policy!r}: {said}")
            if QUANTITIES[one.quantity].kind is not RegisterKind.COUNTER:
                for key in ("policy", "rollover_at"):
                    if (value := getattr(one, key)) is not None:
                        said = f"{one.quantity} is no counter: remove it"
                        mistakes.append(f"{where}[{number}].{key} = {value!r}: {said}")
    return mistakes


def of_rules(
    path: Path, rules: Sequence[Rule], places: Sequence[Place], devices: Sequence[Device]
) -> list[str]:
    """Rules: each id once, thresholds that an alert can come back from, names that there are.

    Without places or devices in the files they are registered elsewhere, and their names are
    checked at the start.
    """
    mistakes = _repeated(path, "rules", [rule.id for rule in rules])
    known = rule_faults.Known.among(places, devices, rules)
    for at, rule in enumerate(rules):
        mistakes += [
            f"{path}: rules[{at}].{fault.key} = {fault.value!r}: {fault.fix}"
            for fault in rule_faults.faults(rule, known)
        ]
    return mistakes


def _repeated(path: Path, section: str, ids: list[str]) -> list[str]:
    seen: set[str] = set()
    mistakes = []
    for at, one in enumerate(ids):
        if one in seen:
            mistakes.append(f"{path}: {section}[{at}].id = {one!r}: is used before: give each its own id")
        seen.add(one)
    return mistakes


def _is_below_itself(id_: str, parent: dict[str, str | None]) -> bool:
    seen = {id_}
    above = parent[id_]
    while above is not None and above not in seen:
        seen.add(above)
        above = parent.get(above)
    return above == id_


def _choice(ids: Iterable[str]) -> str:
    known = sorted(ids)
    return f"choose one of {', '.join(known[:8])}" if known else "add it there first"
