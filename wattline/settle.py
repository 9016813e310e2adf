"""Late data: which spans of the ledger are recomputed when, and how.

A span waits until its register has been quiet for a moment, so that a buffer which is being
uploaded is recomputed once and not with every batch; but no span waits for long.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics import late, ledger
from analytics.belief import Belief, believe
from analytics.counters import one_an_identity
from core.batch import BASE_US, I32, IntervalBatch, ReadingBatch
from core.columns import RegisterColumns
from core.ports import TimeSeriesStore
from wattline.state import State

_QUIET_US = 1_000_000
_PATIENCE_US = 15_000_000

_LOOK_US = 7_200_000_000
_WIDER = 24
_WIDEST_US = 10 * 366 * 86_400_000_000
_LATEST_US = 4_102_444_800_000_000  # 2100-01-01
ALWAYS_US = 0
"""From before any reading on."""


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

    def doubt(self, state: State, changed: dict[int, int | None]) -> None:
        """Put in doubt what registers say from a time on (None: always), as they count otherwise now."""
        for register, from_us in changed.items():
            newest_us = int(state.newest.last_us[register])
            first_us = ALWAYS_US if from_us is None else from_us
            if first_us <= newest_us:
                state.late = late.add(state.late, register, (first_us, newest_us))

    def due(self, state: State, now_us: int) -> int | None:
        """A register whose first span in doubt should be recomputed now."""
        return next((register for register in state.late if self._is_due(register, now_us)), None)

    def done(self, state: State, register: int) -> None:
        """Forget the first span in doubt of a register."""
        del state.late[register][0]
        if not state.late[register]:
            del state.late[register]
            self._waiting.pop(register, None)

    def _is_due(self, register: int, now_us: int) -> bool:
        first_us, last_us = self._waiting.get(register, (0, 0))  # none: from before a restart
        return now_us - last_us >= _QUIET_US or now_us - first_us >= _PATIENCE_US


@dataclass(frozen=True, slots=True)
class Around:
    """Readings and intervals of a register around a span in doubt, and where to begin.

    chain: from a reading that was believed, and that nothing in the span can change, on.
    start_us: the first ledger interval that may be another. to_newest: whether the chain
    reaches the register's newest reading.
    """

    chain: ReadingBatch
    stored: IntervalBatch
    start_us: int
    to_newest: bool


def recompute(store: TimeSeriesStore, state: State, columns: RegisterColumns, register: int) -> IntervalBatch:
    """Intervals that the first span in doubt of a register makes different; updates the state.

    Every stored reading must have gone through the steps, and every interval that they made
    must be stored. Raises StoreError; nothing has happened then.
    """
    span = state.late[register][0]
    newest_us = int(state.newest.last_us[register])
    for around in surroundings(store, columns, register, span, newest_us):
        if len(around.chain) == 0:
            return IntervalBatch.empty()
        found = believe(around.chain, columns)
        rows = ledger.intervals(found.segments)
        rows = rows.take(rows.start_us >= around.start_us)
        settled_us = _settled_us(around.chain, found, columns)
        end_us = None if around.to_newest else late.agreed_us(around.stored, rows, span[1], settled_us)
        if around.to_newest or end_us is not None:
            break
    if end_us is None:
        ledger.continue_from(state.ledger, state.newest, around.chain, found, rows)
        # The newest interval is part of the state, which knows whether it is still open.
        open_us = int(state.ledger.start_us[register])
        rows = rows.take(rows.start_us != open_us)
        stored = around.stored.take(around.stored.start_us != open_us)
        return late.revised(stored.take(stored.start_us >= around.start_us), rows)
    inside = (around.stored.start_us >= around.start_us) & (around.stored.start_us < end_us)
    return late.revised(around.stored.take(inside), rows.take(rows.start_us < end_us))


def surroundings(
    store: TimeSeriesStore, columns: RegisterColumns, register: int, span: tuple[int, int], newest_us: int
) -> Iterator[Around]:
    """What is stored around a span in doubt, wider and wider until all is there.

    span: event times of its first and its last reading. newest_us: of the register.
    """
    of: I32 = np.array([register], np.int32)
    first_us, last_us = span
    confirm = int(columns.confirm[register])
    events_us = [event.at_us for event in columns.replacements.get(register, ())]
    look_us = max(_LOOK_US, 2 * (confirm + 1) * int(columns.expected_us[register]))
    while True:
        all_of_it = look_us > _WIDEST_US or first_us == ALWAYS_US
        low_us = ALWAYS_US if all_of_it else first_us - look_us
        high_us = _LATEST_US if all_of_it else last_us + look_us
        readings = one_an_identity(store.readings(of, low_us, high_us))
        stored = store.intervals(of, low_us - BASE_US, high_us)
        earlier = readings.event_time_us[readings.event_time_us < first_us]
        safe_us = int(earlier[-1 - confirm]) if len(earlier) > confirm else low_us
        base = _base(readings, stored, safe_us, events_us)
        to_newest = all_of_it or bool(np.any(readings.event_time_us >= newest_us))
        if base is not None:
            after = readings.take(readings.event_time_us > base.event_time_us[0])
            start_us = -(-int(base.event_time_us[0]) // BASE_US) * BASE_US
            yield Around(ReadingBatch.concat([base, after]), stored, start_us, to_newest)
        elif all_of_it:
            yield Around(readings, stored, ALWAYS_US, to_newest=True)
        if all_of_it:
            return
        look_us *= _WIDER


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


def _settled_us(chain: ReadingBatch, found: Belief, columns: RegisterColumns) -> int:
    """Up to here no reading after the chain can change what was made of it."""
    tail = max(len(chain) - int(columns.confirm[int(chain.register[0])]), 0)
    rows = np.append(found.waiting, tail)
    return int(chain.event_time_us[int(rows.min())])
