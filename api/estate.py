"""One catalog, indexed for answers; made once a catalog, not once a request."""

from collections import defaultdict
from functools import lru_cache
from threading import Lock

from analytics.hierarchy import counted_registers
from api import problems
from core.catalog import Catalog
from core.model import Device, DeviceKind, Place, Register
from core.quantities import Energy


class Estate:
    """What is registered, by the questions that requests ask."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.place_ids = sorted(catalog.places)
        self.device_ids = sorted(catalog.devices)
        self.vehicles = [
            catalog.devices[device]
            for device in self.device_ids
            if catalog.devices[device].kind is DeviceKind.VEHICLE
        ]
        self._energies: dict[str, set[Energy]] = defaultdict(set)
        for register in catalog.registers:
            if register.energy is not None and not register.exported:
                self._energies[catalog.devices[register.device_id].place_id].add(register.energy)
        for place in list(self._energies):
            for above in catalog.ancestors(place):
                self._energies[above] |= self._energies[place]
        self._counted: dict[tuple[str, Energy], list[Register]] = {}
        self._counting = Lock()

    def place(self, place_id: str, field: str = "place") -> Place:
        """The place; raises a 404 problem that names field."""
        found = self.catalog.places.get(place_id)
        if found is None:
            raise problems.unknown(field, place_id, self.place_ids, "/api/v1/places")
        return found

    def device(self, device_id: str, field: str = "device") -> Device:
        """The device; raises a 404 problem that names field."""
        found = self.catalog.devices.get(device_id)
        if found is None:
            raise problems.unknown(field, device_id, self.device_ids, "/api/v1/devices")
        return found

    def vehicle(self, device_id: str, field: str = "vehicle") -> Device:
        """The vehicle; raises a 404 problem that names field."""
        found = self.catalog.devices.get(device_id)
        if found is None or found.kind is not DeviceKind.VEHICLE:
            exists = [vehicle.id for vehicle in self.vehicles]
            raise problems.unknown(field, device_id, exists, "/api/v1/vehicles")
        return found

    def timezone(self, device: Device) -> str:
        """Time zone of the place where the device stands."""
        return self.catalog.places[device.place_id].timezone

    def energies(self, place_id: str) -> list[Energy]:
        """What is metered at or below the place."""
        found = self._energies.get(place_id, set())
        return [energy for energy in Energy if energy in found]

    def counted(self, place_id: str, energy: Energy) -> list[Register]:
        """Registers that make up the place's consumption."""
        with self._counting:
            key = (place_id, energy)
            if key not in self._counted:
                self._counted[key] = counted_registers(self.catalog, place_id, energy)
            return self._counted[key]


@lru_cache(maxsize=1)
def estate_of(catalog: Catalog) -> Estate:
    """The catalog's index; a catalog never changes, a change makes a new one."""
    return Estate(catalog)
