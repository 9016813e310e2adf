"""Benchmarks, quotas and ranking: years that a person can do by hand."""

from dataclasses import replace

import pytest

from core.factors import Factor, FactorKind, FactorSet, Region, Subject
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.reference import Quota, References
from tests.api.asks import fixes_of, get, refused
from tests.api.world import ENERGY, SHANGHAI, us

pytestmark = pytest.mark.anyio

YEAR = us("2017-01-01")
DAYS_2017 = 365

FACTORS = FactorSet(
    "cn",
    Name("中国", "China"),
    "CN",
    (Region("CN", Name("全国", "China")),),
    (
        Factor(Subject.ELECTRICITY, FactorKind.COAL_EQUIVALENT, 0.1229, "kWh", "CN", 2020, "GB/T 2589"),
        Factor(Subject.FRESH_WATER, FactorKind.COAL_EQUIVALENT, 0.2571, "m3", "CN", 2020, "GB/T 2589"),
        Factor(Subject.NATURAL_GAS, FactorKind.COAL_EQUIVALENT, 1.33, "m3", "CN", 2020, "GB/T 2589"),
    ),
)


@pytest.fixture(autouse=True)
def _registered(world):
    """b0: 9045 m², 320 people, an office in hot summers and cold winters."""
    world.registry.put_place(
        replace(world.catalog.places["b0"], climate_zone="hot_summer_cold_winter", contract_demand_w=None)
    )
    world.registry.put_references(References(factors={"cn": FACTORS}))
    world.reload()


def figure(answer, measure):
    return next(one for one in answer["figures"] if one["measure"] == measure)


def quota(world, amount, energy="electricity", unit="kWh", year=2018):
    found = Quota("q", "b0", energy, year, amount, unit, "a test")
    world.registry.put_references(References(quotas={"q": found}))


async def test_a_whole_year_is_held_against_the_limits_of_its_zone(world, client):
    # 20 kWh a quarter-hour: 700 800 kWh a year over 9045 m2: 77.479 kWh/m2.
    world.meter("m0", YEAR, [20.0] * (96 * DAYS_2017))
    answer = await get(client, "reports/benchmarks", place="b0", year=2017)
    found = figure(answer, "electricity_kwh_m2")
    assert found["value"] == pytest.approx(700_800 / 9045, abs=1e-6)
    assert (found["basis"], found["comparable"], found["coverage"]) == ("whole_year", True, 1.0)
    assert (found["unit"], found["year_amount"], found["divided_by"]) == ("kWh/(m2·a)", 700_800.0, 9045.0)
    verdicts = {(one["building_class"], one["meaning"]): one["verdict"] for one in found["benchmarks"]}
    assert verdicts == {
        ("A", "constraint"): "above",
        ("A", "guide"): "above",
        ("B", "constraint"): "within",
        ("B", "guide"): "above",
    }
    limit = found["benchmarks"][0]
    assert (limit["value"], limit["year"], limit["source"][:9]) == (70.0, 2016, "GB/T 5116")
    assert limit["difference_share"] == pytest.approx(700_800 / 9045 / 70 - 1, abs=1e-6)
    assert "GB/T 51161" in answer["next_action"]["en"]
    assert figure(answer, "electricity_kwh_person")["value"] == pytest.approx(2190.0)


async def test_coal_adds_electricity_and_gas_by_their_factors(world, client):
    world.meter("m0", YEAR, [20.0] * (96 * DAYS_2017))
    world.meter("gas-m3", YEAR, [1.0] * (96 * DAYS_2017), "gas_volume_total")
    answer = await get(client, "reports/benchmarks", place="b0", year=2017)
    found = figure(answer, "coal_kgce_m2")
    # The other gas meter counts kWh, for which no factor is known and which never reported.
    coal = 700_800 * 0.1229 + 35_040 * 1.33
    assert found["year_amount"] == pytest.approx(coal)
    assert found["value"] == pytest.approx(coal / 9045, abs=1e-6)
    assert {one["source"] for one in found["factors"]} == {"GB/T 2589"}
    assert found["coverage"] == 0.0  # that of the worst measured
    assert not found["comparable"]
    national = next(one for one in found["benchmarks"] if one["id"].startswith("national-2022"))
    assert (national["value"], national["year"]) == (18.03, 2022)


async def test_water_is_no_part_of_coal(world, client):
    world.registry.add_registers([("m0", "water_volume_total")])
    world.reload()
    world.meter("m0", YEAR, [20.0] * (96 * DAYS_2017))
    world.meter("m0", YEAR, [0.1] * (96 * DAYS_2017), "water_volume_total")
    answer = await get(client, "reports/benchmarks", place="b0", year=2017)
    assert figure(answer, "coal_kgce_person")["year_amount"] == pytest.approx(700_800 * 0.1229)
    water = figure(answer, "water_m3_person")
    assert (water["value"], water["year_unit"]) == (pytest.approx(3504 / 320), "m3")
    assert [one["value"] for one in water["benchmarks"]] == [21.53, 20.99, 38.53, 69.99]


async def test_a_year_that_is_not_over_is_scaled_and_says_so(world, client):
    world.now_us = us("2018-03-15")  # 73 of 365 days have passed
    world.meter("m0", us("2018-01-01"), [1.0] * (96 * 73))
    answer = await get(client, "reports/benchmarks", place="b0", year=2018)
    found = figure(answer, "electricity_kwh_m2")
    assert (answer["year_is_over"], answer["elapsed_share"]) == (False, 0.2)
    assert found["year_amount"] == pytest.approx(96 * 365)
    assert found["so_far"] == pytest.approx(96 * 73 / 9045, abs=1e-6)
    assert (found["basis"], found["comparable"]) == ("elapsed_share", False)


async def test_what_is_not_registered_is_asked_for(world, client):
    world.meter("m2", YEAR, [1.0])
    answer = await get(client, "reports/benchmarks", place="b1", year=2017)
    assert answer["next_action"]["en"].endswith("floor_area_m2, headcount, category, climate_zone")
    found = figure(answer, "electricity_kwh_m2")
    assert (found["value"], found["divided_by"], found["benchmarks"]) == (None, None, [])


async def test_a_quota_says_when_nothing_will_be_left(world, client):
    # 192 kWh a day for 73 days of 2018; 35 040 kWh in all: gone after 182.5 days, on 2 July.
    world.now_us = us("2018-03-15")
    world.meter("m0", us("2018-01-01"), [2.0] * (96 * 73))
    quota(world, 35_040.0)
    (found,) = (await get(client, "reports/quota", place="b0"))["items"]
    assert (found["used"], found["left"], found["used_share"]) == (14_016.0, 21_024.0, 0.4)
    assert found["planned"] == pytest.approx(7_008.0)
    assert found["projected"] == pytest.approx(70_080.0)
    assert (found["basis"], found["state"], found["used_up_on"]) == (
        "elapsed_share",
        "will_exceed",
        "2018-07-02",
    )
    assert found["next_action"]["en"] == "At this pace the quota is gone on 2018-07-02: plan savings now"
    assert found["coverage"] == 1.0
    months = {one["month"]: one for one in found["months"]}
    assert len(months) == 12
    assert (months["2018-01"]["used"], months["2018-01"]["used_sum"]) == (5_952.0, 5_952.0)
    assert months["2018-03"]["used_sum"] == 14_016.0
    assert (months["2018-04"]["used"], months["2018-04"]["used_sum"]) == (None, None)
    assert months["2018-12"]["planned_sum"] == pytest.approx(35_040.0)


async def test_last_years_shape_is_used_where_it_was_measured(world, client):
    # Last year three quarters of the energy fell into the time up to 15 March.
    world.now_us = us("2018-03-15")
    world.meter("m0", us("2017-01-01"), [12.0] * (96 * 73) + [1.0] * (96 * 292))
    world.meter("m0", us("2018-01-01"), [12.0] * (96 * 73))
    quota(world, 200_000.0)
    (found,) = (await get(client, "reports/quota", place="b0"))["items"]
    assert found["basis"] == "last_year_shape"
    assert found["projected"] == pytest.approx(96 * (12 * 73 + 292))
    assert (found["state"], found["used_up_on"], found["next_action"]) == ("within", None, None)


async def test_a_quota_of_coal_counts_all_energy(world, client):
    world.now_us = us("2018-03-15")
    world.meter("m0", us("2018-01-01"), [2.0] * (96 * 73))
    quota(world, 2_000.0, "coal", "kgce")
    (found,) = (await get(client, "reports/quota", place="b0"))["items"]
    assert found["used"] == pytest.approx(14_016 * 0.1229)
    assert (found["state"], found["unit"]) == ("warning", "kgce")
    assert found["factors"][0]["value"] == 0.1229


async def test_a_quota_in_another_unit_is_not_compared(world, client):
    world.now_us = us("2018-03-15")
    world.meter("m0", us("2018-01-01"), [2.0] * 96)
    quota(world, 10.0, unit="GJ")
    (found,) = (await get(client, "reports/quota", place="b0"))["items"]
    assert (found["used"], found["projected"], found["state"]) == (None, None, "within")
    assert "another unit" in found["next_action"]["en"]


async def test_a_quota_may_be_in_thousands(world, client):
    world.now_us = us("2018-03-15")
    world.meter("m0", us("2018-01-01"), [2.0] * 96)
    quota(world, 10.0, unit="MWh")
    (found,) = (await get(client, "reports/quota", place="b0"))["items"]
    assert (found["used"], found["left"], found["unit"]) == (0.192, 9.808, "MWh")
    quota(world, 1.0, "coal", "tce")
    (found,) = (await get(client, "reports/quota", place="b0"))["items"]
    assert found["used"] == pytest.approx(0.192 * 0.1229, abs=1e-6)


async def test_a_quota_is_that_of_its_year(world, client):
    quota(world, 35_040.0, year=2017)
    assert (await get(client, "reports/quota", place="b0", year=2018))["items"] == []
    (found,) = (await get(client, "reports/quota", place="b0", year=2017))["items"]
    assert (found["basis"], found["used"], found["projected"]) == ("whole_year", None, None)


async def test_a_place_without_a_quota_is_told_where_to_set_one(client):
    answer = await get(client, "reports/quota", place="b0", year=2018)
    assert answer["items"] == []
    assert "quotas.yaml" in answer["next_action"]["en"]


def peers(world, *uses):
    """Offices of 1000 m² with so many kWh in each of their first quarter-hours of 2017."""
    for number, (kwh, covered) in enumerate(uses):
        place = Place(f"o{number}", PlaceKind.BUILDING, Name(f"楼{number}", f"Office {number}"), SHANGHAI,
                      "org", 1000.0, 50, "office", climate_zone="hot_summer_cold_winter")  # fmt: skip
        world.registry.put_place(place)
        world.registry.put_device(Device(f"om{number}", DeviceKind.METER, place.id, place.name))
        world.registry.add_registers([(f"om{number}", ENERGY)])
        world.reload()
        world.meter(f"om{number}", YEAR, [kwh] * (96 * covered))


async def test_peers_are_ranked_by_use_a_square_metre_with_coverage_beside(world, client):
    world.now_us = us("2018-01-01")
    peers(world, (0.2, 365), (0.1, 365), (0.3, 365), (0.15, 100))
    answer = await get(client, "reports/ranking", place="city", year=2017)
    shown = [(one["place"], one["rank"], one["value"]) for one in answer["items"]]
    assert shown == [
        ("o1", 1, pytest.approx(3.504)),
        ("o0", 2, pytest.approx(7.008)),
        ("o2", 3, pytest.approx(10.512)),
        ("b0", None, None),
        ("o3", None, pytest.approx(1.44)),
    ]
    why = {one["place"]: (one["not_ranked_because"], round(one["coverage"], 3)) for one in answer["items"]}
    assert why["o3"] == ("coverage", 0.274)
    assert why["b0"] == ("amount", 0.0)
    assert why["o1"] == (None, 1.0)
    best = answer["items"][0]
    assert (best["peers"], best["few_peers"], best["median"]) == (3, True, pytest.approx(7.008))
    assert (answer["unit"], answer["least_coverage"], answer["year_is_over"]) == ("kWh/m2", 0.9, True)
    assert answer["next_action"] is None


async def test_another_climate_is_another_group(world, client):
    world.now_us = us("2018-01-01")
    peers(world, (0.2, 365), (0.1, 365))
    world.registry.put_place(replace(world.catalog.places["o1"], climate_zone="cold"))
    world.reload()
    answer = await get(client, "reports/ranking", place="city", year=2017)
    ranks = {one["place"]: (one["climate_zone"], one["rank"], one["peers"]) for one in answer["items"]}
    assert ranks["o0"] == ("hot_summer_cold_winter", 1, 1)
    assert ranks["o1"] == ("cold", 1, 1)


async def test_where_nobody_is_ranked_the_commonest_reason_is_what_to_do(world, client):
    world.now_us = us("2018-01-01")
    peers(world, (0.2, 100), (0.1, 100))
    answer = await get(client, "reports/ranking", place="city", year=2017)
    assert [one["rank"] for one in answer["items"]] == [None] * 3
    assert "reports/data-quality" in answer["next_action"]["en"]
    none = await get(client, "reports/ranking", place="b1", year=2017)
    assert (none["items"], none["next_action"]["en"][:15]) == ([], "Nothing to rank")


async def test_a_few_days_of_a_year_say_nothing_of_its_end(world, client):
    world.now_us = us("2018-01-11")
    world.meter("m0", us("2018-01-01"), [90.0] * (96 * 10))
    found = figure(await get(client, "reports/benchmarks", place="b0"), "electricity_kwh_m2")
    assert (found["value"], found["so_far"]) == (None, pytest.approx(86_400 / 9045, abs=1e-6))
    assert {one["verdict"] for one in found["benchmarks"]} == {"unknown"}
    quota(world, 500_000.0)
    (found,) = (await get(client, "reports/quota", place="b0"))["items"]
    assert (found["projected"], found["state"], found["used_up_on"]) == (None, "within", None)


async def test_the_worst_of_enough_peers_is_where_to_look_first(world, client):
    world.now_us = us("2018-01-01")
    peers(world, *[(kwh, 365) for kwh in (0.1, 0.1, 0.1, 0.1, 0.2)])
    answer = await get(client, "reports/ranking", place="city", year=2017, per="person")
    assert answer["items"][4]["place"] == "o4"
    assert answer["items"][4]["value"] == pytest.approx(0.2 * 96 * 365 / 50)
    assert answer["next_action"]["en"] == "Look at Office 4 first: 100 % above the median of its peers"
    assert not answer["items"][0]["few_peers"]


async def test_requests_that_can_not_be_answered_say_why(client):
    assert "b0" in fixes_of(await refused(client, "reports/ranking", 404, place="nowhere"))["place"]
    assert "b0" in fixes_of(await refused(client, "reports/quota", 404, place="nowhere"))["place"]
    assert "year" in fixes_of(await refused(client, "reports/benchmarks", 422, place="b0", year=1492))
