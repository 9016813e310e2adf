"""What the figures of a place rest on: its meters, its calendar, its slots of 15 minutes."""

from dataclasses import dataclass

import numpy as np

from analytics.periods import Interval, edges
from analytics.rollup import Periods
from api import problems
from api.estate import Estate
from api.items import interval_quality
from api.ledger import Ledger
from api.schemas.series import QualityName
from core.batch import I32, I64
from core.model import Register
from core.quantities import Energy


@dataclass(frozen=True, slots=True)
class Counted:
    """The registers that make up a place's consumption of one energy, all in one unit."""

    registers: tuple[Register, ...]

    @property
    def ids(self) -> I32:
        """Ids of the registers, ascending."""
        return np.array([one.id for one in self.registers], np.int32)

    @property
    def devices(self) -> list[str]:
        """Ids of their devices, in order."""
        return sorted({one.device_id for one in self.registers})

    @property
    def unit(self) -> str:
        """The unit that they count in."""
        return self.registers[0].unit


def counted(estate: Estate, place_id: str, energy: Energy) -> Counted | None:
    """What counts for a place; None if nothing does. Of several units the first register's alone."""
    found = estate.counted(place_id, energy)
    if not found:
        return None
    return Counted(tuple(one for one in found if one.unit == found[0].unit))


def counted_electricity(estate: Estate, place_id: str) -> Counted:
    """What counts for a place's electricity; raises a problem if it has no meter."""
    found = counted(estate, estate.place(place_id).id, Energy.ELECTRICITY)
    if found is None:
        metered = [one for one in estate.place_ids if Energy.ELECTRICITY in estate.energies(one)]
        raise problems.invalid(
            "place", problems.shown(place_id), "has no electricity meter", problems.choice(metered)
        )
    return found


def quarters(ledger: Ledger, of: Counted, start_us: int, end_us: int) -> Periods:
    """The ledger of 15-minute slots of a span on marks, summed over the registers."""
    edges_us = np.arange(start_us, end_us + 1, 900_000_000, dtype=np.int64)
    return ledger.periods(of.ids, edges_us)


def calendar_edges(start_us: int, end_us: int, interval: Interval, timezone: str) -> I64:
    """Edges of a span's local periods; see analytics.periods."""
    return edges(start_us, end_us, interval, timezone)


def quality_of(flags: int, intervals: int) -> list[QualityName]:
    """Names of the flags; none where nothing is known."""
    return interval_quality(flags) if intervals or flags else []


def number(value: float, digits: int = 6) -> float | None:
    """The number without the noise of floating-point sums; None for NaN."""
    return None if np.isnan(value) else round(float(value), digits)
