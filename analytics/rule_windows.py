"""Rules over a window of event time: an aggregate of its readings, or how fast they change.

A window is kept as 32 parts of event time, so that memory and time do not grow with how often
a register reports, and a late reading goes into the part that it belongs to. The older edge
of a window therefore moves in steps of a thirty-second of it.

A window holds a reading once: the newest readings are known one by one, so that what comes
again counts no more, and what comes corrected takes the place of what it corrects. A late
reading that is no newer than one that has been forgotten may have counted, and does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analytics.counters import NEVER_US
from analytics.rule_memory import Memory, rounds
from core.batch import F64, I32, I64, U8, Mask, ReadingBatch
from core.columns import RegisterColumns
from core.rules import Aggregate, RateOfChange, Rule, Threshold

PARTS = 32
"""A power of two, as KNOWN is."""

KNOWN = 64
"""So many readings of a window are known one by one, the newest that came."""

_HOUR_US = 3_600_000_000
_AGGREGATES = tuple(Aggregate)
_MEAN, _MINIMUM, _MAXIMUM, _SPREAD = range(4)
_RATE = 4

# What a part without readings holds in x and y. Mean: sum and count; minimum: x; maximum: y;
# spread: both; rate: time and value of the first reading.
_EMPTY = {
    _MEAN: (0.0, 0.0),
    _MINIMUM: (np.inf, -np.inf),
    _MAXIMUM: (np.inf, -np.inf),
    _SPREAD: (np.inf, -np.inf),
    _RATE: (np.nan, np.nan),
}


@dataclass(slots=True)
class Rings(Memory):
    """Windows of watches that have one, all of them of rates or none.

    aggregate: index into Aggregate, or 4 for a rate. since_us: the register has been heard
    from then on without a silence. last_*: newest reading. part: number of the newest part,
    counted from 1970; part p is in column p % PARTS of x and y. known_*: time and value of the
    newest readings that came, the next one to take the place of the one in column came % KNOWN;
    of a rate there are none. forgotten_us: up to then nobody knows which readings have counted.
    """

    kind: ClassVar[tuple[str, ...]] = ("aggregate", "window_us")

    watch: I32
    aggregate: U8
    window_us: I64
    since_us: I64
    last_us: I64
    last_value: F64
    part: I64
    x: F64
    y: F64
    known_us: I64
    known_value: F64
    came: I64
    forgotten_us: I64

    @classmethod
    def empty(cls, watch: I32, rules: list[Rule]) -> "Rings":
        """Windows of watches that have heard nothing; rules[i] is that of watch[i]."""
        kinds = [_kind(rule) for rule in rules]
        aggregate, window_us = np.array(kinds, np.int64).reshape(-1, 2).T
        size = len(watch)
        nothing = np.array([_EMPTY[one] for one in range(len(_EMPTY))])[aggregate]
        known = 0 if (aggregate == _RATE).all() else KNOWN
        return cls(
            watch,
            aggregate.astype(np.uint8),
            window_us.copy(),
            np.full(size, NEVER_US, np.int64),
            np.full(size, NEVER_US, np.int64),
            np.full(size, np.nan),
            np.full(size, -PARTS, np.int64),
            np.repeat(nothing[:, :1], PARTS, axis=1),
            np.repeat(nothing[:, 1:], PARTS, axis=1),
            np.full((size, known), NEVER_US, np.int64),
            np.full((size, known), np.nan),
            np.zeros(size, np.int64),
            np.full(size, NEVER_US, np.int64),
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """Readings of watches, ordered by watch, then time; silent_us: of each row's watch."""

    watch: I32
    register: I32
    time_us: I64
    value: F64
    silent_us: I64

    @classmethod
    def of(cls, batch: ReadingBatch, row: I64, watch: I32, silent_us: I64) -> "Heard":
        """What these watches hear in these rows."""
        return cls(watch, batch.register[row], batch.event_time_us[row], batch.value[row], silent_us[watch])


def look(rings: Rings, heard: Heard, columns: RegisterColumns) -> tuple[F64, Mask]:
    """Aggregate or rate at each reading, and whether there is one; rings are updated in place.

    A window says something once the register has been heard for its whole length; one in
    which a silence lies says nothing. Late readings count in windows to come.
    """
    found, says = np.full(len(heard.watch), np.nan), np.zeros(len(heard.watch), np.bool_)
    row = rings.row(heard.watch)
    aggregate = rings.aggregate[row]
    for kind in np.unique(aggregate).tolist():
        mine = np.flatnonzero(aggregate == kind)
        act = _rate if kind == _RATE else _window
        for some in rounds(heard.watch[mine]):
            rows = mine[some]
            found[rows], says[rows] = act(rings, row[rows], heard, rows, columns)
    return found, says


def _window(rings: Rings, ring: I64, heard: Heard, rows: I64, _: RegisterColumns) -> tuple[F64, Mask]:
    """One reading of each of several watches with the same aggregate."""
    kind = int(rings.aggregate[ring[0]])
    time_us, value = heard.time_us[rows], heard.value[rows]
    newer = _note_time(rings, ring, time_us, heard.silent_us[rows])
    width_us = np.maximum(rings.window_us[ring] // PARTS, 1)
    part, counts = _move(rings, ring, time_us, width_us)
    late = np.flatnonzero(~newer & counts)
    if len(late):
        counts[late] = _is_new(rings, ring[late], time_us[late], value[late], width_us[late])
    at, of_part, when_us, said = ring, part, time_us, value
    if not counts.all():
        at, of_part, when_us, said = ring[counts], part[counts], time_us[counts], value[counts]
    place, x, y = at * PARTS + _column(of_part), rings.x.reshape(-1), rings.y.reshape(-1)
    if kind == _MEAN:
        x[place] += said
        y[place] += 1.0
    else:
        x[place] = np.minimum(x[place], said)
        y[place] = np.maximum(y[place], said)
    _know(rings, at, when_us, said)
    _note_value(rings, ring, time_us, value)
    says = newer & (time_us - rings.since_us[ring] >= rings.window_us[ring])
    found = np.full(len(ring), np.nan)
    found[says] = _READ[kind](rings, ring[says])
    return found, says


def _know(rings: Rings, ring: I64, time_us: I64, value: F64) -> None:
    """Remember readings that count, each in the place of the one that came the longest ago."""
    came = rings.came[ring]
    place, known_us = ring * KNOWN + (came & (KNOWN - 1)), rings.known_us.reshape(-1)
    rings.forgotten_us[ring] = np.maximum(rings.forgotten_us[ring], known_us[place])
    known_us[place], rings.known_value.reshape(-1)[place] = time_us, value
    rings.came[ring] = came + 1


def _is_new(rings: Rings, ring: I64, time_us: I64, value: F64, width_us: I64) -> Mask:
    """Whether late readings have not counted yet; those that correct one take its place."""
    known = rings.known_us[ring] == time_us[:, None]
    column = known.argmax(axis=1)
    again: Mask = known[np.arange(len(ring)), column]
    remembered: Mask = time_us > rings.forgotten_us[ring]
    corrects = np.flatnonzero(again & remembered & (rings.known_value[ring, column] != value))
    if len(corrects):
        at = ring[corrects], column[corrects]
        _correct(rings, at, time_us[corrects] // width_us[corrects], width_us[corrects], value[corrects])
    return remembered & ~again


def _correct(rings: Rings, known: tuple[I64, I64], part: I64, width_us: I64, value: F64) -> None:
    """Give known readings (ring and column) other values, and make their parts of what is known anew.

    Of a part that is not known in full, a mean takes the difference, an extreme at most grows.
    """
    ring, was = known[0], rings.known_value[known]
    rings.known_value[known] = value
    inside = rings.known_us[ring] // width_us[:, None] == part[:, None]
    whole = rings.forgotten_us[ring] < part * width_us
    of_part, at = rings.known_value[ring], (ring, _column(part))
    if rings.aggregate[ring[0]] == _MEAN:
        total = np.where(inside, of_part, 0.0).sum(axis=1)
        rings.x[at] = np.where(whole, total, rings.x[at] + value - was)
        return
    lowest = np.where(inside, of_part, np.inf).min(axis=1)
    highest = np.where(inside, of_part, -np.inf).max(axis=1)
    rings.x[at] = np.where(whole, lowest, np.minimum(rings.x[at], value))
    rings.y[at] = np.where(whole, highest, np.maximum(rings.y[at], value))


_READ: dict[int, Callable[[Rings, I64], F64]] = {
    _MEAN: lambda rings, at: rings.x[at].sum(axis=1) / np.maximum(rings.y[at].sum(axis=1), 1.0),
    _MINIMUM: lambda rings, at: rings.x[at].min(axis=1),
    _MAXIMUM: lambda rings, at: rings.y[at].max(axis=1),
    _SPREAD: lambda rings, at: rings.y[at].max(axis=1) - rings.x[at].min(axis=1),
}


def _rate(rings: Rings, ring: I64, heard: Heard, rows: I64, columns: RegisterColumns) -> tuple[F64, Mask]:
    """Change an hour since the newest reading that is at least the window older."""
    time_us, value, register = heard.time_us[rows], heard.value[rows], heard.register[rows]
    counter = columns.is_counter[register]
    scale = np.where(counter, columns.sign[register] * columns.ratio[register], 1.0)
    window_us = rings.window_us[ring]
    last_us, last_value = rings.last_us[ring], rings.last_value[ring]
    newer = _note_time(rings, ring, time_us, heard.silent_us[rows])
    known = last_us != NEVER_US
    past_us = np.where(known, last_us, time_us)
    risen = columns.sign[register] * (value - last_value)
    # What a counter shows after a reset, a replacement or a misreading is no change of anything.
    hours = np.maximum(time_us - past_us, 1) / _HOUR_US
    jumped = newer & known & counter & (risen < -columns.jitter[register])
    jumped |= newer & known & counter & (risen - columns.step[register] > columns.max_rate[register] * hours)

    # The reading before, if it is old enough; else the newest first one of a part that is.
    before = newer & known & ~jumped & (time_us - past_us >= window_us)
    from_us, from_value = np.where(before, past_us, np.nan), np.where(before, last_value, np.nan)
    parted = np.flatnonzero(window_us > 0)
    if len(parted):
        of, then_us = ring[parted], time_us[parted]
        rings.x[ring[jumped]], rings.y[ring[jumped]] = np.nan, np.nan
        rings.forgotten_us[ring[jumped]] = past_us[jumped]
        part, kept = _move(rings, of, then_us, np.maximum(window_us[parted] * 2 // (PARTS - 2), 1))
        asks = parted[~before[parted]]
        from_us[asks], from_value[asks] = _newest_before(rings, ring[asks], time_us[asks] - window_us[asks])
        kept &= then_us > rings.forgotten_us[of]
        at, column = of[kept], _column(part)[kept]
        first = ~(rings.x[at, column] < then_us[kept])
        at, column = at[first], column[first]
        rings.x[at, column], rings.y[at, column] = then_us[kept][first], value[parted][kept][first]
    _note_value(rings, ring, time_us, value)
    says = newer & (from_us < time_us)
    span_us = np.where(says, time_us - from_us, 1)
    return scale * (value - from_value) / span_us * _HOUR_US, says


def _newest_before(rings: Rings, ring: I64, until_us: I64) -> tuple[F64, F64]:
    """Time and value of the newest kept reading at or before a time; NaN where there is none."""
    x = rings.x[ring]
    old = np.where(x <= until_us[:, None], x, -np.inf)
    best = old.argmax(axis=1)
    from_us = old[np.arange(len(ring)), best]
    return np.where(np.isfinite(from_us), from_us, np.nan), rings.y[ring, best]


def _move(rings: Rings, ring: I64, time_us: I64, width_us: I64) -> tuple[I64, Mask]:
    """Make room for these times; the part of each, and whether it is still kept."""
    part, newest = time_us // width_us, rings.part[ring]
    ahead = np.maximum(part, newest)
    gone = np.minimum(ahead - newest, PARTS)
    nothing_x, nothing_y = _EMPTY[int(rings.aggregate[ring[0]])]
    first, x, y = ring * PARTS, rings.x.reshape(-1), rings.y.reshape(-1)
    of_all = int(gone.min(initial=PARTS))
    for back in range(int(gone.max(initial=0))):
        place = first + _column(ahead - back)
        if back >= of_all:
            place = place[gone > back]
        x[place], y[place] = nothing_x, nothing_y
    rings.part[ring] = ahead
    return part, part > ahead - PARTS


def _column(part: I64) -> I64:
    return part & (PARTS - 1)  # as % is, many times as fast


def _note_time(rings: Rings, ring: I64, time_us: I64, silent_us: I64) -> Mask:
    """Whether each reading is newer than the last; a silence before it makes hearing begin anew."""
    last_us = rings.last_us[ring]
    newer = time_us > last_us
    anew = newer & ((last_us == NEVER_US) | (time_us - np.maximum(last_us, 0) > silent_us))
    rings.since_us[ring] = np.where(anew, time_us, rings.since_us[ring])
    return newer


def _note_value(rings: Rings, ring: I64, time_us: I64, value: F64) -> None:
    newest = time_us >= rings.last_us[ring]
    rings.last_us[ring] = np.where(newest, time_us, rings.last_us[ring])
    rings.last_value[ring] = np.where(newest, value, rings.last_value[ring])


def _kind(rule: Rule) -> tuple[int, int]:
    """Aggregate code and window."""
    match rule.condition:
        case RateOfChange() as one:
            return _RATE, round(one.window_s * 1e6)
        case Threshold() as one:
            return _AGGREGATES.index(one.aggregate), round(one.window_s * 1e6)
        case other:
            raise TypeError(f"{other} has no window")
