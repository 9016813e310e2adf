"""What a rule on figures watches: its targets, sorted by the clock and calendar that they live by."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from analytics.phase_figures import ACTIVE, PHASES, REACTIVE
from analytics.selection import Selection
from analytics.waste import UNITS, energy_of
from api.estate import Estate
from core.alerts import Target, TargetKind
from core.calendars import Calendar
from core.model import PlaceKind
from core.quantities import Energy, RegisterKind
from core.reference import References
from core.rules import (
    Consumption,
    DemandProjected,
    Deviation,
    Imbalance,
    Implausible,
    NightFlow,
    OffHours,
    PowerFactorLow,
    QuotaBurn,
    Rule,
    Scope,
    Unbalance,
)

_FACTORS = ({ACTIVE, REACTIVE}, {"power_active", "power_reactive"}, {"power_active", "power_factor"})
"""Quantities of which a meter must report one set to have a power factor."""


@dataclass(frozen=True, slots=True)
class Group:
    """Targets of one rule in one timezone with one calendar (None: there is none)."""

    timezone: str
    calendar: Calendar | None
    targets: tuple[Target, ...]

    @property
    def key(self) -> str:
        """What the group of a rule is known by."""
        return f"{self.timezone} {self.calendar.id if self.calendar else ''}"


def groups_of(rule: Rule, estate: Estate, selection: Selection, references: References) -> list[Group]:
    """Everything that an enabled rule on figures watches; targets in order of their names."""
    found: dict[tuple[str, str], list[Target]] = defaultdict(list)
    catalog = estate.catalog
    for target in sorted(targets_of(rule, estate, selection, references), key=str):
        place_id = target.id if target.kind is TargetKind.PLACE else catalog.devices[target.id].place_id
        calendar_id = catalog.inherited(place_id, "calendar_id") or ""
        # Whoever works longer than a stand-in says has left nothing on.
        if calendar_id in references.calendars or not isinstance(rule.condition, OffHours):
            found[catalog.places[place_id].timezone, calendar_id].append(target)
    return [
        Group(timezone, references.calendars.get(calendar_id), tuple(targets))
        for (timezone, calendar_id), targets in sorted(found.items())
    ]


def targets_of(rule: Rule, estate: Estate, selection: Selection, references: References) -> Iterable[Target]:
    """Targets of which the figure exists, as the estate stands now; in any order."""
    condition = rule.condition
    match condition:
        case Consumption() | Deviation() | OffHours() | NightFlow() if condition.scope is Scope.PLACE:
            energy = energy_of(condition)
            for place_id in selection.places(rule.select) if not _of_devices(rule) else ():
                named = place_id in rule.select.places
                building = estate.catalog.places[place_id].kind is PlaceKind.BUILDING
                # What was left on in a building was left on in its district as well: once is enough.
                if energy in estate.energies(place_id) and (
                    named or building or not isinstance(condition, OffHours)
                ):
                    yield Target(TargetKind.PLACE, place_id)
        case DemandProjected():
            for place_id in selection.places(rule.select) if not _of_devices(rule) else ():
                if estate.catalog.places[
                    place_id
                ].contract_demand_w and Energy.ELECTRICITY in estate.energies(place_id):
                    yield Target(TargetKind.PLACE, place_id)
        case QuotaBurn():
            places = set() if _of_devices(rule) else selection.places(rule.select)
            having = {one.place_id for one in references.quotas.values() if one.energy == condition.energy}
            for place_id in having & places:
                yield Target(TargetKind.PLACE, place_id)
        case _:
            for device_id in _devices(rule, estate, selection):
                yield Target(TargetKind.DEVICE, device_id)


def _of_devices(rule: Rule) -> bool:
    """Whether it selects by what only devices have, so that no place is meant."""
    return bool(rule.select.devices or rule.select.tags)


def _devices(rule: Rule, estate: Estate, selection: Selection) -> Iterable[str]:
    condition, catalog = rule.condition, estate.catalog
    chosen = [catalog.device_ids[number] for number in selection.devices(rule.select).tolist()]
    match condition:
        case Consumption() | Deviation() | OffHours() | NightFlow():
            return [one for one in chosen if counters(estate, one, energy_of(condition))]
        case Imbalance():
            above = {device.parent_device_id for device in catalog.devices.values()}
            return [one for one in chosen if one in above and counters(estate, one, condition.energy)]
        case Implausible():
            return [one for one in chosen if counting(estate, one)]
        case PowerFactorLow():
            return [one for one in chosen if any(some <= _quantities(estate, one) for some in _FACTORS)]
        case Unbalance():
            return [one for one in chosen if set(PHASES[condition.of]) <= _quantities(estate, one)]
        case _:
            return []


def counters(estate: Estate, device_id: str, energy: Energy | None) -> list[int]:
    """Sources of a meter, real or virtual, that count an energy in the unit that rules look at."""
    if energy is None:
        return []
    return [source for source, unit in estate.counters(device_id, energy) if unit == UNITS[energy]]


def counting(estate: Estate, device_id: str) -> list[int]:
    """Ids of all registers of a device that the ledger books."""
    return [one.id for one in estate.catalog.registers_of(device_id) if one.kind is RegisterKind.COUNTER]


def _quantities(estate: Estate, device_id: str) -> set[str]:
    return {one.quantity for one in estate.catalog.registers_of(device_id)}
