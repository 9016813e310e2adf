"""Late data: which spans of the ledger are recomputed when, and how.

A span waits until its register has been quiet for a moment, so that a buffer which is being
uploaded is recomputed once and not with every batch; but no span waits for long.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from analytics import late, ledger
from analytics.belief import Belief, believe
from analytics.counters import one_an_identity
from core.batch import BASE_US, I32, IntervalBatch, ReadingBatch
from core.columns import RegisterColumns
from core.ports import TimeSeriesStore
from wattline.stages.state import ALWAYS_US, State

_QUIET_US = 1_000_000
_PATIENCE_US = 15_000_000

_LOOK_US = 7_200_000_000
_WIDER = 24
_YEAR_US = 366 * 86_400_000_000
_WHOLE_ROWS = 1_000_000  # readings of a year that are derived again at once
_WIDEST_US = 10 * 366 * 86_400_000_000
LATEST_US = 4_102_444_800_000_000
"""2100-01-01: after any reading."""


class LateData:
    """When the registers of state.late had their late readings, by time of receipt."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[int, int]] = {}

    def mark(self, state: State, came_late: ReadingBatch) -> None:
        """Put the spans of late readings in doubt."""
        if len(came_late) == 0:
            return
        state.late = late.mark(state.late, came_late)
        received_us = int(came_late.received_at_us.max())
        for register in np.unique(came_late.register).tolist():
            first_us, _ = self._waiting.get(register, (received_us, received_us))
            self._waiting[register] = first_us, received_us

    def due(self, state: State, columns: RegisterColumns, now_us: int) -> list[int]:
        """Registers whose first span in doubt should be recomputed now, and together."""
        due = (register for register in state.late if self._is_due(register, now_us))
        found = list(itertools.islice(due, 1))
        if found and state.late[found[0]][0][0] == ALWAYS_US:
            whole = (register for register in due if state.late[register][0][0] == ALWAYS_US)
            found += itertools.islice(whole, at_once(columns, found[0]) - 1)
        return sorted(found)

    def done(self, state: State, registers: list[int]) -> None:
        """Forget the first span in doubt of each register."""
        for register in registers:
            del state.late[register][0]
            if not state.late[register]:
                del state.late[register]
                self._waiting.pop(register, None)

    def _is_due(self, register: int, now_us: int) -> bool:
        first_us, last_us = self._waiting.get(register, (0, 0))  # none: from before a restart
        return now_us - last_us >= _QUIET_US or now_us - first_us >= _PATIENCE_US


@dataclass(frozen=True, slots=True)
class Again:
    """Registers derived again around a span in doubt.

    rows: their intervals from start_us until end_us (None: up to the newest reading); before
    and after they are the same as ever. stored: what is stored of that time. changed: rows that
    say something else. chain, found: the readings that they come from, and what is made of these.
    """

    start_us: int
    end_us: int | None
    rows: IntervalBatch
    stored: IntervalBatch
    changed: IntervalBatch
    chain: ReadingBatch
    found: Belief


def at_once(columns: RegisterColumns, register: int) -> int:
    """How many registers like this one can be derived again as a whole at once."""
    yearly = _YEAR_US / int(columns.expected_us[register])
    return max(int(_WHOLE_ROWS / yearly), 1)


def recompute(
    store: TimeSeriesStore, state: State, columns: RegisterColumns, registers: list[int]
) -> IntervalBatch:
    """Intervals that the first spans in doubt of registers make different; updates the state.

    Every stored reading must have gone through the steps, and every interval that they made
    must be stored. Raises StoreError; nothing has happened then.
    """
    if len(registers) > 1:
        again = derive_all(store, columns, registers)
    else:
        newest_us = int(state.newest.last_us[registers[0]])
        span = state.late[registers[0]][0]
        again = derive_again(store, columns, registers[0], span, newest_us=newest_us)
    if again is None:
        return IntervalBatch.empty()
    return take_over(state, again)


def take_over(state: State, again: Again) -> IntervalBatch:
    """Go on from what was derived again; the intervals to be stored."""
    if again.end_us is not None:
        return again.changed
    ledger.continue_from(state.ledger, state.newest, again.chain, again.found, again.rows)
    # The newest interval is part of the state, which knows whether it is still open.
    newest_us = state.ledger.start_us[again.changed.register]
    return again.changed.take(again.changed.start_us != newest_us)


def derive_all(store: TimeSeriesStore, columns: RegisterColumns, registers: list[int]) -> Again | None:
    """Derive registers again from their first readings on; None if they have none. Raises StoreError."""
    of: I32 = np.array(registers, np.int32)
    chain = one_an_identity(store.readings(of, ALWAYS_US, LATEST_US))
    if len(chain) == 0:
        return None
    stored = store.intervals(of, ALWAYS_US, LATEST_US)
    found = believe(chain, columns)
    rows = ledger.intervals(found.segments)
    changed = late.revised(stored, rows, columns.base_us)
    return Again(ALWAYS_US, None, rows, stored, changed, chain, found)


def derive_again(
    store: TimeSeriesStore,
    columns: RegisterColumns,
    register: int,
    span: tuple[int, int],
    *,
    newest_us: int,
    more: ReadingBatch | None = None,
) -> Again | None:
    """Derive a register again around a span, from as few readings as will do; None if it has none.

    span: event times of the first and the last reading in doubt. newest_us: of its newest
    reading. more: readings to take as stored too, all in the span.
    """
    of: I32 = np.array([register], np.int32)
    first_us, last_us = span
    confirm, base_us = int(columns.confirm[register]), int(columns.base_us[register])
    events_us = [event.at_us for event in columns.replacements.get(register, ())]
    look_us = max(_LOOK_US, 2 * (confirm + 1) * int(columns.expected_us[register]))
    while True:
        everything = look_us > _WIDEST_US or first_us == ALWAYS_US
        low_us = ALWAYS_US if everything else first_us - look_us
        high_us = LATEST_US if everything else last_us + look_us
        readings = _with(store.readings(of, low_us, high_us), more)
        stored = store.intervals(of, low_us - BASE_US, high_us)
        earlier = readings.event_time_us[readings.event_time_us < first_us]
        safe_us = int(earlier[-1 - confirm]) if len(earlier) > confirm else low_us
        base = _base(readings, stored, safe_us, events_us)
        if base is not None:
            after = readings.take(readings.event_time_us > base.event_time_us[0])
            start_us = -(-int(base.event_time_us[0]) // base_us) * base_us
            chain = ReadingBatch.concat([base, after])
        elif everything:
            start_us, chain = ALWAYS_US, readings
        if (base is not None or everything) and len(chain):
            found = believe(chain, columns)
            rows = ledger.intervals(found.segments)
            rows = rows.take(rows.start_us >= start_us)
            stored = stored.take(stored.start_us >= start_us)
            if everything or chain.event_time_us[-1] >= newest_us:
                changed = late.revised(stored, rows, columns.base_us)
                return Again(start_us, None, rows, stored, changed, chain, found)
            end_us = late.agreed_us(stored, rows, last_us, _settled_us(chain, found, confirm))
            if end_us is not None:
                rows, stored = rows.take(rows.start_us < end_us), stored.take(stored.start_us < end_us)
                changed = late.revised(stored, rows, columns.base_us)
                return Again(start_us, end_us, rows, stored, changed, chain, found)
        elif everything:
            return None
        look_us *= _WIDER


def _with(stored: ReadingBatch, more: ReadingBatch | None) -> ReadingBatch:
    """Readings of one register in order of time; of one time the one in more."""
    if more is not None:
        both = ReadingBatch.concat([stored, more])
        stored = both.take(np.argsort(both.event_time_us, kind="stable"))
    return one_an_identity(stored)


def _base(
    readings: ReadingBatch, stored: IntervalBatch, safe_us: int, events_us: list[int]
) -> ReadingBatch | None:
    """The last believed reading at or before safe_us, as the ledger knows it: one row, if there is one."""
    fit = (stored.last_us <= safe_us) & ~np.isnan(stored.last_value) & ~np.isin(stored.last_us, events_us)
    rows = np.flatnonzero(fit)
    if len(rows) == 0:
        return None
    row = rows[-1]
    at = np.flatnonzero(readings.event_time_us == stored.last_us[row])
    if len(at) == 0:
        return None
    base = readings.take(at)
    base.value[:] = stored.last_value[row]
    return base


def _settled_us(chain: ReadingBatch, found: Belief, confirm: int) -> int:
    """Up to here no reading after the chain can change what was made of it."""
    rows = np.append(found.waiting, max(len(chain) - confirm, 0))
    return int(chain.event_time_us[int(rows.min())])
