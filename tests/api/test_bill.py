"""A place's bill over the API: the documents' example from ledger to cent, and what it lacks."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import yaml

from analytics.calendars import day_kinds, local_clock
from analytics.public_holidays import resolved
from core.batch import BASE_US
from core.calendars import Calendar
from core.quality import Quality
from core.reference import References
from core.tariffs import Capacity, Tariff
from tests.api.asks import fixes_of, get, refused
from tests.api.world import SHANGHAI, us

pytestmark = pytest.mark.anyio

CONFIG = Path(__file__).parents[2] / "config"
EXPORT, REACTIVE = "energy_active_export_total", "energy_reactive_import_total"
OCTOBER, NOVEMBER = us("2025-10-01"), us("2025-11-01")
SLOTS = np.arange(OCTOBER, NOVEMBER, BASE_US)


def _shipped(kind, of):
    text = (CONFIG / f"{kind}.yaml").read_text(encoding="utf-8")
    return {one.id: one for one in msgspec.convert(yaml.safe_load(text), dict[str, list[of]])[kind]}


TARIFFS = _shipped("tariffs", Tariff)
CALENDARS = {id_: resolved(one) for id_, one in _shipped("calendars", Calendar).items()}
OFFICE = "example-office-electricity"


@pytest.fixture(autouse=True)
def _october(world):
    """b0 draws 60 kW in office hours and 15 kW else, and feeds in 12 kW for an hour on holidays."""
    world.now_us = us("2025-11-02")
    world.registry.put_references(References(calendars=CALENDARS, tariffs=TARIFFS))
    places = world.catalog.places
    electricity = (("electricity", OFFICE),)
    world.registry.put_place(replace(places["org"], tariffs=electricity, calendar_id="cn-office"))
    world.registry.put_place(replace(places["b0"], contract_demand_w=55_000.0))
    world.registry.add_registers([("m0", EXPORT), ("m0", REACTIVE)])
    world.reload()
    days, minute = local_clock(SLOTS, SHANGHAI)
    kinds = day_kinds(CALENDARS["cn-office"], days)
    busy = (kinds == 0) & (minute >= 8 * 60) & (minute < 18 * 60)
    world.meter("m0", OCTOBER, np.where(busy, 15.0, 3.75).tolist())
    world.meter("m0", OCTOBER, np.where((kinds == 2) & (minute // 60 == 12), 3.0, 0.0).tolist(), EXPORT)
    world.meter("m0", OCTOBER, [9630 / len(SLOTS)] * len(SLOTS), REACTIVE)


async def _bill(client, **query):
    return await get(client, "reports/bill", **({"place": "b0", "month": "2025-10"} | query))


async def test_october_2025_is_the_bill_of_the_documents(client):
    answer = await _bill(client)
    assert [(line["kind"], line["amount"]) for line in answer["lines"]] == [
        ("energy", 6890.83),
        ("energy", 4785.30),
        ("energy", 912.89),
        ("energy", 141.34),
        ("levy", 793.51),
        ("levy", 560.47),
        ("basic", 2217.60),
        ("over_contract", 172.80),
        ("power_factor", -63.66),
        ("export", -38.05),
    ]
    assert (answer["total"], answer["currency"], answer["amount"], answer["unit"]) == (
        16373.03, "CNY", 19260.0, "kWh",
    )  # fmt: skip
    assert answer["lines"][0]["unrounded"] == "6890.832"
    assert answer["lines"][0]["name"] == {"zh": "高峰电量", "en": "Peak"}
    assert answer["lines"][8]["power_factor"] == 0.89
    assert answer["demand"] == {"kw": 60.0, "start": "2025-10-09T08:00:00+08:00"}
    assert answer["reactive"] == {"kvarh": 9630.0, "coverage": 1.0}
    assert (answer["account"], answer["tariff"], answer["calendar"]) == ("org", OFFICE, "cn-office")
    assert (answer["coverage"], answer["final"], answer["missing"]) == (1.0, True, [])
    assert answer["provisional"] is False


async def test_the_cost_of_a_span_is_that_of_its_intervals_unrounded_and_tells_the_credit_beside(client):
    span = {
        "place": "b0",
        "energy": "electricity",
        "from_": "2025-10-01",
        "to": "2025-11-01",
        "with_": "cost",
    }
    cost = (await get(client, "consumption", interval="1d", **span))["cost"]
    # The unrounded lines for energy and levies; 96 kWh fed in at 0.3964.
    lines = 6890.832 + 4785.3 + 912.888 + 141.336 + 793.512 + 560.466
    assert cost["total"] == pytest.approx(lines, abs=1e-6)
    assert cost["credit"] == pytest.approx(38.0544, abs=1e-6)
    holiday = 120 * 0.2454 + 150 * 0.6135 + 90 * 0.1963 + 360 * (0.0412 + 0.0291)
    assert cost["items"][7] == pytest.approx(holiday, abs=1e-6)
    assert cost["items"][10] == cost["items"][9] > cost["items"][11]  # the make-up Saturday


async def test_meters_that_count_no_export_have_no_credit(client):
    span = {"from_": "2025-10-01", "to": "2025-11-01", "with_": "cost", "energy": "electricity"}
    assert (await get(client, "consumption", device="m1", interval="1d", **span))["cost"]["credit"] is None


async def test_an_example_says_so_and_what_to_do(client):
    answer = await _bill(client)
    assert answer["example"] is True
    assert [one["since"] for one in answer["versions"]] == ["2015-01-01"]
    assert "example" in answer["versions"][0]["source"]
    assert "your bill" in answer["next_action"]["en"]


async def test_explained_it_shows_each_day_and_the_readings_behind_it(client):
    answer = await _bill(client, explain=True)
    kinds = {day["date"]: day["kind"] for day in answer["days"]}
    assert len(kinds) == 31
    assert (kinds["2025-10-08"], kinds["2025-10-11"], kinds["2025-10-12"]) == (
        "holiday",
        "workday",
        "rest_day",
    )
    assert [one["device"] for one in answer["explanation"]["registers"]] == ["m0"]
    assert (await _bill(client))["explanation"] is None


async def test_what_nobody_entered_is_missing_and_named(world, client):
    world.registry.put_place(replace(world.catalog.places["b0"], contract_demand_w=None))
    world.reload()
    answer = await _bill(client)
    assert answer["missing"] == ["contract_demand"]
    assert "contract_demand_w" in answer["next_action"]["en"]
    assert {"basic", "over_contract"}.isdisjoint(line["kind"] for line in answer["lines"])
    month = await _bill(client, month="2025-09")
    assert month["missing"] == ["contract_demand", "maximum_demand", "reactive_energy"]
    assert (month["amount"], month["coverage"], month["quality"]) == (None, 0.0, [])


async def test_energy_of_a_silent_time_is_told(world, client):
    world.meter("m0", OCTOBER, [3.75] * 96, covered_us=0, quality=int(Quality.GAP_SPREAD))
    answer = await _bill(client)
    assert answer["estimated"] == 360.0
    assert answer["quality"] == ["gap_spread"]
    assert answer["coverage"] == pytest.approx(30 / 31)
    assert answer["total"] == 16373.03


async def test_a_month_that_runs_is_not_final(world, client):
    world.now_us = us("2025-10-20")
    assert (await _bill(client))["final"] is False
    world.now_us, world.feed.pending = us("2025-11-02"), 1
    assert (await _bill(client))["final"] is False


async def test_steps_of_a_year_count_what_the_months_before_used(world, client):
    household = (("electricity", "example-household-electricity"),)
    world.registry.put_place(replace(world.catalog.places["b0"], tariffs=household))
    world.reload()
    world.meter("m0", us("2025-02-01"), [24.0] * 100)
    answer = await _bill(client)
    tiers = [
        (line["tier"], line["quantity"], line["amount"])
        for line in answer["lines"]
        if line["tier"] is not None
    ]
    # 2,400 before: the first step is full, the second takes 2,400 more.
    assert tiers == [(1, 2400.0, 120.0), (2, 16860.0, 5058.0)]
    assert answer["account"] == "b0"


async def test_the_capacity_of_the_account_is_its_own(world, client):
    tariff = TARIFFS[OFFICE]
    by_capacity = replace(
        tariff,
        versions=(
            replace(tariff.versions[0], basic=replace(tariff.versions[0].basic, by="capacity", price=24.0)),
        ),
        capacities=(Capacity("b0", 630.0),),
    )
    world.registry.put_references(References(calendars=CALENDARS, tariffs={OFFICE: by_capacity}))
    answer = await _bill(client)
    assert [line["amount"] for line in answer["lines"] if line["kind"] == "basic"] == [15120.0]
    assert answer["capacity_kva"] == 630.0


async def test_without_a_tariff_it_says_where_one_belongs(client):
    problem = await refused(client, "reports/bill", 422, place="empty", month="2025-10")
    assert problem["detail"] == "place: has no tariff for electricity"
    assert OFFICE in fixes_of(problem)["place"]
    gas = await refused(client, "reports/bill", 422, place="b0", month="2025-10", energy="gas")
    assert "example-gas" in fixes_of(gas)["place"]


async def test_a_tariff_in_another_unit_than_the_meters_is_refused(world, client):
    world.registry.put_place(replace(world.catalog.places["b0"], tariffs=(("heat", "example-heat"),)))
    world.reload()
    problem = await refused(client, "reports/bill", 422, place="b0", month="2025-10", energy="heat")
    assert problem["detail"] == "energy: b0 has no meter of it in kWh"


async def test_a_bad_month_or_place_is_refused(client):
    assert (
        "month=" in fixes_of(await refused(client, "reports/bill", 422, place="b0", month="2025-13"))["month"]
    )
    await refused(client, "reports/bill", 404, place="nowhere")
