"""What a place used by local day: of one energy, or of all as standard coal."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from analytics.periods import Interval, edges
from analytics.quota import LAST_YEAR_COVERAGE, Basis, projected, shape
from api import times
from api.accounts import Accounts, Figure
from api.derived import Asked, Derivations
from api.figures import quality_of
from api.schemas import accounts as shown
from api.schemas.series import QualityName
from core.batch import F64, I64
from core.factors import FactorKind
from core.quantities import Energy

COAL = "coal"
"""All energy as standard coal; water is no part of it."""


@dataclass(frozen=True, slots=True)
class Year:
    """A local year as it stands: its days, and how many of them have passed (parts included)."""

    year: int
    timezone: str
    edges_us: I64
    elapsed_days: float

    @classmethod
    def of(cls, year: int | None, timezone: str, now_us: int) -> "Year":
        """The year, or this one."""
        if year is None:
            year = int(times.rfc3339(now_us, timezone)[:4])
        start_us, end_us = (times.parse(f"{one}-01-01", timezone, "year") for one in (year, year + 1))
        days = edges(start_us, end_us, Interval.DAY, timezone)
        return cls(year, timezone, days, float(np.interp(now_us, days, np.arange(len(days)))))

    @property
    def days(self) -> int:
        """How many days it has."""
        return len(self.edges_us) - 1

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return self.elapsed_days >= self.days

    def day(self, number: int) -> str:
        """Date of the day of this number, from 0."""
        return date.fromordinal(date(self.year, 1, 1).toordinal() + number).isoformat()

    def before(self) -> "Year":
        """The year before, which has passed."""
        return Year.of(self.year - 1, self.timezone, int(self.edges_us[0]))


@dataclass(frozen=True, slots=True)
class Usage:
    """by_day: float64[days that have begun], NaN unknown. basis: factors behind it.

    complete: whether every part of it could be computed (a factor may be missing).
    """

    unit: str
    by_day: F64
    coverage: float
    quality: list[QualityName]
    meters: list[str]
    basis: list[shown.Basis]
    complete: bool = True

    @property
    def total(self) -> float:
        """Known sum; NaN if nothing is known."""
        return float(np.nansum(self.by_day)) if not np.isnan(self.by_day).all() else float("nan")


class Yearly:
    """Reads years of places from the ledger."""

    def __init__(self, accounts: Accounts, derivations: Derivations) -> None:
        self._accounts, self._derivations = accounts, derivations

    def usage(self, place_id: str, energy: Energy | str, year: Year, *, by_day: bool = True) -> Usage | None:
        """What a place used in a year so far, by day or as one; None if nothing is metered."""
        begun = max(int(np.ceil(year.elapsed_days)), 0)
        if not begun:
            return None
        edges_us = year.edges_us[: begun + 1] if by_day else year.edges_us[[0, begun]]
        if energy == COAL:
            return self._coal(place_id, edges_us, year.timezone)
        units = self.units(place_id, Energy(energy))
        if not units:
            return None
        shares = self._accounts.shares(place_id, Energy(energy), units[0])
        figure = self._accounts.figure(shares, edges_us)
        meters = self._accounts.meters(shares, int(edges_us[0]), int(edges_us[-1]))
        whole = figure.total()
        return Usage(units[0], figure.periods.amount, float(whole.coverage()[0]), _quality(whole), meters, [])

    def units(self, place_id: str, energy: Energy) -> list[str]:
        """Units in which a place counts an energy, in order."""
        members = self._accounts.estate.members(place_id, energy)
        return self._accounts.estate.units(members.devices, energy)

    def projected(
        self, place_id: str, energy: Energy | str, year: Year, usage: Usage
    ) -> tuple[float, F64, Basis]:
        """The whole year's amount, the shape that it goes on by, and what that rests on."""
        last = None if year.is_over else self.usage(place_id, energy, year.before())
        good = last is not None and last.coverage >= LAST_YEAR_COVERAGE and last.unit == usage.unit
        of_year = shape(last.by_day if last is not None and good else None, year.days)
        if year.is_over:
            return usage.total, of_year, Basis.WHOLE_YEAR
        basis = Basis.LAST_YEAR_SHAPE if good else Basis.ELAPSED_SHARE
        return projected(usage.by_day, of_year, year.elapsed_days), of_year, basis

    def _coal(self, place_id: str, edges_us: I64, timezone: str) -> Usage | None:
        """All energy but water, each by its factor; coverage is that of the worst measured."""
        sum_ = np.full(len(edges_us) - 1, np.nan)
        coverages, qualities, meters = [], list[QualityName](), list[str]()
        basis: dict[str, shown.Basis] = {}
        complete = True
        for energy in self._accounts.estate.energies(place_id):
            if energy is Energy.WATER:
                continue
            for unit in self.units(place_id, energy):
                shares = self._accounts.shares(place_id, energy, unit)
                asked = Asked(shares, energy, unit, timezone, edges_us)
                found = self._derivations.emission(asked, FactorKind.COAL_EQUIVALENT)
                whole = self._accounts.figure(shares, edges_us[[0, -1]])
                coverages.append(float(whole.coverage()[0]))
                qualities += _quality(whole)
                meters += self._accounts.meters(shares, int(edges_us[0]), int(edges_us[-1]))
                basis |= {f"{one.id}/{one.unit}/{one.region}": one for one in found.basis}
                complete &= found.next_action is None
                amounts = np.array([np.nan if one is None else one for one in found.items])
                sum_ = np.where(np.isnan(sum_), amounts, sum_ + np.nan_to_num(amounts))
        if not coverages:
            return None
        return Usage(
            "kgce",
            sum_,
            min(coverages),
            list(dict.fromkeys(qualities)),
            sorted(set(meters)),
            list(basis.values()),
            complete,
        )


def _quality(whole: Figure) -> list[QualityName]:
    return quality_of(int(whole.periods.quality[0]), int(whole.periods.intervals[0]))
