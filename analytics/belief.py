"""Which readings of a counter are believed, and what was used between them.

In: readings by register, then time, the first of each register believed already. Nearly all
rise as much as they can: these are taken as they are, in columns. A reading that falls, or
rises by more than can have passed the meter, is doubted:

    goes on from the last believed reading   believed; a fall within the jitter books nothing
    doubted, and one of the next goes on     it was false: dropped, the next segment is `doubted`
    doubted, and none of the next does       believed, for what _explained says
    doubted, and too few have come since     waits

"The next" are as many as the policy wants for confirmation. What is decided depends on the
readings only and on none of their order of arrival. The state after any reading is the last
believed one: its time and its value, which is the highest where the counter jitters.
"""

from dataclasses import dataclass, field

import numpy as np

from analytics.segments import Joins, Segments
from core.batch import F64, I32, I64, U8, Mask, ReadingBatch
from core.columns import RegisterColumns
from core.model import Replacement
from core.quality import Quality

HOUR_US = 3_600_000_000

# Without a highest rate, a fall of less than this share is a counter that was set to a close value
# (Home Assistant's sensor recorder draws the same line); counting on from zero would book a lifetime.
_DIP_SHARE = 0.1
# Without a highest rate, a rollover starts and ends this close to where the digits end.
_ROLLOVER_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Bases:
    """The last believed reading of registers, one row each."""

    register: I32
    time_us: I64
    value: F64
    quality: U8


@dataclass(frozen=True, slots=True)
class Belief:
    """What is made of a chain of readings; waiting and doubted are rows of it, ascending."""

    segments: Segments
    bases: Bases
    waiting: I64
    doubted: I64


@dataclass(slots=True)
class _Found:
    joins: list[Joins] = field(default_factory=list)
    waiting: list[I64] = field(default_factory=list)
    doubted: list[int] = field(default_factory=list)


def believe(chain: ReadingBatch, columns: RegisterColumns) -> Belief:
    """Segments between the believed readings of a chain.

    chain: counter readings by register, then time, one an identity, not empty.
    """
    register = chain.register
    same = register[1:] == register[:-1]
    is_smooth = smooth(chain, columns)
    rough = same & (~is_smooth | columns.replaced[register[1:]])
    last = np.flatnonzero(np.append(~same, np.True_))
    if rough.any():
        return _with_rough(chain, columns, is_smooth, register[1:][rough])
    none = np.empty(0, np.int64)
    joins = _smooth_joins(chain, columns, np.flatnonzero(same))
    return Belief(joins.segments(chain, columns), _bases(chain, last), none, none)


def smooth(chain: ReadingBatch, columns: RegisterColumns) -> Mask:
    """Whether the next row rises, and no more than can have passed; bool[n - 1].

    What is said of rows of different registers means nothing.
    """
    register = chain.register[1:]
    rise = (chain.value[1:] - chain.value[:-1]) * columns.sign[register]
    length_us = chain.event_time_us[1:] - chain.event_time_us[:-1]
    highest = columns.max_rate[register] * (length_us / HOUR_US) + columns.step[register]
    found: Mask = (rise >= 0) & ~(rise > highest)  # NaN: no limit is known
    return found


def _with_rough(chain: ReadingBatch, columns: RegisterColumns, is_smooth: Mask, rough: I32) -> Belief:
    """As believe; the registers in rough are looked at one by one."""
    register = chain.register
    same = register[1:] == register[:-1]
    one_by_one = np.zeros(len(columns.ratio), np.bool_)
    one_by_one[rough] = True
    found = _Found([_smooth_joins(chain, columns, np.flatnonzero(same & ~one_by_one[register[1:]]))])
    last = np.flatnonzero(np.append(~same, np.True_))
    head = np.append(0, last[:-1] + 1)
    bases = _bases(chain, last)
    for number in np.flatnonzero(one_by_one[register[last]]).tolist():
        rows = range(int(head[number]), int(last[number]) + 1)
        stops = np.flatnonzero(~is_smooth[rows.start : rows.stop - 1]) + rows.start
        time_us, value, row = _Fold(chain, columns, rows, stops, found).run()
        bases.time_us[number], bases.value[number] = time_us, value
        bases.quality[number] = chain.quality[row]
    joins = Joins(
        *(np.concatenate([getattr(part, name) for part in found.joins]) for name in Joins.__slots__)
    )
    order = np.lexsort((joins.start_us, register[joins.last]))
    joins = Joins(*(getattr(joins, name)[order] for name in Joins.__slots__))
    none = np.empty(0, np.int64)
    return Belief(
        joins.segments(chain, columns),
        bases,
        np.concatenate([none, *found.waiting]),
        np.array(found.doubted, np.int64),
    )


def _bases(chain: ReadingBatch, rows: I64) -> Bases:
    return Bases(chain.register[rows], chain.event_time_us[rows], chain.value[rows], chain.quality[rows])


def _smooth_joins(chain: ReadingBatch, columns: RegisterColumns, pairs: I64) -> Joins:
    register = chain.register[pairs]
    rise = (chain.value[pairs + 1] - chain.value[pairs]) * columns.sign[register]
    return _joins(chain, pairs, rise * columns.ratio[register])


def _joins(chain: ReadingBatch, pairs: I64, amount: F64) -> Joins:
    """Segments from row i to row i + 1, for every i in pairs."""
    after = pairs + 1
    time_us, value = chain.event_time_us, chain.value
    flags = np.zeros(len(pairs), np.uint16)
    return Joins(pairs, after, time_us[pairs], time_us[after], value[pairs], value[after], amount, flags)


class _Fold:
    """One register, reading by reading where it is rough, in runs where it is not."""

    def __init__(
        self,
        chain: ReadingBatch,
        columns: RegisterColumns,
        rows: range,
        stops: I64,
        found: _Found,
    ) -> None:
        begin = rows.start
        register = int(chain.register[begin])
        self._chain, self._begin, self._end, self._found = chain, begin, rows.stop, found
        self._stops = stops  # rows that the next one does not go on from smoothly
        self._sign, self._jitter = float(columns.sign[register]), float(columns.jitter[register])
        self._confirm, self._step = int(columns.confirm[register]), float(columns.step[register])
        self._rollover_at = float(columns.rollover_at[register])
        self._canonical_rate = float(columns.max_rate[register] * columns.ratio[register])
        self._ratio = float(columns.ratio[register])
        self._base_us, self._base_value = int(chain.event_time_us[begin]), float(chain.value[begin])
        self._base_row = begin
        self._doubt = 0
        self._swaps: list[Replacement] = []
        for swap in columns.replacements.get(register, ()):
            if swap.at_us > self._base_us:
                self._swaps.append(swap)
            else:
                self._change(swap)

    def run(self) -> tuple[int, float, int]:
        """Go through the rows; returns time, value and row of the last believed reading."""
        time_us, value = self._chain.event_time_us, self._chain.value
        row = self._begin + 1
        while row < self._end:
            if self._swaps and self._swaps[0].at_us <= time_us[row]:
                self._swap(self._swaps.pop(0))
            elif self._base_us == time_us[row - 1] and self._base_value == value[row - 1]:
                row = self._smooth_run(row)
                if row < self._until():
                    row = self._judge(row)
            else:
                row = self._judge(row)
        return self._base_us, self._base_value, self._base_row

    def _until(self) -> int:
        """The first row that the next replacement comes before."""
        if not self._swaps:
            return self._end
        inside = self._chain.event_time_us[self._begin : self._end]
        return self._begin + int(np.searchsorted(inside, self._swaps[0].at_us))

    def _smooth_run(self, row: int) -> int:
        """Take the pairs from row - 1 up to the next rough one; returns the row after them."""
        at = int(np.searchsorted(self._stops, row - 1))
        stop = int(self._stops[at]) if at < len(self._stops) else self._end - 1
        stop = max(min(stop, self._until() - 1), row - 1)
        if stop > row - 1:
            pairs = np.arange(row - 1, stop)
            rise = (self._chain.value[pairs + 1] - self._chain.value[pairs]) * self._sign
            joins = _joins(self._chain, pairs, rise * self._ratio)
            joins.flags[0] |= np.uint16(self._doubt)
            self._found.joins.append(joins)
            self._go_on_from(stop, float(self._chain.value[stop]))
        return stop + 1

    def _judge(self, row: int) -> int:
        """Believe, drop or leave waiting one reading; returns the next row."""
        value, time_us = float(self._chain.value[row]), int(self._chain.event_time_us[row])
        until = self._until()
        if self._goes_on(row):
            rise = (value - self._base_value) * self._sign
            self._book(time_us, value if rise >= 0 else self._base_value, max(rise, 0.0), 0, row)
            self._go_on_from(row, value if rise >= 0 else self._base_value)
        elif any(self._goes_on(later) for later in range(row + 1, min(row + self._confirm, until))):
            self._drop(row)
        elif row + self._confirm > until and until == self._end:
            self._found.waiting.append(np.arange(row, self._end))
            return self._end
        elif row + self._confirm > until and self._went_on_to(self._swaps[0]):
            self._drop(row)  # the meter was being replaced
        else:
            amount, flags = self._explained(row, value, self._highest(time_us))
            self._book(time_us, value, amount, flags, row)
            self._go_on_from(row, value)
        return row + 1

    def _goes_on(self, row: int) -> bool:
        return self._leads_to(float(self._chain.value[row]), int(self._chain.event_time_us[row]))

    def _leads_to(self, value: float, time_us: int) -> bool:
        """Whether the last believed reading can have gone on to this value."""
        rise = (value - self._base_value) * self._sign
        return rise >= -self._jitter and not rise > self._highest(time_us)

    def _went_on_to(self, swap: Replacement) -> bool:
        """Whether the old meter went on from the last believed reading to its end, as far as is known."""
        return swap.final_value is None or self._leads_to(swap.final_value, swap.at_us)

    def _highest(self, time_us: int) -> float:
        """What can have passed since the last believed reading, as the meter shows it; NaN if not known."""
        return self._canonical_rate / self._ratio * ((time_us - self._base_us) / HOUR_US) + self._step

    def _explained(self, row: int, value: float, highest: float) -> tuple[float, int]:
        """Amount (as the meter shows it) and flag of a believed fall or implausible rise.

        Digits that ended are a rollover; a counter that can have come so far from 0 was
        reset; one that goes on rising like this is rated too low. Of any other jump nobody
        knows what was used.
        """
        rise = (value - self._base_value) * self._sign
        if rise >= 0:
            return (rise, Quality.DOUBTED) if self._goes_on_rising(row) else (0.0, Quality.JUMP)
        if self._sign < 0:
            return 0.0, Quality.RESET
        over = self._rollover_at - self._base_value + value
        known = not np.isnan(highest)
        near = (
            self._base_value >= (1 - _ROLLOVER_SHARE) * self._rollover_at
            and value <= _ROLLOVER_SHARE * self._rollover_at
        )
        if self._rollover_at >= self._base_value and (over <= highest if known else near):
            return over, Quality.ROLLOVER
        if value >= 0 and (value <= highest if known else value < (1 - _DIP_SHARE) * self._base_value):
            return value, Quality.RESET
        return 0.0, Quality.JUMP

    def _goes_on_rising(self, row: int) -> bool:
        """Whether the next readings rise as implausibly."""
        rows = slice(row, row + self._confirm)
        rises = np.diff(self._chain.value[rows]) * self._sign
        hours = np.diff(self._chain.event_time_us[rows]) / HOUR_US
        rate = self._canonical_rate / self._ratio
        return len(rises) > 0 and bool(np.all(rises > rate * hours + self._step))

    def _swap(self, swap: Replacement) -> None:
        """End the old meter's segment at the replacement and go on with the new meter."""
        final = self._base_value if swap.final_value is None else swap.final_value
        rise = (final - self._base_value) * self._sign
        wrong = swap.final_value is None or rise < 0
        flags = Quality.REPLACED | (Quality.DOUBTED if wrong else 0)
        self._book(swap.at_us, final, max(rise, 0.0), flags, self._base_row)
        self._change(swap)
        self._base_us, self._doubt = swap.at_us, Quality.REPLACED
        self._base_value = 0.0 if swap.initial_value is None else swap.initial_value

    def _change(self, swap: Replacement) -> None:
        self._ratio = self._ratio if swap.ratio is None else swap.ratio
        self._rollover_at = self._rollover_at if swap.rollover_at is None else swap.rollover_at

    def _drop(self, row: int) -> None:
        self._found.doubted.append(row)
        self._doubt |= Quality.DOUBTED

    def _book(self, end_us: int, end_value: float, amount: float, flags: int, row: int) -> None:
        """A segment from the last believed reading; amount as the meter shows it."""
        if end_us == self._base_us:
            return
        self._found.joins.append(
            Joins(
                np.array([self._base_row]),
                np.array([row]),
                np.array([self._base_us]),
                np.array([end_us]),
                np.array([self._base_value]),
                np.array([end_value]),
                np.array([amount * self._ratio]),
                np.array([flags | self._doubt], np.uint16),
            )
        )

    def _go_on_from(self, row: int, value: float) -> None:
        self._base_us, self._base_value = int(self._chain.event_time_us[row]), value
        self._base_row = row
        self._doubt = 0
