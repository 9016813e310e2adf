"""Late and corrected readings: which spans of the ledger they put in doubt, and what changed."""

import numpy as np

from core.batch import BASE_US, F64, I64, MINUTE_US, IntervalBatch, Mask, ReadingBatch
from core.quality import Quality

# Readings of one register that are this close are recomputed together: an outage that is
# uploaded afterwards is one span, two corrections in different months are two.
_JOIN_US = 86_400_000_000

Spans = dict[int, list[tuple[int, int]]]
"""Per register, in order: (event time of the first, of the last late reading)."""


def mark(spans: Spans, late: ReadingBatch) -> Spans:
    """Add the times of late readings (by register, then time) to the spans in doubt."""
    if len(late) == 0:
        return spans
    far = late.event_time_us[1:] - late.event_time_us[:-1] > _JOIN_US
    head = np.flatnonzero(np.append(np.True_, far | (late.register[1:] != late.register[:-1])))
    tail = np.append(head[1:], len(late)) - 1
    for first, last in zip(head.tolist(), tail.tolist(), strict=True):
        span = (int(late.event_time_us[first]), int(late.event_time_us[last]))
        add(spans, int(late.register[first]), span)
    return spans


def add(spans: Spans, register: int, span: tuple[int, int]) -> Spans:
    """Add one span in doubt."""
    spans[register] = _joined([*spans.get(register, ()), span])
    return spans


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    spans.sort()
    joined = spans[:1]
    for first, last in spans[1:]:
        if first - joined[-1][1] <= _JOIN_US:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def agreed_us(old: IntervalBatch, new: IntervalBatch, after_us: int, until_us: int) -> int | None:
    """Where two ledgers of a register agree again, from when on both are the same; None if nowhere.

    That is at the end of the first interval, of those that end by until_us, whose last
    believed reading is the same in both and no earlier than after_us.
    """
    common, mine, theirs = np.intersect1d(new.start_us, old.start_us, assume_unique=True, return_indices=True)
    same = (new.last_us[mine] == old.last_us[theirs]) & (new.last_value[mine] == old.last_value[theirs])
    same &= (new.last_us[mine] >= after_us) & (common + BASE_US <= until_us)
    found = common[same]
    return int(found[0]) + BASE_US if len(found) else None


def revised(old: IntervalBatch, new: IntervalBatch, base_us: I64) -> IntervalBatch:
    """Rows of new that say something else than old, flagged LATE, with their next revision.

    old, new: the same registers and span, by register, then start. base_us: length of the
    intervals of new, by register id. Of an interval of old that is not in new nothing is known
    for now, for its readings wait to be believed: it is flagged DOUBTED and holds nothing. One
    that begins on no mark of its register any more is part of a longer one now: it has no
    amount.
    """
    old_key, new_key = _key(old), _key(new)
    at = np.searchsorted(new_key, old_key)
    is_gone = np.append(new_key, np.iinfo(np.int64).max)[at] != old_key
    gone = old.take(is_gone)
    if len(gone):
        merged = gone.start_us % base_us[gone.register] != 0
        new = IntervalBatch.concat([new, _unknown(gone.take(~merged)), _nothing(gone.take(merged))])
        new = new.take(np.lexsort((new.start_us, new.register)))
        new_key = _key(new)
    at = np.searchsorted(old_key, new_key)
    at_or_0 = np.where(at < len(old), at, 0)
    known = np.zeros(len(new), np.bool_)
    revision = np.zeros(len(new), np.int32)
    same = np.zeros(len(new), np.bool_)
    if len(old):
        known = (at < len(old)) & (old_key[at_or_0] == new_key)
        revision = np.where(known, old.revision[at_or_0] + 1, 0).astype(np.int32)
        ignored = ~np.uint16(Quality.LATE)
        same = (
            known
            & np.isclose(old.amount[at_or_0], new.amount, rtol=1e-12, atol=1e-9, equal_nan=True)
            & (old.covered_us[at_or_0] == new.covered_us)
            & (old.quality[at_or_0] & ignored == new.quality & ignored)
            & (old.first_us[at_or_0] == new.first_us)
            & (old.last_us[at_or_0] == new.last_us)
            & (_equal(old.first_value[at_or_0], new.first_value))
            & (_equal(old.last_value[at_or_0], new.last_value))
        )
    changed = IntervalBatch(**{**new.columns(), "revision": revision})  # type: ignore[arg-type]
    changed.quality[~same & ~np.isnan(changed.amount)] |= np.uint16(Quality.LATE)
    return changed.take(~same)


def _key(rows: IntervalBatch) -> I64:
    """A number of each interval that rises with register and start."""
    key: I64 = rows.register.astype(np.int64) << 40 | rows.start_us // MINUTE_US
    return key


def _equal(old: F64, new: F64) -> Mask:
    same: Mask = (old == new) | (np.isnan(old) & np.isnan(new))
    return same


def _nothing(rows: IntervalBatch) -> IntervalBatch:
    """The intervals without an amount and without flags, so that they count for nothing."""
    empty = _unknown(rows)
    empty.amount[:], empty.quality[:] = np.nan, 0
    return empty


def _unknown(rows: IntervalBatch) -> IntervalBatch:
    """The intervals with nothing in them; a number, for a store may not be able to take one back."""
    none, nan = np.zeros(len(rows), np.int64), np.full(len(rows), np.nan)
    flags = np.full(len(rows), Quality.DOUBTED, np.uint16)
    return IntervalBatch(
        register=rows.register,
        start_us=rows.start_us,
        amount=np.zeros(len(rows)),
        covered_us=none,
        quality=flags,
        first_us=none,
        first_value=nan,
        last_us=none,
        last_value=nan,
        revision=np.zeros(len(rows), np.int32),
    )
