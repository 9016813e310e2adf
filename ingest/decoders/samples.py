"""What every decoder fills: samples, positions and rejections, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from core.batch import F64, I64
from core.errors import RejectReason
from core.ports import RawBatch
from core.quality import ReadingQuality

NOT_SENT = int(np.iinfo(np.int64).min)
"""Time of a sample that carries none."""

LONGEST_REMEMBERED = 2_000
"""Topics and channels of more characters are not remembered: names that never come again must
cost time, not memory."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Message number `message` of the raw batch, or a part of it, was not accepted."""

    message: int
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """What a device sends together: its name and the names of the values, in their order.

    Compared by identity, which is what makes looking one up cheap: a decoder makes one
    and uses it again for every sample of the kind.
    """

    device: str
    keys: tuple[str, ...]

    @property
    def length(self) -> int:
        """Characters in all its names."""
        return len(self.device) + sum(map(len, self.keys))


@dataclass(slots=True)
class Samples:
    """One row a sample: channel, time_us (or NOT_SENT), message; in the order of arrival.

    values is flat: the values of sample 0 in the order of its channel's keys, then those of
    sample 1. A value is whatever the payload carried; normalise turns it into a number or
    rejects it. quality holds for all of them.
    """

    channel: list[Channel] = field(default_factory=list)
    time_us: list[int] = field(default_factory=list)
    message: list[int] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    quality: ReadingQuality = ReadingQuality.GOOD


@dataclass(frozen=True, slots=True)
class NumberSamples:
    """Samples whose values are numbers already."""

    channel: list[Channel]
    time_us: I64
    message: I64
    values: F64
    quality: ReadingQuality = ReadingQuality.GOOD


@dataclass(slots=True)
class Fixes:
    """One row a position; fields hold latitude, longitude and the rest in FIX_FIELDS order."""

    device: list[str] = field(default_factory=list)
    time_us: list[int] = field(default_factory=list)
    message: list[int] = field(default_factory=list)
    fields: list[tuple[object, ...]] = field(default_factory=list)


FIX_FIELDS = (
    "latitude_deg",
    "longitude_deg",
    "speed_kmh",
    "course_deg",
    "accuracy_m",
    "ignition",
    "odometer_km",
    "fuel_l",
    "soc_pct",
)


@dataclass(slots=True)
class Decoded:
    """Everything that one raw batch held."""

    samples: list[Samples | NumberSamples] = field(default_factory=list)
    fixes: Fixes = field(default_factory=Fixes)
    rejected: list[Rejection] = field(default_factory=list)


class Decoder(Protocol):
    """A module with these is a decoder."""

    TOPIC_FILTERS: Sequence[str]

    def decode(self, raw: RawBatch) -> Decoded:
        """Decode every message of the batch."""
        ...
