"""One catalog, indexed for answers; made once a catalog, not once a request."""

from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from threading import Lock

from analytics.hierarchy import counted_registers
from analytics.membership import Members, Metering
from analytics.selection import Selection
from analytics.virtual import virtuals
from api import problems
from core.catalog import Catalog
from core.model import Device, DeviceKind, Place, Register
from core.quantities import Energy


class Estate:
    """What is registered, by the questions that requests ask."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.selection = Selection(catalog)
        self.place_ids = sorted(catalog.places)
        self.device_ids = sorted(catalog.devices)
        self.vehicles = [
            catalog.devices[device]
            for device in self.device_ids
            if catalog.devices[device].kind is DeviceKind.VEHICLE
        ]
        self.virtuals, self.broken = virtuals(catalog)
        self.virtual_of_source = {meter.source: meter for meter in self.virtuals.values()}
        self._energies: dict[str, set[Energy]] = defaultdict(set)
        for register in catalog.registers:
            if register.energy is not None and not register.exported:
                for place in self._stood(register.device_id):
                    self._energies[place].add(register.energy)
        for meter in self.virtuals.values():
            for place in self._stood(meter.device_id):
                self._energies[place].add(meter.energy)
        for place in list(self._energies):
            for above in catalog.ancestors(place):
                self._energies[above] |= self._energies[place]
        self._counted: dict[tuple[str, Energy], list[Register]] = {}
        self._metering: dict[Energy, Metering] = {}
        self._members: dict[tuple[str, Energy], Members] = {}
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

    def members(self, place_id: str, energy: Energy) -> Members:
        """Meters that belong to the place, each with when and under which other."""
        with self._counting:
            key = (place_id, energy)
            if energy not in self._metering:
                made_of = {
                    one.device_id: one.devices for one in self.virtuals.values() if one.energy is energy
                }
                self._metering[energy] = Metering(self.catalog, energy, made_of)
            if key not in self._members:
                self._members[key] = self._metering[energy].members(place_id)
            return self._members[key]

    def counters(self, device_id: str, energy: Energy) -> list[tuple[int, str]]:
        """(source, unit) of what counts this energy in a device: registers, or the virtual meter itself."""
        meter = self.virtuals.get(device_id)
        if meter is not None:
            return [(meter.source, meter.unit)] if meter.energy is energy else []
        return [
            (register.id, register.unit)
            for register in self.catalog.registers_of(device_id)
            if register.energy is energy and not register.exported
        ]

    def sources_of(self, energy: Energy, unit: str) -> Callable[[str], list[int]]:
        """By device, what counts this energy in this unit."""
        return lambda device_id: [
            source for source, counted in self.counters(device_id, energy) if counted == unit
        ]

    def units(self, devices: list[str], energy: Energy) -> list[str]:
        """Units in which these devices count an energy."""
        return sorted({unit for device_id in devices for _, unit in self.counters(device_id, energy)})

    def counted(self, place_id: str, energy: Energy) -> list[Register]:
        """Real registers that make up the place's consumption as its meters stand now."""
        with self._counting:
            key = (place_id, energy)
            if key not in self._counted:
                self._counted[key] = counted_registers(self.catalog, place_id, energy)
            return self._counted[key]

    def _stood(self, device_id: str) -> set[str]:
        """Where a device stands and stood, and the organisation on whose account it is."""
        device = self.catalog.devices[device_id]
        places = {device.place_id} | {one.place_id for one in self.catalog.placements.get(device_id, ())}
        return places | ({device.organisation_id} if device.organisation_id is not None else set())


@lru_cache(maxsize=1)
def estate_of(catalog: Catalog) -> Estate:
    """The catalog's index; a catalog never changes, a change makes a new one."""
    return Estate(catalog)
