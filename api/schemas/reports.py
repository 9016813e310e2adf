"""Off-hours, benchmarks, quotas and ranking of places."""

from typing import Literal

from pydantic import Field

from analytics import quota as quotas
from api.schemas.accounts import Basis
from api.schemas.base import Answer, Names, Time
from api.schemas.series import QualityName
from core.benchmarks import Meaning, Measure
from core.quantities import Energy

_COVERAGE = Field(ge=0, le=1, description="Measured share of the time so far, over all meters.")


class CalendarBasis(Answer):
    """The calendar that says which hours are worked."""

    id: str | None = Field(description="null: weekdays from 08:30 to 17:30 stand in.")
    name: Names | None
    source: str
    provisional_years: list[int] = Field(
        description="Years whose official holidays are not known yet: figures may change."
    )


class PartOfUse(Answer):
    """Use in working hours or in off-hours."""

    energy_kwh: float | None
    share: float | None = Field(description="Of the energy of both.")
    hours: float = Field(description="So far.")
    mean_w: float | None
    coverage: float = Field(ge=0, le=1, description="Share of these hours of which the energy is known.")


class HourOfDay(Answer):
    """An hour of the day, over all days."""

    hour: int = Field(ge=0, le=23)
    base_load_w: float | None = Field(description="Lowest tenth of the off-hours power in this hour.")
    base_slots: int = Field(description="Quarter-hours that it rests on.")
    working_w: float | None = Field(description="Mean power in working hours.")
    off_w: float | None = Field(description="Mean power in off-hours.")


class WasteDay(Answer):
    """A day and what its off-hours took above the base load."""

    day: str = Field(examples=["2026-11-21"])
    waste_kwh: float


class OffHours(Answer):
    """When a place uses electricity, and what was left on."""

    place: str
    energy: Energy = Energy.ELECTRICITY
    unit: Literal["kWh"] = "kWh"
    timezone: str
    from_: Time = Field(serialization_alias="from")
    to: Time
    calendar: CalendarBasis
    working: PartOfUse
    off: PartOfUse
    base_load_w: float | None = Field(description="Mean of the base loads by hour.")
    base_load_ratio: float | None = Field(description="base_load_w over the mean power in working hours.")
    waste_kwh: float | None = Field(description="Off-hours energy above the base load of its hour.")
    waste_cost: float | None = Field(description="By the price of each quarter-hour, tiers left out.")
    currency: str | None
    tariff: str | None
    coverage: float = _COVERAGE
    quality: list[QualityName]
    meters: list[str]
    hours: list[HourOfDay]
    worst: list[WasteDay] = Field(description="Days with the most waste, most first.")
    next_action: Names | None


class AgainstBenchmark(Answer):
    """A published figure beside the place's own."""

    id: str
    meaning: Meaning
    value: float
    difference_share: float | None = Field(description="Own over published, less 1.")
    verdict: Literal["above", "within", "unknown"]
    source: str
    year: int
    region: str
    category: str | None
    climate_zone: str | None
    building_class: str | None


class YearFigure(Answer):
    """A year's use per m² or per person."""

    measure: Measure | Literal["electricity_kwh_person", "water_m3_m2"]
    unit: str
    value: float | None = Field(description="Of the whole year; see basis.")
    so_far: float | None
    year_amount: float | None
    year_unit: str
    divided_by: float | None = Field(description="Area in m² or people.")
    basis: quotas.Basis | None = Field(description="What the whole year's value rests on.")
    comparable: bool = Field(description="The year is over and was measured well: see coverage.")
    coverage: float = _COVERAGE
    quality: list[QualityName]
    meters: list[str]
    factors: list[Basis]
    benchmarks: list[AgainstBenchmark]


class Benchmarks(Answer):
    """A place's year against published figures."""

    place: str
    year: int
    timezone: str
    year_is_over: bool
    elapsed_share: float
    category: str | None
    climate_zone: str | None
    building_class: Literal["A", "B"] | None
    floor_area_m2: float | None
    headcount: int | None
    figures: list[YearFigure]
    next_action: Names | None


class QuotaMonth(Answer):
    """A month of the burn-down, in the quota's unit."""

    month: str = Field(examples=["2026-11"])
    used: float | None
    used_sum: float | None = Field(description="Since the year began; null for months to come.")
    planned_sum: float = Field(description="Of the quota, by the shape of the year.")


class QuotaItem(Answer):
    """A quota and how it stands."""

    id: str
    energy: str
    year: int
    unit: str
    amount: float
    used: float | None
    left: float | None
    used_share: float | None
    planned: float = Field(description="What may be used up to now, by the shape of the year.")
    projected: float | None = Field(description="The whole year's use.")
    projected_share: float | None
    basis: quotas.Basis = Field(description="What the projection rests on.")
    used_up_on: str | None = Field(description="Day on which nothing is or will be left.")
    state: quotas.QuotaState
    coverage: float = _COVERAGE
    quality: list[QualityName]
    meters: list[str]
    factors: list[Basis]
    source: str
    months: list[QuotaMonth]
    next_action: Names | None


class QuotaReport(Answer):
    """Quotas of a place."""

    place: str
    year: int
    timezone: str
    items: list[QuotaItem]
    next_action: Names | None


class RankedPlace(Answer):
    """A place among its peers."""

    place: str
    name: Names
    category: str
    climate_zone: str | None
    rank: int | None = Field(description="1: least use; null: not ranked, see why.")
    peers: int = Field(description="Ranked places of its group.")
    value: float | None
    amount: float | None
    size: float | None = Field(description="m² or people.")
    median: float | None = Field(description="Of its ranked peers.")
    above_median_share: float | None
    coverage: float = _COVERAGE
    quality: list[QualityName]
    not_ranked_because: Literal["coverage", "size", "amount"] | None
    few_peers: bool = Field(description="Fewer than 5 are ranked: the rank says little.")
    next_action: Names | None


class Ranking(Answer):
    """Places by use per m² or per person, in groups of the same category and climate zone."""

    place: str
    year: int
    from_: Time = Field(serialization_alias="from")
    to: Time
    year_is_over: bool
    measure: str
    per: Literal["area", "person"]
    unit: str
    least_coverage: float
    factors: list[Basis]
    items: list[RankedPlace] = Field(description="By category, climate zone and rank; the unranked last.")
    next_action: Names | None
