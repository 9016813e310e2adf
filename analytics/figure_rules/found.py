"""What a rule on figures says of many targets and periods at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.batch import F64, Mask

F64_2D = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """All arrays are [targets, periods].

    value, limit: what was found and what it was held against, in the unit of the rule's alerts.
    known: there is enough behind it to say anything; elsewhere there is no observation, and
    neither breach nor clear holds. Where it is known and neither holds, an alert goes on and
    nothing begins. waste: amount above what the rule takes for normal, in kWh or m3, of
    periods in breach; NaN where nobody can say.
    """

    value: F64
    limit: F64
    breach: Mask
    clear: Mask
    known: Mask
    waste: F64

    @classmethod
    def of(
        cls, value: F64, limit: F64, *, breach: Mask, clear: Mask, known: Mask, waste: F64 | None = None
    ) -> "Found":
        """From arrays that broadcast to the shape of value; masks count where it is known alone."""
        shape = value.shape
        known = known & ~np.isnan(value)
        breach = breach & known
        wasted = np.full(shape, np.nan) if waste is None else np.where(breach, waste, np.nan)
        full: F64 = np.broadcast_to(limit, shape).astype(np.float64)
        return cls(value, full, breach, clear & known & ~breach, known, wasted)

    @classmethod
    def nothing(cls, targets: int, periods: int) -> "Found":
        """Nothing is known of any of them."""
        nan, no = np.full((targets, periods), np.nan), np.zeros((targets, periods), np.bool_)
        return cls(nan, nan, no, no, no, nan)

    @classmethod
    def stacked(cls, rows: list["Found"]) -> "Found":
        """All targets of these, in order; at least one."""
        return cls(*(np.concatenate([getattr(one, name) for one in rows]) for name in cls.__slots__))

    def among(self, targets: Mask) -> "Found":
        """These as the chosen ones of more targets, of the others of which nothing is known."""
        nothing = Found.nothing(len(targets), self.value.shape[1])
        columns = []
        for name in self.__slots__:
            column = getattr(nothing, name).copy()
            column[targets] = getattr(self, name)
            columns.append(column)
        return Found(*columns)
