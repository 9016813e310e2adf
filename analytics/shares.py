"""Which sources make up which groups, and when."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from analytics.membership import FIRST_US, LAST_US
from core.batch import F64, I32, I64, Mask


@dataclass(frozen=True, slots=True)
class Shares:
    """How sources make up groups: weight times the amount of source is in group from start_us on.

    All arrays are [n]; weight is 1 or -1.
    """

    source: I32
    start_us: I64
    end_us: I64
    group: I32
    weight: F64

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int, int, float]]) -> "Shares":
        """From rows (source, start_us, end_us, group, weight)."""
        columns = list(zip(*rows, strict=True)) or [()] * 5
        return cls(
            np.array(columns[0], np.int32),
            np.array(columns[1], np.int64),
            np.array(columns[2], np.int64),
            np.array(columns[3], np.int32),
            np.array(columns[4], np.float64),
        )

    @classmethod
    def always(cls, sources: Sequence[Sequence[int]]) -> "Shares":
        """Groups of which some sources have always counted, by the sources of each."""
        counts = np.fromiter(map(len, sources), np.int64, len(sources))
        source = np.fromiter(chain.from_iterable(sources), np.int32, counts.sum())
        shape = len(source)
        group = np.repeat(np.arange(len(sources), dtype=np.int32), counts)
        return cls(source, np.full(shape, FIRST_US), np.full(shape, LAST_US), group, np.ones(shape))

    @classmethod
    def numbered(cls, groups: Sequence["Shares"]) -> "Shares":
        """Several made one, each being the group of its number."""
        if not groups:
            return cls.of(())
        sizes = [len(one.source) for one in groups]
        group = np.repeat(np.arange(len(groups), dtype=np.int32), sizes)
        columns = {name: np.concatenate([getattr(one, name) for one in groups]) for name in cls.__slots__}
        return cls(**columns | {"group": group})

    def rows(self) -> Iterator[tuple[int, int, int, int, float]]:
        """Rows (source, start_us, end_us, group, weight), as of takes them."""
        return zip(*(getattr(self, name).tolist() for name in self.__slots__), strict=True)

    def only(self, group: int) -> "Shares":
        """One of the groups, as the only one."""
        return self._chosen(self.group == group)

    def of_groups(self, groups: I64) -> "Shares":
        """Some of the groups, numbered anew in this order; where self.group ascends."""
        begin, end = np.searchsorted(self.group, groups, "left"), np.searchsorted(self.group, groups, "right")
        sizes = end - begin
        first = np.cumsum(sizes) - sizes
        at = np.arange(sizes.sum()) + np.repeat(begin - first, sizes)
        group = np.repeat(np.arange(len(groups), dtype=np.int32), sizes)
        return Shares(self.source[at], self.start_us[at], self.end_us[at], group, self.weight[at])

    def alike(self, other: "Shares", groups: int) -> Mask:
        """By group whether the other says the same of it; where group ascends in both."""
        sizes, others = (np.bincount(one.group, minlength=groups) for one in (self, other))
        same: Mask = sizes == others
        mine, theirs = self.of_groups(np.flatnonzero(same)), other.of_groups(np.flatnonzero(same))
        differ = np.zeros(len(mine.source), np.bool_)
        for name in ("source", "start_us", "end_us", "weight"):
            differ |= getattr(mine, name) != getattr(theirs, name)
        same[np.flatnonzero(same)[mine.group[differ]]] = False
        return same

    def of_sources(self, sources: Iterable[int]) -> "Shares":
        """What some sources contribute, as the only group."""
        return self._chosen(np.isin(self.source, list(sources)))

    def _chosen(self, mine: Mask) -> "Shares":
        none = np.zeros(int(mine.sum()), np.int32)
        return Shares(self.source[mine], self.start_us[mine], self.end_us[mine], none, self.weight[mine])

    def cuts(self) -> Mapping[int, tuple[int, ...]]:
        """By source, the times at which its weight somewhere changes."""
        found: dict[int, set[int]] = defaultdict(set)
        for source, start_us, end_us, _, _ in self.rows():
            found[source] |= {start_us, end_us}
        return {source: tuple(sorted(times)) for source, times in found.items()}
