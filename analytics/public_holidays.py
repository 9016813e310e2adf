"""Published holidays and make-up workdays of a country, filled into a calendar's body.

The dates are those of the `holidays` package, which for China carries the State Council's
notice of each year since 2001 with the working days that it moves.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import holidays
from holidays.version import __version__ as edition

from core.calendars import Calendar, DatedDay, DayKind, HolidayYear

_DAY = timedelta(days=1)


def resolved(calendar: Calendar) -> Calendar:
    """The calendar with `years` filled in for its country, from first_year to last_year.

    A weekend that touches a holiday is part of it, as in the notices ("25 to 27 September,
    three days"), unless it is a make-up workday. A calendar without a country stays as it is.
    """
    if calendar.country is None:
        return calendar
    span = range(calendar.first_year, calendar.last_year + 1)
    # One year more at each end, for the weekend before New Year's Day and the like.
    years = range(span.start - 1, span.stop + 1)
    language = holidays.country_holidays(calendar.country).default_language
    published = holidays.country_holidays(calendar.country, years=years, language=language)
    made_up: set[date] = set(getattr(published, "weekend_workdays", ()))
    free = {day: str(name) for day, name in published.items() if day not in made_up}
    free = _joined(free, made_up, frozenset(calendar.weekend))
    moves_days = bool(getattr(published, "has_substituted_holidays", False))
    return replace(
        calendar,
        years=tuple(
            HolidayYear(
                year,
                year in calendar.official_years or not moves_days or any(d.year == year for d in made_up),
                f"{calendar.country}, holidays {edition}",
                tuple(
                    sorted(
                        (
                            *_days(year, free.items(), DayKind.HOLIDAY),
                            *_days(year, ((day, "") for day in made_up), DayKind.WORKDAY),
                        ),
                        key=lambda day: day.date,
                    )
                ),
            )
            for year in span
        ),
    )


def is_known(country: str) -> bool:
    """Whether the holidays of a country are known, by its ISO 3166-1 code of two letters."""
    if len(country) != 2:  # the library takes names of its classes as well
        return False
    try:
        holidays.country_holidays(country)
    except NotImplementedError:
        return False
    return True


def _joined(free: dict[date, str], made_up: set[date], weekend: frozenset[int]) -> dict[date, str]:
    """The holidays with the weekends that touch them."""
    joined = dict(free)
    for holiday, name in free.items():
        for step in (-_DAY, _DAY):
            day = holiday + step
            while day.weekday() in weekend and day not in joined and day not in made_up:
                joined[day] = name
                day += step
    return joined


def _days(year: int, dated: Iterable[tuple[date, str]], kind: DayKind) -> Iterable[DatedDay]:
    return (DatedDay(day.isoformat(), kind, name) for day, name in dated if day.year == year)
