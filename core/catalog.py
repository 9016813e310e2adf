"""Everything registered, indexed for the hot path and for walking the place tree.

A Catalog is read-only; a change of places, devices or registers makes a new one.
"""

import copy
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from core.batch import BASE_US, MINUTE_US
from core.model import Device, Place, PlaceKind, Placement, Register, Replacement
from core.policies import POLICIES, CounterPolicy


class RegisterOf(Mapping[tuple[str, str], Register]):
    """Registers by device id and quantity; a dictionary a device takes a third of one of all pairs."""

    def __init__(self, of_device: dict[str, dict[str, Register]]) -> None:
        self._of_device = of_device

    def __getitem__(self, key: tuple[str, str]) -> Register:
        device_id, quantity = key
        return self._of_device[device_id][quantity]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((device, quantity) for device, some in self._of_device.items() for quantity in some)

    def __len__(self) -> int:
        return sum(map(len, self._of_device.values()))

    def of_device(self, device_id: str) -> list[Register]:
        """All of a device, by id."""
        return list(self._of_device.get(device_id, {}).values())

    def extended(self, registers: Sequence[Register]) -> "RegisterOf":
        """The same with the registers that come next by id."""
        longer = self._of_device.copy()
        for register in registers:
            longer[register.device_id] = longer.get(register.device_id, {}) | {register.quantity: register}
        return RegisterOf(longer)


class Catalog:
    """Places, devices and registers with dense numbers for columns.

    registers[i].id == i; device_number maps a device id to its dense index (as in
    PositionBatch.device) and device_ids maps back. replacements (by device id and quantity)
    and placements (by device id) are in order of time; what never had one is not in them.
    """

    def __init__(
        self,
        places: Iterable[Place],
        devices: Iterable[tuple[int, Device]],
        registers: Iterable[Register],
        replacements: Iterable[Replacement] = (),
        placements: Iterable[Placement] = (),
        *,
        policies: Mapping[str, CounterPolicy] = POLICIES,
    ) -> None:
        self.policies = policies
        self.places = {place.id: place for place in places}
        numbered = list(devices)
        self.devices = {device.id: device for _, device in numbered}
        self.device_number = {device.id: number for number, device in numbered}
        self.device_ids = {number: device.id for number, device in numbered}
        self.registers = sorted(registers, key=lambda register: register.id)
        self.register_of = RegisterOf({}).extended(self.registers)
        self.replacements: dict[tuple[str, str], tuple[Replacement, ...]] = {}
        for replacement in sorted(replacements, key=lambda one: one.at_us):
            register_key = (replacement.device_id, replacement.quantity)
            self.replacements[register_key] = (*self.replacements.get(register_key, ()), replacement)
        self.placements: dict[str, tuple[Placement, ...]] = {}
        for placement in sorted(placements, key=lambda one: one.from_us):
            earlier = self.placements.get(placement.device_id, ())
            self.placements[placement.device_id] = (*earlier, placement)
        self._children: dict[str | None, list[str]] = defaultdict(list)
        for place in self.places.values():
            self._children[place.parent_id].append(place.id)

    def extended(self, registers: Sequence[Register]) -> "Catalog":
        """The same with the registers that come next by id; places and devices are the same objects."""
        longer = copy.copy(self)
        longer.registers = [*self.registers, *registers]
        longer.register_of = self.register_of.extended(registers)
        return longer

    def extends(self, other: "Catalog") -> bool:
        """Whether this is the other catalog with, at most, more registers."""
        return self.places is other.places and self.devices is other.devices

    @cached_property
    def on_account(self) -> dict[str, list[str]]:
        """By place the devices that stand right there now or are on its account, in order of their names."""
        found: dict[str, list[str]] = defaultdict(list)
        for device_id in sorted(self.devices):
            device = self.devices[device_id]
            for place in {device.place_id, device.organisation_id or device.place_id}:
                found[place].append(device_id)
        return found

    def children(self, place_id: str | None) -> list[str]:
        """Ids of the places right below this one; None asks for the roots."""
        return self._children.get(place_id, [])

    def subtree(self, place_id: str) -> list[str]:
        """The place and every place below it, parents before children."""
        found = [place_id]
        for place in found:
            found.extend(self._children.get(place, ()))
        return found

    def ancestors(self, place_id: str) -> list[str]:
        """The place, its parent and so on up to the root."""
        chain: list[str] = []
        current: str | None = place_id
        while current is not None and current in self.places:
            chain.append(current)
            current = self.places[current].parent_id
        return chain

    def inherited(self, place_id: str, field: str) -> Any:  # noqa: ANN401 the type of the field
        """A field of the nearest place at or above this one that has it; None or () if none has.

        field: climate_zone, calendar_id, tariffs, region_code or base_minutes.
        """
        value = None
        for above in self.ancestors(place_id):
            value = getattr(self.places[above], field)
            if value is not None and value != ():
                return value
        return value

    def base_us(self, place_id: str) -> int:
        """Length of the ledger's intervals of meters that stand at a place now."""
        minutes = self.inherited(place_id, "base_minutes")
        return BASE_US if minutes is None else int(minutes) * MINUTE_US

    def tariff_id(self, place_id: str, energy: str) -> str | None:
        """The tariff of one energy at a place: of the nearest place upward that has one for it."""
        for above in self.ancestors(place_id):
            for named, tariff in self.places[above].tariffs:
                if named == energy:
                    return tariff
        return None

    def organisation_id(self, device_id: str, at_us: int | None = None) -> str | None:
        """Place of kind organisation on whose account the device is, now or at a time."""
        device = self.devices[device_id]
        if device.organisation_id is not None:
            return device.organisation_id
        place_id = device.place_id if at_us is None else self.placed(device_id, at_us)[0]
        for above in self.ancestors(place_id):
            if self.places[above].kind is PlaceKind.ORGANISATION:
                return above
        return None

    def placed(self, device_id: str, at_us: int) -> tuple[str, str | None]:
        """(place_id, parent_device_id) of a device at a time; before its first placement, those of that."""
        placements = self.placements.get(device_id)
        if placements is None:
            device = self.devices[device_id]
            return device.place_id, device.parent_device_id
        found = placements[max(bisect_right(placements, at_us, key=lambda one: one.from_us) - 1, 0)]
        return found.place_id, found.parent_device_id

    def ratio(self, register: Register, at_us: int) -> float:
        """CT x PT of a register at a time."""
        ratio = register.ratio
        for replacement in self.replacements.get((register.device_id, register.quantity), ()):
            if replacement.at_us > at_us:
                break
            ratio = ratio if replacement.ratio is None else replacement.ratio
        return ratio

    def registers_of(self, device_id: str) -> list[Register]:
        """Registers of a device in order of id."""
        return self.register_of.of_device(device_id)
