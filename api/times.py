"""Times at the edge: RFC 3339 with offset, or a plain local date; inside, µs UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.periods import utc_offsets
from api.problems import ProblemError, invalid, shown
from core.batch import I64

_SECOND_US = 1_000_000
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# A plus sign in an address that nobody escaped arrives as a space.
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?:([Zz])|([+\- ])(\d\d:\d\d))?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def parse(text: str, timezone: str, field: str) -> int:
    """The time in µs UTC; a plain date is the first moment of that day in the timezone.

    Raises ProblemError, which names field and says how to write it.
    """
    zone = ZoneInfo(timezone)
    try:
        moment = _read(text, zone)
    except ValueError as error:
        raise _bad(field, text, str(error), zone) from None
    if moment is None:
        raise _bad(field, text, "is not a time", zone)
    if moment.tzinfo is None:
        raise _bad(field, text, "has no offset", zone)
    if not _FIRST <= moment < _LAST:
        raise invalid(field, shown(text), "is out of range", "give a time from 1970-01-02 to 2199-12-31")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _read(text: str, zone: ZoneInfo) -> datetime | None:
    """The moment, naive if it came without offset; None if it is none. Raises ValueError."""
    if _DATE.fullmatch(text):
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    date, clock, zulu, sign, offset = match.groups()
    if zulu:
        return datetime.fromisoformat(f"{date}T{clock}+00:00")
    if sign:
        return datetime.fromisoformat(f"{date}T{clock}{'-' if sign == '-' else '+'}{offset}")
    return datetime.fromisoformat(f"{date}T{clock}")


def _bad(field: str, text: str, why: str, zone: ZoneInfo) -> ProblemError:
    example = datetime(2026, 11, 21, 8, 15, tzinfo=zone).isoformat()
    return invalid(
        field,
        shown(text),
        why,
        f"write RFC 3339 with offset, such as {example} or 2026-11-21T00:15:00Z, or a local date such as "
        "2026-11-21",
    )


def rfc3339(time_us: int, timezone: str = "UTC") -> str:
    """One time with the timezone's offset."""
    return rfc3339s(np.array([time_us], np.int64), timezone)[0]


def rfc3339s(time_us: I64, timezone: str = "UTC") -> list[str]:
    """Times with the timezone's offset; all of them to the second, or to the µs if one needs it."""
    if not len(time_us):
        return []
    if timezone == "UTC":
        return np.char.add(_local(time_us), "Z").tolist()  # type: ignore[no-any-return]
    since_us, offset_us = utc_offsets(int(time_us.min()), int(time_us.max()) + 1, timezone)
    segment = np.searchsorted(since_us, time_us, "right") - 1
    suffixes = np.array([_suffix(offset // (60 * _SECOND_US)) for offset in offset_us.tolist()])
    local = _local(time_us + offset_us[segment])
    return np.char.add(local, suffixes[segment]).tolist()  # type: ignore[no-any-return]


def _local(wall_us: I64) -> NDArray[np.str_]:
    unit: Literal["us", "s"] = "us" if (wall_us % _SECOND_US).any() else "s"
    moments: NDArray[np.datetime64] = wall_us.astype("datetime64[us]")
    return np.datetime_as_string(moments, unit=unit)


def _suffix(minutes: int) -> str:
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"
