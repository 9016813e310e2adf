"""Rules that hold in working hours or outside of them, by the place's calendar and clock."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from core.calendars import Calendar, WorkingHours
from core.catalog import Catalog
from core.model import Name
from core.rules import Active, Selector
from tests.analytics.watched import Watched, catalog, rule

NIGHT_SHIFT = Calendar("night", Name("夜", "night"), hours=(WorkingHours("22:00", "06:00"),))


def at(text, timezone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp())


def estate(timezone="UTC", calendar_id=None):
    """Meter m0 at the hall, with the city's calendar."""
    known = catalog(1)
    places = [
        replace(place, timezone=timezone, calendar_id=calendar_id if place.id == "city" else None)
        for place in known.places.values()
    ]
    return Catalog(places, [(0, known.devices["m0"])], known.registers)


def in_breach(active, second, **of_estate):
    watched = Watched([rule(active=active)], estate(**of_estate), {"night": NIGHT_SHIFT})
    return watched.look((0, second, 150.0))[0][2:]


BREACH, CLEAR = (True, False), (False, True)


@pytest.mark.parametrize(
    ("active", "time", "expected"),
    [
        (Active.ALWAYS, "2026-11-22T03:00", BREACH),
        (Active.WORKING_HOURS, "2026-11-23T09:00", BREACH),
        (Active.WORKING_HOURS, "2026-11-23T08:29", CLEAR),
        (Active.WORKING_HOURS, "2026-11-22T09:00", CLEAR),  # a Sunday
        (Active.OFF_HOURS, "2026-11-23T09:00", CLEAR),
        (Active.OFF_HOURS, "2026-11-23T17:30", BREACH),
        (Active.OFF_HOURS, "2026-11-22T09:00", BREACH),
    ],
)
def test_a_rule_holds_in_its_hours_alone(active, time, expected):
    assert in_breach(active, at(time)) == expected


def test_hours_are_those_of_the_clock_where_the_meter_stands():
    nine = at("2026-11-23T09:00", "Asia/Shanghai")
    assert in_breach(Active.WORKING_HOURS, nine, timezone="Asia/Shanghai") == BREACH
    assert in_breach(Active.WORKING_HOURS, nine, timezone="UTC") == CLEAR


def test_the_calendar_of_a_place_above_holds():
    late = at("2026-11-23T23:00")
    assert in_breach(Active.WORKING_HOURS, late, calendar_id="night") == BREACH
    assert in_breach(Active.WORKING_HOURS, late) == CLEAR
    assert in_breach(Active.WORKING_HOURS, late, calendar_id="unknown") == CLEAR


def test_a_night_in_which_the_clocks_change_is_worked_to_its_end():
    # On 2026-10-25 it is 02:00 twice. Monday's shift has 8 hours, that of the Saturday before has 9.
    zone = "Europe/Berlin"
    begins = at("2026-10-26T22:00", zone)
    worked = [
        in_breach(Active.WORKING_HOURS, begins + hour * 3600, timezone=zone, calendar_id="night") == BREACH
        for hour in range(-1, 10)
    ]
    assert worked == [False, *[True] * 8, False, False]
    every_day = replace(NIGHT_SHIFT, weekend=())
    watched = Watched(
        [rule(active=Active.WORKING_HOURS)],
        estate(timezone=zone, calendar_id="night"),
        {"night": every_day},
    )
    begins = at("2026-10-24T22:00", zone)
    seen = watched.look(*((0, begins + hour * 3600, 150.0) for hour in range(-1, 11)))
    assert [breach for _, _, breach, _ in seen] == [False, *[True] * 9, False, False]


def test_an_open_alert_ends_with_the_hours():
    watched = Watched([rule(active=Active.WORKING_HOURS)], estate())
    evening = at("2026-11-23T17:29")
    told = watched.feed((0, evening, 150.0), (0, evening + 60, 150.0))
    assert [state for _, _, state, _ in told] == ["firing", "resolved"]


def test_registers_that_are_added_keep_their_hours():
    rules = [rule(id="a"), rule(id="b", active=Active.OFF_HOURS, select=Selector(devices=("m0",)))]
    known = estate()
    grown = Watched(rules, known)
    part = Catalog(known.places.values(), [], [])
    part.devices, part.device_number = known.devices, known.device_number
    grown.watches = Watched(rules, part).watches.extended(part.extended(known.registers))
    nine = at("2026-11-23T09:00")
    assert [seen[2] for seen in grown.look((0, nine, 150.0))] == [True, False]
