"""At which times a look at silence can see something that the look before did not.

In: times of receipt of a stretch, by line: a device, or everything behind a gateway. Out: gaps
between them, and the times to look at. Looks too many do no harm, as those of the present do
none; a look must come within each span (a limit has passed and nothing was heard yet; heard
again, and nothing since) and at each single time (held for as long as the rule wants).
"""

from dataclasses import dataclass

import numpy as np

from core.batch import I32, I64, Mask

_BITS = 45
_MASK = (1 << _BITS) - 1


@dataclass(frozen=True, slots=True)
class Gaps:
    """From each receipt of a line (or what was before the stretch) to the next, by line, then time.

    to_us: the next receipt, or the end of the stretch where ends is False. then_us: the one after
    that, or the end.
    """

    line: I32
    from_us: I64
    to_us: I64
    then_us: I64
    ends: Mask

    @classmethod
    def of(cls, line: I32, at_us: I64, carry_us: I64, end_us: int) -> "Gaps":
        """line, at_us: receipts by time; carry_us: by line, the last before them, 0 for none."""
        begun = np.flatnonzero(carry_us > 0).astype(np.int32)
        line, at_us = np.append(begun, line), np.append(carry_us[begun], at_us)
        order = np.argsort(line, kind="stable")
        line, at_us = line[order], at_us[order]
        size = len(line)
        same, twice = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        same[:-1] = line[1:] == line[:-1]
        twice[:-2] = line[2:] == line[:-2]
        to_us, then_us = np.full(size, end_us, np.int64), np.full(size, end_us, np.int64)
        to_us[same] = at_us[1:][same[:-1]]
        then_us[twice] = at_us[2:][twice[:-2]]
        return cls(line, at_us, to_us, then_us, same)

    def take(self, rows: Mask | I64) -> "Gaps":
        """Some of them."""
        return Gaps(
            self.line[rows], self.from_us[rows], self.to_us[rows], self.then_us[rows], self.ends[rows]
        )

    def length_us(self) -> I64:
        """How long each is, as far as is known."""
        length: I64 = self.to_us - self.from_us
        return length


@dataclass(frozen=True, slots=True)
class Times:
    """Times by line, ascending, to be looked up for many lines at once; from_us: before all of them."""

    key: I64
    from_us: int

    @classmethod
    def of(cls, line: I32, at_us: I64, from_us: int) -> "Times":
        """Rows in any order."""
        return cls(np.sort((line.astype(np.int64) << _BITS) + (at_us - from_us)), from_us)

    def after(self, line: I32, at_us: I64) -> I64:
        """The first of each line after a time; the largest integer where there is none."""
        return self._at(np.searchsorted(self.key, self._keys(line, at_us), "right"), line)

    def between(self, line: I32, after_us: I64, before_us: I64) -> tuple[I64, I64]:
        """(row of the arguments, time) of all that lie strictly between."""
        first = np.searchsorted(self.key, self._keys(line, after_us), "right")
        last = np.searchsorted(self.key, self._keys(line, before_us), "left")
        count = np.maximum(last - first, 0)
        row = np.repeat(np.arange(len(line)), count)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return row, (self.key[np.repeat(first, count) + nth] & _MASK) + self.from_us

    def _keys(self, line: I32, at_us: I64) -> I64:
        keys: I64 = (line.astype(np.int64) << _BITS) + np.clip(at_us - self.from_us, 0, _MASK)
        return keys

    def _at(self, at: I64, line: I32) -> I64:
        found = np.full(len(line), np.iinfo(np.int64).max, np.int64)
        there = np.flatnonzero(at < len(self.key))
        there = there[self.key[at[there]] >> _BITS == line[there]]
        found[there] = (self.key[at[there]] & _MASK) + self.from_us
        return found


def looks(spans: I64, single_us: I64, start_us: int, end_us: int) -> I64:
    """Few times, ascending, from start_us to before end_us: all single ones, and one in each span at least.

    spans: (n, 2), both ends inside. One that begins before start_us was looked at before.
    """
    single_us = np.unique(single_us[(single_us >= start_us) & (single_us < end_us)])
    first, last = spans[:, 0], np.minimum(spans[:, 1], end_us - 1)
    open_ = (first >= start_us) & (first <= last)
    first, last = first[open_], last[open_]
    at = np.searchsorted(single_us, first)
    held = at < len(single_us)
    held[held] = single_us[at[held]] <= last[held]
    first, last = first[~held], last[~held]
    order = np.argsort(last, kind="stable")
    chosen, newest = [], start_us - 1
    for begin, end in zip(first[order].tolist(), last[order].tolist(), strict=True):
        if begin > newest:
            chosen.append(end)
            newest = end
    return np.unique(np.append(single_us, np.array(chosen, np.int64)))
