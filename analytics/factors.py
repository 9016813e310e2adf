"""Standard coal and CO2 of amounts: which factor applies where and when, and what it gives.

A place uses the factor of the nearest of its regions that has one (a city, its grid, the
country) and of the local year; a year without one uses the latest before it, and one
before the first uses the first. Both are said.
"""

from dataclasses import dataclass

import numpy as np

from analytics.calendars import local_clock
from core.batch import F64, I64
from core.factors import NEVER_SUMMED, PER, Factor, FactorKind, FactorSet, Subject
from core.quantities import Energy

SUBJECT = {
    Energy.ELECTRICITY: Subject.ELECTRICITY,
    Energy.WATER: Subject.FRESH_WATER,
    Energy.GAS: Subject.NATURAL_GAS,
    Energy.HEAT: Subject.HEAT,
}
"""What a meter of each energy counts."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The factor that applies in `year` at a place of `region`, for one `unit`.

    value: of one unit, after conversion from the factor's own. density: what turned litres
    into kilograms, if anything did.
    """

    factor: Factor
    value: float
    unit: str
    region: str
    year: int
    density: Factor | None = None

    @property
    def of_other_year(self) -> bool:
        """Whether a yearly factor of another year stands in for this one's."""
        return self.factor.annual and self.factor.year != self.year

    @property
    def of_other_region(self) -> bool:
        """Whether a yearly factor is that of a region around the place's; standards hold everywhere."""
        return self.factor.annual and self.factor.region != self.region


@dataclass(frozen=True, slots=True)
class Derived:
    """amount: float64 as given; NaN where that is or no factor is known. choices: one a local year."""

    amount: F64
    choices: tuple[Choice, ...]


def derived(
    start_us: I64,
    amount: F64,
    factors: FactorSet,
    subject: Subject,
    kind: FactorKind,
    *,
    unit: str,
    region: str | None,
    timezone: str,
) -> Derived:
    """Amounts as kg of CO2 or kgce, each by the factor of its local year.

    start_us: int64[n], any order. amount: float64[n] or [rows, n], in unit. region: code of
    the place's region; None means the country.
    """
    days, _ = local_clock(start_us, timezone)
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    value = np.full(start_us.shape, np.nan)
    choices = []
    for year in np.unique(years).tolist():
        choice = choose(factors, subject, kind, unit=unit, region=region, year=year)
        if choice is not None:
            value[years == year] = choice.value
            choices.append(choice)
    return Derived(amount * value, tuple(choices))


def choose(
    factors: FactorSet, subject: Subject, kind: FactorKind, *, unit: str, region: str | None, year: int
) -> Choice | None:
    """The factor of a subject for one unit at a place's region in a year; None if there is none.

    Asked for coal by supply, what has no such factor answers with its coal equivalent.
    """
    kinds = [kind, FactorKind.COAL_EQUIVALENT] if kind is FactorKind.COAL_SUPPLY else [kind]
    for one in kinds:
        for code in chain(factors, region):
            there = [f for f in factors.factors if (f.subject, f.kind, f.region) == (subject, one, code)]
            for factor in _by_year(there, year):
                scale, density = _scale(factors, factor, unit, region, year)
                if scale is not None:
                    return Choice(factor, factor.value * scale, unit, region or factors.root, year, density)
    return None


def chain(factors: FactorSet, region: str | None) -> list[str]:
    """The region and those around it, nearest first; an unknown region is in the root's."""
    parents = {one.code: one.parent for one in factors.regions}
    code: str | None = region if region in parents else factors.root
    codes: list[str] = []
    while code is not None and code not in codes:
        codes.append(code)
        code = parents.get(code)
    return codes


def adds_to_coal(subject: Subject) -> bool:
    """Whether its standard coal is part of totals of energy; water's never is."""
    return subject not in NEVER_SUMMED


def _by_year(there: list[Factor], year: int) -> list[Factor]:
    """The year's factors first, then the latest before it, then the first after it."""
    before = sorted((one for one in there if one.year <= year), key=lambda one: -one.year)
    return before + sorted((one for one in there if one.year > year), key=lambda one: one.year)


def _scale(
    factors: FactorSet, factor: Factor, unit: str, region: str | None, year: int
) -> tuple[float | None, Factor | None]:
    """How many of the factor's `per` one unit is, and the density used; (None, None) if it can't be said."""
    if unit not in PER:
        return None, None
    (dimension, size), (own, own_size) = PER[unit], PER[factor.per]
    if dimension == own:
        return size / own_size, None
    if (dimension, own) == ("volume", "mass") and factor.kind is not FactorKind.DENSITY:
        for code in chain(factors, region):
            there = [
                f
                for f in factors.factors
                if (f.subject, f.kind, f.region) == (factor.subject, FactorKind.DENSITY, code)
            ]
            for density in _by_year(there, year):
                kg = density.value * size / PER["L"][1]
                return kg / own_size, density
    return None, None
