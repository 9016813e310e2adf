"""Late data: which spans of the ledger are recomputed when, and how.

A span waits until its register has been quiet for a moment, so that a buffer which is being
uploaded is recomputed once and not with every batch; but no span waits for long.
"""

import numpy as np

from analytics import late, ledger
from core.batch import IntervalBatch, ReadingBatch
from core.columns import RegisterColumns
from core.ports import TimeSeriesStore
from wattline.state import State

_QUIET_US = 1_000_000
_PATIENCE_US = 15_000_000


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


def recompute(store: TimeSeriesStore, state: State, columns: RegisterColumns, register: int) -> IntervalBatch:
    """Intervals that the first span in doubt of a register makes different; updates the state.

    Every stored reading must have gone through the steps, and every interval that they made
    must be stored. Raises StoreError; nothing has happened then.
    """
    first_us, last_us = state.late[register][0]
    before, after = store.neighbours(register, first_us, last_us + 1)
    start_us, end_us = late.edges(
        int(before.event_time_us[0]) if len(before) else first_us,
        int(after.event_time_us[0]) if len(after) else last_us,
    )
    of = np.array([register], np.int32)
    before, after = store.neighbours(register, start_us, end_us)
    chain = ReadingBatch.concat([before, store.readings(of, start_us, end_us), after])
    rows = ledger.recompute(chain, columns, start_us, end_us)
    stored = store.intervals(of, start_us, end_us)
    state.ledger, state.newest = ledger.continue_from(state.ledger, state.newest, chain, rows)
    # The newest interval is part of the state, which knows whether it is still open.
    rows = rows.take(rows.start_us != state.ledger.start_us[register])
    return late.revised(stored, rows)
