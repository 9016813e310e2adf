"""What waste is worth where and when it was wasted."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from analytics.waste import BASIS, waste
from core.catalog import Catalog
from core.model import Comparator, Name, Place, PlaceKind
from core.quantities import Energy
from core.reference import References
from core.rules import (
    Consumption,
    Deviation,
    Imbalance,
    NightFlow,
    OffHours,
    Period,
    PowerFactorLow,
    QuotaBurn,
)
from core.tariffs import Band, BandHours, BandPrice, Levy, Schedule, Tariff, TariffVersion

ZONE = "Asia/Shanghai"


def us(text):
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()) * 1_000_000


def tariff(id_, energy, unit):
    hours = (BandHours(Band.PEAK, "08:00", "22:00"), BandHours(Band.VALLEY, "22:00", "08:00"))
    prices = (BandPrice(Band.PEAK, 1.0), BandPrice(Band.VALLEY, 0.3))
    version = TariffVersion(
        "2026-01-01", "test", "CN", prices, (Schedule(hours),), levies=(Levy(Name("附加", "Levy"), 0.02),)
    )
    return Tariff(id_, Name(id_, id_), energy, unit, "CNY", (version,))


REFERENCES = References(
    tariffs={
        "power": tariff("power", Energy.ELECTRICITY, "kWh"),
        "water": tariff("water", Energy.WATER, "m3"),
        "power-mwh": tariff("power-mwh", Energy.ELECTRICITY, "MWh"),
    }
)


def place(id_, parent=None, tariffs=()):
    return Place(id_, PlaceKind.BUILDING, Name(id_, id_), ZONE, parent, tariffs=tariffs)


CATALOG = Catalog(
    [
        place("city", None, (("electricity", "power"), ("water", "water"))),
        place("hall", "city"),
        place("alone"),
        place("other-unit", None, (("electricity", "power-mwh"),)),
    ],
    [],
    [],
)


def of(condition, amount=10.0, at="2026-05-04T21:00", place_id="hall"):
    return waste(condition, amount, catalog=CATALOG, references=REFERENCES, place_id=place_id, at_us=us(at))


def test_waste_costs_the_price_of_its_band_at_the_place_above():
    found = of(OffHours())
    assert (found.amount, found.unit, found.currency, found.basis) == (10.0, "kWh", "CNY", "base_load")
    assert found.cost == pytest.approx(10.2)


def test_an_hour_that_ends_when_the_price_changes_had_the_one_before():
    assert of(OffHours(), at="2026-05-04T22:00").cost == pytest.approx(10.2)
    assert of(OffHours(), at="2026-05-04T22:15").cost == pytest.approx(3.2)


def test_water_at_night_is_in_cubic_metres():
    found = of(NightFlow(), at="2026-05-04T04:00")
    assert (found.unit, found.basis, found.cost) == ("m3", "night_flow", pytest.approx(3.2))


@pytest.mark.parametrize(
    ("place_id", "at"),
    [("alone", "2026-05-04T21:00"), ("other-unit", "2026-05-04T21:00"), ("hall", "2025-12-31T21:00")],
)
def test_without_a_tariff_that_holds_there_is_no_price(place_id, at):
    found = of(Deviation(), at=at, place_id=place_id)
    assert (found.amount, found.cost, found.currency) == (10.0, None, None)


def test_every_kind_that_wastes_says_against_what():
    assert set(BASIS) == {OffHours, Deviation, Consumption, Imbalance, NightFlow}
    threshold = Consumption(Energy.ELECTRICITY, Period.DAY, Comparator.ABOVE, 1.0)
    assert of(threshold).basis == "threshold"
    assert of(PowerFactorLow()) is None
    assert of(QuotaBurn()) is None
