"""Columns that travel from normalise to the stores and the analytics.

Every batch is a frozen record of equally long NumPy arrays; row i of each is one item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U64 = NDArray[np.uint64]
Mask = NDArray[np.bool_]

MINUTE_US = 60_000_000

BASE_US = 900_000_000
"""Longest ledger interval: 15 minutes. Those of a place with a finer base divide it."""


class _Columns:
    """Operations that every batch shares; the slots are the columns, in declaration order."""

    __slots__: ClassVar[tuple[str, ...]] = ()

    def __len__(self) -> int:
        return len(getattr(self, self.__slots__[0]))

    def take(self, rows: I64 | Mask | slice) -> Self:
        """The chosen rows, in the order asked for."""
        return type(self)(*[getattr(self, name)[rows] for name in self.__slots__])

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by column name, in declaration order."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def concat(cls, batches: Sequence[Self]) -> Self:
        """All rows of all batches, in order; batches must not be empty."""
        if len(batches) == 1:
            return batches[0]
        return cls(*(np.concatenate([getattr(batch, name) for batch in batches]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class ReadingBatch(_Columns):
    """Readings in canonical units; identity is (register, event_time_us)."""

    register: I32
    event_time_us: I64
    value: F64
    quality: U8
    received_at_us: I64

    @classmethod
    def empty(cls) -> "ReadingBatch":
        """A batch of no rows."""
        return cls(
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.float64),
            np.empty(0, np.uint8),
            np.empty(0, np.int64),
        )


@dataclass(frozen=True, slots=True)
class PositionBatch(_Columns):
    """Vehicle fixes in WGS-84; device is the vehicle's dense index, NaN is not reported.

    ignition: 1 on, 0 off, NaN not reported.
    """

    device: I32
    fix_time_us: I64
    latitude_deg: F64
    longitude_deg: F64
    speed_kmh: F32
    course_deg: F32
    accuracy_m: F32
    ignition: F32
    odometer_km: F64
    fuel_l: F32
    soc_pct: F32
    received_at_us: I64

    @classmethod
    def empty(cls) -> "PositionBatch":
        """A batch of no rows."""
        i32, i64 = np.empty(0, np.int32), np.empty(0, np.int64)
        f32, f64 = np.empty(0, np.float32), np.empty(0, np.float64)
        return cls(i32, i64, f64, f64, f32, f32, f32, f32, f64, f32, f32, i64)


@dataclass(frozen=True, slots=True)
class IntervalBatch(_Columns):
    """Ledger intervals from start_us; identity is (register, start_us).

    Each is as long as the base of its register (RegisterColumns.base_us) was when it was made.
    amount: consumption in the register's unit.
    covered_us: how much of the interval was measured, 0 to its length.
    quality: core.quality.Quality flags.
    first_*, last_*: first and last reading inside [start, end]; time 0 and NaN if none.
    revision: how often the interval has been recomputed with another result.
    """

    register: I32
    start_us: I64
    amount: F64
    covered_us: I64
    quality: U16
    first_us: I64
    first_value: F64
    last_us: I64
    last_value: F64
    revision: I32

    @classmethod
    def empty(cls) -> "IntervalBatch":
        """A batch of no rows."""
        i32, i64, f64 = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.float64)
        return cls(i32, i64, f64, i64, np.empty(0, np.uint16), i64, f64, i64, f64, i32)
