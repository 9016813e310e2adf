"""Indicators of the statutory table, computed by hand."""

import pytest

from analytics.statutory import COLUMN, COLUMNS, Item, Row, Stated, indicators
from core.quality import Quality

KGCE = {
    Item.ELECTRICITY: 0.1229,
    Item.COAL: 714.3,
    Item.NATURAL_GAS: 1.33,
    Item.PETROL: 1.4714 * 0.73,
    Item.HEAT: 34.12,
}


def row(people=100.0, area_m2=2000.0, **amounts):
    stated = {column.item: Stated() for column in COLUMNS}
    stated |= {Item(name): Stated(value, 1.0) for name, value in amounts.items()}
    return Row(stated, people, area_m2, 3)


def of(given):
    return indicators(given, lambda column: KGCE.get(column.item))


def test_all_energy_is_added_as_standard_coal_and_water_is_not():
    # 100,000 kWh = 12,290; 2 t of coal = 1,428.6; 1,000 m3 of gas = 1,330; 500 L of petrol = 537.061;
    # 10 GJ = 341.2; other 50: 15,976.861 kgce.
    found = of(
        row(electricity=100_000, water=700, coal=2, natural_gas=1000, petrol=500, heat=10, other=50, diesel=0)
    )
    assert found.total_kgce == pytest.approx(15_976.861)
    assert found.kgce_per_person == pytest.approx(159.76861)
    assert found.kgce_per_m2 == pytest.approx(7.9884305)
    assert (found.kwh_per_m2, found.kwh_per_person, found.water_m3_per_person) == (50.0, 1000.0, 7.0)
    assert found.left_out == (Item.DIESEL,)  # stated, but no factor is known
    assert found.missing == ()


def test_what_nobody_stated_is_missing_and_not_zero():
    found = of(row(electricity=1000))
    assert found.total_kgce == pytest.approx(122.9)
    assert set(found.missing) == set(Item) - {Item.ELECTRICITY}
    assert found.water_m3_per_person is None


def test_without_people_or_area_there_is_nothing_per_person_or_m2():
    found = of(row(people=None, area_m2=0.0, electricity=1000))
    assert (found.kgce_per_person, found.kgce_per_m2, found.kwh_per_m2) == (None, None, None)


def test_nothing_stated_has_no_total():
    assert of(row()).total_kgce is None


def test_sums_of_stated_amounts_keep_the_least_coverage_and_all_flags():
    both = Stated(10.0, 0.5, int(Quality.GAP_SPREAD)).plus(Stated(5.0, 1.0, int(Quality.MANUAL), ("Li: 5",)))
    assert both == Stated(15.0, 0.5, int(Quality.GAP_SPREAD | Quality.MANUAL), ("Li: 5",))
    assert Stated().plus(both) == both
    assert both.plus(Stated()) == both


@pytest.mark.parametrize(
    ("stated", "is_estimated"),
    [
        (Stated(1.0, 1.0), False),
        (Stated(1.0, 1.0, int(Quality.LATE)), False),  # late is measured all the same
        (Stated(1.0, 0.99), True),
        (Stated(1.0, 1.0, int(Quality.GAP_SPREAD)), True),
        (Stated(1.0, 1.0, 0, ("Li: 1",)), True),
        (Stated(), False),
    ],
)
def test_estimated_is_what_meters_did_not_simply_count(stated, is_estimated):
    assert stated.is_estimated is is_estimated


def test_heat_counted_in_kwh_is_stated_in_gj():
    assert COLUMN[Item.HEAT].units["kWh"] * 1000 == 3.6
