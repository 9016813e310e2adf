"""GET /api/v1/reports/benchmarks: a year per m² and per person against published figures."""

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query

from analytics.ranking import LEAST_COVERAGE
from api.accounts import Accounts
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.derived import Derivations
from api.figures import number
from api.openapi import refusals
from api.schemas.base import Names
from api.schemas.reports import AgainstBenchmark, Benchmarks, YearFigure
from api.yearly import COAL, Usage, Year, Yearly
from core.benchmarks import UNITS, Benchmark, Meaning, Measure, applicable
from core.model import Place
from core.quantities import Energy

router = APIRouter(prefix="/api/v1/reports/benchmarks", tags=["figures"])

BuildingClass = Literal["A", "B"]
YearQuery = Annotated[
    int | None, Query(ge=1971, le=2199, description="Local calendar year; this one if left out.")
]

# What is used, divided by what, and its unit where no published figure gives one.
_FIGURES: tuple[tuple[str, Energy | str, Literal["area", "person"], str], ...] = (
    (Measure.ELECTRICITY_AREA, Energy.ELECTRICITY, "area", UNITS[Measure.ELECTRICITY_AREA]),
    ("electricity_kwh_person", Energy.ELECTRICITY, "person", "kWh/(person·a)"),
    (Measure.COAL_AREA, COAL, "area", UNITS[Measure.COAL_AREA]),
    (Measure.COAL_PERSON, COAL, "person", UNITS[Measure.COAL_PERSON]),
    (Measure.WATER_PERSON, Energy.WATER, "person", UNITS[Measure.WATER_PERSON]),
    ("water_m3_m2", Energy.WATER, "area", "m3/(m2·a)"),
)


@router.get("", summary="Get a year against published figures", responses=refusals(404, 422, 503))
def benchmarks(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: Annotated[str, Query(description="This place with all below it.", examples=["b0"])],
    year: YearQuery = None,
    building_class: Annotated[
        BuildingClass | None,
        Query(description="Of GB/T 51161: A opens its windows, B is ventilated. Both if left out."),
    ] = None,
) -> Benchmarks:
    """Use per m² and per person, of the whole year: what has not passed is projected, and said so."""
    found = estate.place(place)
    accounts = Accounts(estate, ledger, services.clock())
    yearly = Yearly(accounts, Derivations(accounts, services.registry.references()))
    of_year = Year.of(year, found.timezone, services.clock())
    zone: str | None = estate.catalog.inherited(place, "climate_zone")
    published = applicable(found.category, zone, building_class)
    usages = {
        energy: yearly.usage(place, energy, of_year) for energy in (Energy.ELECTRICITY, COAL, Energy.WATER)
    }
    figures = [
        _figure(yearly, found, of_year, row, usage, published=published)
        for row in _FIGURES
        if (usage := usages[row[1]]) is not None
    ]
    return Benchmarks(
        place=place,
        year=of_year.year,
        timezone=found.timezone,
        year_is_over=of_year.is_over,
        elapsed_share=round(of_year.elapsed_days / of_year.days, 6),
        category=found.category,
        climate_zone=zone,
        building_class=building_class,
        floor_area_m2=found.floor_area_m2,
        headcount=found.headcount,
        figures=figures,
        next_action=_action(found, zone, figures),
    )


def _figure(
    yearly: Yearly,
    place: Place,
    year: Year,
    row: tuple[str, Energy | str, Literal["area", "person"], str],
    usage: Usage,
    *,
    published: list[Benchmark],
) -> YearFigure:
    measure, energy, per, unit = row
    size = place.floor_area_m2 if per == "area" else place.headcount
    amount, _, basis = yearly.projected(place.id, energy, year, usage)
    divided = float(size) if size else float("nan")
    value = amount / divided if usage.complete else float("nan")
    return YearFigure(
        measure=measure,  # type: ignore[arg-type]  # the table above names them
        unit=unit,
        value=number(value),
        so_far=number(usage.total / divided),
        year_amount=number(amount),
        year_unit=usage.unit,
        divided_by=size,
        basis=basis,
        comparable=year.is_over and usage.coverage >= LEAST_COVERAGE and usage.complete,
        coverage=usage.coverage,
        quality=usage.quality,
        meters=usage.meters,
        factors=usage.basis,
        benchmarks=[_against(value, one) for one in published if one.measure == measure],
    )


def _against(value: float, one: Benchmark) -> AgainstBenchmark:
    unknown = bool(np.isnan(value))
    return AgainstBenchmark(
        id=one.id,
        meaning=one.meaning,
        value=one.value,
        difference_share=number(value / one.value - 1),
        verdict="unknown" if unknown else "above" if value > one.value else "within",
        source=one.source,
        year=one.year,
        region=one.region,
        category=one.category,
        climate_zone=one.climate_zone,
        building_class=one.building_class,
    )


def _action(place: Place, zone: str | None, figures: list[YearFigure]) -> Names | None:
    """What is missing for a comparison first, then what is above a limit that binds."""
    missing = {
        ("建筑面积", "floor_area_m2"): place.floor_area_m2,
        ("用能人数", "headcount"): place.headcount,
        ("建筑类别", "category"): place.category,
        ("气候区", "climate_zone"): zone,
    }
    wanted = [both for both, value in missing.items() if not value]
    if wanted:
        return Names(
            zh=f"补充登记:{'、'.join(zh for zh, _ in wanted)}",
            en=f"Register what is missing for a comparison: {', '.join(en for _, en in wanted)}",
        )
    above = [
        one
        for figure in figures
        for one in figure.benchmarks
        if one.meaning is Meaning.CONSTRAINT and one.verdict == "above"
    ]
    if not above:
        return None
    return Names(
        zh=f"高于约束值({above[0].source}):先查看 reports/off-hours 的非工作时间用电",
        en=f"Above the constraint of {above[0].source}: look at reports/off-hours first",
    )
