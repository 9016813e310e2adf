"""Which periods a rule on figures judges: whole local ones that have ended, each once."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.figure_rules.spans import ended, nights, silent_us
from core.model import Comparator
from core.quantities import Energy
from core.rules import Consumption, DemandProjected, Deviation, NightFlow, Period

BERLIN = "Europe/Berlin"
HOUR_US = 3_600_000_000


def us(text, zone=BERLIN):
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


def of(period):
    return Consumption(Energy.ELECTRICITY, period, Comparator.ABOVE, 1.0)


def lengths_h(spans):
    return ((spans.end_us - spans.start_us) / HOUR_US).tolist()


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_has_the_hours_of_its_place(day, hours):
    spans = ended(of(Period.DAY), us(f"{day}T12:00"), us(f"{day}T12:00") + 24 * HOUR_US, BERLIN)
    assert lengths_h(spans) == [hours]
    assert spans.start_us[0] == us(f"{day}T00:00")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_night_in_which_the_clocks_change_has_every_hour_once(day, hours):
    start_us = us(f"{day}T00:00")
    spans = ended(Deviation(), start_us, start_us + hours * HOUR_US, BERLIN)
    assert lengths_h(spans) == [1.0] * hours


def test_a_period_that_runs_is_not_judged():
    spans = ended(of(Period.HOUR), us("2026-05-04T10:00"), us("2026-05-04T11:59"), BERLIN)
    assert (spans.start_us.tolist(), spans.end_us.tolist()) == (
        [us("2026-05-04T10:00")],
        [us("2026-05-04T11:00")],
    )
    assert not len(ended(of(Period.HOUR), us("2026-05-04T11:00"), us("2026-05-04T11:59"), BERLIN))


def test_weeks_begin_on_monday_and_months_on_the_first():
    weeks = ended(of(Period.WEEK), us("2026-05-01T00:00"), us("2026-05-20T00:00"), BERLIN)
    assert weeks.end_us.tolist() == [us("2026-05-04T00:00"), us("2026-05-11T00:00"), us("2026-05-18T00:00")]
    months = ended(of(Period.MONTH), us("2026-02-01T00:00"), us("2026-04-01T00:00"), BERLIN)
    assert months.start_us.tolist() == [us("2026-02-01T00:00"), us("2026-03-01T00:00")]


@given(st.lists(st.integers(1, 90_000_000_000), min_size=1, max_size=8))
def test_however_it_is_looked_at_each_period_comes_once(steps_us):
    first_us = us("2026-10-24T21:07")
    whole = ended(Deviation(), first_us, first_us + sum(steps_us), BERLIN)
    found, at_us = [], first_us
    for step_us in steps_us:
        spans = ended(Deviation(), at_us, at_us + step_us, BERLIN)
        found += zip(spans.start_us.tolist(), spans.end_us.tolist(), strict=True)
        at_us += step_us
    assert found == list(zip(whole.start_us.tolist(), whole.end_us.tolist(), strict=True))


def test_nights_may_pass_midnight_and_change_with_the_clocks():
    evening = NightFlow(from_hour=23, to_hour=3)
    spans = nights(evening, us("2026-03-27T12:00"), us("2026-03-30T12:00"), BERLIN)
    assert lengths_h(spans) == [4.0, 3.0, 4.0]
    autumn = nights(NightFlow(), us("2026-10-24T12:00"), us("2026-10-26T12:00"), BERLIN)
    assert lengths_h(autumn) == [3.0, 2.0]


def test_a_night_is_judged_when_it_has_ended():
    assert ended(NightFlow(), us("2026-05-03T12:00"), us("2026-05-04T04:00"), BERLIN).end_us.tolist() == [
        us("2026-05-04T04:00")
    ]
    assert not len(ended(NightFlow(), us("2026-05-03T12:00"), us("2026-05-04T03:59"), BERLIN))


def test_silence_is_two_periods_and_an_hour():
    assert silent_us(Deviation()) == 3 * HOUR_US
    assert silent_us(DemandProjected()) == 1.5 * HOUR_US
    assert silent_us(of(Period.DAY)) == 51 * HOUR_US  # of the longest days
