"""Transitions of watches, which are numbers, to alerts, which people read."""

from collections.abc import Callable

import numpy as np

from analytics.alerts import STATES, Transitions
from analytics.waste import UNITS
from core.alerts import Alert, AlertChange, AlertState, Evidence, Target, TargetKind, Waste
from core.catalog import Catalog
from core.model import Comparator, PlaceKind
from core.quantities import QUANTITIES
from core.rules import (
    ClockSkew,
    Condition,
    Consumption,
    DemandProjected,
    Deviation,
    Frozen,
    Imbalance,
    Implausible,
    NightFlow,
    NoData,
    OffHours,
    PowerFactorLow,
    QuotaBurn,
    RateOfChange,
    Rule,
    Threshold,
    Unbalance,
)

Watched = Callable[[int], tuple[Rule, Target]]
"""Which rule and target a watch number is."""

Worth = Callable[[Rule, Target, float, int], Waste | None]
"""What an amount above normal up to a time is worth; None where nobody can say."""

_UNITS: dict[type[Condition], str] = {
    Frozen: "s",
    ClockSkew: "s",
    NoData: "s",
    Implausible: "1",
    OffHours: "W",
    DemandProjected: "W",
    QuotaBurn: "1",
    PowerFactorLow: "1",
    Unbalance: "%",
    NightFlow: "m3/h",
}


def changes(
    found: Transitions, watched: Watched, catalog: Catalog, worth: Worth | None = None
) -> list[AlertChange]:
    """An AlertChange for each transition, in their order."""
    return [_change(found, row, watched, catalog, worth) for row in range(len(found.watch))]


def _change(
    found: Transitions, row: int, watched: Watched, catalog: Catalog, worth: Worth | None
) -> AlertChange:
    rule, target = watched(int(found.watch[row]))
    before, after = STATES[found.before[row]], STATES[found.after[row]]
    at_us, since_us = int(found.at_us[row]), int(found.since_us[row])
    value, limit = float(found.value[row]), float(found.breach_limit[row])
    waste = float(found.waste[row])
    place_id, device_id, quantity = where(target, catalog)
    comparator = _comparator(rule.condition, float(found.breach_value[row]), limit)
    unit = unit_of(rule.condition)
    alert = Alert(
        f"{rule.id}:{target}:{since_us}",
        rule.id,
        target,
        place_id,
        device_id,
        quantity,
        unit,
        rule.severity,
        after,
        value,
        limit,
        comparator,
        since_us,
        int(found.fired_us[row]),
        resolved_at_us=at_us if after is AlertState.RESOLVED else None,
        stale_at_us=at_us if after is AlertState.STALE else None,
        retrospective=bool(found.history[row]),
        organisation_id=_organisation(place_id, device_id, catalog),
        waste=None if worth is None or np.isnan(waste) else worth(rule, target, waste, at_us),
    )
    evidence = None
    if after is AlertState.RESOLVED:
        evidence = Evidence(_samples(found, row), unit, limit, comparator)
    return AlertChange(alert, before, at_us, evidence)


def unit_of(condition: Condition) -> str:
    """Unit of the value and the limit of a condition's alerts."""
    match condition:
        case Threshold():
            return QUANTITIES[condition.quantity].unit
        case RateOfChange():
            return f"{QUANTITIES[condition.quantity].unit}/h"
        case Consumption() | Deviation() | Imbalance():
            per_m2 = isinstance(condition, Consumption) and condition.per_m2
            return UNITS[condition.energy] + ("/m2" if per_m2 else "")
    return _UNITS[type(condition)]


def _comparator(condition: Condition, value: float, limit: float) -> Comparator:
    stated = getattr(condition, "comparator", None)
    if isinstance(stated, Comparator):
        return stated
    return Comparator.BELOW if value < limit else Comparator.ABOVE


def where(target: Target, catalog: Catalog) -> tuple[str, str | None, str | None]:
    """(place, device, quantity) of a target."""
    if target.kind is TargetKind.PLACE:
        return target.id, None, None
    device_id, quantity = target.id, None
    if target.kind is TargetKind.REGISTER:
        device_id, _, quantity = target.id.rpartition("/")
    return catalog.devices[device_id].place_id, device_id, quantity


def _organisation(place_id: str, device_id: str | None, catalog: Catalog) -> str | None:
    if device_id is not None:
        return catalog.organisation_id(device_id)
    for above in catalog.ancestors(place_id):
        if catalog.places[above].kind is PlaceKind.ORGANISATION:
            return above
    return None


def _samples(found: Transitions, row: int) -> tuple[tuple[int, float], ...]:
    """The last that was seen in breach, the first that was clear, and the one that resolved."""
    seen = {
        int(found.breach_us[row]): float(found.breach_value[row]),
        int(found.clear_us[row]): float(found.clear_value[row]),
        int(found.at_us[row]): float(found.value[row]),
    }
    return tuple(sorted(seen.items()))
