"""Everything registered, indexed for the hot path and for walking the place tree.

A Catalog is read-only; a change of places, devices or registers makes a new one.
"""

import copy
from collections import defaultdict
from collections.abc import Iterable, Sequence

from core.model import Device, Place, Register


class Catalog:
    """Places, devices and registers with dense numbers for columns.

    registers[i].id == i; device_number maps a device id to its dense index (as in
    PositionBatch.device) and device_ids maps back.
    """

    def __init__(
        self, places: Iterable[Place], devices: Iterable[tuple[int, Device]], registers: Iterable[Register]
    ) -> None:
        self.places = {place.id: place for place in places}
        numbered = list(devices)
        self.devices = {device.id: device for _, device in numbered}
        self.device_number = {device.id: number for number, device in numbered}
        self.device_ids = {number: device.id for number, device in numbered}
        self.registers = sorted(registers, key=lambda register: register.id)
        self.register_of = {(register.device_id, register.quantity): register for register in self.registers}
        self._children: dict[str | None, list[str]] = defaultdict(list)
        for place in self.places.values():
            self._children[place.parent_id].append(place.id)
        self._registers_of_device: dict[str, list[Register]] = defaultdict(list)
        for register in self.registers:
            self._registers_of_device[register.device_id].append(register)

    def extended(self, registers: Sequence[Register]) -> "Catalog":
        """The same with the registers that come next by id; places and devices are the same objects."""
        longer = copy.copy(self)
        longer.registers = [*self.registers, *registers]
        longer.register_of = self.register_of | {
            (register.device_id, register.quantity): register for register in registers
        }
        of_device = self._registers_of_device.copy()
        for register in registers:
            of_device[register.device_id] = [*of_device[register.device_id], register]
        longer._registers_of_device = of_device  # noqa: SLF001
        return longer

    def extends(self, other: "Catalog") -> bool:
        """Whether this is the other catalog with, at most, more registers."""
        return self.places is other.places and self.devices is other.devices

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

    def registers_of(self, device_id: str) -> list[Register]:
        """Registers of a device in order of id."""
        return self._registers_of_device.get(device_id, [])
