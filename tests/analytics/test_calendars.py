"""Kinds of days and working hours, from China's published holidays and a calendar's own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.calendars import (
    HOLIDAY,
    RESTDAY,
    WORKDAY,
    day_kinds,
    local_clock,
    provisional,
    provisional_years,
    working_slots,
)
from analytics.public_holidays import is_known, resolved
from core.batch import BASE_US
from core.calendars import Calendar, DatedDay, DayKind, Span, WorkingHours, mistakes
from core.model import Name

NAME = Name("办公", "Office")
CHINA = resolved(
    Calendar("cn", NAME, "CN", hours=(WorkingHours("08:30", "12:00"), WorkingHours("14:00", "18:00")))
)
SHANGHAI = "Asia/Shanghai"


def _kind(calendar, day):
    return int(day_kinds(calendar, np.array([day], "datetime64[D]"))[0])


def _us(text, timezone=SHANGHAI):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp()) * 1_000_000


def _slots(first, last, timezone=SHANGHAI):
    return np.arange(_us(first, timezone), _us(last, timezone), BASE_US, dtype=np.int64)


# State Council General Office, notices on the holidays of 2025 (12 November 2024) and 2026
# (4 November 2025): the first and last day of each holiday and the weekend days worked for it.
NOTICES = [
    ("2025-01-01", "2025-01-01"),
    ("2025-01-28", "2025-02-04"),
    ("2025-04-04", "2025-04-06"),
    ("2025-05-01", "2025-05-05"),
    ("2025-05-31", "2025-06-02"),
    ("2025-10-01", "2025-10-08"),
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
]
MADE_UP = [
    "2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11",
    "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
]  # fmt: skip


def test_every_day_of_two_years_is_what_the_notices_say():
    days = np.arange("2025-01-01", "2027-01-01", dtype="datetime64[D]")
    weekend = np.is_busday(days, weekmask="0000011")
    expected = np.where(weekend, RESTDAY, WORKDAY)
    for first, last in NOTICES:
        expected[(days >= np.datetime64(first)) & (days <= np.datetime64(last))] = HOLIDAY
    expected[np.isin(days, np.array(MADE_UP, "datetime64[D]"))] = WORKDAY
    assert day_kinds(CHINA, days).tolist() == expected.tolist()


def test_no_day_of_a_year_is_two_things():
    for year in CHINA.years:
        dates = [day.date for day in year.days]
        assert dates == sorted(set(dates))


def test_a_year_without_a_published_list_is_provisional():
    days = np.array(["2026-12-31", "2027-01-01", "2035-06-01"], "datetime64[D]")
    assert provisional(CHINA, days).tolist() == [False, True, True]
    assert provisional_years(CHINA, _us("2026-12-01"), _us("2027-01-01"), SHANGHAI) == ()
    assert provisional_years(CHINA, _us("2026-12-01"), _us("2029-01-01"), SHANGHAI) == (2027, 2028)
    assert _kind(CHINA, "2027-10-01") == HOLIDAY  # the law's days are there
    assert _kind(CHINA, "2035-10-01") == WORKDAY  # outside the calendar's years nothing is


def test_days_given_by_hand_win_and_can_make_a_year_official():
    notice = Calendar(
        "cn",
        NAME,
        "CN",
        days=(DatedDay("2027-01-02", DayKind.WORKDAY), DatedDay("2027-01-04", DayKind.HOLIDAY, "补假")),
        official_years=(2027,),
    )
    mine = resolved(notice)
    assert (_kind(mine, "2027-01-02"), _kind(mine, "2027-01-04")) == (WORKDAY, HOLIDAY)
    assert provisional_years(mine, _us("2027-01-01"), _us("2028-01-01"), SHANGHAI) == ()
    beyond = resolved(replace(notice, last_year=2026))
    assert _kind(beyond, "2027-01-04") == HOLIDAY
    assert provisional_years(beyond, _us("2027-01-01"), _us("2028-01-01"), SHANGHAI) == ()


def test_a_calendar_without_a_country_knows_weekends_and_its_own_days():
    plain = Calendar("x", NAME, days=(DatedDay("2026-03-02", DayKind.HOLIDAY),), weekend=(4, 5))
    week = np.arange("2026-03-02", "2026-03-09", dtype="datetime64[D]")
    assert day_kinds(resolved(plain), week).tolist() == [2, 0, 0, 0, 1, 1, 0]
    assert not provisional(plain, week).any()


def test_hours_of_work_are_those_of_the_kind_of_day():
    slots = _slots("2026-10-07", "2026-10-12")  # holiday, Thu, Fri, made-up Saturday, Sunday
    worked = working_slots(CHINA, slots, SHANGHAI).reshape(5, 96)
    assert worked.sum(axis=1).tolist() == [0, 30, 30, 30, 0]
    assert np.flatnonzero(worked[1])[[0, 13, 14, 29]].tolist() == [34, 47, 56, 71]


def test_hours_past_midnight_belong_to_the_day_they_begin_on():
    night = Calendar("n", NAME, hours=(WorkingHours("22:00", "02:00"),))
    worked = working_slots(night, _slots("2026-11-20", "2026-11-24"), SHANGHAI).reshape(4, 96)
    # Friday has Thursday's and its own, Saturday Friday's end only, Sunday nothing, Monday its own.
    assert worked.sum(axis=1).tolist() == [16, 8, 0, 8]
    assert worked[1, :8].all()


@pytest.mark.parametrize(
    ("first", "last", "hours_worked"), [("2026-03-29", "2026-03-30", 3), ("2026-10-25", "2026-10-26", 5)]
)
def test_hours_across_a_change_of_the_clocks_are_as_long_as_the_clock_makes_them(first, last, hours_worked):
    always = (DayKind.WORKDAY, DayKind.REST_DAY)
    night = Calendar("n", NAME, hours=(WorkingHours("00:00", "04:00", always),))
    slots = _slots(first, last, "Europe/Berlin")
    worked = working_slots(night, slots, "Europe/Berlin")
    assert worked.sum() == hours_worked * 4
    assert len(slots) == (92 if hours_worked == 3 else 100)


def test_terms_and_seasons_choose_among_hours():
    school = Calendar(
        "s",
        NAME,
        seasons=(Span("winter", "12-01", "02-28"),),
        terms=(Span("spring", "2026-03-02", "2026-07-05"),),
        hours=(
            WorkingHours("08:00", "17:00", term=True),
            WorkingHours("09:00", "10:00", term=False),
            WorkingHours("11:00", "12:00", season="winter"),
        ),
    )
    for day, slots in (("2026-02-27", 8), ("2026-03-02", 36), ("2026-07-06", 4), ("2026-12-01", 8)):
        start = _us(day)
        one_day = np.arange(start, start + 96 * BASE_US, BASE_US)
        assert working_slots(school, one_day, SHANGHAI).sum() == slots


ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])


@given(ZONES, st.lists(st.integers(16_436 * 96, 22_000 * 96), min_size=1, max_size=50))
def test_the_local_clock_is_that_of_the_zone(timezone, slots):
    times = np.array(slots, np.int64) * BASE_US
    days, minutes = local_clock(times, timezone)
    for time_us, day, minute in zip(times.tolist(), days.tolist(), minutes.tolist(), strict=True):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
        local = moment.astimezone(ZoneInfo(timezone))
        assert (day, minute) == (local.date(), local.hour * 60 + local.minute)


def test_order_and_repetition_of_slots_do_not_matter():
    slots = _slots("2026-10-07", "2026-10-12")
    mixed = np.random.default_rng(4).permutation(np.concatenate([slots, slots]))
    expected = dict(zip(slots.tolist(), working_slots(CHINA, slots, SHANGHAI).tolist(), strict=True))
    assert working_slots(CHINA, mixed, SHANGHAI).tolist() == [expected[one] for one in mixed.tolist()]
    assert working_slots(CHINA, slots[:0], SHANGHAI).tolist() == []


def test_a_calendar_survives_being_stored():
    assert msgspec.json.decode(msgspec.json.encode(CHINA), type=Calendar) == CHINA


@pytest.mark.parametrize(
    ("code", "known"),
    [("CN", True), ("DE", True), ("US", True), ("XX", False), ("China", False), ("", False)],
)
def test_countries_are_known_by_their_code(code, known):
    assert is_known(code) is known


def test_every_mistake_is_named_with_its_fix():
    wrong = Calendar(
        "w",
        NAME,
        weekend=(7,),
        days=(DatedDay("2026-2-1", DayKind.HOLIDAY), DatedDay("2026-02-30", DayKind.HOLIDAY)),
        seasons=(Span("s", "13-01", "2026-01-01"),),
        hours=(WorkingHours("08:10", "08:10", season="x", term=True),),
    )
    assert mistakes(wrong) == [
        "weekend[0] = 7: write 0 (Monday) to 6 (Sunday)",
        "days[0].date = '2026-2-1': write a date in quotes, such as \"2026-10-01\"",
        "days[1].date = '2026-02-30': write a date in quotes, such as \"2026-10-01\"",
        'seasons[0].first = \'13-01\': is no date: write "2026-09-01", or "09-01" for every year',
        "seasons[0].last = '2026-01-01': first and last must both have a year, or neither",
        'hours[0].start = \'08:10\': write HH:MM on a quarter hour, in quotes, such as "08:30" or "24:00"',
        'hours[0].end = \'08:10\': write HH:MM on a quarter hour, in quotes, such as "08:30" or "24:00"',
        'hours[0].end = \'08:10\': is the start: write "00:00" to "24:00" for all day',
        "hours[0].season = 'x': is no season of this calendar: s",
        "hours[0].term = true: the calendar has no terms: add them",
    ]
    assert mistakes(CHINA) == []
