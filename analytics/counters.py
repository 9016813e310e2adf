"""Cumulative registers to segments: what was used between two consecutive readings.

In: counter readings ordered by register and time. Out: one segment for each reading that
has a predecessor, and the readings that came too late to be the newest of their register.
A segment depends only on its two readings, so the ledger of a set of readings is the same
whatever order they arrived in.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import BASE_US, F64, I32, I64, U16, Mask, ReadingBatch
from core.columns import RegisterColumns
from core.errors import UnorderedBatch
from core.quality import THINNED, Quality, ReadingQuality

NEVER_US = np.iinfo(np.int64).min
"""Time of the last reading of a register that was never heard."""

GAP_FACTOR = 1.5
"""A silence longer than this many expected intervals is a gap: one reading is missing."""

# Falls smaller than this share are a counter that jitters or was re-set to a close value
# (Home Assistant's sensor recorder draws the same line); counting on from zero would book a lifetime.
_DIP_SHARE = 0.1
_ROLLOVER_SHARE = 0.1
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Segments:
    """Consumption between consecutive readings (start, end) of a register.

    covered_from_us: from here to end_us the segment counts as measured; later than
    start_us only where the register was silent for longer than a gap.
    """

    register: I32
    start_us: I64
    end_us: I64
    start_value: F64
    end_value: F64
    amount: F64
    covered_from_us: I64
    quality: U16

    def __len__(self) -> int:
        return len(self.register)


@dataclass(slots=True)
class CounterState:
    """Newest reading of every register, by register id."""

    last_us: I64
    last_value: F64

    @classmethod
    def empty(cls, size: int) -> "CounterState":
        """State of registers that were never heard."""
        return cls(np.full(size, NEVER_US, np.int64), np.full(size, np.nan))

    def grow(self, size: int) -> None:
        """Make room for registers up to size - 1."""
        more = size - len(self.last_us)
        if more > 0:
            self.last_us = np.concatenate([self.last_us, np.full(more, NEVER_US, np.int64)])
            self.last_value = np.concatenate([self.last_value, np.full(more, np.nan)])


def one_an_identity(batch: ReadingBatch) -> ReadingBatch:
    """Drop all but the last of neighbours with the same (register, event time)."""
    same = (batch.register[1:] == batch.register[:-1]) & (batch.event_time_us[1:] == batch.event_time_us[:-1])
    if not same.any():
        return batch
    return batch.take(np.append(~same, np.True_))


def step(
    state: CounterState, batch: ReadingBatch, columns: RegisterColumns
) -> tuple[CounterState, Segments, ReadingBatch]:
    """Segments ending in the readings of an ordered batch, and its late readings.

    batch: counter readings by register, then time; of one identity the last wins.
    A late reading is older than the newest of its register, or corrects it. A repetition
    of the newest reading is neither.
    Raises UnorderedBatch.
    """
    if len(batch) == 0:
        return state, segments_between(batch, columns, np.empty(0, np.int64)), batch
    batch = one_an_identity(batch)
    register, time_us = batch.register, batch.event_time_us
    backwards = (register[1:] < register[:-1]) | (
        (register[1:] == register[:-1]) & (time_us[1:] <= time_us[:-1])
    )
    if backwards.any():
        raise UnorderedBatch("counter readings must be ordered by register and time")

    newest_us = state.last_us[register]
    ahead = time_us > newest_us
    repeated = (time_us == newest_us) & (batch.value == state.last_value[register])
    late = batch.take(~ahead & ~repeated)
    batch = batch.take(ahead)
    if len(batch) == 0:
        return state, segments_between(batch, columns, np.empty(0, np.int64)), late

    # Put the remembered reading in front of each register's run, so that every
    # segment is a pair of neighbours.
    first = np.flatnonzero(np.append(np.True_, batch.register[1:] != batch.register[:-1]))
    known = first[state.last_us[batch.register[first]] != NEVER_US]
    remembered = batch.register[known]
    chain = ReadingBatch(
        np.insert(batch.register, known, remembered),
        np.insert(batch.event_time_us, known, state.last_us[remembered]),
        np.insert(batch.value, known, state.last_value[remembered]),
        np.insert(batch.quality, known, np.uint8(0)),
        np.insert(batch.received_at_us, known, np.int64(0)),
    )
    pairs = np.flatnonzero(chain.register[1:] == chain.register[:-1])
    found = segments_between(chain, columns, pairs)

    last = np.append(first[1:], len(batch)) - 1
    state.last_us[batch.register[last]] = batch.event_time_us[last]
    state.last_value[batch.register[last]] = batch.value[last]
    return state, found, late


def remember(state: CounterState, batch: ReadingBatch) -> CounterState:
    """Keep the newest reading of each register in an ordered batch, counter or not."""
    if len(batch) == 0:
        return state
    last = np.flatnonzero(np.append(batch.register[1:] != batch.register[:-1], np.True_))
    newest = batch.take(last[batch.event_time_us[last] >= state.last_us[batch.register[last]]])
    state.last_us[newest.register] = newest.event_time_us
    state.last_value[newest.register] = newest.value
    return state


def segments_between(chain: ReadingBatch, columns: RegisterColumns, pairs: I64) -> Segments:
    """Segments from row i to row i + 1 of the chain, for every i in pairs.

    Both rows of a pair belong to the same register, and the second is later.
    """
    register = chain.register[pairs]
    start_us, end_us = chain.event_time_us[pairs], chain.event_time_us[pairs + 1]
    start_value, end_value = chain.value[pairs], chain.value[pairs + 1]
    length_us = end_us - start_us
    amount, quality = amounts(
        start_value,
        end_value,
        length_us,
        rollover_at=columns.rollover_at[register],
        max_rate=columns.max_rate[register],
    )
    expected_us = columns.expected_us[register]
    gap = gaps(chain, columns)[pairs]
    quality |= np.where(gap, Quality.GAP_SPREAD, 0).astype(np.uint16)
    covered_from_us = np.where(gap, end_us - expected_us, start_us)
    return Segments(register, start_us, end_us, start_value, end_value, amount, covered_from_us, quality)


def gaps(chain: ReadingBatch, columns: RegisterColumns) -> Mask:
    """Whether the register was silent for longer than a gap before the next row; bool[n - 1].

    Rows between which readings were let go are none, wherever a later one came in between.
    What is said of rows of different registers means nothing.
    """
    length_us = chain.event_time_us[1:] - chain.event_time_us[:-1]
    gap: Mask = length_us > GAP_FACTOR * columns.expected_us[chain.register[1:]]
    if np.any(chain.quality & THINNED):
        gap &= ~thinned_pairs(chain)
    return gap


def thinned_pairs(chain: ReadingBatch) -> Mask:
    """Whether readings between a row and the next were let go; bool[n - 1].

    THINNED_AFTER opens such a span and THINNED_BEFORE closes it, within one ledger interval;
    a row without either that came late lies inside.
    """
    slot = (chain.event_time_us - 1) // BASE_US
    rows = np.arange(len(chain))
    marked = np.maximum.accumulate(np.where(chain.quality & THINNED, rows, 0))
    opened = (chain.quality[marked] & ReadingQuality.THINNED_AFTER).astype(np.bool_)
    opened &= (chain.register[marked] == chain.register) & (slot[marked] == slot)
    closes = (chain.quality[1:] & ReadingQuality.THINNED_BEFORE).astype(np.bool_)
    beside = (chain.register[1:] == chain.register[:-1]) & (slot[1:] == slot[:-1])
    together: Mask = (opened[:-1] | closes) & beside
    return together


def amounts(
    start_value: F64, end_value: F64, length_us: I64, *, rollover_at: F64, max_rate: F64
) -> tuple[F64, U16]:
    """Consumption between two readings of a counter, and its quality flags.

    All arguments have one row a pair; rollover_at and max_rate (units an hour) are NaN
    where not known. A fall from near rollover_at to near 0 is a rollover, any other a
    reset: the counter started again from 0, unless it fell only a little or rose to its
    new value faster than max_rate allows; then nothing is counted.
    """
    rise = end_value - start_value
    fell = rise < 0
    quality = np.zeros(len(rise), np.uint16)
    if not fell.any():
        return rise, quality
    rolled = (
        fell
        & (start_value >= (1 - _ROLLOVER_SHARE) * rollover_at)
        & (end_value <= _ROLLOVER_SHARE * rollover_at)
    )
    reset = fell & ~rolled
    from_zero = (
        reset
        & (end_value < (1 - _DIP_SHARE) * start_value)
        & ~(end_value > max_rate * length_us / _HOUR_US)  # NaN: no limit is known
    )
    amount = np.where(fell, 0.0, rise)
    amount = np.where(rolled, rise + np.nan_to_num(rollover_at), amount)
    amount = np.where(from_zero, end_value, amount)
    quality[rolled] |= np.uint16(Quality.ROLLOVER)
    quality[reset] |= np.uint16(Quality.RESET)
    return amount, quality
