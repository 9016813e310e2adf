"""Sums by meter and day that a report rests on: gathered, packed, and compared with those of later."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from core.batch import F64, I32, I64, Mask
from core.sums import IntervalSums

_CLOSE = 1e-6
"""A mWh, a mL: sums that differ by less are the same, added up in another order."""


@dataclass(slots=True)
class DaySums:
    """Sums of every source by day, gathered while tallies are filled; row i is source[i]."""

    edges_us: I64
    source: I32
    amount: F64
    known: I64
    covered_us: I64
    quality: I64
    revised: I64

    @classmethod
    def empty(cls, sources: Iterable[int], edges_us: I64) -> "DaySums":
        """Of sources of which nothing is known."""
        source = np.array(sorted(set(sources)), np.int32)
        shape = len(source), len(edges_us) - 1
        counts = [np.zeros(shape, np.int64) for _ in range(4)]
        return cls(edges_us, source, np.zeros(shape), *counts)

    @property
    def cuts(self) -> Mapping[int, tuple[int, ...]]:
        """Every source is wanted, and cut nowhere for this."""
        return dict.fromkeys(self.source.tolist(), ())

    def add(self, sums: IntervalSums) -> None:
        """Take over the sums of some sources."""
        to = np.searchsorted(sums.edges_us, self.edges_us)[:-1]
        at = np.searchsorted(self.source, sums.register)
        self.amount[at] = np.add.reduceat(sums.amount, to, axis=1)
        self.known[at] = np.add.reduceat(sums.known, to, axis=1)
        self.covered_us[at] = np.add.reduceat(sums.covered_us, to, axis=1)
        self.revised[at] = np.add.reduceat(sums.revised, to, axis=1)
        self.quality[at] = np.bitwise_or.reduceat(sums.quality, to, axis=1)

    def packed(self) -> bytes:
        """All columns but coverage, compressed: what a closed report keeps."""
        columns = (self.edges_us, self.source, self.amount, self.known, self.quality, self.revised)
        return zlib.compress(msgspec.msgpack.encode([one.tobytes() for one in columns]), 6)

    @classmethod
    def unpacked(cls, data: bytes) -> "DaySums":
        """What was packed; covered_us is all 0."""
        parts = msgspec.msgpack.decode(zlib.decompress(data), type=list[bytes])
        kinds = (np.int64, np.int32, np.float64, np.int64, np.int64, np.int64)
        edges_us, source, *rest = (np.frombuffer(part, kind) for part, kind in zip(parts, kinds, strict=True))
        shape = len(source), len(edges_us) - 1
        amount, known, quality, revised = (one.reshape(shape) for one in rest)
        return cls(edges_us, source, amount, known, np.zeros(shape, np.int64), quality, revised)

    def differs(self, now: "DaySums") -> Mask:
        """Which of these sums (bool[source, day]) are others in `now`, of the same sources and days."""
        amount = ~np.isclose(self.amount, now.amount, rtol=1e-9, atol=_CLOSE)
        differs: Mask = (
            amount | (self.known != now.known) | (self.revised != now.revised) | (self.quality != now.quality)
        )
        return differs
