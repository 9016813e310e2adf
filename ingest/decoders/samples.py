"""What every decoder fills: samples, positions and rejections, in growing columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.errors import RejectReason
from core.ports import RawBatch


@dataclass(frozen=True, slots=True)
class Rejection:
    """Message number `message` of the raw batch, or a part of it, was not accepted."""

    message: int
    reason: RejectReason
    detail: str


@dataclass(slots=True)
class Samples:
    """One row a sample: device, keys (quantity names), time_us (None: not sent), message.

    values is flat: the values of sample 0 in the order of its keys, then those of sample 1.
    A value is whatever the payload carried; normalise turns it into a number or rejects it.
    """

    device: list[str] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=list)
    time_us: list[int | None] = field(default_factory=list)
    message: list[int] = field(default_factory=list)
    values: list[object] = field(default_factory=list)


@dataclass(slots=True)
class Fixes:
    """One row a position; fields hold latitude, longitude and the rest in FIX_FIELDS order."""

    device: list[str] = field(default_factory=list)
    time_us: list[int | None] = field(default_factory=list)
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

    samples: Samples = field(default_factory=Samples)
    fixes: Fixes = field(default_factory=Fixes)
    rejected: list[Rejection] = field(default_factory=list)


class Decoder(Protocol):
    """A module with these is a decoder."""

    TOPIC_FILTERS: Sequence[str]

    def decode(self, raw: RawBatch) -> Decoded:
        """Decode every message of the batch."""
        ...
