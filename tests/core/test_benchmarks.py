"""Published figures: each with its source, none for a building that it does not hold for."""

from core.benchmarks import BENCHMARKS, UNITS, ClimateZone, Meaning, Measure, applicable


def values(**of):
    return {
        (one.building_class, one.meaning): one.value
        for one in applicable(**of)
        if one.measure is Measure.ELECTRICITY_AREA
    }


def test_an_office_in_chongqing_must_keep_within_70_or_90_kwh():
    assert values(category="office", climate_zone="hot_summer_cold_winter") == {
        ("A", Meaning.CONSTRAINT): 70.0,
        ("A", Meaning.GUIDE): 55.0,
        ("B", Meaning.CONSTRAINT): 90.0,
        ("B", Meaning.GUIDE): 65.0,
    }
    one = values(category="office", climate_zone="hot_summer_cold_winter", building_class="B")
    assert set(one) == {("B", Meaning.CONSTRAINT), ("B", Meaning.GUIDE)}


def test_no_limit_holds_where_category_or_climate_is_not_known():
    assert values(category="school", climate_zone="cold") == {}
    assert values(category="office", climate_zone=None) == {}
    assert values(category=None, climate_zone="cold") == {}
    national = [one.value for one in applicable(None, None) if one.measure is Measure.COAL_AREA]
    assert national == [18.48, 18.03]


def test_every_figure_has_source_year_unit_and_an_id_of_its_own():
    assert len({one.id for one in BENCHMARKS}) == len(BENCHMARKS)
    for one in BENCHMARKS:
        assert one.source
        assert 2016 <= one.year <= 2026
        assert UNITS[one.measure]
        assert one.value > 0


def test_a_guide_is_below_its_constraint_in_every_zone():
    for zone in ClimateZone:
        of = values(category="office", climate_zone=zone)
        for building_class in "AB":
            assert of[building_class, Meaning.GUIDE] < of[building_class, Meaning.CONSTRAINT]
