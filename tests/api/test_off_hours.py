"""Working hours against off-hours, by the building's calendar."""

from dataclasses import replace

import pytest

from core.calendars import Calendar, DatedDay, DayKind, WorkingHours
from core.model import Name
from core.quantities import Energy
from core.reference import References
from core.tariffs import Band, BandPrice, Tariff, TariffVersion
from tests.api.asks import fixes_of, get, refused
from tests.api.world import us

pytestmark = pytest.mark.anyio

OFFICE = Calendar(
    "office",
    Name("机关办公", "Office"),
    source="a test",
    days=(
        DatedDay("2018-06-18", DayKind.HOLIDAY, "端午节"),
        DatedDay("2018-06-23", DayKind.WORKDAY),  # a Saturday that is worked
    ),
    hours=(WorkingHours("09:00", "17:00"),),
)
TARIFF = Tariff(
    "flat",
    Name("平", "Flat"),
    Energy.ELECTRICITY,
    "kWh",
    "CNY",
    # It begins inside the span: what costs nothing before does not make the cost unknown.
    (TariffVersion("2018-06-20", "a test", "CN", (BandPrice(Band.FLAT, 0.5),)),),
)

NIGHT, DAY = [0.25] * 36, [2.5] * 32  # 1 kW up to 9:00, 10 kW to 17:00
WORKED, FREE = NIGHT + DAY + [0.25] * 28, [0.25] * 96


@pytest.fixture
def calendar(world):
    world.registry.put_references(References(calendars={"office": OFFICE}, tariffs={"flat": TARIFF}))
    place = replace(world.catalog.places["org"], calendar_id="office", tariffs=(("electricity", "flat"),))
    world.registry.put_place(place)
    world.reload()


async def asked(client, from_="2018-06-18", to="2018-06-25"):
    return await get(client, "reports/off-hours", place="b0", from_=from_, to=to)


@pytest.mark.usefixtures("calendar")
async def test_holidays_are_off_hours_and_make_up_saturdays_are_not(world, client):
    # Monday is a holiday, Saturday is worked, Sunday is free: five days of work.
    world.meter("m0", us("2018-06-18"), FREE + WORKED * 5 + FREE)
    answer = await asked(client)
    working, off = answer["working"], answer["off"]
    assert (working["energy_kwh"], working["hours"], working["mean_w"]) == (400.0, 40.0, 10_000.0)
    assert (off["energy_kwh"], off["hours"], off["mean_w"]) == (128.0, 128.0, 1_000.0)
    assert off["share"] == pytest.approx(128 / 528, abs=1e-6)
    assert (answer["base_load_w"], answer["base_load_ratio"]) == (1_000.0, 0.1)
    assert (answer["waste_kwh"], answer["worst"], answer["next_action"]) == (0.0, [], None)
    assert answer["calendar"] == {
        "id": "office",
        "name": {"zh": "机关办公", "en": "Office"},
        "source": "a test",
        "provisional_years": [],
    }
    assert (working["coverage"], answer["coverage"], answer["quality"]) == (1.0, 1.0, ["measured"])


@pytest.mark.usefixtures("calendar")
async def test_what_was_left_on_has_its_day_its_energy_and_its_cost(world, client):
    left_on = list(FREE)
    left_on[80:88] = [2.25] * 8  # Sunday from 20:00 to 22:00: 8 kW above the base load
    world.meter("m0", us("2018-06-18"), FREE + WORKED * 5 + left_on)
    answer = await asked(client)
    assert (answer["waste_kwh"], answer["waste_cost"], answer["currency"]) == (16.0, 8.0, "CNY")
    assert answer["worst"] == [{"day": "2018-06-24", "waste_kwh": 16.0}]
    assert "2018-06-24" in answer["next_action"]["en"]
    evening = answer["hours"][20]
    assert (evening["base_load_w"], evening["base_slots"], evening["working_w"]) == (1_000.0, 28, None)
    assert evening["off_w"] == pytest.approx((24 * 1_000 + 4 * 9_000) / 28, abs=1e-3)


async def test_without_a_calendar_weekdays_stand_in_and_it_is_said(world, client):
    world.meter("m0", us("2018-06-18"), WORKED)
    answer = await asked(client, to="2018-06-19")
    assert (answer["calendar"]["id"], answer["working"]["hours"]) == (None, 9.0)
    assert "calendar_id" in answer["next_action"]["en"]
    assert (answer["waste_cost"], answer["tariff"]) == (None, None)


@pytest.mark.usefixtures("calendar")
async def test_what_was_not_measured_is_not_zero(world, client):
    world.meter("m0", us("2018-06-19"), NIGHT)
    answer = await asked(client, "2018-06-19", "2018-06-20")
    assert answer["working"]["energy_kwh"] is None
    assert (answer["working"]["coverage"], answer["off"]["coverage"]) == (0.0, 36 / 64)
    assert answer["base_load_ratio"] is None
    assert answer["off"]["share"] == 1.0
    empty = await asked(client, "2018-06-20", "2018-06-21")
    assert (empty["waste_kwh"], empty["base_load_w"], empty["off"]["share"]) == (None, None, None)


@pytest.mark.usefixtures("calendar")
async def test_a_month_that_runs_ends_now(world, client):
    world.meter("m0", us("2018-07-01"), [0.25] * 136)
    answer = await get(client, "reports/off-hours", place="b0")
    assert (answer["from"], answer["to"]) == ("2018-07-01T00:00:00+08:00", "2018-07-02T10:00:00+08:00")
    assert answer["working"]["hours"] + answer["off"]["hours"] == 34.0
    assert answer["coverage"] == 1.0


async def test_requests_that_can_not_be_answered_say_why(client):
    found = await refused(client, "reports/off-hours", 422, place="b0", from_="2019-01-01", to="2019-01-02")
    assert fixes_of(found) == {"from": "give an earlier time"}
    found = await refused(client, "reports/off-hours", 422, place="b0", from_="2015-01-01", to="2018-01-01")
    assert fixes_of(found) == {"to": "ask by the year"}
    assert "b0" in fixes_of(await refused(client, "reports/off-hours", 422, place="empty"))["place"]
