"""What wasted energy and water is worth, by the tariff that holds where and when it was wasted."""

import numpy as np

from analytics.tariff import priced
from core.alerts import Waste
from core.batch import BASE_US
from core.catalog import Catalog
from core.quantities import Energy
from core.reference import References
from core.rules import Condition, Consumption, Deviation, Imbalance, NightFlow, OffHours

UNITS = {Energy.ELECTRICITY: "kWh", Energy.WATER: "m3", Energy.GAS: "m3", Energy.HEAT: "kWh"}
"""Unit in which rules look at an energy; a meter that counts it in another one is no target."""

BASIS: dict[type[Condition], str] = {
    OffHours: "base_load",
    Deviation: "usual",
    Consumption: "threshold",
    Imbalance: "balance",
    NightFlow: "night_flow",
}
"""What the waste of each kind of condition is measured against; the others have none.

base_load: what runs in off-hours although nobody works. usual: what this hour of this kind of
day usually takes. threshold: the rule's own. balance: the meters below, and the accuracy of
all. night_flow: no water at all; what flows all night is taken to flow all day.
"""


def energy_of(condition: Condition) -> Energy | None:
    """What a condition's waste is an amount of; None where it has none."""
    match condition:
        case NightFlow():
            return Energy.WATER
        case Consumption() | Deviation() | OffHours() | Imbalance():
            return condition.energy
        case _:
            return None


def price(
    catalog: Catalog, references: References, place_id: str, energy: Energy, *, unit: str, before_us: int
) -> tuple[float, str] | None:
    """(price of one unit, currency) at a place in the quarter-hour that ends at or after before_us.

    The price of its band, levies included; tiers and basic charges are of an account's month.
    None where no tariff in that unit holds.
    """
    tariff = references.tariffs.get(catalog.tariff_id(place_id, energy) or "")
    if tariff is None or tariff.unit != unit:
        return None
    calendar = references.calendars.get(catalog.inherited(place_id, "calendar_id") or "")
    start_us = np.array([(before_us - 1) // BASE_US * BASE_US], np.int64)
    found = float(priced(start_us, tariff, calendar, catalog.places[place_id].timezone).price[0])
    return None if np.isnan(found) else (found, tariff.currency)


def waste(
    condition: Condition,
    amount: float,
    *,
    catalog: Catalog,
    references: References,
    place_id: str,
    at_us: int,
) -> Waste | None:
    """An amount above normal at the price that held when it was last seen; None of a kind that has none.

    amount: kWh of electricity and heat, m3 of water and gas.
    """
    basis, energy = BASIS.get(type(condition)), energy_of(condition)
    if basis is None or energy is None:
        return None
    unit = UNITS[energy]
    found = price(catalog, references, place_id, energy, unit=unit, before_us=at_us)
    cost, currency = (None, None) if found is None else (amount * found[0], found[1])
    return Waste(amount, unit, cost, currency, basis)
