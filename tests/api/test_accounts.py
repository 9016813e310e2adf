"""Consumption by group, with formulas, dates, cost, coal and CO2, and explained: figures by hand."""

from dataclasses import replace

import pytest

from api.services import Limits
from core.batch import BASE_US
from core.factors import Factor, FactorKind, FactorSet, Region, Subject
from core.model import CircuitItem, Device, DeviceKind, Name, Placement, Replacement
from core.quality import Quality
from core.quantities import Energy
from core.reference import References
from core.tariffs import Band, BandPrice, Tariff, TariffVersion
from tests.api.asks import fixes_of, get, refused
from tests.api.conftest import client_of
from tests.api.world import ENERGY, us

pytestmark = pytest.mark.anyio

DAY = us("2018-07-01")
SPAN = {"from_": "2018-07-01", "to": "2018-07-02", "interval": "1d"}
ELECTRICITY = {"energy": "electricity", **SPAN}
NAME = Name("名", "Name")


def change(world, device, **fields):
    """Register a device anew with other fields."""
    world.registry.put_device(replace(world.catalog.devices[device], **fields))
    world.reload()


def virtual(world, identity, formula, place="b0", parent=None):
    made = Device(identity, DeviceKind.VIRTUAL, place, NAME, parent, formula=formula)
    world.registry.put_device(made)
    world.reload()


def groups_of(answer):
    return {group["id"]: (group["amount"], group["gross"], group["overlap"]) for group in answer["groups"]}


async def test_a_charger_counts_once_under_both_accounts_and_the_sum_knows(world, client):
    place = replace(world.catalog.places["org"], id="org-b", parent_id="city")
    world.registry.put_place(place)
    change(world, "m1", organisation_id="org-b")  # the charger behind the building's meter m0
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m1", DAY, [0.25] * 96)
    answer = await get(client, "consumption", place="city", group_by="organisation", **ELECTRICITY)
    assert answer["total"] == 96.0
    assert groups_of(answer) == {"org": (72.0, 96.0, 24.0), "org-b": (24.0, 24.0, 0.0)}
    assert (answer["gross"], answer["overlap"]) == (120.0, 24.0)
    assert next(one for one in answer["groups"] if one["id"] == "org")["shared_with"] == ["org-b"]
    own = await get(client, "consumption", place="org-b", **ELECTRICITY)
    assert own["total"] == 24.0


async def test_items_of_circuits_and_what_is_assigned_to_none(world, client):
    change(world, "m1", item=CircuitItem.AIR_CONDITIONING)
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m1", DAY, [0.25] * 96)
    answer = await get(client, "consumption", place="b0", group_by="item", **ELECTRICITY)
    assert groups_of(answer) == {None: (72.0, 96.0, 24.0), "air_conditioning": (24.0, 24.0, 0.0)}
    named = {group["id"]: group["name"] for group in answer["groups"]}
    assert named == {None: None, "air_conditioning": {"zh": "空调用电", "en": "Air conditioning"}}


async def test_meters_below_that_count_more_are_shown_and_flagged(world, client):
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m1", DAY, [1.5] * 96)
    answer = await get(client, "consumption", place="b0", group_by="device", **ELECTRICITY)
    groups = {group["id"]: group for group in answer["groups"]}
    assert (groups["m0"]["amount"], groups["m1"]["amount"], answer["total"]) == (-48.0, 144.0, 96.0)
    assert groups["m0"]["negative"]
    assert "balance" in groups["m0"]["next_action"]["en"]
    assert groups["m1"]["next_action"] is None


async def test_every_energy_of_a_place_is_a_group_without_a_common_total(world, client):
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("gas-m3", DAY, [0.5] * 96, "gas_volume_total")
    answer = await get(client, "consumption", place="b0", group_by="energy", **SPAN)
    assert answer["total"] is None
    assert [(one["energy"], one["unit"], one["amount"]) for one in answer["groups"]] == [
        ("electricity", "kWh", 96.0),
        ("gas", "kWh", None),
        ("gas", "m3", 48.0),
    ]


async def test_a_moved_meter_counts_where_it_stood(world, client):
    noon = DAY + 48 * BASE_US
    world.registry.put_placement(Placement("m1", 0, "b0", "m0"))
    world.registry.put_placement(Placement("m1", noon, "b1", None))
    world.reload()
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m1", DAY, [0.5] * 48 + [2.0] * 48)
    whole = await get(client, "consumption", place="city", **ELECTRICITY)
    assert whole["total"] == 96.0 + 96.0
    berlin = await get(
        client,
        "consumption",
        place="b1",
        energy="electricity",
        from_="2018-07-01T00:00:00+08:00",
        to="2018-07-02T00:00:00+08:00",
        interval="1d",
    )
    assert berlin["total"] == 96.0


async def test_a_virtual_meter_is_asked_like_any_other(world, client):
    virtual(world, "rest", "[m0] - [m1]")
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m1", DAY, [0.25] * 95)  # the last quarter of an hour is missing
    answer = await get(client, "consumption", device="rest", **SPAN)
    assert (answer["total"], answer["energy"], answer["unit"]) == (71.25, "electricity", "kWh")
    assert answer["coverage"] == pytest.approx(95 / 96)


async def test_a_virtual_meter_doubles_nothing(world, client):
    virtual(world, "rest", "[m0] - [m1]")
    virtual(world, "loss", "1.02 * [m2]", place="b1")
    change(world, "m2", parent_device_id="loss")
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m1", DAY, [0.25] * 96)
    world.meter("m2", DAY, [10.0] * 96)
    answer = await get(client, "consumption", place="city", **ELECTRICITY)
    assert answer["meters"] == ["loss", "m0"]
    assert answer["total"] == pytest.approx(96.0 + 1.02 * 960.0)


async def test_a_formula_that_can_not_be_used_says_why_and_where(world, client):
    virtual(world, "bad", "[m0] - [gas-m3]")
    found = await refused(client, "consumption", 422, device="bad", **SPAN)
    assert "count nothing in common" in found["detail"]
    assert "one energy and unit" in fixes_of(found)["device"]
    world.meter("m0", DAY, [1.0] * 96)
    assert (await get(client, "consumption", place="b0", **ELECTRICITY))["total"] == 96.0


def references(world):
    """0.1229 kgce/kWh everywhere; the grid's CO2 of 2017 and of 2018; 0.5 yuan a kWh."""
    set_ = FactorSet(
        "cn",
        NAME,
        "CN",
        (Region("CN", NAME), Region("CN-CQ", NAME, "CN")),
        (
            Factor(Subject.ELECTRICITY, FactorKind.COAL_EQUIVALENT, 0.1229, "kWh", "CN", 2008, "GB/T 2589"),
            Factor(Subject.ELECTRICITY, FactorKind.CO2, 0.5, "kWh", "CN", 2017, "a list", annual=True),
            Factor(Subject.ELECTRICITY, FactorKind.CO2, 0.3, "kWh", "CN", 2018, "a list", annual=True),
            Factor(Subject.ELECTRICITY, FactorKind.CO2, 0.1, "kWh", "CN", 2019, "a list", annual=True),
            Factor(Subject.ELECTRICITY, FactorKind.CO2, 0.25, "kWh", "CN-CQ", 2018, "another", annual=True),
        ),
    )
    version = TariffVersion("2018-01-01", "a price list", "CN-CQ", (BandPrice(Band.FLAT, 0.5),))
    tariff = Tariff("flat", NAME, Energy.ELECTRICITY, "kWh", "CNY", (version,))
    world.registry.put_references(References(factors={"cn": set_}, tariffs={"flat": tariff}))
    world.registry.put_place(
        replace(world.catalog.places["b0"], region_code="CN-CQ", tariffs=(("electricity", "flat"),))
    )
    world.reload()


async def test_coal_co2_and_cost_come_with_what_they_rest_on(world, client):
    references(world)
    world.meter("m0", DAY, [1.0] * 96)
    answer = await get(client, "consumption", place="b0", with_="coal,co2,cost", **ELECTRICITY)
    # 96 kWh: x 0.1229 kgce, x 0.25 kg of the region's own grid, x 0.5 yuan.
    assert (answer["coal"]["total"], answer["coal"]["unit"]) == (11.7984, "kgce")
    assert (answer["co2"]["total"], answer["co2"]["unit"]) == (24.0, "kg")
    assert (answer["cost"]["total"], answer["cost"]["unit"]) == (48.0, "CNY")
    assert answer["coal"]["items"] == [11.7984]
    assert answer["co2"]["basis"] == [
        {
            "id": "electricity/co2",
            "value": 0.25,
            "unit": "kg/kWh",
            "region": "CN-CQ",
            "year": 2018,
            "since": None,
            "source": "another",
            "note": None,
        }
    ]
    assert answer["cost"]["basis"][0]["since"] == "2018-01-01"
    assert answer["cost"]["next_action"] is None


async def test_each_year_has_its_own_factor_and_a_stand_in_is_said(world, client):
    references(world)
    world.meter("m0", us("2017-12-31"), [1.0] * 192)
    answer = await get(
        client, "consumption", place="b0", energy="electricity", from_="2017-12-31", to="2018-01-02",
        interval="1y", with_="co2",
    )  # fmt: skip
    # CN-CQ has none of 2017: that of 2018 is the first there is.
    assert answer["co2"]["items"] == [24.0, 24.0]
    assert "none of 2017 is known: that of 2018 stands in" in answer["co2"]["basis"][0]["note"]


async def test_a_week_over_the_new_year_has_each_days_own_factor(world, client):
    references(world)
    world.registry.put_place(replace(world.catalog.places["b0"], region_code=None))
    world.reload()
    world.now_us = us("2019-06-01")
    world.meter("m0", us("2018-12-31"), [1.0] * 192)
    answer = await get(
        client, "consumption", place="b0", energy="electricity", from_="2018-12-31", to="2019-01-07",
        interval="1w", with_="co2",
    )  # fmt: skip
    # 96 kWh on each side: x 0.3 of 2018, x 0.1 of 2019.
    assert answer["co2"]["items"] == [38.4]
    assert [one["year"] for one in answer["co2"]["basis"]] == [2018, 2019]


async def test_a_meter_without_a_tariff_leaves_no_half_cost(world, client):
    references(world)
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m2", DAY, [1.0] * 96)
    answer = await get(client, "consumption", place="org", with_="cost", **ELECTRICITY)
    assert answer["cost"]["total"] is None
    assert "tariff" in answer["cost"]["next_action"]["en"]


async def test_an_explanation_names_readings_ratio_events_flags_and_revisions(world, client):
    world.registry.put_replacement(
        Replacement("r1", "m0", ENERGY, DAY + 8 * BASE_US, 900.0, 5.0, 40.0, note="burnt")
    )
    world.reload()
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m0", DAY, [3.0], quality=int(Quality.LATE | Quality.GAP_SPREAD))
    answer = await get(client, "consumption", place="b0", explain="true", **ELECTRICITY)
    behind = answer["explanation"]["registers"]
    assert len(behind) == 1
    assert (behind[0]["device"], behind[0]["place"], behind[0]["quantity"]) == ("m0", "b0", ENERGY)
    assert (behind[0]["amount"], behind[0]["coverage"]) == (98.0, 1.0)
    assert behind[0]["ratio"] == 1.0
    assert [
        (one["id"], one["final_value"], one["initial_value"], one["ratio"], one["note"])
        for one in behind[0]["events"]
    ] == [("r1", 900.0, 5.0, 40.0, "burnt")]
    assert {one["name"]: one["intervals"] for one in behind[0]["flags"]} == {"gap_spread": 1, "late": 1}
    assert behind[0]["recomputed"] == 1


async def test_an_explanation_of_too_much_says_what_to_ask_instead(world):
    async with client_of(world.app(limits=Limits(rows=100))) as client:
        found = await refused(client, "consumption", 422, place="city", energy="electricity", explain="true",
                              from_="2018-01-01", to="2018-07-01", interval="1mo")  # fmt: skip
        assert "at most 1 days" in fixes_of(found)["to"]


async def test_groups_are_those_of_a_place_and_what_comes_with_it_is_known(client):
    assert "group_by" in fixes_of(await refused(client, "consumption", 422, device="m0", group_by="place"))
    found = await refused(client, "consumption", 422, place="b0", energy="electricity", with_="water")
    assert fixes_of(found)["with"] == "one of cost, coal, co2"


async def test_a_balance_is_judged_by_the_meters_accuracy(world, client):
    change(world, "m0", accuracy_class=0.5)
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m1", DAY, [0.99] * 48 + [1.2] * 48)
    query = {"device": "m0", "from_": "2018-07-01", "to": "2018-07-02", "interval": "1h"}
    answer = await get(client, "consumption/balance", **query)
    # Of an hour: 4 - 3.96 = 0.04 kWh against 0.5 % of 4 and 1 % of 3.96, 0.0596; then 4 - 4.8.
    first, last = answer["items"][0], answer["items"][-1]
    assert (first["rest"], first["tolerance"], first["verdict"]) == (0.04, 0.0596, "balanced")
    assert (last["rest"], last["verdict"]) == (-0.8, "children_exceed")
    assert answer["parent"]["assumed"] is False
    assert answer["children"][0] == {
        "device": "m1", "amount": 105.12, "coverage": 1.0, "accuracy_class": 1.0, "assumed": True,
    }  # fmt: skip
    assert answer["verdict"] == "children_exceed"
    assert "ratio" in answer["next_action"]["en"]


async def test_a_silent_sub_meter_is_not_judged(world, client):
    world.meter("m0", DAY, [1.0] * 96)
    world.meter("m1", DAY, [0.5] * 40)
    answer = await get(client, "consumption/balance", device="m0", from_="2018-07-01", to="2018-07-02")
    assert answer["verdict"] == "not_judged"
    assert answer["children"][0]["coverage"] == pytest.approx(40 / 96)


async def test_a_meter_with_nothing_below_it_has_no_balance(client):
    found = await refused(client, "consumption/balance", 422, device="m2", energy="electricity")
    assert "parent_device_id" in fixes_of(found)["device"]
