"""Which old readings may be let go without changing any figure.

In: all readings of some registers in whole ledger intervals. Out: of each register and
interval the first, the last, the lowest and the highest; both readings around every silence
longer than a gap and around everything that makes a counter's reading doubted, with as many
as decide whether it is believed; and what a person entered. Whatever was let go lay between
two kept readings of one interval, on a rise without a gap: the segment between those two
says the same of the interval. Both are flagged, so that the space between them is not taken
for a silence.

Thinning again what was thinned changes nothing, unless a late reading has come in between.
"""

import numpy as np

from analytics.belief import smooth
from analytics.segments import gaps, thinned_pairs
from core.batch import F64, I64, Mask, ReadingBatch
from core.columns import RegisterColumns
from core.quality import ReadingQuality


def thinned(batch: ReadingBatch, columns: RegisterColumns) -> ReadingBatch:
    """The readings to keep, flagged where others beside them went.

    batch: by register, then time, one row an identity; each register's ledger intervals
    (which hold their end, not their start) are there as a whole.
    """
    if len(batch) < 3:
        return batch
    beside = _beside(batch, columns)
    keep = np.ones(len(batch), np.bool_)
    keep[1:-1] = ~(beside[:-1] & beside[1:])  # the first and the last of an interval
    starts = np.flatnonzero(np.append(np.True_, ~beside))
    for extreme in (np.minimum, np.maximum):
        keep |= _first_equal(batch.value, extreme.reduceat(batch.value, starts), starts)
    cut = beside & gaps(batch, columns)
    keep[:-1] |= cut
    keep[1:] |= cut
    keep |= _deciding(batch, columns)
    keep |= (batch.quality & ReadingQuality.MANUAL).astype(np.bool_)

    kept = np.flatnonzero(keep)
    went = np.append(0, np.cumsum(~keep | np.append(thinned_pairs(batch), np.False_)))
    let_go = (went[kept[1:]] - went[kept[:-1]] > 0) & _beside(batch.take(kept), columns)
    quality = batch.quality[kept]
    quality[:-1] |= np.where(let_go, ReadingQuality.THINNED_AFTER, 0).astype(np.uint8)
    quality[1:] |= np.where(let_go, ReadingQuality.THINNED_BEFORE, 0).astype(np.uint8)
    found = batch.take(kept)
    return ReadingBatch(found.register, found.event_time_us, found.value, quality, found.received_at_us)


def _deciding(batch: ReadingBatch, columns: RegisterColumns) -> Mask:
    """Rows that decide what is believed: around each rough pair of a counter."""
    same = batch.register[1:] == batch.register[:-1]
    rough = np.append(np.False_, same & ~smooth(batch, columns)) & columns.is_counter[batch.register]
    found = rough.copy()
    for ahead in range(1, int(columns.confirm.max()) + 1):
        of_register = batch.register[ahead:] == batch.register[:-ahead]
        within = ahead <= columns.confirm[batch.register[ahead:]]
        found[ahead:] |= rough[:-ahead] & of_register & within
    found[:-1] |= rough[1:] & same
    return found


def _beside(batch: ReadingBatch, columns: RegisterColumns) -> Mask:
    """Whether the next row is of the same register and ledger interval; bool[n - 1]."""
    slot = (batch.event_time_us - 1) // columns.base_us[batch.register]
    found: Mask = (batch.register[1:] == batch.register[:-1]) & (slot[1:] == slot[:-1])
    return found


def _first_equal(value: F64, wanted: F64, starts: I64) -> Mask:
    """The first row of each run (from starts) that has the wanted value."""
    lengths = np.diff(np.append(starts, len(value)))
    hits = np.flatnonzero(value == np.repeat(wanted, lengths))
    run = np.searchsorted(starts, hits, side="right")
    first = np.append(np.True_, run[1:] != run[:-1]) if len(hits) else np.empty(0, np.bool_)
    found = np.zeros(len(value), np.bool_)
    found[hits[first]] = True
    return found
