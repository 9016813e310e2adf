"""A tariff gives every moment exactly one price, or says where it does not."""

from dataclasses import replace

import pytest

from core.calendars import DayKind, Span
from core.model import Name
from core.quantities import Energy
from core.tariff_rules import mistakes
from core.tariffs import (
    Band,
    BandHours,
    BandPrice,
    BasicBy,
    BasicCharge,
    Capacity,
    Schedule,
    Tariff,
    TariffVersion,
    Tier,
    TierPeriod,
    Tiers,
)

NAME = Name("甲", "A")
DAY = (BandHours(Band.VALLEY, "22:00", "08:00"), BandHours(Band.FLAT, "08:00", "22:00"))
PRICES = (BandPrice(Band.VALLEY, 0.3), BandPrice(Band.FLAT, 0.6))
SCHEDULES = "versions[0].schedules"
HOURS = f"{SCHEDULES}[0].hours"
GOOD = TariffVersion("2025-01-01", "example", "CN", PRICES, (Schedule(DAY),))


def _found(*versions, energy=Energy.ELECTRICITY, **changes):
    return mistakes(replace(Tariff("t", NAME, energy, "kWh", "CNY", versions), **changes))


def _schedules(*schedules, prices=PRICES):
    return _found(replace(GOOD, schedules=schedules, prices=prices))


def test_a_good_tariff_has_no_mistakes():
    assert _found(GOOD, replace(GOOD, since="2025-02-01")) == []
    assert _found(replace(GOOD, schedules=(), prices=PRICES[1:]), energy=Energy.WATER) == []


def test_a_gap_in_the_hours_is_named():
    gap = (BandHours(Band.VALLEY, "22:00", "07:00"), BandHours(Band.FLAT, "08:15", "22:00"))
    assert _schedules(Schedule(gap)) == [
        "versions[0].schedules[0].hours: 07:00 to 08:15 has no band: add its hours"
    ]
    late = (BandHours(Band.VALLEY, "00:00", "08:00"), BandHours(Band.FLAT, "08:00", "23:45"))
    assert "23:45 to 24:00 has no band" in _schedules(Schedule(late))[0]


def test_an_overlap_of_hours_is_named():
    overlap = (DAY[0], BandHours(Band.FLAT, "07:30", "22:00"))
    assert _schedules(Schedule(overlap)) == [
        f"{HOURS}[1] = 07:30 to 22:00: 07:30 is in {HOURS}[0] already: make the hours meet"
    ]


def test_hours_between_quarters_are_refused():
    odd = (BandHours(Band.VALLEY, "22:00", "08:10"), DAY[1])
    assert _schedules(Schedule(odd))[0].startswith(
        "versions[0].schedules[0].hours[0].end = '08:10': write HH:MM"
    )


def test_days_without_a_schedule_are_named():
    assert _schedules(
        Schedule(DAY, months=tuple(range(3, 13))), Schedule(DAY, days=(DayKind.WORKDAY,), months=(1, 2))
    ) == [
        "versions[0].schedules: no schedule holds on a rest_day of month 1, 2: add one",
        "versions[0].schedules: no schedule holds on a holiday of month 1, 2: add one",
    ]


def test_days_with_two_schedules_are_named():
    assert _schedules(Schedule(DAY), Schedule(DAY, months=(7,), days=(DayKind.HOLIDAY,))) == [
        f"{SCHEDULES}[1].months = 7: {SCHEDULES}[0] holds in month 7 on a holiday too: keep one"
    ]


def test_dated_schedules_may_lie_over_others_but_not_alone():
    dated = Schedule(DAY, dates=(Span("heat", "2025-08-01", "2025-08-09"),))
    assert _schedules(dated, Schedule(DAY)) == []
    assert "no schedule holds on a workday" in _schedules(dated)[0]


@pytest.mark.parametrize(
    ("version", "mistake"),
    [
        (replace(GOOD, since="2025-1-1"), "versions[0].since = '2025-1-1': write a date"),
        (replace(GOOD, prices=PRICES[:1]), "versions[0].prices: 'flat' is used and has no price: add it"),
        (
            replace(GOOD, prices=(*PRICES, BandPrice(Band.PEAK, 1.0))),
            "versions[0].prices: 'peak' has a price and no hours",
        ),
        (replace(GOOD, prices=(*PRICES, PRICES[0])), "versions[0].prices[2].band = 'valley': has"),
        (
            replace(GOOD, prices=(PRICES[0], BandPrice(Band.FLAT, float("inf")))),
            "versions[0].prices[1].price = inf: write a number",
        ),
        (replace(GOOD, power_factor=0.92), "versions[0].power_factor = 0.92: write 0.90, 0.85 or 0.80"),
        (
            replace(GOOD, basic=BasicCharge(BasicBy.CONTRACT_DEMAND, 30.0, over_from=0.5)),
            "versions[0].basic.over_from = 0.5: must be 1 or more",
        ),
        (replace(GOOD, tiers=Tiers(TierPeriod.YEAR, ())), "versions[0].tiers.steps: is empty"),
        (
            replace(GOOD, tiers=Tiers(TierPeriod.YEAR, (Tier(9.0, 0.0), Tier(9.0, 0.1), Tier(None, 0.2)))),
            "versions[0].tiers.steps[1].up_to = 9: must be more than 9",
        ),
        (
            replace(GOOD, tiers=Tiers(TierPeriod.YEAR, (Tier(9.0, 0.0),))),
            "versions[0].tiers.steps[0].up_to = 9: the last step takes all above",
        ),
        (
            replace(GOOD, schedules=(Schedule(DAY, months=(0, *range(1, 13))),)),
            "versions[0].schedules[0].months = 0: write months as 1 to 12",
        ),
        (
            replace(GOOD, schedules=(Schedule(DAY), Schedule(DAY, dates=(Span("x", "2025-08-32", "8"),)))),
            "versions[0].schedules[1].dates[0].first = '2025-08-32': is no date",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_fix(version, mistake):
    found = _found(version)
    assert found[0].startswith(mistake), found


def test_versions_are_in_order_of_time():
    order = "must be later than the 2025-01-01 of the one before: put versions in order"
    assert _found(GOOD, GOOD) == [f"versions[1].since = '2025-01-01': {order}"]
    assert _found() == ["versions: is empty: give at least one, with since and prices"]


def test_only_electricity_has_hours_and_demand():
    found = _found(
        replace(GOOD, power_factor=0.9, basic=BasicCharge(BasicBy.CAPACITY, 20.0)), energy=Energy.GAS
    )
    assert [one.split(":")[0] for one in found] == [
        "versions[0].schedules", "versions[0].basic", "versions[0].power_factor",
    ]  # fmt: skip


def test_capacities_are_dated_and_the_newest_counts():
    tariff = Tariff(
        "t", NAME, Energy.ELECTRICITY, "kWh", "CNY", (GOOD,),
        (Capacity("b0", 630.0), Capacity("b0", 800.0, "2025-06-01"), Capacity("b1", -1.0, "x")),
    )  # fmt: skip
    assert tariff.capacity_kva("b0", "2025-05-31") == 630.0
    assert tariff.capacity_kva("b0", "2025-06-01") == 800.0
    assert tariff.capacity_kva("b2", "2025-06-01") is None
    assert [one.split(" =")[0] for one in mistakes(tariff)] == ["capacities[2].since", "capacities[2].kva"]
