"""Factors that turn amounts of energy into standard coal and CO2, with where they come from.

Every factor carries source, year and region. `analytics.factors` chooses the one that
applies at a place and in a year.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from core.model import Name


class FactorKind(StrEnum):
    """What a factor gives for a unit of its subject."""

    CO2 = "co2"  # kg of CO2
    COAL_EQUIVALENT = "coal_equivalent"  # kgce by heat content, 当量值
    COAL_SUPPLY = "coal_supply"  # kgce by what it takes to supply it, 等价值
    DENSITY = "density"  # kg of a litre


GIVES = {
    FactorKind.CO2: "kg",
    FactorKind.COAL_EQUIVALENT: "kgce",
    FactorKind.COAL_SUPPLY: "kgce",
    FactorKind.DENSITY: "kg",
}
"""Unit of what a factor of each kind gives."""

PER = {
    "J": ("energy", 1.0),
    "MJ": ("energy", 1e6),
    "GJ": ("energy", 1e9),
    "kWh": ("energy", 3.6e6),
    "MWh": ("energy", 3.6e9),
    "g": ("mass", 1e-3),
    "kg": ("mass", 1.0),
    "t": ("mass", 1e3),
    "L": ("volume", 1e-3),
    "m3": ("volume", 1.0),
}
"""Units that a factor may be for, with their dimension and size in J, kg or m3."""


class Subject(StrEnum):
    """What is used."""

    ELECTRICITY = "electricity"
    NATURAL_GAS = "natural_gas"
    HEAT = "heat"
    COAL = "coal"
    PETROL = "petrol"
    DIESEL = "diesel"
    KEROSENE = "kerosene"
    LPG = "lpg"
    FRESH_WATER = "fresh_water"


NEVER_SUMMED = frozenset({Subject.FRESH_WATER})
"""What has a coal equivalent of its own and is no part of any total of energy."""


@dataclass(frozen=True, slots=True)
class Factor:
    """value for one `per` of the subject: kg CO2, kgce or kg, as the kind says.

    annual: measured anew every year (the CO2 of a grid); else it is a coefficient of the
    standard of that year and holds until the next. confidence: how sure the value is, if
    that needs saying.
    """

    subject: Subject
    kind: FactorKind
    value: float
    per: str
    region: str
    year: int
    source: str
    annual: bool = False
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """A region whose factors are used where the region itself has none of its own: its parent's."""

    code: str
    name: Name
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class FactorSet:
    """Factors of a country. coal: by which of the two an amount becomes standard coal.

    A subject without a factor of that kind uses COAL_EQUIVALENT. root: the region of places
    that have none.
    """

    id: str
    name: Name
    root: str
    regions: tuple[Region, ...]
    factors: tuple[Factor, ...]
    coal: FactorKind = FactorKind.COAL_EQUIVALENT


def mistakes(factors: FactorSet) -> list[str]:
    """Every mistake in the set, each as `key = value: fix`; empty if all is well."""
    codes = {region.code for region in factors.regions}
    found = []
    if factors.root not in codes:
        found.append(f"root = {factors.root!r}: is none of the regions: add it")
    if factors.coal not in {FactorKind.COAL_EQUIVALENT, FactorKind.COAL_SUPPLY}:
        found.append(f"coal = {factors.coal.value!r}: write coal_equivalent or coal_supply")
    parents = {region.code: region.parent for region in factors.regions}
    for at, region in enumerate(factors.regions):
        if region.parent is not None and region.parent not in codes:
            found.append(f"regions[{at}].parent = {region.parent!r}: is none of the regions: add it")
        elif _circular(region.code, parents):
            found.append(f"regions[{at}].parent = {region.parent!r}: is below {region.code!r} itself")
    seen: set[tuple[str, ...]] = set()
    for at, factor in enumerate(factors.factors):
        found += _factor_mistakes(f"factors[{at}]", factor, codes)
        key = (factor.subject, factor.kind, factor.per, factor.region, str(factor.year))
        if key in seen:
            found.append(
                f"factors[{at}].year = {factor.year}: {factor.subject.value} has one already: keep one"
            )
        seen.add(key)
    return found


def _factor_mistakes(where: str, factor: Factor, regions: set[str]) -> list[str]:
    found = []
    if not isfinite(factor.value) or factor.value < 0:
        found.append(f"{where}.value = {factor.value}: write a number that is not negative")
    if factor.per not in PER:
        found.append(f"{where}.per = {factor.per!r}: write one of {', '.join(PER)}")
    if factor.kind is FactorKind.DENSITY and factor.per != "L":
        found.append(f"{where}.per = {factor.per!r}: a density is for one L")
    if factor.region not in regions:
        found.append(f"{where}.region = {factor.region!r}: is none of the regions: add it")
    if not factor.source.strip():
        found.append(f"{where}.source: is empty: say where the value comes from")
    return found


def _circular(code: str, parents: dict[str, str | None]) -> bool:
    above, steps = parents.get(code), 0
    while above is not None and above != code and steps <= len(parents):
        above, steps = parents.get(above), steps + 1
    return above is not None
