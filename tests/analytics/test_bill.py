"""A month's bill: every line of the documents' example, and what a bill does when something is missing."""

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analytics.bill import Account, LineKind, Missing, Month, bill
from analytics.calendars import day_kinds, local_clock, working_slots
from analytics.public_holidays import resolved
from analytics.tariff import costed
from core.batch import BASE_US
from core.calendars import Calendar
from core.quality import Quality
from core.tariff_rules import mistakes
from core.tariffs import Band, BandPrice, BasicBy, BasicCharge, Tariff, Tier, TierPeriod, Tiers

ROOT = Path(__file__).parents[2]
SHANGHAI = "Asia/Shanghai"


def _config(kind, of):
    text = (ROOT / "config" / f"{kind}.yaml").read_text(encoding="utf-8")
    return {one.id: one for one in msgspec.convert(yaml.safe_load(text), dict[str, list[of]])[kind]}


TARIFFS = _config("tariffs", Tariff)
OFFICE = TARIFFS["example-office-electricity"]
CALENDAR = resolved(_config("calendars", Calendar)["cn-office"])
FLAT = replace(
    OFFICE,
    versions=(
        replace(OFFICE.versions[0], schedules=(), levies=(), basic=None, power_factor=None, export_price=None,
                prices=(BandPrice(Band.FLAT, 0.5),)),
    ),
)  # fmt: skip


def _slots(first, last, timezone=SHANGHAI):
    start, end = (
        int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(timezone)).timestamp()) * 1_000_000
        for day in (first, last)
    )
    return np.arange(start, end, BASE_US, dtype=np.int64)


def _month(slots, amount, **more):
    return Month(
        slots, np.broadcast_to(np.float64(amount), slots.shape), np.zeros(len(slots), np.uint16), **more
    )


def _october():
    """60 kW from 08:00 to 18:00 on workdays, else 15 kW; 12 kW fed in from 12:00 to 13:00 on holidays."""
    slots = _slots("2025-10-01", "2025-11-01")
    days, minute = local_clock(slots, SHANGHAI)
    kinds = day_kinds(CALENDAR, days)
    busy = (kinds == 0) & (minute >= 8 * 60) & (minute < 18 * 60)
    fed_in = np.where((kinds == 2) & (minute // 60 == 12), 3.0, 0.0)
    return _month(slots, np.where(busy, 15.0, 3.75), exported=fed_in)


ACCOUNT = Account(reactive_kvarh=9630.0, maximum_kw=60.0, contract_kw=55.0)


def _shown(line):
    part = (line.band and line.band.value) or (line.name and line.name.en) or ""
    return line.kind.value, part, float(line.quantity), float(line.price), line.amount


def test_october_2025_is_what_was_computed_by_hand():
    made = bill(_october(), ACCOUNT, OFFICE, CALENDAR, SHANGHAI)
    assert [_shown(line) for line in made.lines] == [
        ("energy", "peak", 7020.0, 0.9816, Decimal("6890.83")),
        ("energy", "flat", 7800.0, 0.6135, Decimal("4785.30")),
        ("energy", "valley", 3720.0, 0.2454, Decimal("912.89")),
        ("energy", "deep_valley", 720.0, 0.1963, Decimal("141.34")),
        ("levy", "System operation", 19260.0, 0.0412, Decimal("793.51")),
        ("levy", "Government funds", 19260.0, 0.0291, Decimal("560.47")),
        ("basic", "", 57.75, 38.4, Decimal("2217.60")),
        ("over_contract", "", 2.25, 76.8, Decimal("172.80")),
        ("power_factor", "", 15914.27, -0.004, Decimal("-63.66")),
        ("export", "", 96.0, -0.3964, Decimal("-38.05")),
    ]
    assert made.total == Decimal("16373.03")
    assert (made.amount, made.missing, made.provisional) == (Decimal(19260), (), False)


def test_the_documents_tables_are_the_bill():
    made = bill(_october(), ACCOUNT, OFFICE, CALENDAR, SHANGHAI)
    text = (ROOT / "docs" / "tariffs.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| .+? \| `(\w+)` \| .+? \| \*?\*?(-?[\d,.]+)\*?\*? \|$", text, re.MULTILINE)
    assert [(kind, Decimal(amount.replace(",", ""))) for kind, amount in table] == [
        *((line.kind.value, line.amount) for line in made.lines),
        ("total", made.total),
    ]


def test_the_make_up_saturday_is_billed_as_a_workday():
    as_published = bill(_october(), ACCOUNT, OFFICE, CALENDAR, SHANGHAI)
    by_weekday = bill(_october(), ACCOUNT, OFFICE, None, SHANGHAI)
    # Without the calendar the 11th is a rest day, and 1, 2, 3, 6, 7 and 8 October are workdays.
    assert by_weekday.total != as_published.total
    peak = {line.band: line.quantity for line in by_weekday.lines if line.band}[Band.PEAK]
    assert peak == 17 * 390 + 6 * (6 * 15 + 2 * 15)


def test_a_month_in_which_the_tariff_changes_has_both():
    dearer = replace(OFFICE.versions[0], since="2025-10-16", basic=BasicCharge(BasicBy.ACTUAL_DEMAND, 31.0))
    tariff = replace(OFFICE, versions=(*OFFICE.versions, dearer))
    made = bill(_october(), ACCOUNT, tariff, CALENDAR, SHANGHAI)
    assert [version.since for version in made.versions] == ["2015-01-01", "2025-10-16"]
    whole = bill(_october(), ACCOUNT, OFFICE, CALENDAR, SHANGHAI)
    for band in Band:
        each = [line.quantity for line in made.lines if line.band is band]
        assert sum(each) == sum(line.quantity for line in whole.lines if line.band is band)
    # 15 of 31 days at the contract up to 105 %, 16 of 31 at the maximum itself.
    basic = [(line.version, line.amount) for line in made.lines if line.kind is LineKind.BASIC]
    assert basic == [(0, Decimal("1073.03")), (1, Decimal("960.00"))]
    assert made.total == sum(line.amount for line in made.lines)


def test_within_105_percent_the_contract_is_paid():
    for maximum_kw in (0.0, 40.0, 57.75):
        made = bill(_october(), replace(ACCOUNT, maximum_kw=maximum_kw), OFFICE, CALENDAR, SHANGHAI)
        demand = [(line.kind, line.amount) for line in made.lines if line.unit == "kW"]
        assert demand == [(LineKind.BASIC, Decimal("2112.00"))]


def test_a_capacity_charge_goes_by_the_transformer():
    by_capacity = replace(OFFICE.versions[0], basic=BasicCharge(BasicBy.CAPACITY, 24.0))
    tariff = replace(OFFICE, versions=(by_capacity,))
    made = bill(_october(), replace(ACCOUNT, capacity_kva=630.0), tariff, CALENDAR, SHANGHAI)
    assert [
        (line.quantity, line.unit, line.amount) for line in made.lines if line.kind is LineKind.BASIC
    ] == [(Decimal(630), "kVA", Decimal("15120.00"))]
    assert bill(_october(), ACCOUNT, tariff, CALENDAR, SHANGHAI).missing == (Missing.CAPACITY,)


def test_what_a_bill_lacks_is_named_and_has_no_line():
    made = bill(_october(), Account(), OFFICE, CALENDAR, SHANGHAI)
    assert made.missing == (Missing.CONTRACT_DEMAND, Missing.MAXIMUM_DEMAND, Missing.REACTIVE_ENERGY)
    assert {line.kind for line in made.lines} == {LineKind.ENERGY, LineKind.LEVY, LineKind.EXPORT}
    late = replace(OFFICE, versions=(replace(OFFICE.versions[0], since="2025-10-02"),))
    assert bill(_october(), ACCOUNT, late, CALENDAR, SHANGHAI).missing == (Missing.TARIFF,)


def test_energy_of_a_silent_time_is_told_by_line():
    october = _october()
    quality = october.quality.copy()
    quality[:96] = Quality.GAP_SPREAD  # the 1st, a holiday
    made = bill(replace(october, quality=quality), ACCOUNT, OFFICE, CALENDAR, SHANGHAI)
    assert {line.band.value: line.estimated for line in made.lines if line.band} == {
        "peak": 0, "flat": 150, "valley": 120, "deep_valley": 90,
    }  # fmt: skip
    assert made.estimated == 360


def test_unknown_amounts_are_not_billed():
    october = _october()
    amount = october.amount.copy()
    amount[:96] = np.nan
    assert bill(replace(october, amount=amount), ACCOUNT, OFFICE, CALENDAR, SHANGHAI).amount == 18900
    nothing = bill(_month(october.start_us, np.nan), ACCOUNT, OFFICE, CALENDAR, SHANGHAI)
    assert [line.kind for line in nothing.lines] == [LineKind.BASIC, LineKind.OVER_CONTRACT]


def test_steps_of_a_year_go_on_from_the_months_before():
    home = TARIFFS["example-household-electricity"]
    slots = _slots("2025-10-01", "2025-11-01")
    made = bill(_month(slots, 500 / len(slots), used_before=2200.0), Account(), home, None, SHANGHAI)
    assert [_shown(line) for line in made.lines] == [
        ("energy", "flat", 500.0, 0.52, Decimal("260.00")),
        ("tier", "", 200.0, 0.0, Decimal("0.00")),
        ("tier", "", 300.0, 0.05, Decimal("15.00")),
    ]
    assert [line.tier for line in made.lines] == [None, 0, 1]


def test_water_has_its_price_and_its_levy():
    slots = _slots("2025-10-01", "2025-11-01")
    made = bill(_month(slots, 0.125), Account(), TARIFFS["example-water"], None, SHANGHAI)
    assert [_shown(line) for line in made.lines] == [
        ("energy", "flat", 372.0, 3.25, Decimal("1209.00")),
        ("levy", "Sewage treatment", 372.0, 1.3, Decimal("483.60")),
    ]


def test_half_a_cent_rounds_away_from_zero():
    slots = _slots("2025-10-01", "2025-10-02")
    each = replace(FLAT, versions=(replace(FLAT.versions[0], prices=(BandPrice(Band.FLAT, 0.005),)),))
    assert bill(_month(slots, 1 / 96), Account(), each, None, SHANGHAI).total == Decimal("0.01")
    assert bill(_month(slots, 0.99 / 96), Account(), each, None, SHANGHAI).total == Decimal("0.00")


@pytest.mark.parametrize("name", TARIFFS)
def test_the_shipped_tariffs_have_no_mistakes_and_say_that_they_are_examples(name):
    assert mistakes(TARIFFS[name]) == []
    assert all(version.example and version.source for version in TARIFFS[name].versions)
    assert msgspec.json.decode(msgspec.json.encode(TARIFFS[name]), type=Tariff) == TARIFFS[name]


def test_office_hours_of_october_are_those_of_18_workdays():
    assert working_slots(CALENDAR, _slots("2025-10-01", "2025-11-01"), SHANGHAI).sum() == 18 * 30


@given(
    st.sampled_from([SHANGHAI, "Europe/Berlin", "America/New_York"]),
    st.sampled_from(["2025-03-01", "2025-10-01", "2025-11-01", "2026-02-01"]),
    st.integers(0, 2**32 - 1),
)
def test_the_bands_of_a_bill_add_up_to_what_was_used_and_cost_what_its_intervals_cost(timezone, first, seed):
    begin = np.datetime64(first[:7], "M")
    slots = _slots(first, str((begin + 1).astype("datetime64[D]")), timezone)
    amount = np.random.default_rng(seed).uniform(0, 20, len(slots))
    steps = Tiers(TierPeriod.MONTH, (Tier(1000.0, 0.0), Tier(None, 0.07)))
    tariff = replace(OFFICE, versions=(replace(OFFICE.versions[0], tiers=steps),))
    made = bill(Month(slots, amount, np.zeros(len(slots), np.uint16)), Account(), tariff, CALENDAR, timezone)
    for kind in (LineKind.ENERGY, LineKind.TIER):
        billed = sum(line.quantity for line in made.lines if line.kind is kind)
        assert float(billed) == pytest.approx(amount.sum(), abs=1e-5)
    cost = costed(slots, amount, tariff, CALENDAR, timezone).cost.sum()
    assert float(made.total) == pytest.approx(cost, abs=0.005 * len(made.lines) + 1e-4)
