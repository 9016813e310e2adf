"""What readings would change: the ledger as it is, and as it would be with them.

The ledger with them is computed by the step that recomputes it for late readings, over what
is stored and what is new; nothing is written.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics import late
from analytics.periods import Interval, edges
from analytics.rollup import Periods, roll_up
from core.batch import BASE_US, F64, I64, IntervalBatch, Mask, ReadingBatch
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.imports import PeriodChange, RegisterChange
from core.model import Register
from core.ports import TimeSeriesStore
from core.quality import Quality, ReadingQuality
from wattline.stages.settle import LATEST_US, derive_again

_DAYS_UP_TO_US = 62 * 86_400_000_000
"""A longer span is told by the month."""


class Preview:
    """Compares against one state of what is registered; catalog holds every register asked for."""

    def __init__(self, store: TimeSeriesStore, catalog: Catalog, now_us: int) -> None:
        self._store, self._catalog, self._now_us = store, catalog, now_us
        self._columns = RegisterColumns.of(catalog)

    def change(self, register: Register, time_us: I64, value: F64) -> tuple[RegisterChange, Mask]:
        """What these readings (ascending by time) of a register change, and which of them do.

        value: as the meter shows it.
        A reading that is stored with the same value already changes nothing, whoever read it.
        Raises StoreError.
        """
        of = np.array([register.id], np.int32)
        value = value * self._columns.gauge_ratio[register.id]  # as it is stored
        known = self._store.readings(of, int(time_us[0]), int(time_us[-1]) + 1)
        at = np.searchsorted(known.event_time_us, time_us)
        there = np.isin(time_us, known.event_time_us)
        at = np.where(there, at, 0)
        same = there & (known.value[at] == value) if len(known) else there
        timezone = self._catalog.places[self._catalog.devices[register.device_id].place_id].timezone
        periods: tuple[PeriodChange, ...] = ()
        intervals = revised = 0
        if self._columns.is_counter[register.id]:
            new = _readings(register.id, time_us[~same], value[~same], self._now_us)
            if len(new):
                periods, intervals, revised = self._periods(register.id, new, timezone)
        change = RegisterChange(
            register.device_id,
            register.quantity,
            register.unit,
            timezone,
            int(time_us[0]),
            int(time_us[-1]),
            int((~there).sum()),
            int((there & ~same).sum()),
            int(same.sum()),
            intervals,
            revised,
            periods,
        )
        return change, ~same

    def _periods(
        self, register: int, new: ReadingBatch, timezone: str
    ) -> tuple[tuple[PeriodChange, ...], int, int]:
        """Days or months that become others, and how many intervals are new and revised."""
        of = np.array([register], np.int32)
        first_us, last_us = int(new.event_time_us[0]), int(new.event_time_us[-1])
        newest, _ = self._store.neighbours(register, LATEST_US, LATEST_US)
        newest_us = max([last_us, *newest.event_time_us.tolist()])
        again = derive_again(
            self._store, self._columns, register, (first_us, last_us), newest_us=newest_us, more=new
        )
        if again is None or (not len(again.rows) and not len(again.stored)):
            return (), 0, 0
        touched_us = np.concatenate([again.rows.start_us, again.stored.start_us])
        start_us, end_us = int(touched_us.min()), int(touched_us.max()) + BASE_US
        interval = Interval.DAY if last_us - first_us <= _DAYS_UP_TO_US else Interval.MONTH
        marks = _whole(start_us, end_us, interval, timezone)
        now = self._store.intervals(of, int(marks[0]), int(marks[-1]))
        before, then = _closed(again.stored), _closed(again.rows)
        changed = late.revised(before, then, self._columns.base_us)
        revised = int(np.isin(changed.start_us, before.start_us).sum())
        others = now.take(~np.isin(now.start_us, changed.start_us))
        after = roll_up(IntervalBatch.concat([others, changed]), marks)
        count = np.histogram(changed.start_us, marks)[0].tolist()
        pairs = zip(self._told(roll_up(now, marks)), self._told(after), strict=True)
        return (
            tuple(
                PeriodChange(int(marks[n]), int(marks[n + 1]), was[0], will[0], was[1], will[1], count[n])
                for n, (was, will) in enumerate(pairs)
                if count[n]
            ),
            len(changed) - revised,
            revised,
        )

    def _told(self, periods: Periods) -> Sequence[tuple[float | None, float]]:
        amounts = [
            round(amount, 6) if known else None
            for amount, known in zip(periods.sums.tolist(), periods.intervals.tolist(), strict=True)
        ]
        return list(zip(amounts, periods.coverage(1, self._now_us).tolist(), strict=True))


def _closed(rows: IntervalBatch) -> IntervalBatch:
    """The same without the flag of intervals that are still filling: that they are changes nothing."""
    return IntervalBatch(**{**rows.columns(), "quality": rows.quality & ~np.uint16(Quality.OPEN)})  # type: ignore[arg-type]


def _readings(register: int, time_us: I64, value: F64, now_us: int) -> ReadingBatch:
    rows = len(time_us)
    return ReadingBatch(
        np.full(rows, register, np.int32),
        time_us,
        value,
        np.full(rows, ReadingQuality.MANUAL, np.uint8),
        np.full(rows, now_us, np.int64),
    )


def _whole(start_us: int, end_us: int, interval: Interval, timezone: str) -> I64:
    """Edges of all local days or months that a span touches, none of them cut."""
    zone = ZoneInfo(timezone)
    first, last = (
        datetime.fromtimestamp(time_us // 1_000_000, zone).date() for time_us in (start_us, end_us - 1)
    )
    if interval is Interval.MONTH:
        first = first.replace(day=1)
        last = (last.replace(day=1) + timedelta(days=31)).replace(day=1)
    else:
        last += timedelta(days=1)
    return edges(_midnight_us(first, zone), _midnight_us(last, zone), interval, timezone)


def _midnight_us(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000
