"""What a store may let go, and what it must keep.

Ledger intervals are kept for ever: figures outlive the readings that they were made of.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.batch import ReadingBatch


@dataclass(frozen=True, slots=True)
class Retention:
    """Limits as of one moment, in device time; None is for ever.

    full_from_us: older readings are thinned.
    readings_from_us: older readings go, but for the last one of each register before it,
    from which the first that stays counts on.
    positions_from_us: older positions go.
    quiet_from_us: a window of time that received something later than this is not thinned
    yet, so that a buffer which is being uploaded is thinned once.
    thin: gives the readings to keep of readings by register, then time, in whole intervals.
    """

    full_from_us: int | None
    readings_from_us: int | None
    positions_from_us: int | None
    quiet_from_us: int
    thin: Callable[[ReadingBatch], ReadingBatch]
