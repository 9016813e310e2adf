"""Published figures that a building's year is held against, each with source and year.

Values are of a whole year. Categories and climate zones are those of places.
"""

from dataclasses import dataclass
from enum import StrEnum


class ClimateZone(StrEnum):
    """Zones of GB 50176 as GB/T 51161 names them."""

    SEVERE_COLD = "severe_cold"
    COLD = "cold"
    HOT_SUMMER_COLD_WINTER = "hot_summer_cold_winter"
    HOT_SUMMER_WARM_WINTER = "hot_summer_warm_winter"
    MILD = "mild"


class Measure(StrEnum):
    """What a benchmark counts, of a year."""

    ELECTRICITY_AREA = "electricity_kwh_m2"
    COAL_AREA = "coal_kgce_m2"
    COAL_PERSON = "coal_kgce_person"
    WATER_PERSON = "water_m3_person"


class Meaning(StrEnum):
    """What to be above a benchmark means."""

    CONSTRAINT = "constraint"  # 约束值: must not be exceeded
    GUIDE = "guide"  # 引导值: what a well-run building reaches
    AVERAGE = "average"  # what others used


UNITS: dict[Measure, str] = {
    Measure.ELECTRICITY_AREA: "kWh/(m2·a)",
    Measure.COAL_AREA: "kgce/(m2·a)",
    Measure.COAL_PERSON: "kgce/(person·a)",
    Measure.WATER_PERSON: "m3/(person·a)",
}


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One published figure.

    year: what it was measured in, or when the standard came out. category, climate_zone:
    whom it holds for; None: everybody. building_class: A or B of GB/T 51161 (A: windows
    open and air conditioning is local; B: it needs mechanical ventilation).
    """

    id: str
    measure: Measure
    meaning: Meaning
    value: float
    source: str
    year: int
    region: str = "CN"
    category: str | None = None
    climate_zone: ClimateZone | None = None
    building_class: str | None = None


_STANDARD = "GB/T 51161-2016, 机关办公建筑"
_NATIONAL = "国家机关事务管理局, 全国公共机构能源资源消费"
_GUANGDONG = "广东省公共机构能源资源消费统计, 2021"

# zone: class A constraint and guide, class B constraint and guide, in kWh/(m2·a).
_OFFICE_LIMITS = {
    ClimateZone.SEVERE_COLD: (55.0, 45.0, 70.0, 50.0),
    ClimateZone.COLD: (55.0, 45.0, 70.0, 50.0),
    ClimateZone.HOT_SUMMER_COLD_WINTER: (70.0, 55.0, 90.0, 65.0),
    ClimateZone.HOT_SUMMER_WARM_WINTER: (65.0, 50.0, 80.0, 60.0),
    ClimateZone.MILD: (50.0, 40.0, 60.0, 45.0),
}

# year: kgce/m2, kgce/person, m3/person of all public institutions.
_NATIONAL_YEARS = {2020: (18.48, 329.56, 21.53), 2022: (18.03, 321.27, 20.99)}

# name: category, kgce/m2, kgce/person, m3/person of the institutions of Guangdong in 2021.
_GUANGDONG_2021 = {
    "office-province": ("office", 12.49, 517.33, 38.53),
    "office-city": ("office", 11.02, 397.34, 69.99),
    "university": ("university", 4.77, 102.80, 50.51),
    "school": ("school", 3.28, 65.30, 43.38),
    "hospital": ("hospital", 15.88, 294.06, 55.87),
    "venue": ("venue", 9.87, 66.04, 11.17),
}

_AVERAGED = (Measure.COAL_AREA, Measure.COAL_PERSON, Measure.WATER_PERSON)


def _limits() -> list[Benchmark]:
    kinds = [(c, m) for c in ("A", "B") for m in (Meaning.CONSTRAINT, Meaning.GUIDE)]
    return [
        Benchmark(
            f"gbt51161-{zone}-{building_class.lower()}-{meaning}",
            Measure.ELECTRICITY_AREA,
            meaning,
            value,
            _STANDARD,
            2016,
            category="office",
            climate_zone=zone,
            building_class=building_class,
        )
        for zone, values in _OFFICE_LIMITS.items()
        for (building_class, meaning), value in zip(kinds, values, strict=True)
    ]


def _averages() -> list[Benchmark]:
    national = [
        Benchmark(f"national-{year}-{measure}", measure, Meaning.AVERAGE, value, _NATIONAL, year)
        for year, values in _NATIONAL_YEARS.items()
        for measure, value in zip(_AVERAGED, values, strict=True)
    ]
    regional = [
        Benchmark(
            f"guangdong-2021-{name}-{measure}",
            measure,
            Meaning.AVERAGE,
            value,
            _GUANGDONG,
            2021,
            "CN-GD",
            category,
        )
        for name, (category, *values) in _GUANGDONG_2021.items()
        for measure, value in zip(_AVERAGED, values, strict=True)
    ]
    return [*national, *regional]


BENCHMARKS: tuple[Benchmark, ...] = (*_limits(), *_averages())


def applicable(
    category: str | None, climate_zone: str | None, building_class: str | None = None
) -> list[Benchmark]:
    """Benchmarks that hold for such a building; of an unknown class those of both."""
    return [
        one
        for one in BENCHMARKS
        if one.category in (None, category)
        and one.climate_zone in (None, climate_zone)
        and (building_class is None or one.building_class in (None, building_class))
    ]
