"""The statutory table and closed reports: figures by hand, from the ledger and from what is entered."""

import csv
import io
from dataclasses import replace

import pytest
from openpyxl import load_workbook

from core.batch import BASE_US
from core.estate import Estate
from core.factors import Factor, FactorKind, FactorSet, Region, Subject
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.quality import Quality
from core.reference import References
from tests.api.asks import fixes_of, get, problem, refused
from tests.api.world import ENERGY, SHANGHAI, us

pytestmark = pytest.mark.anyio

NAME = Name("名", "Name")
Q1 = {"year": 2018, "quarter": 1}
DAYS = 31 + 28 + 31
COAL_KIND = FactorKind.COAL_EQUIVALENT


@pytest.fixture
def report(world):
    """City > org (b0, b1; a charger on org-2's account) and org-2 (a building without meters)."""
    world.registry.put_estate(
        Estate(
            places=(
                replace(world.catalog.places["b1"], timezone=SHANGHAI),
                Place("org-2", PlaceKind.ORGANISATION, Name("二局", "Bureau 2"), SHANGHAI, "city"),
                Place("b2", PlaceKind.BUILDING, NAME, SHANGHAI, "org-2", 1000.0, 50),
            ),
            devices=(
                replace(world.catalog.devices["m1"], organisation_id="org-2"),
                Device("water", DeviceKind.METER, "b0", NAME),
            ),
        )
    )
    world.registry.add_registers([("water", "water_volume_total")])
    factor = {"region": "CN", "year": 2020, "source": "GB/T 2589-2020"}
    set_ = FactorSet(
        "cn",
        NAME,
        "CN",
        (Region("CN", NAME),),
        (
            Factor(Subject.ELECTRICITY, COAL_KIND, 0.1229, "kWh", **factor),
            Factor(Subject.COAL, COAL_KIND, 0.7143, "kg", **factor),
            Factor(Subject.PETROL, COAL_KIND, 1.4714, "kg", **factor),
            Factor(Subject.PETROL, FactorKind.DENSITY, 0.73, "L", **factor),
        ),
    )
    world.registry.put_references(References(factors={"cn": set_}))
    world.reload()
    start = us("2018-01-01")
    world.meter("m0", start, [1.0] * (96 * DAYS))
    world.meter("m1", start, [0.25] * (96 * DAYS))
    world.meter("m2", start, [2.0] * (96 * DAYS))
    world.meter("water", start, [0.1] * (96 * DAYS), "water_volume_total")
    return world


async def enter(client, **changes):
    body = {"place": "org", "year": 2018, "quarter": 1, "item": "coal", "amount": 2.0, "source": "invoice 7",
            "by": "Energy office"}  # fmt: skip
    return await client.post("/api/v1/reports/statutory/values", json=body | changes)


async def close(client, **changes):
    body = {"place": "city", "year": 2018, "quarter": 1, "by": "Energy office"}
    response = await client.post("/api/v1/reports", json=body | changes)
    assert response.status_code == 200, response.text
    return response.json()


def stated(row):
    return {item: value["amount"] for item, value in row["values"].items() if value["amount"] is not None}


@pytest.mark.usefixtures("report")
async def test_a_region_has_a_row_an_institution_and_a_sum_in_which_each_kwh_is_once(client):
    table = await get(client, "reports/statutory", place="city", **Q1)
    assert (table["period"], table["from"], table["to"]) == (
        "2018Q1",
        "2018-01-01T00:00:00+08:00",
        "2018-04-01T00:00:00+08:00",
    )
    rows = {row["place"]: stated(row) for row in table["rows"]}
    # 90 days of 96 quarters: m0 8,640 and m2 17,280 kWh; the charger's 2,160 are in m0 and org-2's too.
    assert rows == {"org": {"electricity": 25_920.0, "water": 864.0}, "org-2": {"electricity": 2_160.0}}
    assert stated(table["total"]) == {"electricity": 25_920.0, "water": 864.0}
    assert table["difference"]["electricity"] == 2_160.0
    assert table["difference"]["water"] == 0.0
    assert table["difference"]["coal"] is None


@pytest.mark.usefixtures("report")
async def test_sizes_and_indicators_are_of_the_period(client):
    table = await get(client, "reports/statutory", place="org", **Q1)
    row = table["rows"][0]
    assert (row["people"], row["area_m2"], row["vehicles"]) == (320.0, 9045.0, 3)
    found = row["indicators"]
    assert found["total_kgce"] == pytest.approx(25_920 * 0.1229)
    assert found["kgce_per_person"] == pytest.approx(25_920 * 0.1229 / 320, abs=1e-6)
    assert found["kwh_per_m2"] == pytest.approx(25_920 / 9045, abs=1e-6)
    assert found["water_m3_per_person"] == 2.7
    assert "coal" in found["missing"]
    assert "POST" in row["next_action"]["en"]


@pytest.mark.usefixtures("report")
async def test_what_no_meter_gives_is_entered_kept_and_flagged(client):
    assert (await enter(client)).status_code == 200
    assert (await enter(client, item="petrol", amount=500.0)).status_code == 200
    assert (await enter(client, amount=3.0, by="Auditor", source="corrected invoice")).status_code == 200
    row = (await get(client, "reports/statutory", place="org", **Q1))["rows"][0]
    assert row["values"]["coal"] == {
        "amount": 3.0,
        "coverage": 1.0,
        "quality": ["manual"],
        "entered": ["Auditor: 3.0 (corrected invoice)"],
        "estimated": True,
    }
    # 3 t x 714.3 and 500 L x 0.73 kg x 1.4714 on top of the electricity.
    expected = 25_920 * 0.1229 + 3 * 714.3 + 500 * 0.73 * 1.4714
    assert row["indicators"]["total_kgce"] == pytest.approx(expected)
    kept = (await get(client, "reports/statutory/values", year=2018))["items"]
    assert [(one["item"], one["amount"], one["unit"], one["by"]) for one in kept] == [
        ("coal", 2.0, "t", "Energy office"),
        ("petrol", 500.0, "L", "Energy office"),
        ("coal", 3.0, "t", "Auditor"),
    ]


@pytest.mark.usefixtures("report")
async def test_entered_values_count_at_every_level_above_and_can_be_taken_back(client):
    await enter(client, place="b2", item="electricity", amount=100.0)
    table = await get(client, "reports/statutory", place="city", **Q1)
    assert {row["place"]: row["values"]["electricity"]["amount"] for row in table["rows"]} == {
        "org": 25_920.0,
        "org-2": 2_260.0,
    }
    assert table["total"]["values"]["electricity"]["amount"] == 26_020.0
    await enter(client, place="b2", item="electricity", amount=None)
    table = await get(client, "reports/statutory", place="city", **Q1)
    assert table["total"]["values"]["electricity"]["amount"] == 25_920.0


@pytest.mark.usefixtures("report")
async def test_a_value_of_what_a_meter_counts_is_refused_for_it_would_be_in_twice(client):
    found = problem(await enter(client, item="electricity"), 422)
    assert "imports" in fixes_of(found)["item"]
    assert (await get(client, "reports/statutory/values", year=2018))["items"] == []


@pytest.mark.usefixtures("report")
async def test_a_meter_that_came_after_a_value_was_entered_counts_instead_of_it(report, client):
    await enter(client, place="b2", item="electricity", amount=100.0)
    report.registry.put_device(Device("b2-main", DeviceKind.METER, "b2", NAME))
    report.registry.add_registers([("b2-main", ENERGY)])
    report.reload()
    report.meter("b2-main", us("2018-01-01"), [1.0] * 10)
    rows = (await get(client, "reports/statutory", place="org-2", **Q1))["rows"]
    assert rows[0]["values"]["electricity"]["amount"] == 2_170.0
    assert rows[0]["values"]["electricity"]["entered"] == []


async def test_a_year_of_which_one_quarter_was_entered_is_covered_by_a_quarter(client):
    await enter(client)
    row = (await get(client, "reports/statutory", place="org", year=2018))["rows"][0]
    assert (row["values"]["coal"]["amount"], row["values"]["coal"]["coverage"]) == (2.0, 0.25)


async def test_estimated_figures_are_listed_beside_the_table(report, client):
    start = us("2018-02-01")
    report.meter("m2", start, [5.0] * 4, quality=int(Quality.GAP_SPREAD), covered_us=0)
    table = await get(client, "reports/statutory", place="city", **Q1)
    # That day: 92 quarters of 2 kWh and 4 of 5; an hour of it was not measured.
    # The gas meter was never heard: 90 days of silence, and no figure of it.
    assert [(one["device"], one["silent_h"]) for one in table["estimated"][1:]] == [("gas-m3", 2160.0)]
    assert table["estimated"][:1] == [
        {
            "item": "electricity", "device": "m2", "place": "b1", "amount": 204.0, "unit": "kWh", "days": 1,
            "silent_h": 1.0, "quality": ["gap_spread"],
        }
    ]  # fmt: skip
    value = table["total"]["values"]["electricity"]
    assert value["estimated"]
    assert value["coverage"] == pytest.approx(1 - 4 / (2 * 96 * DAYS))


@pytest.mark.usefixtures("report")
async def test_the_workbook_opens_again_with_the_same_figures(client):
    await enter(client)
    response = await client.get("/api/v1/reports/statutory.xlsx", params={"place": "city"} | Q1)
    assert response.status_code == 200
    assert 'filename="city-2018Q1.xlsx"' in response.headers["content-disposition"]
    book = load_workbook(io.BytesIO(response.content))
    assert [sheet.title for sheet in book] == [
        "能源资源消费", "覆盖率 Coverage", "估算 Estimated", "系数 Factors"
    ]  # fmt: skip
    sheet = book["能源资源消费"]
    head = [cell.value for cell in sheet[2]]
    assert head[:5] == [
        "编号 Id",
        "机构名称 Institution",
        "电 Electricity (kWh)",
        "水 Water (m3)",
        "煤炭 Coal (t)",
    ]
    assert [cell.value for cell in sheet[3]][:6] == ["org", "机关 Office", 25_920, 864, 2, None]
    assert [cell.value for cell in sheet[5]][:3] == ["city", "合计 Total: 城市", 25_920]
    assert sheet["E3"].fill.start_color.rgb.endswith("FFF2CC")  # entered by hand
    assert not sheet["C3"].fill.start_color.rgb.endswith("FFF2CC")
    factors = [[cell.value for cell in row] for row in book["系数 Factors"]]
    assert ["electricity/coal_equivalent", 0.1229, "kgce/kWh", "CN", 2020, "GB/T 2589-2020"] in [
        row[:6] for row in factors
    ]


@pytest.mark.usefixtures("report")
async def test_the_csv_has_a_line_an_institution_and_coverage_beside_each_item(client):
    response = await client.get("/api/v1/reports/statutory.csv", params={"place": "city"} | Q1)
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["编号 Id", "org", "org-2", "city"]
    assert rows[1][2:6] == ["25920.0", "1.0", "864.0", "1.0"]
    assert rows[2][4:6] == ["", ""]


async def test_text_of_the_estate_is_never_a_formula_of_the_workbook(report, client):
    report.registry.put_place(replace(report.catalog.places["org-2"], name=Name("=1+1", "x")))
    report.reload()
    response = await client.get("/api/v1/reports/statutory.xlsx", params={"place": "city"} | Q1)
    sheet = load_workbook(io.BytesIO(response.content))["能源资源消费"]
    assert (sheet["B4"].value, sheet["B4"].data_type) == ("'=1+1 x", "s")


async def test_a_closed_report_stays_as_it_was_and_says_what_changed_and_why(report, client):
    closed = await close(client)
    assert (closed["id"], closed["changed"]) == ("statutory-city-2018Q1-1", False)
    unchanged = await get(client, f"reports/{closed['id']}")
    assert (unchanged["changed"], unchanged["figures"], unchanged["days"]) == (False, [], [])
    start = us("2018-02-01T08:00:00")
    report.meter("m2", start, [7.0], quality=int(Quality.LATE))  # was 2 kWh
    changed = await get(client, f"reports/{closed['id']}")
    figures = {one["figure"]: (one["closed"], one["now"]) for one in changed["figures"]}
    assert figures["org/electricity"] == figures["total/electricity"] == (25_920.0, 25_925.0)
    assert "org-2/electricity" not in figures
    assert changed["days"] == [
        {"device": "m2", "day": "2018-02-01T00:00:00+08:00", "closed": 192.0, "now": 197.0}
    ]
    assert [(one["device"], one["start"], one["amount"], one["quality"]) for one in changed["intervals"]] == [
        ("m2", "2018-02-01T08:00:00+08:00", 7.0, ["late"])
    ]
    assert changed["report"]["total"]["values"]["electricity"]["amount"] == 25_920.0
    assert "close the report anew" in changed["next_action"]["en"]


async def test_a_new_closing_supersedes_and_overwrites_nothing(report, client):
    first = await close(client)
    report.meter("m2", us("2018-02-01"), [7.0], quality=int(Quality.LATE))
    second = await close(client, note="after the repair")
    assert second["id"] == "statutory-city-2018Q1-2"
    listed = (await get(client, "reports", place="city"))["items"]
    assert [(one["id"], one["superseded_by"]) for one in listed] == [
        (second["id"], None),
        (first["id"], second["id"]),
    ]
    old = await get(client, f"reports/{first['id']}")
    assert old["report"]["total"]["values"]["electricity"]["amount"] == 25_920.0
    assert (old["superseded_by"], old["next_action"]) == (second["id"], None)
    assert (await get(client, f"reports/{second['id']}"))["changed"] is False


@pytest.mark.usefixtures("report")
async def test_an_entered_value_that_came_later_changes_a_closed_report(client):
    closed = await close(client, place="org")
    await enter(client)
    changed = await get(client, f"reports/{closed['id']}")
    assert {"figure": "org/coal", "closed": None, "now": 2.0} in changed["figures"]
    assert changed["days"] == []


@pytest.mark.usefixtures("report")
async def test_an_unknown_report_is_told_which_exist(client):
    closed = await close(client)
    found = await refused(client, "reports/none", 404)
    assert closed["id"] in fixes_of(found)["report_id"]


async def test_days_of_a_quarter_are_those_of_the_place(report, client):
    report.meter("m0", us("2018-01-01") - BASE_US, [1000.0])  # the last quarter of an hour of 2017
    table = await get(client, "reports/statutory", place="city", **Q1)
    assert table["total"]["values"]["electricity"]["amount"] == 25_920.0
