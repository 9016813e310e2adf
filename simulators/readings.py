"""Which readings a replay consists of, and in which messages and order they are sent."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.batch import I64, Mask
from simulators.record import Series

INITIAL = 1000
"""What every replayed register shows at its first row, in kWh or m3."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows first to last - 1 of a series that are replayed; heard says which ends have a reading."""

    series: Series
    first: int
    last: int
    heard: Mask

    @property
    def total(self) -> float:
        """Amount of the rows, in the record's unit."""
        scale: int = 10**self.series.decimals
        return int(self.series.amount[self.first : self.last].sum()) / scale

    @property
    def end_us(self) -> int:
        """End of the last row."""
        return int(self.series.start_us[self.last - 1]) + self.series.step_us

    @property
    def not_heard(self) -> int:
        """Intervals without a reading at their end, whether in the file or missing from it."""
        whole = (self.end_us - int(self.series.start_us[self.first])) // self.series.step_us
        return whole - int(self.heard.sum())

    def readings(self) -> tuple[I64, list[float]]:
        """(times, register values): the start of the first heard row, and the end of every heard row."""
        rows = self.first + np.flatnonzero(self.heard)
        if not len(rows):
            return np.empty(0, np.int64), []
        start_us = self.series.start_us
        before = np.concatenate([[0], np.cumsum(self.series.amount)])
        times = np.concatenate([start_us[rows[:1]], start_us[rows] + self.series.step_us])
        return times, _register_values(self.series, before[np.concatenate([rows[:1], rows + 1])])


def chosen_part(
    series: Series, from_us: int | None = None, to_us: int | None = None, *, zero_is_missing: bool = False
) -> Part | None:
    """The rows that start at from_us or later and end at to_us or earlier; None if there are none."""
    first, last = 0, len(series.start_us)
    if from_us is not None:
        first = int(np.searchsorted(series.start_us, from_us))
    if to_us is not None:
        last = int(np.searchsorted(series.start_us + series.step_us, to_us, side="right"))
    if first >= last:
        return None
    amount = series.amount[first:last]
    return Part(series, first, last, amount > 0 if zero_is_missing else np.ones(len(amount), np.bool_))


@dataclass(frozen=True, slots=True)
class Readings:
    """Every reading of a replay in the order of time: time, index of its part, value."""

    time_us: I64
    part: I64
    value: list[float]


def all_readings(parts: list[Part]) -> Readings:
    """Readings of all parts, merged."""
    times, values = zip(*(part.readings() for part in parts), strict=True)
    time_us = np.concatenate(times)
    part = np.repeat(np.arange(len(parts)), [len(one) for one in times])
    value = [one for own in values for one in own]
    order = np.argsort(time_us, kind="stable")
    return Readings(time_us[order], part[order], [value[at] for at in order.tolist()])


def in_messages(
    readings: Readings, *, shuffle: bool, duplicate: float, split: int, seed: int
) -> Iterable[list[int]]:
    """Readings by index that share a message, in the order of sending.

    Without any of the options each reading has its own message, in the order of time.
    """
    if not shuffle and split == 1 and not duplicate:
        return ([at] for at in range(len(readings.value)))
    rng = random.Random(seed)
    groups: list[list[int]] = []
    for part in np.unique(readings.part):
        own = np.flatnonzero(readings.part == part).tolist()
        if shuffle:
            rng.shuffle(own)
        at = 0
        while at < len(own):
            size = rng.randint(1, split)
            groups.append(own[at : at + size])
            at += size
    groups += [group for group in groups if rng.random() < duplicate]
    if shuffle:
        rng.shuffle(groups)
    else:
        groups.sort(key=lambda group: group[-1])
    return groups


def _register_values(series: Series, sums: I64) -> list[float]:
    """Register values of sums that are integers of 10**-decimals units: the nearest floats."""
    scale = 10**series.decimals
    return [(INITIAL * scale + total) / scale for total in sums.tolist()]
