"""Cumulative registers to segments: what was used between two consecutive readings.

In: counter readings ordered by register and time. Out: a segment for each believed reading
that has a predecessor (analytics.belief), and the readings that came too late to be the
newest of their register. Of the readings of a set the same are believed whatever order they
arrived in.
"""

from dataclasses import dataclass, fields

import numpy as np

from analytics.belief import Bases, believe
from analytics.segments import Segments
from core.batch import F64, I64, U8, Mask, ReadingBatch
from core.columns import RegisterColumns
from core.errors import UnorderedBatch

NEVER_US = np.iinfo(np.int64).min
"""Time of the last reading of a register that was never heard."""


@dataclass(slots=True)
class CounterState:
    """What is remembered of every register, by register id, and readings that wait to be believed.

    last_*: its newest reading. base_*: the last believed one of a counter.
    waiting: by register, then time; all later than their register's base.
    """

    last_us: I64
    last_value: F64
    base_us: I64
    base_value: F64
    base_quality: U8
    waiting: ReadingBatch

    @classmethod
    def empty(cls, size: int) -> "CounterState":
        """State of registers that were never heard."""
        return cls(
            np.full(size, NEVER_US, np.int64),
            np.full(size, np.nan),
            np.full(size, NEVER_US, np.int64),
            np.full(size, np.nan),
            np.zeros(size, np.uint8),
            ReadingBatch.empty(),
        )

    def grow(self, size: int) -> None:
        """Make room for registers up to size - 1."""
        more = size - len(self.last_us)
        if more > 0:
            fresh = CounterState.empty(more)
            for column in BY_REGISTER:
                setattr(self, column, np.concatenate([getattr(self, column), getattr(fresh, column)]))

    def adopt(self, other: "CounterState", registers: Mask) -> None:
        """Take over what another state, of as many registers, remembers of some."""
        for column in BY_REGISTER:
            getattr(self, column)[registers] = getattr(other, column)[registers]
        mine = self.waiting.take(~registers[self.waiting.register])
        self.wait(ReadingBatch.concat([mine, other.waiting.take(registers[other.waiting.register])]))

    def wait(self, waiting: ReadingBatch) -> None:
        """Let these readings wait, and no others."""
        self.waiting = waiting.take(np.lexsort((waiting.event_time_us, waiting.register)))

    def remember(self, bases: Bases) -> None:
        """Keep the last believed reading of some registers."""
        self.base_us[bases.register] = bases.time_us
        self.base_value[bases.register] = bases.value
        self.base_quality[bases.register] = bases.quality


BY_REGISTER = [column.name for column in fields(CounterState) if column.name != "waiting"]
"""Columns of CounterState that have a row a register."""


def one_an_identity(batch: ReadingBatch) -> ReadingBatch:
    """Drop all but the last of neighbours with the same (register, event time)."""
    same = (batch.register[1:] == batch.register[:-1]) & (batch.event_time_us[1:] == batch.event_time_us[:-1])
    if not same.any():
        return batch
    return batch.take(np.append(~same, np.True_))


def step(
    state: CounterState, batch: ReadingBatch, columns: RegisterColumns
) -> tuple[CounterState, Segments, ReadingBatch]:
    """Segments ending in believed readings of an ordered batch or that waited, and its late readings.

    batch: counter readings by register, then time; of one identity the last wins.
    A late reading is older than the newest of its register, or corrects it. A repetition
    of the newest reading is neither.
    Raises UnorderedBatch.
    """
    if len(batch) == 0:
        return state, Segments.empty(), batch
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
        return state, Segments.empty(), late

    first = np.flatnonzero(np.append(np.True_, batch.register[1:] != batch.register[:-1]))
    chain = _chain(state, batch, first)
    found = believe(chain, columns)
    state.remember(found.bases)
    if len(found.waiting):
        state.wait(ReadingBatch.concat([state.waiting, chain.take(found.waiting)]))
    last = np.append(first[1:], len(batch)) - 1
    state.last_us[batch.register[last]] = batch.event_time_us[last]
    state.last_value[batch.register[last]] = batch.value[last]
    return state, found.segments, late


def remember(state: CounterState, batch: ReadingBatch) -> CounterState:
    """Keep the newest reading of each register in an ordered batch, counter or not."""
    if len(batch) == 0:
        return state
    last = np.flatnonzero(np.append(batch.register[1:] != batch.register[:-1], np.True_))
    newest = batch.take(last[batch.event_time_us[last] >= state.last_us[batch.register[last]]])
    state.last_us[newest.register] = newest.event_time_us
    state.last_value[newest.register] = newest.value
    return state


def _chain(state: CounterState, batch: ReadingBatch, first: I64) -> ReadingBatch:
    """The batch with the last believed reading in front of each register's run, and what waited.

    first: where the runs begin.
    """
    known = first[state.base_us[batch.register[first]] != NEVER_US]
    based = batch.register[known]
    chain = ReadingBatch(
        np.insert(batch.register, known, based),
        np.insert(batch.event_time_us, known, state.base_us[based]),
        np.insert(batch.value, known, state.base_value[based]),
        np.insert(batch.quality, known, state.base_quality[based]),
        np.insert(batch.received_at_us, known, np.int64(0)),
    )
    waited = np.isin(state.waiting.register, based)
    if waited.any():
        chain = ReadingBatch.concat([chain, state.waiting.take(waited)])
        chain = chain.take(np.lexsort((chain.event_time_us, chain.register)))
        state.waiting = state.waiting.take(~waited)
    return chain
