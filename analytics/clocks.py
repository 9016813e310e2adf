"""Rules on device clocks: times that are ahead of receipt, or steadily behind it.

What is looked at is the newest device time of each receipt. A buffer that is uploaded is
behind as well, but catches up; a wrong clock stays as far behind as it is.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analytics.counters import NEVER_US
from analytics.rule_memory import Memory, rounds
from core.batch import F64, I32, I64, Mask, ReadingBatch
from core.quality import ReadingQuality
from core.rules import ClockSkew

_NOT_OF_A_CLOCK = ReadingQuality.RECEIVE_TIME | ReadingQuality.MANUAL
_INTERVALS = 3
_DRIFT = 0.1


@dataclass(slots=True)
class Clocks(Memory):
    """How far behind the clocks of watches were at since_us, and that they have kept to it since.

    may_lead_us, may_lag_us: how far ahead and behind the rule lets it be. received_us: newest
    receipt. behind_us: at since_us.
    """

    kind: ClassVar[tuple[str, ...]] = ("may_lead_us", "may_lag_us")

    watch: I32
    may_lead_us: I64
    may_lag_us: I64
    since_us: I64
    received_us: I64
    behind_us: I64

    @classmethod
    def empty(cls, watch: I32, rules: list[ClockSkew]) -> "Clocks":
        """Of watches that have heard nothing; rules: of each its condition."""
        limits = np.array([(rule.ahead_s, rule.behind_s) for rule in rules], np.float64).reshape(-1, 2)
        may_lead_us, may_lag_us = np.round(limits.T * 1e6).astype(np.int64)
        never = np.full(len(watch), NEVER_US, np.int64)
        return cls(watch, may_lead_us, may_lag_us, never, never.copy(), np.zeros(len(watch), np.int64))


@dataclass(frozen=True, slots=True)
class Receipts:
    """Newest device time of each receipt of a device, ordered by its first register, then receipt."""

    register: I32
    received_us: I64
    event_time_us: I64

    @classmethod
    def of(cls, batch: ReadingBatch, first_register: I32) -> "Receipts":
        """Receipts of a batch; first_register: by register, the first of its device."""
        rows = np.flatnonzero((batch.quality & _NOT_OF_A_CLOCK) == 0)
        register, received_us = first_register[batch.register[rows]], batch.received_at_us[rows]
        event_us = batch.event_time_us[rows]
        order = np.lexsort((event_us, received_us, register))
        register, received_us = register[order], received_us[order]
        last = np.append((register[1:] != register[:-1]) | (received_us[1:] != received_us[:-1]), np.True_)
        last = last[: len(order)]
        return cls(register[last], received_us[last], event_us[order][last])


def look(
    clocks: Clocks, watch: I32, received_us: I64, event_us: I64, silent_us: I64
) -> tuple[F64, F64, Mask, Mask]:
    """Seconds ahead (below 0: behind), what they are held against, whether that is wrong, whether right.

    Rows are ordered by watch, then receipt. silent_us: three expected intervals; a clock that
    has been behind for so long, by the same but for an interval and a tenth of the time that
    has passed, is steadily so. clocks is updated in place.
    """
    skew_us = event_us - received_us
    steady = np.zeros(len(watch), np.bool_)
    at = clocks.row(watch)
    for rows in rounds(watch):
        steady[rows] = _steady(clocks, at[rows], received_us[rows], -skew_us[rows], silent_us[rows])
    ahead, behind = skew_us > clocks.may_lead_us[at], -skew_us > clocks.may_lag_us[at]
    limit_s = np.where(skew_us < 0, -clocks.may_lag_us[at], clocks.may_lead_us[at]) / 1e6
    return skew_us / 1e6, limit_s, ahead | (behind & steady), ~behind & ~ahead


def _steady(clocks: Clocks, at: I64, received_us: I64, behind_us: I64, silent_us: I64) -> Mask:
    known = clocks.since_us[at] != NEVER_US
    passed_us = received_us - np.where(known, clocks.since_us[at], received_us)
    allowed_us = silent_us / _INTERVALS + _DRIFT * passed_us
    pause_us = received_us - np.where(known, clocks.received_us[at], received_us)
    kept = known & (np.abs(behind_us - clocks.behind_us[at]) <= allowed_us) & (pause_us <= silent_us)
    clocks.since_us[at] = np.where(kept, clocks.since_us[at], received_us)
    clocks.behind_us[at] = np.where(kept, clocks.behind_us[at], behind_us)
    clocks.received_us[at] = received_us
    steady: Mask = kept & (passed_us >= silent_us)
    return steady
