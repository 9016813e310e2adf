"""docs/figures.md shows what the API answers."""

import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from core.batch import BASE_US
from core.calendars import Calendar, DatedDay, DayKind, WorkingHours
from core.factors import Factor, FactorKind, FactorSet, Region, Subject
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.quality import Quality
from core.quantities import Energy
from core.reference import Quota, References
from core.tariffs import Band, BandPrice, Tariff, TariffVersion
from tests.api.world import ENERGY, SHANGHAI, us

pytestmark = pytest.mark.anyio

TEXT = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"```sh\ncurl '?http://127\.0\.0\.1:8420(/\S+?)'?\n```\s+```json\n(.*?)```", TEXT, re.DOTALL
)

CALENDAR = Calendar(
    "office",
    Name("机关办公", "Government office"),
    source="国务院办公厅关于2018年部分节假日安排的通知",
    days=(DatedDay("2018-06-18", DayKind.HOLIDAY, "端午节"),),
    hours=(WorkingHours("09:00", "17:00"),),
)
PRICES = TariffVersion("2018-01-01", "example", "CN", (BandPrice(Band.FLAT, 0.65),))
TARIFF = Tariff("office", Name("一般", "Office"), Energy.ELECTRICITY, "kWh", "CNY", (PRICES,))
COAL = Factor(
    Subject.ELECTRICITY, FactorKind.COAL_EQUIVALENT, 0.1229, "kWh", "CN", 2020, source="GB/T 2589-2020"
)
FACTORS = FactorSet("cn", Name("中国", "China"), "CN", (Region("CN", Name("全国", "China")),), (COAL,))
QUOTA = Quota("b0-2018", "b0", "electricity", 2018, 250_000.0, "kWh", "2018 年度用能定额")
REFERENCES = References({"office": CALENDAR}, {"office": TARIFF}, {"cn": FACTORS}, {"b0-2018": QUOTA})


@pytest.fixture(autouse=True)
def _year(world):
    """An office that draws 100 kW in working hours and 10 kW otherwise; its sub-meter takes 60 % of it."""
    registry = world.registry
    registry.put_references(REFERENCES)
    registry.put_place(
        replace(
            world.catalog.places["b0"],
            climate_zone="hot_summer_cold_winter",
            calendar_id="office",
            tariffs=(("electricity", "office"),),
            contract_demand_w=110_000.0,
        )
    )
    start, world.now_us = us("2018-01-01"), us("2018-07-02T10:05:00")
    slot = np.arange((us("2018-07-02T10:00:00") - start) // BASE_US)
    day, quarter = slot // 96, slot % 96
    worked = (day % 7 < 5) & (day != 168) & (quarter >= 36) & (quarter < 68)  # 1 January was a Monday
    kwh = np.where(worked, 25.0, 2.5)
    kwh[170 * 96 + 57] = 30.0  # 20 June, 14:15
    kwh[174 * 96 + 80 : 174 * 96 + 88] = 22.5  # Sunday, 24 June, from 20:00 to 22:00
    world.reload()
    world.meter("m0", us("2017-01-01"), [10.0] * (96 * 365))
    world.meter("m0", start, kwh.tolist())
    world.meter("m1", start, (0.6 * kwh).tolist())
    window = us("2018-07-02T10:00:00")
    world.meter("m0", window, [10.0], covered_us=300_000_000, quality=Quality.OPEN)
    rows = world.store.intervals(np.array([world.register("m0")], np.int32), window, window + BASE_US)
    world.store.put_intervals(replace(rows, last_us=np.array([world.now_us]), last_value=np.array([1.0])))
    world.feed.last[world.register("m0", "power_active")] = (world.now_us, 120_000.0)
    _silence(world, us("2018-06-30"))
    _phases(world, us("2018-06-29"))
    for number, use in enumerate((4.0, 6.0, 7.0, 9.0)):
        _peer(world, f"office-{number}", use, slot)


def _silence(world, day):
    """Two hours of 30 June are missing; their energy was spread."""
    kept = [row for row in range(97) if not 40 < row < 48]
    world.readings("m0", ENERGY, [(day + BASE_US * row, 1000 + 2.5 * row) for row in kept if row < 96])
    world.meter(
        "m0", day + 40 * BASE_US, [2.5] * 8, covered_us=[0] * 7 + [BASE_US], quality=Quality.GAP_SPREAD
    )


def _phases(world, day):
    """A day of voltages, currents and power factor: one phase carries a fifth less."""
    values = {"power_factor": 0.88}
    values |= {"voltage_l1": 228.0, "voltage_l2": 229.0, "voltage_l3": 230.0}
    values |= {"current_l1": 160.0, "current_l2": 150.0, "current_l3": 128.0}
    world.registry.add_registers([("m0", one) for one in values])
    world.reload()
    for quantity, value in (values | {"power_active": 88_000.0}).items():
        world.readings("m0", quantity, [(day + BASE_US * row, value) for row in range(36, 68)])


def _peer(world, identity, use, slot):
    name = Name(identity, identity.capitalize())
    world.registry.put_place(
        Place(
            identity,
            PlaceKind.BUILDING,
            name,
            SHANGHAI,
            "org",
            9000.0,
            300,
            "office",
            climate_zone="hot_summer_cold_winter",
        )
    )
    world.registry.put_device(Device(f"{identity}-main", DeviceKind.METER, identity, name))
    world.registry.add_registers([(f"{identity}-main", ENERGY)])
    world.reload()
    known = len(slot) if use < 9 else len(slot) // 2
    world.meter(f"{identity}-main", us("2018-01-01"), [use] * known)


def test_every_report_has_an_example():
    paths = {urlsplit(url).path.removeprefix("/api/v1/") for url, _ in EXAMPLES}
    assert paths >= {
        "demand", "demand/now", "demand/maximum", "reports/off-hours", "reports/benchmarks", "reports/quota",
        "reports/ranking", "reports/data-quality", "reports/power-quality",
    }  # fmt: skip


@pytest.mark.parametrize(("url", "shown"), EXAMPLES, ids=[urlsplit(url).path for url, _ in EXAMPLES])
async def test_an_example_is_what_the_api_answers(client, url, shown):
    response = await client.get(url)
    assert response.status_code == 200, response.text
    assert_part_of(json.loads(shown), response.json(), urlsplit(url).path)


def assert_part_of(shown, answer, where):
    """Everything that is shown is in the answer; of a list, its first items or the ones that equal."""
    if isinstance(shown, dict):
        assert shown.keys() <= answer.keys(), where
        for key, value in shown.items():
            assert_part_of(value, answer[key], f"{where}.{key}")
    elif isinstance(shown, list):
        for at, value in enumerate(shown):
            assert_part_of(value, answer[at], f"{where}[{at}]")
    else:
        assert answer == shown, where
