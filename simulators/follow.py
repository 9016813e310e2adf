"""Play a recorded estate as if it were today's: the past at once, then on in real time.

The record is a tape of whole weeks that repeats for ever, counted from its own first row, so
that days of the week and hours of the day stay what they were. A register's value is a pure
function of the moment: a restart, or a start next year, continues the same register.
Between the edges of a row the register rises in a straight line.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.progress import Progress

from core.batch import I64
from simulators.encoders import encode
from simulators.publish import BrokerAddress, Publisher
from simulators.readings import INITIAL
from simulators.record import Series
from simulators.recorded import Recording, ReplayError
from simulators.replay import HOUR_US, WallClock, wall_clock_us
from simulators.stream import Sample, Topic

_WEEK_US = 7 * 24 * HOUR_US
_LONGEST_SLEEP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOptions:
    """How to follow.

    zero_is_missing: a row of 0 was not heard, as in a replay.
    history_s: how much of the past to publish first, at its rows' edges.
    since_us: publish the past only from here on, for a caller who knows what is stored.
    every_s: seconds between readings from now on.
    """

    zero_is_missing: bool = False
    history_s: float = 400 * 86_400.0
    since_us: int | None = None
    every_s: float = 60.0


class Tape:
    """One building's record, repeated for ever from its first row on.

    origin_us and period_us are shared by all tapes of a record. Rows outside
    [origin_us, origin_us + period_us) are left out; rows that are missing amount to nothing.
    """

    def __init__(self, series: Series, origin_us: int, period_us: int, *, zero_is_missing: bool) -> None:
        inside = (series.start_us >= origin_us) & (series.start_us + series.step_us <= origin_us + period_us)
        self.step_us = series.step_us
        self._scale = 10**series.decimals
        self._origin_us, self._period_us = origin_us, period_us
        self._start_us = series.start_us[inside] - origin_us
        self._amount = series.amount[inside]
        self._before = np.concatenate([[0], np.cumsum(self._amount)])
        self._heard = self._amount > 0 if zero_is_missing else np.ones(len(self._amount), np.bool_)

    def value(self, time_us: int) -> float:
        """Register at a moment."""
        turn, at_us = divmod(time_us - self._origin_us, self._period_us)
        row = self._row(at_us)
        whole = turn * int(self._before[-1]) + int(self._before[row + 1 if row >= 0 else 0])
        if row >= 0:  # take back what of this row is still to come
            left_us = max(0, int(self._start_us[row]) + self.step_us - at_us)
            whole_us = (INITIAL * self._scale + whole) * self.step_us - int(self._amount[row]) * left_us
            return float(whole_us / (self._scale * self.step_us))
        return float((INITIAL * self._scale + whole) / self._scale)

    def power_w(self, time_us: int) -> float:
        """Mean power of the row at a moment, for amounts in kWh."""
        row = self._heard_row(time_us)
        return 0.0 if row is None else int(self._amount[row]) / self._scale / (self.step_us / HOUR_US) * 1000

    def is_heard(self, time_us: int) -> bool:
        """Whether the moment lies in a row that is heard."""
        return self._heard_row(time_us) is not None

    def edges(self, start_us: int, end_us: int) -> I64:
        """Ends of heard rows in [start_us, end_us), and the start of the first of these rows."""
        turns = range(
            (start_us - self._origin_us) // self._period_us - 1,
            (end_us - self._origin_us) // self._period_us + 1,
        )
        starts = np.concatenate(
            [self._start_us[self._heard] + self._origin_us + turn * self._period_us for turn in turns]
        )
        ends = starts + self.step_us
        ends = ends[(ends >= start_us) & (ends < end_us)]
        first = ends[:1] - self.step_us
        return np.concatenate([first[first >= start_us], ends])

    def _row(self, at_us: int) -> int:
        return int(np.searchsorted(self._start_us, at_us, side="right")) - 1

    def _heard_row(self, time_us: int) -> int | None:
        at_us = (time_us - self._origin_us) % self._period_us
        row = self._row(at_us)
        if row < 0 or at_us >= self._start_us[row] + self.step_us or not self._heard[row]:
            return None
        return row


def make_tapes(recording: Recording, *, zero_is_missing: bool = False) -> dict[str, Tape]:
    """Tapes by device id; raises ReplayError for a record of less than a week."""
    origin_us = min(int(series.start_us[0]) for series in recording.series)
    period_us = (max(series.end_us for series in recording.series) - origin_us) // _WEEK_US * _WEEK_US
    if not period_us:
        raise ReplayError("only a record of a week or more can be followed, so that weekdays stay weekdays")
    return {
        recording.device_id(series): Tape(series, origin_us, period_us, zero_is_missing=zero_is_missing)
        for series in recording.series
    }


async def run_follow(
    recording: Recording,
    options: FollowOptions,
    broker: BrokerAddress,
    progress: Progress | None = None,
    now_us: WallClock = wall_clock_us,
) -> None:
    """Publish the past, then go on until cancelled. Raises ReplayError and BrokerUnreachable."""
    tapes = make_tapes(recording, zero_is_missing=options.zero_is_missing)
    quantity = recording.quantity
    every_us = round(options.every_s * 1000) * 1000
    if every_us <= 0:
        raise ReplayError("--every must be above 0 seconds")
    start_us = now_us() // every_us * every_us  # so that the first reading of now comes at once
    oldest_us = start_us - round(options.history_s * 1e6)
    if options.since_us is not None:
        oldest_us = max(oldest_us, options.since_us + 1)
    task = progress.add_task("publishing the past", total=len(tapes)) if progress else None
    client_id = f"wattline-follow-{random.getrandbits(48):x}"
    async with Publisher(broker, client_id=client_id, patience_s=float("inf")) as publisher:
        for device, tape in tapes.items():
            edges = tape.edges(oldest_us, start_us).tolist()
            await publisher.publish(
                encode(Sample(device, Topic.READINGS, at, {quantity: tape.value(at)}) for at in edges)
            )
            if progress and task is not None:
                progress.update(task, advance=1)
        done_us = start_us - 1
        while True:
            until_us = now_us()
            live = (
                sample
                for device, tape in tapes.items()
                for sample in _live(device, tape, quantity, range(done_us + 1, until_us + 1), every_us)
            )
            await publisher.publish(encode(live))
            done_us = max(done_us, until_us)
            await asyncio.sleep(min(_LONGEST_SLEEP_S, options.every_s))


def _live(device: str, tape: Tape, quantity: str, span_us: range, every_us: int) -> Iterator[Sample]:
    """Readings of one device within a span of time, at the rows' edges and every every_us, in order."""
    edges = set(tape.edges(span_us.start, span_us.stop).tolist())
    ticks = range(-(-span_us.start // every_us) * every_us, span_us.stop, every_us)
    for at_us in sorted(edges.union(ticks)):
        if at_us in edges or tape.is_heard(at_us):
            values: dict[str, float | bool] = {quantity: tape.value(at_us)}
            if quantity == "energy_active_import_total" and tape.is_heard(at_us):
                values["power_active"] = round(tape.power_w(at_us), 1)
            yield Sample(device, Topic.READINGS, at_us, values)
