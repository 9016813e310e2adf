"""Which factor applies where and when, and what the shipped ones say."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
import yaml

from analytics.factors import SUBJECT, adds_to_coal, chain, choose, derived
from core.factors import Factor, FactorKind, FactorSet, Region, Subject, mistakes
from core.model import Name
from core.quantities import Energy

SHIPPED = msgspec.convert(
    yaml.safe_load((Path(__file__).parents[2] / "config" / "factors.yaml").read_text(encoding="utf-8")),
    dict[str, list[FactorSet]],
)["factors"][0]
CO2, COAL, SUPPLY = FactorKind.CO2, FactorKind.COAL_EQUIVALENT, FactorKind.COAL_SUPPLY


def _us(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def _grid_co2(region, year):
    return choose(SHIPPED, Subject.ELECTRICITY, CO2, unit="kWh", region=region, year=year)


def test_the_shipped_factors_have_no_mistakes_and_all_say_where_they_come_from():
    assert mistakes(SHIPPED) == []
    assert all(factor.source and factor.year and factor.region for factor in SHIPPED.factors)


@pytest.mark.parametrize(
    ("region", "year", "value", "of"),
    [
        (None, 2023, 0.5306, "CN"),
        ("CN", 2022, 0.5366, "CN"),
        ("CN-CQ", 2023, 0.2472, "CN-SOUTHWEST"),
        ("CN-GD", 2023, 0.4042, "CN-SOUTH"),
        ("CN-NORTH", 2023, 0.6361, "CN-NORTH"),
        ("Atlantis", 2023, 0.5306, "CN"),
    ],
)
def test_a_place_has_the_factor_of_the_nearest_region_that_has_one(region, year, value, of):
    choice = _grid_co2(region, year)
    assert (choice.value, choice.factor.region, choice.of_other_year) == (value, of, False)
    assert choice.of_other_region == ((region or "CN") != of)


def test_a_year_without_a_factor_uses_the_latest_before_it_and_says_so():
    later, sooner = _grid_co2("CN-CQ", 2026), _grid_co2("CN-CQ", 2019)
    assert (later.value, later.factor.year, later.of_other_year) == (0.2472, 2023, True)
    assert (sooner.value, sooner.factor.year, sooner.of_other_year) == (0.2268, 2022, True)
    coal = choose(SHIPPED, Subject.ELECTRICITY, COAL, unit="kWh", region="CN-CQ", year=2026)
    # A standard's coefficient is no year's and no region's.
    assert (coal.value, coal.of_other_year, coal.of_other_region) == (0.1229, False, False)


@pytest.mark.parametrize(
    ("subject", "kind", "unit", "value"),
    [
        (Subject.HEAT, COAL, "GJ", 34.12),
        (Subject.HEAT, COAL, "kWh", 0.122832),
        (Subject.HEAT, CO2, "kWh", 0.396),
        (Subject.PETROL, COAL, "L", 0.73 * 1.4714),
        (Subject.DIESEL, CO2, "L", 0.85 * 3.096),
        (Subject.NATURAL_GAS, COAL, "m3", 1.33),
        (Subject.NATURAL_GAS, CO2, "kWh", 0.1999),
        (Subject.COAL, COAL, "t", 714.3),
        (Subject.ELECTRICITY, SUPPLY, "kWh", 0.404),
        (Subject.NATURAL_GAS, SUPPLY, "m3", 1.33),  # by supply as by heat: no factor of its own
        (Subject.FRESH_WATER, COAL, "m3", 0.2571),
    ],
)
def test_factors_are_converted_to_the_unit_that_is_counted(subject, kind, unit, value):
    choice = choose(SHIPPED, subject, kind, unit=unit, region="CN-CQ", year=2025)
    assert choice.value == pytest.approx(value, rel=1e-12)
    assert (choice.density is not None) == (unit == "L")


@pytest.mark.parametrize(("subject", "unit"), [(Subject.ELECTRICITY, "m3"), (Subject.FRESH_WATER, "kWh")])
def test_what_can_not_be_converted_has_no_factor(subject, unit):
    assert choose(SHIPPED, subject, COAL, unit=unit, region=None, year=2025) is None
    assert choose(SHIPPED, subject, COAL, unit="furlong", region=None, year=2025) is None


def test_each_interval_has_the_factor_of_its_local_year():
    # 16:00 UTC is midnight in Shanghai: the second interval is the first of 2023.
    start_us = np.array([_us("2022-12-31T15:45:00"), _us("2022-12-31T16:00:00")], np.int64)
    amount = np.array([[10.0, 10.0], [np.nan, 1.0]])
    co2 = derived(
        start_us, amount, SHIPPED, Subject.ELECTRICITY, CO2,
        unit="kWh", region="CN-CQ", timezone="Asia/Shanghai",
    )  # fmt: skip
    np.testing.assert_allclose(co2.amount, [[2.268, 2.472], [np.nan, 0.2472]])
    assert [(one.year, one.factor.year) for one in co2.choices] == [(2022, 2022), (2023, 2023)]


def test_an_amount_without_a_factor_is_unknown_not_zero():
    water = derived(
        np.array([0], np.int64), np.array([3.0]), SHIPPED, Subject.FRESH_WATER, CO2,
        unit="m3", region=None, timezone="UTC",
    )  # fmt: skip
    assert np.isnan(water.amount).all()
    assert water.choices == ()


def test_water_never_adds_to_coal():
    assert [energy for energy in Energy if not adds_to_coal(SUBJECT[energy])] == [Energy.WATER]


def test_regions_are_walked_outwards():
    assert chain(SHIPPED, "CN-CQ") == ["CN-CQ", "CN-SOUTHWEST", "CN"]
    assert chain(SHIPPED, None) == ["CN"]


def test_a_set_survives_being_stored():
    assert msgspec.json.decode(msgspec.json.encode(SHIPPED), type=FactorSet) == SHIPPED


def test_every_mistake_is_named_with_its_fix():
    name = Name("甲", "A")
    wrong = FactorSet(
        "w",
        name,
        "X",
        (Region("A", name, "B"), Region("B", name, "A"), Region("C", name, "D")),
        (
            Factor(Subject.PETROL, FactorKind.DENSITY, float("nan"), "kg", "E", 2020, " "),
            Factor(Subject.PETROL, CO2, 2.9, "barrel", "A", 2020, "s"),
            Factor(Subject.PETROL, CO2, 3.0, "barrel", "A", 2020, "s"),
        ),
        CO2,
    )
    found = mistakes(wrong)
    assert [one.split(":")[0] for one in found] == [
        "root = 'X'",
        "coal = 'co2'",
        "regions[0].parent = 'B'",
        "regions[1].parent = 'A'",
        "regions[2].parent = 'D'",
        "factors[0].value = nan",
        "factors[0].per = 'kg'",
        "factors[0].region = 'E'",
        "factors[0].source",
        "factors[1].per = 'barrel'",
        "factors[2].per = 'barrel'",
        "factors[2].year = 2020",
    ]
