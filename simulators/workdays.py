"""Which days people work, in China and in the schools of the simulated city.

Holidays and make-up workdays are those of the State Council's yearly notice, as the
`holidays` package carries them; a year without a notice yet has its holidays but no make-up days.
"""

from datetime import date, timedelta
from enum import IntEnum
from functools import cache

import holidays

EPOCH = date(1970, 1, 1)


class DayType(IntEnum):
    """What a day is for an institution; the index of its daily profiles."""

    WORK = 0
    OFF = 1
    VACATION = 2  # a workday on which schools are closed


@cache
def _notice(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Holidays and make-up workdays (weekend days that are worked) of a year."""
    china = holidays.country_holidays("CN", years=year)
    return frozenset(china), frozenset(getattr(china, "weekend_workdays", ()))


def is_workday(day: date) -> bool:
    """Whether offices work: weekdays without a holiday, and make-up weekends."""
    free, made_up = _notice(day.year)
    return day in made_up or (day.weekday() < 5 and day not in free)


def is_school_vacation(day: date) -> bool:
    """Summer from 8 July to 31 August, winter from 20 January to 18 February."""
    return (7, 8) <= (day.month, day.day) <= (8, 31) or (1, 20) <= (day.month, day.day) <= (2, 18)


@cache
def day_type(day_number: int) -> DayType:
    """Type of the local day that is day_number days after 1970-01-01."""
    day = EPOCH + timedelta(days=day_number)
    if not is_workday(day):
        return DayType.OFF
    return DayType.VACATION if is_school_vacation(day) else DayType.WORK
