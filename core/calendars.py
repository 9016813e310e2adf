"""Building calendars: which days are worked, rested or celebrated, and which hours.

A calendar's body holds every dated day that it rests on, with the source, so that what a
figure was computed with can be read again. `analytics.public_holidays.resolved` fills in
the published holidays of its country when the configuration is loaded.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from core.model import Name


class DayKind(StrEnum):
    """What a local day is for those who work in a building.

    A make-up workday is a workday. A weekend that joins a public holiday is that holiday.
    """

    WORKDAY = "workday"
    REST_DAY = "rest_day"
    HOLIDAY = "holiday"


WORKDAY, RESTDAY, HOLIDAY = np.uint8(0), np.uint8(1), np.uint8(2)
"""Codes of DayKind in columns."""

CODE_OF_KIND = {DayKind.WORKDAY: WORKDAY, DayKind.REST_DAY: RESTDAY, DayKind.HOLIDAY: HOLIDAY}


@dataclass(frozen=True, slots=True)
class DatedDay:
    """One local day (YYYY-MM-DD) that is not what its weekday says."""

    date: str
    kind: DayKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """The public holidays and make-up workdays of a country in a year.

    official: the yearly list has been published; else the days are what the law alone
    says, without moved working days, and every figure that rests on them is provisional.
    """

    year: int
    official: bool
    source: str
    days: tuple[DatedDay, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Days from first to last, both included: YYYY-MM-DD, or MM-DD for every year."""

    name: str
    first: str
    last: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Hours of work from start to end, local HH:MM on quarter hours; past midnight if end <= start.

    They hold on days of the kinds named; with season only within that season; with term
    only within the terms (true) or outside them (false).
    """

    start: str
    end: str
    days: tuple[DayKind, ...] = (DayKind.WORKDAY,)
    season: str | None = None
    term: bool | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a building is in use.

    country: whose public holidays hold (ISO 3166-1, such as CN); None: those in days only.
    first_year, last_year: for which years they are filled in.
    weekend: weekdays at rest, Monday being 0. days: what holds whatever the country says.
    official_years: years whose public list is given by days in full.
    years: filled in by `resolved`.
    """

    id: str
    name: Name
    country: str | None = None
    source: str = ""
    first_year: int = 2015
    last_year: int = 2030
    weekend: tuple[int, ...] = (5, 6)
    days: tuple[DatedDay, ...] = ()
    official_years: tuple[int, ...] = ()
    seasons: tuple[Span, ...] = ()
    terms: tuple[Span, ...] = ()
    hours: tuple[WorkingHours, ...] = ()
    years: tuple[HolidayYear, ...] = ()


_CLOCK = re.compile(r"([01]\d|2[0-3]):(00|15|30|45)|24:00", re.ASCII)


def minutes(clock: str) -> int:
    """Minutes since midnight of HH:MM on a quarter hour, 24:00 included. Raises ValueError."""
    if not _CLOCK.fullmatch(clock):
        raise ValueError(clock)
    return int(clock[:2]) * 60 + int(clock[3:])


def clock_mistake(key: str, value: str) -> list[str]:
    """What is wrong with a local time of day, as `key = value: fix`."""
    try:
        minutes(value)
    except ValueError:
        return [f'{key} = {value!r}: write HH:MM on a quarter hour, in quotes, such as "08:30" or "24:00"']
    return []


def date_mistake(key: str, value: str) -> list[str]:
    """What is wrong with a date, as `key = value: fix`."""
    try:
        exact = date.fromisoformat(value).isoformat() == value
    except ValueError:
        exact = False
    return [] if exact else [f'{key} = {value!r}: write a date in quotes, such as "2026-10-01"']


def mistakes(calendar: Calendar) -> list[str]:
    """Every mistake in the calendar, each as `key = value: fix`; empty if all is well."""
    found = []
    if calendar.country is not None and calendar.first_year > calendar.last_year:
        found.append(f"last_year = {calendar.last_year}: is before first_year {calendar.first_year}")
    for at, weekday in enumerate(calendar.weekend):
        if not 0 <= weekday <= 6:
            found.append(f"weekend[{at}] = {weekday}: write 0 (Monday) to 6 (Sunday)")
    seen: set[str] = set()
    for at, day in enumerate(calendar.days):
        found += date_mistake(f"days[{at}].date", day.date)
        if day.date in seen:
            found.append(f"days[{at}].date = {day.date!r}: is given before: give each day once")
        seen.add(day.date)
    for section, spans in (("seasons", calendar.seasons), ("terms", calendar.terms)):
        for at, span in enumerate(spans):
            found += span_mistakes(f"{section}[{at}]", span)
    for at, hours in enumerate(calendar.hours):
        found += _hours_mistakes(f"hours[{at}]", hours, calendar)
    return found


def _hours_mistakes(where: str, hours: WorkingHours, calendar: Calendar) -> list[str]:
    found = clock_mistake(f"{where}.start", hours.start) + clock_mistake(f"{where}.end", hours.end)
    if hours.start == hours.end:
        found.append(f'{where}.end = {hours.end!r}: is the start: write "00:00" to "24:00" for all day')
    names = sorted({season.name for season in calendar.seasons})
    if hours.season is not None and hours.season not in names:
        choice = ", ".join(names) or "none are given"
        found.append(f"{where}.season = {hours.season!r}: is no season of this calendar: {choice}")
    if hours.term is not None and not calendar.terms:
        found.append(f"{where}.term = {str(hours.term).lower()}: the calendar has no terms: add them")
    return found


def span_mistakes(where: str, span: Span) -> list[str]:
    """What is wrong with a span's days, each as `key = value: fix`."""
    found = []
    for key, value in (("first", span.first), ("last", span.last)):
        # 2024 is a leap year: 02-29 may be named.
        full = f"2024-{value}" if len(value) == len("MM-DD") else value
        if date_mistake("", full):
            fix = 'write "2026-09-01", or "09-01" for every year'
            found.append(f"{where}.{key} = {value!r}: is no date: {fix}")
    if len(span.first) != len(span.last):
        found.append(f"{where}.last = {span.last!r}: first and last must both have a year, or neither")
    elif not found and len(span.first) > len("MM-DD") and span.last < span.first:
        found.append(f"{where}.last = {span.last!r}: is before first {span.first!r}")
    return found
