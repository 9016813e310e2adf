"""Which meters count for a place: each kWh once, whatever the tree of meters below it.

As the meters stand now; `analytics.membership` knows how they stood. A meter counts for a place
if it stands in the place's subtree, or is on the account of an organisation in it, and no meter
upstream of it does; what a sub-meter or an EV charger measures is already in its parent's register.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import I32
from core.catalog import Catalog
from core.model import Register
from core.quantities import Energy


def counted_devices(catalog: Catalog, place_id: str, energy: Energy) -> list[str]:
    """Ids of the devices whose import counters of this energy make up the place's consumption."""
    metering = {
        device_id
        for place in catalog.subtree(place_id)
        for device_id in catalog.on_account.get(place, ())
        if any(one.energy is energy and not one.exported for one in catalog.registers_of(device_id))
    }
    return sorted(device for device in metering if not _upstream_of(catalog, device) & metering)


def counted_registers(catalog: Catalog, place_id: str, energy: Energy) -> list[Register]:
    """Import counters of this energy that make up the place's consumption, by id."""
    return sorted(
        (
            register
            for device in counted_devices(catalog, place_id, energy)
            for register in catalog.registers_of(device)
            if register.energy is energy and not register.exported
        ),
        key=lambda register: register.id,
    )


@dataclass(frozen=True, slots=True)
class PlaceMembers:
    """For every place with electricity meters: which counters make up its power.

    place_ids[place[i]] counts the register counter[i], whose device reports its power in
    the register gauge[i] (-1 if it has none).
    """

    place_ids: list[str]
    place: I32
    counter: I32
    gauge: I32

    @classmethod
    def of(cls, catalog: Catalog) -> "PlaceMembers":
        """Members of every place, from one walk up the tree a meter."""
        counters = [r for r in catalog.registers if r.energy is Energy.ELECTRICITY and not r.exported]
        metering = {register.device_id for register in counters}
        number: dict[str, int] = {}
        rows: list[tuple[int, int, int]] = []
        for register in counters:
            upstream = _upstream_of(catalog, register.device_id) & metering
            shadows = {place for meter in upstream for place in _accounts(catalog, meter)}
            gauge = catalog.register_of.get((register.device_id, "power_active"))
            rows.extend(
                (number.setdefault(place, len(number)), register.id, -1 if gauge is None else gauge.id)
                for place in _accounts(catalog, register.device_id)
                if place not in shadows
            )
        columns = np.array(rows, np.int32).reshape(-1, 3).T
        return cls(list(number), columns[0], columns[1], columns[2])


def _accounts(catalog: Catalog, device_id: str) -> list[str]:
    """Every place that a meter belongs to: those above it, and those above its account."""
    device = catalog.devices[device_id]
    places = catalog.ancestors(device.place_id)
    if device.organisation_id is not None:
        places += [one for one in catalog.ancestors(device.organisation_id) if one not in places]
    return places


def _upstream_of(catalog: Catalog, device_id: str) -> set[str]:
    """Meters between this one and the grid; a loop in the registration ends the walk."""
    found: set[str] = set()
    current = catalog.devices[device_id].parent_device_id
    while current is not None and current not in found and current in catalog.devices:
        found.add(current)
        current = catalog.devices[current].parent_device_id
    return found
