"""What is wrong with a rule beyond the shape of its fields, each with key, value and fix."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

from core.catalog import Catalog
from core.model import Comparator, Device, Place
from core.rules import (
    Consumption,
    DemandProjected,
    Deviation,
    NightFlow,
    PowerFactorLow,
    QuotaBurn,
    RateOfChange,
    Rule,
    Scope,
    Threshold,
    Unbalance,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake at a key of the rule, in words that end with what to do."""

    key: str
    value: Any
    fix: str


@dataclass(frozen=True, slots=True)
class Known:
    """What rules may name; None where nobody can say."""

    places: AbstractSet[str] | None
    devices: AbstractSet[str] | None
    categories: AbstractSet[str] | None
    tags: AbstractSet[str] | None
    rules: AbstractSet[str]

    @classmethod
    def of(cls, catalog: Catalog, rules: Iterable[Rule]) -> Self:
        """Everything that is registered."""
        return cls.among(catalog.places.values(), catalog.devices.values(), rules)

    @classmethod
    def among(cls, places: Iterable[Place], devices: Iterable[Device], rules: Iterable[Rule]) -> Self:
        """What these are and have; nothing can be said of what is registered elsewhere."""
        places, devices = list(places), list(devices)
        return cls(
            {place.id for place in places} or None,
            {device.id for device in devices} or None,
            {place.category for place in places if place.category is not None} if places else None,
            {tag for device in devices for tag in device.tags} if devices else None,
            {rule.id for rule in rules},
        )


def faults(rule: Rule, known: Known) -> list[Fault]:
    """Every mistake of a rule, in the order of its keys."""
    found = _clears(rule) + _scope(rule)
    for what, key, values, there in (
        ("place", "select.places", rule.select.places, known.places),
        ("device", "select.devices", rule.select.devices, known.devices),
        ("category", "select.categories", rule.select.categories, known.categories),
        ("tag", "select.tags", rule.select.tags, known.tags),
        ("rule", "inhibited_by", rule.inhibited_by, known.rules),
    ):
        if there is not None:
            found += [
                Fault(f"{key}[{at}]", one, f"there is no such {what}: {_near(one, there)}")
                for at, one in enumerate(values)
                if one not in there
            ]
    if rule.id in rule.inhibited_by:
        at = rule.inhibited_by.index(rule.id)
        found.append(Fault(f"inhibited_by[{at}]", rule.id, "is the rule itself: remove it"))
    return found


def _clears(rule: Rule) -> list[Fault]:
    """Whether the alert can come back: the way back must lie on the right side of the way in."""
    stated = rule.condition
    match stated:
        case Threshold() | RateOfChange() | Consumption():
            above = stated.comparator is Comparator.ABOVE
            key, limit, clear = "clear_threshold", stated.threshold, stated.clear_threshold
        case Unbalance():
            above, key, limit, clear = True, "clear_threshold", stated.threshold, stated.clear_threshold
        case PowerFactorLow():
            above, key, limit, clear = False, "clear_threshold", stated.threshold, stated.clear_threshold
        case DemandProjected() | QuotaBurn():
            above, key, limit, clear = True, "clear_share", stated.share, stated.clear_share
        case Deviation():
            above, key, limit, clear = True, "clear_factor", stated.factor, stated.clear_factor
        case _:
            return []
    if clear is None or (clear <= limit if above else clear >= limit):
        return []
    side = "at or below" if above else "at or above"
    limit_key = key.removeprefix("clear_")
    return [Fault(f"condition.{key}", clear, f"must be {side} the {limit_key} {limit:g}")]


def _scope(rule: Rule) -> list[Fault]:
    stated = rule.condition
    if isinstance(stated, Consumption) and stated.per_m2 and stated.scope is Scope.DEVICE:
        return [
            Fault("condition.per_m2", True, "a device has no floor area: set scope to place, or remove it")
        ]
    if isinstance(stated, NightFlow) and stated.from_hour == stated.to_hour:
        return [Fault("condition.to_hour", stated.to_hour, "must not be from_hour: a night lasts a while")]
    return []


def _near(wanted: str, there: AbstractSet[str]) -> str:
    if not there:
        return "there is none yet"
    near = get_close_matches(wanted, sorted(there), 1)
    return f"did you mean {near[0]}?" if near else "add it or correct the id"
