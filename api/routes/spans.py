"""`from` and `to`: how every time series is asked for a span of time."""

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query

from api import times
from api.problems import invalid

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


def _local_day(now_us: int, timezone: str, days_later: int) -> int:
    today = datetime.fromtimestamp(now_us // 1_000_000, ZoneInfo(timezone)).date()
    return times.parse((today + timedelta(days=days_later)).isoformat(), timezone, "to")
