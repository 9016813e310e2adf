"""Why an interval's amount is what it is, and what is known about a reading."""

from enum import IntFlag


class Quality(IntFlag):
    """Flags of an interval; none set means measured, with a reading in or beside it."""

    MEASURED = 0
    START_INTERPOLATED = 1  # its start edge lies between two readings far apart
    END_INTERPOLATED = 2
    GAP_SPREAD = 4  # energy of a silent span, spread evenly over it
    RESET = 8
    ROLLOVER = 16
    REPLACED = 32
    MANUAL = 64
    LATE = 128  # recomputed after readings that came late or were corrected
    OPEN = 256  # still filling: not final
    DOUBTED = 512  # a reading in or beside it was not believed
    JUMP = 1024  # the counter jumped to where it can't have counted to; nothing is booked for that
    INNER_INTERPOLATED = 2048  # as the first two, of an edge that is on no 15-minute mark


class ReadingQuality(IntFlag):
    """Flags of one reading."""

    GOOD = 0
    RECEIVE_TIME = 1  # the device sent no time; the time of receipt stands in
    MANUAL = 2
    THINNED_BEFORE = 4  # readings between the one before and this were let go; they left no gap
    THINNED_AFTER = 8  # the same, between this and the next


THINNED = ReadingQuality.THINNED_BEFORE | ReadingQuality.THINNED_AFTER
"""Both flags of a reading beside which others were let go."""


# Names as the API and the pages show them; all edge flags are one word there.
_NAMES = {
    Quality.START_INTERPOLATED: "interpolated",
    Quality.END_INTERPOLATED: "interpolated",
    Quality.GAP_SPREAD: "gap_spread",
    Quality.RESET: "reset",
    Quality.ROLLOVER: "rollover",
    Quality.REPLACED: "replaced",
    Quality.MANUAL: "manual",
    Quality.LATE: "late",
    Quality.OPEN: "open",
    Quality.DOUBTED: "doubted",
    Quality.JUMP: "jump",
    Quality.INNER_INTERPOLATED: "interpolated",
}


def quality_names(flags: int) -> list[str]:
    """Names of the set flags, without repeats; ["measured"] if none is set."""
    names = dict.fromkeys(name for flag, name in _NAMES.items() if flags & flag)
    return list(names) or ["measured"]
