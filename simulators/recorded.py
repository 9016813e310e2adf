"""What is replayed of a record, and the places and meters that stand for it once registered."""

from dataclasses import dataclass

from core.errors import WattlineError
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.quantities import Energy
from simulators.record import Record, Series

SITE = "recorded-estate"

# What the meter of an energy counts, by the unit of the file's amounts.
_QUANTITY = {
    (Energy.ELECTRICITY, "kWh"): "energy_active_import_total",
    (Energy.GAS, "kWh"): "gas_energy_total",
    (Energy.GAS, "m3"): "gas_volume_total",
    (Energy.WATER, "m3"): "water_volume_total",
    (Energy.HEAT, "kWh"): "heat_energy_total",
}
_NAMES = {
    Energy.ELECTRICITY: Name("电表", "electricity meter"),
    Energy.GAS: Name("燃气表", "gas meter"),
    Energy.WATER: Name("水表", "water meter"),
    Energy.HEAT: Name("热量表", "heat meter"),
}
_HINTS = {"electric": Energy.ELECTRICITY, "gas": Energy.GAS, "water": Energy.WATER, "heat": Energy.HEAT}


class ReplayError(WattlineError):
    """The options don't fit the record; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The chosen buildings of a record, and what their amounts are.

    why: how the energy was found out, for a person. quantity: the counter that the amounts advance.
    """

    series: tuple[Series, ...]
    unit: str
    energy: Energy
    why: str
    quantity: str

    def device_id(self, series: Series) -> str:
        """Id of the meter that stands for a building's series."""
        return f"{series.building}-{self.energy.value}"


def choose(record: Record, *, buildings: tuple[str, ...] = (), energy: Energy | None = None) -> Recording:
    """Buildings by id (all if none is named) in the file's order; energy None reads it off the file's name.

    Raises ReplayError for an unknown building, or an energy that is unclear or doesn't fit the unit.
    """
    unknown = [building for building in buildings if building not in record.series]
    if unknown:
        raise ReplayError(f"no building {', '.join(unknown)} in the file: it has {', '.join(record.series)}")
    chosen, why = (energy, "as asked for") if energy is not None else _energy_of(record)
    quantity = _QUANTITY.get((chosen, record.unit))
    if quantity is None:
        raise ReplayError(f"{chosen.value} is not counted in {record.unit}: choose another --energy")
    series = tuple(one for one in record.series.values() if not buildings or one.building in buildings)
    return Recording(series, record.unit, chosen, why, quantity)


def needed_estate(recording: Recording, timezone: str = "UTC") -> Estate:
    """A site with the buildings, whose ids are the file's, and their meters."""
    kind = _NAMES[recording.energy]
    site = Place(SITE, PlaceKind.SITE, Name("实录楼群", "Recorded estate"), timezone)
    places, devices = [site], []
    for series in recording.series:
        building = series.building
        name = Name(f"{building} 楼", f"Building {building}")
        places.append(Place(building, PlaceKind.BUILDING, name, timezone, SITE))
        devices.append(
            Device(
                recording.device_id(series),
                DeviceKind.METER,
                building,
                Name(f"{building} {kind.zh}", f"{building} {kind.en}"),
                expected_interval_s=series.step_us / 1e6,
            )
        )
    return Estate(tuple(places), tuple(devices))


def _energy_of(record: Record) -> tuple[Energy, str]:
    found = [kind for hint, kind in _HINTS.items() if hint in record.path.name.lower()]
    if len(found) > 1:
        raise ReplayError(f"the name {record.path.name} fits several energies: choose one with --energy")
    if found:
        return found[0], "by the name of the file"
    if record.unit == "kWh":
        return Energy.ELECTRICITY, "as amounts are in kWh and the name says nothing else"
    raise ReplayError(f"amounts are in {record.unit} of what? choose with --energy")
