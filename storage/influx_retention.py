"""Letting go of what is past its time in InfluxDB: a day of device time in a step, oldest first.

A step is one DELETE of rows that are all past their time: wherever it is cut short, nothing
else is gone and the next one goes on. Nothing is thinned here, for a server has no
transaction that takes readings away and leaves some in their place.
"""

from core.retention import Retention
from storage.influx_http import InfluxServer
from storage.influx_queries import within

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000


class InfluxExpiry:
    """What is past its time in one database; looked at once for every hour that passes."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server
        self._done: dict[str, int] = {}

    def step(self, retention: Retention) -> int:
        """Delete the oldest day that has something past its time; how many points, 0 if none has."""
        for measurement, limit_us in (
            ("position", retention.positions_from_us),
            ("reading", retention.readings_from_us),
        ):
            if limit_us is None or self._done.get(measurement) == limit_us // _HOUR_US:
                continue
            if points := self._delete_oldest(measurement, limit_us):
                return points
            self._done[measurement] = limit_us // _HOUR_US
        return 0

    def _delete_oldest(self, measurement: str, limit_us: int) -> int:
        past = within(-(2**63), limit_us)
        oldest = f"select received_at_us from {measurement} where {past} order by time asc limit 1"  # noqa: S608
        start_us = self._number(oldest, "time")
        if start_us is None:
            return 0
        day = within(start_us, min(start_us // _DAY_US * _DAY_US + _DAY_US, limit_us))
        points = self._number(f"select count(received_at_us) from {measurement} where {day}", "count")  # noqa: S608
        list(self._server.query(f"delete from {measurement} where {day}"))  # noqa: S608
        return points or 1

    def _number(self, query: str, column: str) -> int | None:
        """The one number that a query answers, if any."""
        for _, series in list(self._server.query(query)):
            return int(series.numbers()[column][0])
        return None
