"""`from` and `to`: how every time series is asked for a span of time."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import Query

from analytics.periods import SHORTEST_US, Interval, marks_around
from api import times
from api.problems import ProblemError, invalid, shown
from api.schemas.problem import FieldProblem
from core.batch import BASE_US

_WRITTEN = "RFC 3339 with offset, or a local date such as 2026-11-21 for its first moment."
_EXAMPLES = ["2026-11-21", "2026-11-21T08:15:00+08:00"]

From = Annotated[
    str | None,
    Query(alias="from", max_length=40, description=f"First moment. {_WRITTEN}", examples=_EXAMPLES),
]
To = Annotated[
    str | None,
    Query(alias="to", max_length=40, description=f"First moment after. {_WRITTEN}", examples=_EXAMPLES),
]


def span(from_: str | None, to: str | None, timezone: str, now_us: int) -> tuple[int, int]:
    """The span [start_us, end_us); from the start of today to its end where not given.

    Raises ProblemError for what is no time or no span.
    """
    start_us = _local_day(now_us, timezone, 0) if from_ is None else times.parse(from_, timezone, "from")
    end_us = _local_day(now_us, timezone, 1) if to is None else times.parse(to, timezone, "to")
    if start_us >= end_us:
        raise invalid(
            "to",
            times.rfc3339(end_us, timezone),
            "is not after from",
            f"give a time after {times.rfc3339(start_us, timezone)}; `to` itself is not included",
        )
    return start_us, end_us


def quarter_span(from_: str | None, to: str | None, timezone: str, now_us: int) -> tuple[int, int]:
    """A span as by `span` that begins and ends on 15-minute marks; raises ProblemError."""
    start_us, end_us = span(from_, to, timezone, now_us)
    errors = []
    for field, time_us in (("from", start_us), ("to", end_us)):
        before_us, after_us = marks_around(time_us)
        if before_us != after_us:
            fix = f"{times.rfc3339(before_us, timezone)} or {times.rfc3339(after_us, timezone)}"
            errors.append(FieldProblem(field=field, value=times.rfc3339(time_us, timezone), fix=fix))
    if errors:
        fields = " and ".join(error.field for error in errors)
        raise ProblemError(422, f"{fields}: must lie on a 15-minute mark", errors)
    return start_us, end_us


def check_points(start_us: int, end_us: int, interval: Interval, most: int) -> None:
    """Raise a problem if a span has more periods than an answer may hold."""
    points = -(-(end_us - start_us) // SHORTEST_US[interval])
    if points <= most:
        return
    coarser = [other for other in Interval if (end_us - start_us) // SHORTEST_US[other] < most]
    days = most * SHORTEST_US[interval] // 86_400_000_000
    fix = f"ask for at most {days} days at a time"
    if coarser:
        fix = f"interval={coarser[0]}, or {fix}"
    raise invalid("interval", interval, f"{points} periods are more than {most}", fix)


def quarters_or_longer(interval: Interval, what: str) -> None:
    """Raise a problem for periods shorter than 15 minutes, of which there is no such figure."""
    if SHORTEST_US[interval] < BASE_US:
        raise invalid("interval", interval, f"{what} by 15 minutes or longer", "ask for interval=15m")


def month_span(month: str | None, timezone: str, now_us: int) -> tuple[str, int, int]:
    """(YYYY-MM, its first moment, the first moment after it) of a local month; of this one if None."""
    return _calendar_span("month", month, "%Y-%m", timezone, now_us)


def day_span(day: str | None, timezone: str, now_us: int) -> tuple[str, int, int]:
    """(YYYY-MM-DD, its first moment, the first moment after it) of a local day; of today if None."""
    return _calendar_span("day", day, "%Y-%m-%d", timezone, now_us)


def _calendar_span(
    field: str, text: str | None, written: str, timezone: str, now_us: int
) -> tuple[str, int, int]:
    now = datetime.fromtimestamp(now_us // 1_000_000, ZoneInfo(timezone))
    given = now.strftime(written) if text is None else text
    try:
        first = datetime.strptime(given, written).date()  # noqa: DTZ007 a local date, not a moment
    except ValueError:
        fix = f"write {field}={now.strftime(written)}"
        raise invalid(field, shown(given), f"is no {field}", fix) from None
    unit: dict[str, Literal["D", "M"]] = {"day": "D", "month": "M"}
    after = np.datetime64(first, unit[field]) + 1
    start_us = times.parse(first.isoformat(), timezone, field)
    end_us = times.parse(str(after.astype("datetime64[D]")), timezone, field)
    return first.strftime(written), start_us, end_us


def _local_day(now_us: int, timezone: str, days_later: int) -> int:
    today = datetime.fromtimestamp(now_us // 1_000_000, ZoneInfo(timezone)).date()
    return times.parse((today + timedelta(days=days_later)).isoformat(), timezone, "to")
