"""Which meters the simulated buildings have: the sub-meter tree, and the load behind each leaf.

Sub-items are those of public-building sub-metering: A lighting and sockets, B air
conditioning, C power (lifts, pumps, fans), D special. Below A of a large building are floor
meters. Each main meter reads its children plus the losses between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from core.model import Name
from simulators.buildings import BUILDINGS, Building
from simulators.load import Load, Profile


class MeterType(Enum):
    """What a meter measures, which decides the quantities that it reports."""

    MAIN = "main"
    SUB = "sub"
    CHARGER = "charger"
    SOLAR = "solar"
    WATER = "water"
    GAS = "gas"
    HEAT = "heat"


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter of the simulated estate.

    circuit: suffix of its circuit place, None when it hangs at the building itself.
    load: what it measures; None if it measures its children (and losses), a charger or panels.
    loss_ppm: parts per million of the children's energy that are lost above them.
    """

    id: str
    type: MeterType
    building: Building
    name: Name
    circuit: str | None = None
    parent: str | None = None
    load: Load | None = None
    loss_ppm: int = 0


REPORT_INTERVAL_S = {
    MeterType.MAIN: 10,
    MeterType.SUB: 60,
    MeterType.CHARGER: 60,
    MeterType.SOLAR: 60,
    MeterType.WATER: 300,
    MeterType.GAS: 300,
    MeterType.HEAT: 300,
}
"""How often each type promises to report (Device.expected_interval_s); live ones report more often."""

SUB_ITEMS = {
    "a": Name("照明与插座", "Lighting and sockets"),
    "b": Name("空调", "Air conditioning"),
    "c": Name("动力", "Lifts, pumps and fans"),
    "d": Name("特殊用电", "Special loads"),
    "ev": Name("充电桩", "EV charging"),
}
_MAIN_LOSS_PPM, _FLOOR_LOSS_PPM = 14_000, 5_000
_W_TO_KW = 1e-3


def meters() -> list[Meter]:
    """All meters, parents before children."""
    return [meter for building in BUILDINGS for meter in _meters_of(building)]


def contracted_power_w(building: Building) -> float:
    """Power that the building should never exceed: a tenth above its highest plausible load."""
    chargers_kw = 7.5 * building.chargers
    peak_kw = chargers_kw + sum(_highest(m.load) for m in _electric_leaves(building) if m.load)
    return round(1.1 * peak_kw * (1 + _MAIN_LOSS_PPM / 1e6), -1) * 1000


def _highest(load: Load) -> float:
    return load.base * (1 + load.swing) + 1.08 * (load.occupied + 13 * load.cooling + 10 * load.heating)


def _electric_leaves(building: Building) -> list[Meter]:
    return [m for m in _meters_of(building) if m.type is MeterType.SUB]


def _meters_of(building: Building) -> Iterator[Meter]:
    main = f"m-{building.id}-main"
    yield Meter(main, MeterType.MAIN, building, Name("总进线", "Main supply"), loss_ppm=_MAIN_LOSS_PPM)
    for item, load in _sub_items(building).items():
        yield from _sub_item(building, main, item, load)
    for number in range(1, building.chargers + 1):
        name = Name(f"{number}号充电桩", f"EV charger {number}")
        yield Meter(f"m-{building.id}-ev-{number}", MeterType.CHARGER, building, name, "ev", main)
    if building.solar_kw:
        name = Name("屋顶光伏", "Rooftop solar")
        yield Meter(f"m-{building.id}-pv", MeterType.SOLAR, building, name)
    water = Load(Profile.OFFICE, building.headcount * 2e-4, building.headcount * 8e-3)
    if building.profile is Profile.HOSPITAL:
        water = Load(Profile.HOSPITAL, building.headcount * 1e-3, building.headcount * 2.2e-2)
    yield Meter(f"m-{building.id}-water", MeterType.WATER, building, Name("自来水", "Water"), load=water)
    if building.kitchen:
        gas = Load(Profile.KITCHEN, 0.02, building.kitchen * 9e-3, swing=0.2)
        yield Meter(f"m-{building.id}-gas", MeterType.GAS, building, Name("天然气", "Natural gas"), load=gas)
    if building.heat:
        area = building.floor_area_m2
        heat = Load(building.profile, area * 8e-4, area * 2.5e-3, heating=area * 1.8e-3, swing=0.3)
        yield Meter(f"m-{building.id}-heat", MeterType.HEAT, building, Name("热量", "Heat"), load=heat)


def _sub_item(building: Building, main: str, item: str, load: Load) -> Iterator[Meter]:
    device = f"m-{building.id}-{item}"
    if item != "a" or not building.floors:
        yield Meter(device, MeterType.SUB, building, SUB_ITEMS[item], item, main, load)
        return
    yield Meter(device, MeterType.SUB, building, SUB_ITEMS[item], item, main, loss_ppm=_FLOOR_LOSS_PPM)
    weights = [1.4, *(1.0 - 0.05 * (floor % 3) for floor in range(1, building.floors))]
    for floor, weight in enumerate(weights, start=1):
        share = weight / sum(weights)
        part = Load(load.profile, load.base * share, load.occupied * share, swing=load.swing)
        name = Name(f"{floor}层照明插座", f"Lighting and sockets, floor {floor}")
        yield Meter(f"{device}-f{floor:02d}", MeterType.SUB, building, name, item, device, part)


def _sub_items(building: Building) -> dict[str, Load]:
    """Loads of the sub-items in kW, from W/m2 typical of the kind of building."""
    area = building.floor_area_m2 * _W_TO_KW
    hospital = building.profile is Profile.HOSPITAL
    lights, cooling, motors = (11.0, 2.1, 5.0) if hospital else (9.0, 1.7, 3.0)
    items = {
        "a": Load(building.profile, 1.1 * area, lights * area),
        "b": Load(building.profile, 0.4 * area, 0.8 * area, cooling * area, 1.1 * area),
        "c": Load(building.profile, 0.6 * area, motors * area),
    }
    if building.special:
        kitchen = building.category == "school" and building.kitchen > 0
        profile = Profile.KITCHEN if kitchen else building.profile
        items["d"] = Load(profile, 0.5 * building.special * area, building.special * area)
    return items
