"""Closed reports: kept with what they rest on, and compared with what the figures are now."""

import msgspec
import numpy as np

from analytics.statutory import COLUMNS
from api import times
from api.accounts import Accounts
from api.day_sums import DaySums
from api.items import interval_quality
from api.schemas.accounts import NextAction
from api.schemas.statutory import ChangedDay, ChangedFigure, ChangedInterval, Statutory
from core.batch import I32, IntervalBatch
from core.quality import Quality

_MOST_DAYS, _MOST_INTERVALS = 200, 200
_CLOSE = 1e-6

RECLOSE = NextAction(
    zh="核对变化原因后重新关闭并上报,新报告取代旧报告",
    en="Look at what changed, then close the report anew and report it: the new one supersedes this",
)


def body_of(report: Statutory) -> bytes:
    """The report as it is kept."""
    return report.model_dump_json().encode()


def report_of(body: bytes) -> Statutory:
    """The report that was kept."""
    return Statutory.model_validate(msgspec.json.decode(body))


def changed_figures(closed: Statutory, now: Statutory) -> list[ChangedFigure]:
    """Every figure that is another one now, by row and item or indicator."""
    before, after = _figures(closed), _figures(now)
    found = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old is None and new is None:
            continue
        if old is None or new is None or abs(old - new) > max(_CLOSE, 1e-9 * abs(old)):
            found.append(ChangedFigure(figure=name, closed=old, now=new))
    return found


def _figures(report: Statutory) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for row, label in [*((row, row.place) for row in report.rows), (report.total, "total")]:
        for column in COLUMNS:
            found[f"{label}/{column.item}"] = row.values[column.item].amount
        for name, value in row.indicators.model_dump(exclude={"left_out", "missing"}).items():
            found[f"{label}/{name}"] = value
        found |= {
            f"{label}/people": row.people,
            f"{label}/area_m2": row.area_m2,
            f"{label}/vehicles": float(row.vehicles),
        }
    return found


class Because:
    """The days whose sums changed since a report was closed, and their recomputed intervals."""

    def __init__(self, accounts: Accounts, closed: DaySums, timezone: str) -> None:
        self._accounts, self._timezone = accounts, timezone
        self._closed = closed
        self.days: list[ChangedDay] = []
        self.intervals: list[ChangedInterval] = []
        self.more = False

    def look(self) -> None:
        """Fill days and intervals from the ledger as it is now."""
        before = self._closed
        now = DaySums.empty(before.source.tolist(), before.edges_us)
        virtuals = self._accounts.estate.virtual_of_source
        self._accounts.ledger.tally([now], before.edges_us, virtuals)
        changed = np.argwhere(before.differs(now))
        self.more = len(changed) > _MOST_DAYS
        for row, day in changed[:_MOST_DAYS].tolist():
            source, start_us = int(before.source[row]), int(before.edges_us[day])
            self.days.append(
                ChangedDay(
                    device=self._device(source),
                    day=times.rfc3339(start_us, self._timezone),
                    closed=_amount(before, row, day),
                    now=_amount(now, row, day),
                )
            )
            if len(self.intervals) < _MOST_INTERVALS and source >= 0:
                self._add(source, start_us, int(before.edges_us[day + 1]))

    def _add(self, source: int, start_us: int, end_us: int) -> None:
        """Intervals of a day that were recomputed; those of a day that was silent before, all."""
        register: I32 = np.array([source], np.int32)
        for rows in self._accounts.ledger.rows(register, start_us, end_us):
            touched = rows.take((rows.revision > 0) | ((rows.quality & np.uint16(Quality.LATE)) > 0))
            self._list(touched)

    def _list(self, rows: IntervalBatch) -> None:
        room = _MOST_INTERVALS - len(self.intervals)
        self.more |= len(rows) > room
        for at in range(min(len(rows), room)):
            value = float(rows.amount[at])
            self.intervals.append(
                ChangedInterval(
                    device=self._device(int(rows.register[at])),
                    start=times.rfc3339(int(rows.start_us[at]), self._timezone),
                    amount=None if np.isnan(value) else round(value, 6),
                    revision=int(rows.revision[at]),
                    quality=interval_quality(int(rows.quality[at])),
                )
            )

    def _device(self, source: int) -> str:
        known = source < len(self._accounts.estate.catalog.registers)
        return self._accounts.device_of(source) if known else f"register {source}"


def _amount(sums: DaySums, row: int, day: int) -> float | None:
    return round(float(sums.amount[row, day]), 6) if sums.known[row, day] else None
