"""Bands, versions and tiers of a calendar tariff, interval by interval."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.public_holidays import resolved
from analytics.tariff import costed, credited, filled, in_steps, priced, tier_start_us
from core.batch import BASE_US
from core.calendars import Calendar, DayKind, Span
from core.model import Name
from core.quantities import Energy
from core.tariffs import (
    BANDS,
    Band,
    BandHours,
    BandPrice,
    Levy,
    Schedule,
    Tariff,
    TariffVersion,
    Tier,
    TierPeriod,
    Tiers,
)

NAME = Name("甲", "A")
CHINA = resolved(Calendar("cn", NAME, "CN"))
SHANGHAI = "Asia/Shanghai"
SUMMER = (7, 8)
REST = tuple(month for month in range(1, 13) if month not in SUMMER)
WORKED = (BandHours(Band.VALLEY, "23:00", "07:00"), BandHours(Band.PEAK, "10:00", "15:00"),
          BandHours(Band.FLAT, "07:00", "10:00"), BandHours(Band.FLAT, "15:00", "23:00"))  # fmt: skip
HOT = (BandHours(Band.VALLEY, "23:00", "07:00"), BandHours(Band.SHARP, "12:00", "14:00"),
       BandHours(Band.PEAK, "10:00", "12:00"), BandHours(Band.PEAK, "14:00", "15:00"),
       BandHours(Band.FLAT, "07:00", "10:00"), BandHours(Band.FLAT, "15:00", "23:00"))  # fmt: skip
RESTED = (BandHours(Band.DEEP_VALLEY, "00:00", "24:00"),)
PRICES = tuple(BandPrice(band, price) for band, price in zip(BANDS, (1.2, 1.0, 0.6, 0.3, 0.2), strict=True))
VERSION = TariffVersion(
    "2025-01-01",
    "an example",
    "CN",
    PRICES,
    (
        Schedule(WORKED, months=REST, days=(DayKind.WORKDAY, DayKind.REST_DAY)),
        Schedule(HOT, months=SUMMER, days=(DayKind.WORKDAY, DayKind.REST_DAY)),
        Schedule(RESTED, days=(DayKind.HOLIDAY,)),
    ),
)
TARIFF = Tariff("t", NAME, Energy.ELECTRICITY, "kWh", "CNY", (VERSION,))
FLAT = TariffVersion("2025-01-01", "an example", "CN", (BandPrice(Band.FLAT, 0.5),))
YEARLY = Tiers(TierPeriod.YEAR, (Tier(100.0, 0.0), Tier(200.0, 0.1), Tier(None, 0.3)))


def _us(text, timezone=SHANGHAI):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp()) * 1_000_000


def _slots(first, last, timezone=SHANGHAI):
    return np.arange(_us(first, timezone), _us(last, timezone), BASE_US, dtype=np.int64)


def _tariff(*versions):
    return replace(TARIFF, versions=versions)


def _counts(first, last, timezone=SHANGHAI, calendar=CHINA):
    slots = priced(_slots(first, last, timezone), TARIFF, calendar, timezone)
    return dict(
        zip([band.value for band in BANDS], np.bincount(slots.band, minlength=5).tolist(), strict=True)
    )


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2025-10-09", {"peak": 5, "flat": 11, "valley": 8}),  # a workday
        ("2025-10-11", {"peak": 5, "flat": 11, "valley": 8}),  # a Saturday that is worked
        ("2025-10-12", {"peak": 5, "flat": 11, "valley": 8}),
        ("2025-10-08", {"deep_valley": 24}),  # a Wednesday off
        ("2025-07-10", {"sharp": 2, "peak": 3, "flat": 11, "valley": 8}),
    ],
)
def test_a_day_has_the_bands_of_its_season_and_kind(day, hours):
    counts = _counts(f"{day}T00:00", f"{day}T23:59")
    assert {band: count / 4 for band, count in counts.items() if count} == hours


def test_valley_from_23_to_7_is_the_beginning_and_the_end_of_the_day():
    slots = priced(_slots("2025-10-09", "2025-10-10"), TARIFF, CHINA, SHANGHAI)
    valley = np.flatnonzero(slots.band == BANDS.index(Band.VALLEY))
    assert valley.tolist() == [*range(28), *range(92, 96)]


def test_the_night_before_a_holiday_ends_its_valley_at_midnight():
    slots = priced(_slots("2025-09-30T23:45", "2025-10-01T00:15"), TARIFF, CHINA, SHANGHAI)
    assert [BANDS[code] for code in slots.band] == [Band.VALLEY, Band.DEEP_VALLEY]


@pytest.mark.parametrize(
    ("day", "next_day", "valley"), [("2026-03-29", "2026-03-30", 7), ("2026-10-25", "2026-10-26", 9)]
)
def test_when_the_clocks_change_the_night_is_an_hour_shorter_or_longer(day, next_day, valley):
    counts = _counts(day, next_day, "Europe/Berlin")
    assert counts["valley"] == valley * 4
    assert (counts["peak"], counts["flat"]) == (20, 44)


def test_days_named_by_date_win_over_season_and_kind():
    heat = Schedule(
        (BandHours(Band.SHARP, "00:00", "24:00"),), dates=(Span("heat", "2025-10-01", "2025-10-02"),)
    )
    tariff = _tariff(replace(VERSION, schedules=(heat, *VERSION.schedules)))
    slots = priced(_slots("2025-09-30", "2025-10-04"), tariff, CHINA, SHANGHAI)
    days = [{BANDS[code] for code in day} for day in slots.band.reshape(4, 96)]
    assert days[1:] == [{Band.SHARP}, {Band.SHARP}, {Band.DEEP_VALLEY}]


def test_a_version_holds_from_its_local_midnight():
    dearer = replace(FLAT, since="2025-06-15", prices=(BandPrice(Band.FLAT, 0.7),))
    slots = _slots("2025-06-14T23:30", "2025-06-15T00:30")
    made = costed(slots, np.full(4, 2.0), _tariff(FLAT, dearer), CHINA, SHANGHAI)
    assert made.cost.tolist() == [1.0, 1.0, 1.4, 1.4]
    assert [one.since for one in made.versions] == ["2025-01-01", "2025-06-15"]


def test_before_the_first_version_nothing_has_a_price():
    slots = _slots("2024-12-31T23:45", "2025-01-01T00:15")
    made = costed(slots, np.ones(2), _tariff(FLAT), CHINA, SHANGHAI)
    assert np.isnan(made.cost[0])
    assert made.cost[1] == 0.5
    assert made.slots.version.tolist() == [-1, 0]


def test_an_unknown_amount_has_an_unknown_cost():
    made = costed(
        _slots("2025-03-01T00:00", "2025-03-01T00:30"), np.array([np.nan, 0.0]), TARIFF, None, SHANGHAI
    )
    assert np.isnan(made.cost[0])
    assert made.cost[1] == 0.0


def test_levies_are_added_to_every_unit():
    levied = replace(FLAT, levies=(Levy(NAME, 0.02), Levy(NAME, 0.03)))
    made = costed(
        _slots("2025-03-01T00:00", "2025-03-01T00:15"), np.array([10.0]), _tariff(levied), None, SHANGHAI
    )
    assert made.cost[0] == pytest.approx(5.5)


def test_prices_that_rest_on_unpublished_holidays_are_provisional():
    kinds = priced(_slots("2026-12-31T23:45", "2027-01-01T00:15"), TARIFF, CHINA, SHANGHAI)
    assert kinds.provisional.tolist() == [False, True]
    plain = priced(_slots("2027-01-01", "2027-01-02"), _tariff(FLAT), CHINA, SHANGHAI)
    assert not plain.provisional.any()  # no price depends on the kind of day
    always = (BandHours(Band.FLAT, "00:00", "24:00"),)
    in_january = (
        Schedule(always, months=tuple(range(2, 13))),
        Schedule(always, months=(1,), days=(DayKind.WORKDAY,)),
        Schedule(RESTED, months=(1,), days=(DayKind.REST_DAY, DayKind.HOLIDAY)),
        Schedule(RESTED, dates=(Span("heat", "2027-01-31", "2027-01-31"),)),
    )
    some = priced(
        _slots("2027-01-30", "2027-02-02"), _tariff(replace(VERSION, schedules=in_january)), CHINA, SHANGHAI
    )
    assert some.provisional.reshape(3, 96).all(axis=1).tolist() == [True, False, False]
    assert some.provisional.sum() == 96


def test_tiers_fill_in_order_of_time_and_an_interval_pays_what_it_crosses():
    slots = _slots("2025-03-01T00:00", "2025-03-01T01:00")
    made = costed(
        slots, np.array([90.0, 20.0, 100.0, 1.0]), _tariff(replace(FLAT, tiers=YEARLY)), None, SHANGHAI
    )
    # 90 in the first step; 10 + 10; 90 in the second, 10 in the third; 1 in the third.
    assert made.cost.tolist() == pytest.approx([45.0, 11.0, 50 + 9 + 3, 0.8])
    assert made.tier.tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize(
    ("period", "at"), [(TierPeriod.MONTH, "2025-04-01"), (TierPeriod.YEAR, "2026-01-01")]
)
def test_tiers_begin_again_with_the_local_period(period, at):
    slots = np.arange(_us(at) - 2 * BASE_US, _us(at) + 2 * BASE_US, BASE_US)
    before, after = filled(slots, np.array([60.0, np.nan, 70.0, 5.0]), period, SHANGHAI)
    assert (before.tolist(), after.tolist()) == ([0, 60, 0, 70], [60, 60, 70, 75])


def test_meters_of_one_account_share_what_its_tiers_add():
    slots = _slots("2025-03-01T00:00", "2025-03-01T00:30")
    amount = np.array([[90.0, 30.0], [10.0, np.nan]])
    tariff = _tariff(replace(FLAT, tiers=YEARLY))
    each = costed(slots, amount, tariff, None, SHANGHAI).cost
    together = costed(slots, np.nansum(amount, axis=0), tariff, None, SHANGHAI).cost
    np.testing.assert_allclose(np.nansum(each, axis=0), together)
    assert np.isnan(each[1, 1])


def test_tiers_need_the_amounts_since_their_period_began():
    start_us, end_us = _us("2025-03-05"), _us("2025-03-06")
    for tiers, begin in ((None, "2025-03-05"), (YEARLY, "2025-01-01"),
                         (replace(YEARLY, period=TierPeriod.MONTH), "2025-03-01")):  # fmt: skip
        tariff = _tariff(replace(FLAT, tiers=tiers))
        assert tier_start_us(tariff, start_us, end_us, SHANGHAI) == _us(begin)
    later = _tariff(FLAT, replace(FLAT, since="2025-03-06", tiers=YEARLY))
    assert tier_start_us(later, start_us, end_us, SHANGHAI) == start_us
    assert tier_start_us(later, start_us, end_us + BASE_US, SHANGHAI) == _us("2025-01-01")


def test_what_is_fed_in_is_credited_by_its_own_price():
    slots = _slots("2024-12-31T23:45", "2025-01-01T00:15")
    paid = credited(slots, np.array([4.0, 4.0]), _tariff(replace(FLAT, export_price=0.3)), SHANGHAI)
    assert np.isnan(paid[0])
    assert paid[1] == pytest.approx(1.2)
    assert credited(slots, np.array([4.0, 4.0]), _tariff(FLAT), SHANGHAI)[1] == 0.0


ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])


@given(ZONES, st.integers(_us("2024-12-01") // BASE_US, _us("2027-12-01") // BASE_US), st.integers(1, 900),
       st.randoms(use_true_random=False))  # fmt: skip
def test_bands_partition_every_span_and_every_hour_has_the_clocks_band(timezone, first, length, random):
    slots = (first + np.arange(length)) * BASE_US
    amount = np.array([random.uniform(0, 100) for _ in range(length)])
    tariff = _tariff(replace(VERSION, since="2020-01-01"))
    made = costed(slots, amount, tariff, CHINA, timezone)
    by_band = np.bincount(made.slots.band, weights=amount, minlength=len(BANDS))
    assert by_band.sum() == pytest.approx(amount.sum())
    prices = np.array([one.price for one in PRICES])
    assert made.cost.sum() == pytest.approx((by_band * prices).sum())
    at = random.randrange(length)
    clock = datetime.fromtimestamp(int(slots[at]) // 1_000_000, ZoneInfo(timezone))
    night = clock.hour >= 23 or clock.hour < 7
    assert (BANDS[made.slots.band[at]] is Band.VALLEY) == (
        night and BANDS[made.slots.band[at]] is not Band.DEEP_VALLEY
    )


@given(
    ZONES,
    st.integers(_us("2025-01-01") // BASE_US, _us("2026-12-01") // BASE_US),
    st.integers(2, 600),
    st.data(),
)
def test_the_cost_of_a_whole_is_the_cost_of_its_parts(timezone, first, length, data):
    slots = (first + np.arange(length)) * BASE_US
    amount = np.linspace(0.0, 7.0, length)
    cut = data.draw(st.integers(1, length - 1))
    whole = costed(slots, amount, TARIFF, CHINA, timezone).cost
    parts = [
        costed(slots[part], amount[part], TARIFF, CHINA, timezone).cost
        for part in (slice(cut), slice(cut, None))
    ]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


@given(st.lists(st.floats(0, 60), min_size=1, max_size=40))
def test_steps_partition_what_is_used(amounts):
    slots = _us("2025-03-01") + np.arange(len(amounts)) * BASE_US
    before, after = filled(slots, np.array(amounts), TierPeriod.YEAR, SHANGHAI)
    inside = sum(in_steps(before, after, YEARLY))
    np.testing.assert_allclose(inside, amounts, atol=1e-9)


def test_rows_of_many_meters_in_any_order_have_the_prices_of_their_times():
    slots = _slots("2025-09-30", "2025-10-03")
    many = np.random.default_rng(7).choice(slots, 5000)
    once = priced(slots, TARIFF, CHINA, SHANGHAI)
    rows = priced(many, TARIFF, CHINA, SHANGHAI)
    np.testing.assert_array_equal(rows.price, once.price[(many - slots[0]) // BASE_US])
    np.testing.assert_array_equal(rows.band, once.band[(many - slots[0]) // BASE_US])


def test_no_intervals_cost_nothing():
    none = np.empty(0)
    assert costed(none.astype(np.int64), none, TARIFF, CHINA, SHANGHAI).cost.tolist() == []
