"""The statutory table put together: rows, sums, estimated figures, and the sums that they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analytics import factors as factor_of
from analytics.grouping import Tally
from analytics.periods import Interval, edges
from analytics.shares import Shares
from analytics.statutory import COLUMNS, ESTIMATED, Column, Item, Row, Stated, indicators
from api import problems, times
from api.accounts import Accounts, Figure
from api.day_sums import DaySums
from api.derived import Derivations, choice_basis, region
from api.explain import amount
from api.items import interval_quality, names
from api.ledger import Filled
from api.schemas.accounts import Basis, NextAction
from api.schemas.statutory import (
    Estimate,
    Statutory,
    StatutoryColumn,
    StatutoryIndicators,
    StatutoryRow,
    StatutoryValue,
)
from core.batch import I64
from core.model import PlaceKind
from core.quality import Quality
from core.reports import EnteredValue

MOST_CELLS = 4_000_000
"""Meters times days of one table."""

_MOST_ESTIMATES = 1000
_ENTER = NextAction(
    zh="补录缺失的项目(没有则填 0):POST /api/v1/reports/statutory/values",
    en="Enter what is missing, 0 where there is none: POST /api/v1/reports/statutory/values",
)


@dataclass(frozen=True, slots=True)
class Period:
    """A local quarter, or a year if quarter is None."""

    year: int
    quarter: int | None

    def __str__(self) -> str:
        return str(self.year) if self.quarter is None else f"{self.year}Q{self.quarter}"

    @property
    def quarters(self) -> tuple[int, ...]:
        """Its quarters."""
        return (1, 2, 3, 4) if self.quarter is None else (self.quarter,)

    def days(self, timezone: str) -> I64:
        """Edges of its local days."""
        first = 1 if self.quarter is None else 3 * self.quarter - 2
        after = 1 if self.quarter in (None, 4) else 3 * (self.quarter or 0) + 1
        year_after = self.year + (self.quarter in (None, 4))
        start_us = times.parse(f"{self.year:04}-{first:02}-01", timezone, "year")
        end_us = times.parse(f"{year_after:04}-{after:02}-01", timezone, "year")
        return edges(start_us, end_us, Interval.DAY, timezone)


@dataclass(frozen=True, slots=True)
class _Metered:
    """An item as meters of one unit count it at a place; scale: its unit in the column's."""

    column: Column
    scale: float
    shares: Shares


class Table:
    """Builds the table of one place and period."""

    def __init__(self, accounts: Accounts, derivations: Derivations, entered: list[EnteredValue]) -> None:
        self._accounts, self._derivations = accounts, derivations
        self._estate, self._catalog = accounts.estate, accounts.estate.catalog
        self._entered = entered
        self._basis: dict[str, Basis] = {}

    def build(self, place_id: str, period: Period, pending: int) -> tuple[Statutory, DaySums]:
        """The table, and the sums by meter and day that it rests on."""
        timezone = self._catalog.places[place_id].timezone
        edges_us = period.days(timezone)
        rows = institutions(self._accounts, place_id)
        wanted = {place: self._metered(place) for place in {place_id, *rows}}
        days = DaySums.empty(
            (source for of in wanted.values() for one in of for source in one.shares.source.tolist()),
            edges_us,
        )
        if days.amount.size > MOST_CELLS:
            raise problems.invalid(
                "place", place_id, f"{len(days.source)} meters are too many for one table",
                "ask for a place below, or for a quarter",
            )  # fmt: skip
        figures = self._figures(wanted, days, edges_us)
        stated = {place: self._stated(place, figures[place], period) for place in wanted}
        total = self._row(place_id, stated[place_id], period)
        shown = [self._row(place, stated[place], period) for place in rows]
        return Statutory(
            place=place_id,
            name=names(self._catalog.places[place_id].name),
            period=str(period),
            year=period.year,
            quarter=period.quarter,
            timezone=timezone,
            from_=times.rfc3339(int(edges_us[0]), timezone),
            to=times.rfc3339(int(edges_us[-1]), timezone),
            columns=[StatutoryColumn(item=one.item, name=names(one.name), unit=one.unit) for one in COLUMNS],
            rows=shown,
            total=total,
            difference={one.item: _difference(shown, total, one.item) for one in COLUMNS},
            estimated=self._estimates([one for of in wanted.values() for one in of], days),
            basis=list(self._basis.values()),
            pending=pending,
        ), days

    def is_metered(self, place_id: str, item: Item, period: Period) -> bool:
        """Whether meters count the item at a place at some time of the period."""
        edges_us = period.days(self._catalog.places[place_id].timezone)
        return any(
            bool(((one.shares.start_us < edges_us[-1]) & (one.shares.end_us > edges_us[0])).any())
            for one in self._metered(place_id)
            if one.column.item is item
        )

    def _metered(self, place_id: str) -> list[_Metered]:
        return [
            _Metered(column, scale, self._accounts.shares(place_id, column.energy, unit))
            for column in COLUMNS
            if column.energy is not None
            for unit, scale in column.units.items()
        ]

    def _figures(
        self, wanted: Mapping[str, list[_Metered]], days: DaySums, edges_us: I64
    ) -> dict[str, list[tuple[_Metered, Figure]]]:
        """All places' figures of the whole period, each meter read once."""
        tallies = [(place, one, Tally(one.shares, 1, edges_us)) for place, of in wanted.items() for one in of]
        filled: list[Filled] = [days, *(tally for _, _, tally in tallies)]
        self._accounts.ledger.tally(filled, edges_us, self._estate.virtual_of_source)
        found: dict[str, list[tuple[_Metered, Figure]]] = {place: [] for place in wanted}
        for place, one, tally in tallies:
            figure = Figure(tally.periods(), tally.due_us(self._accounts.now_us)).total()
            found[place].append((one, figure))
        return found

    def _stated(
        self, place_id: str, metered: list[tuple[_Metered, Figure]], period: Period
    ) -> dict[Item, Stated]:
        found = {column.item: Stated() for column in COLUMNS}
        for one, figure in metered:
            value = amount(figure.periods.amount)
            if value is not None:
                stated = Stated(
                    round(value * one.scale, 6), float(figure.coverage()[0]), int(figure.periods.quality[0])
                )
                found[one.column.item] = found[one.column.item].plus(stated)
        inside = set(self._catalog.subtree(place_id))
        for (place, item), values in self._newest(period).items():
            if place in inside and not self.is_metered(place, item, period):
                found[item] = found[item].plus(_entered(values, period))
        return found

    def _newest(self, period: Period) -> dict[tuple[str, Item], list[EnteredValue]]:
        """Of each place and item, the value of each quarter that was entered last."""
        newest: dict[tuple[str, str, int], EnteredValue] = {}
        for value in self._entered:
            if value.quarter in period.quarters and value.place_id in self._catalog.places:
                newest[value.place_id, value.item, value.quarter] = value
        found: dict[tuple[str, Item], list[EnteredValue]] = {}
        for (place, item, _), value in newest.items():
            if value.amount is not None:
                found.setdefault((place, Item(item)), []).append(value)
        return found

    def _row(self, place_id: str, stated: dict[Item, Stated], period: Period) -> StatutoryRow:
        place = self._catalog.places[place_id]
        inside = set(self._catalog.subtree(place_id))
        vehicles = sum(one.place_id in inside for one in self._estate.vehicles)
        people = _sized(self._accounts, place_id, "headcount")
        row = Row(stated, people, _sized(self._accounts, place_id, "floor_area_m2"), vehicles)
        found = indicators(row, lambda column: self._kgce(column, place_id, period.year))
        return StatutoryRow(
            place=place_id,
            name=names(place.name),
            values={item: _value(one) for item, one in stated.items()},
            people=people,
            area_m2=row.area_m2,
            vehicles=vehicles,
            indicators=StatutoryIndicators(
                total_kgce=_rounded(found.total_kgce),
                kgce_per_person=_rounded(found.kgce_per_person),
                kgce_per_m2=_rounded(found.kgce_per_m2),
                kwh_per_m2=_rounded(found.kwh_per_m2),
                kwh_per_person=_rounded(found.kwh_per_person),
                water_m3_per_person=_rounded(found.water_m3_per_person),
                left_out=list(found.left_out),
                missing=list(found.missing),
            ),
            next_action=_ENTER if found.missing else None,
        )

    def _kgce(self, column: Column, place_id: str, year: int) -> float | None:
        set_ = self._derivations.factor_set()
        if set_ is None or column.subject is None:
            return None
        code = region(self._catalog, place_id)
        choice = factor_of.choose(set_, column.subject, set_.coal, unit=column.unit, region=code, year=year)
        if choice is None:
            return None
        basis = choice_basis(choice)
        self._basis[f"{basis.id} {basis.unit} {basis.region} {basis.year}"] = basis
        return choice.value

    def _estimates(self, metered: list[_Metered], days: DaySums) -> list[Estimate]:
        """Meters of all rows whose figures are not all measured, most estimated first."""
        found: dict[tuple[str, str], Estimate] = {}
        begin_us, end_us = days.edges_us[:-1], np.minimum(days.edges_us[1:], self._accounts.now_us)
        for one in metered:
            for source, start_us, stop_us, _, _ in one.shares.rows():
                at = int(np.searchsorted(days.source, source))
                due_us = np.clip(np.minimum(end_us, stop_us) - np.maximum(begin_us, start_us), 0, None)
                holds = due_us > 0
                flagged = holds & ((days.quality[at] & int(ESTIMATED)) > 0)
                silent_us = int(np.clip(due_us - days.covered_us[at], 0, None)[holds].sum())
                if not flagged.any() and not silent_us:
                    continue
                flags = int(np.bitwise_or.reduce(days.quality[at][flagged])) if flagged.any() else 0
                device = self._accounts.device_of(source)
                where = begin_us[np.argmax(holds)]
                found[one.column.item, device] = Estimate(
                    item=one.column.item,
                    device=device,
                    place=self._catalog.placed(device, int(where))[0],
                    amount=round(float(days.amount[at][flagged].sum()) * one.scale, 6),
                    unit=one.column.unit,
                    days=int(flagged.sum()),
                    silent_h=round(silent_us / 3.6e9, 2),
                    quality=interval_quality(flags) if flags else [],
                )
        ordered = sorted(found.values(), key=lambda one: (-one.amount, -one.silent_h, one.device))
        return ordered[:_MOST_ESTIMATES]


def institutions(accounts: Accounts, place_id: str) -> list[str]:
    """The topmost organisations below a place, in order of id; the place itself if there is none."""
    catalog = accounts.estate.catalog
    found: list[str] = []
    waiting = list(catalog.children(place_id))
    for one in waiting:
        if catalog.places[one].kind is PlaceKind.ORGANISATION:
            found.append(one)
        else:
            waiting.extend(catalog.children(one))
    return sorted(found) or [place_id]


def _entered(values: list[EnteredValue], period: Period) -> Stated:
    said = tuple(f"{one.by}: {one.amount} ({one.source})" for one in values)
    sum_ = sum(one.amount or 0.0 for one in values)
    return Stated(round(sum_, 6), len(values) / len(period.quarters), int(Quality.MANUAL), said)


def _value(stated: Stated) -> StatutoryValue:
    return StatutoryValue(
        amount=stated.amount,
        coverage=stated.coverage,
        quality=interval_quality(stated.quality) if stated.amount is not None else [],
        entered=list(stated.entered),
        estimated=stated.is_estimated,
    )


def _sized(accounts: Accounts, place_id: str, field: str) -> float | None:
    """A place's own size, or the sum of those below it that are known."""
    own: float | None = getattr(accounts.estate.catalog.places[place_id], field)
    if own is not None:
        return own
    below = [_sized(accounts, child, field) for child in accounts.estate.catalog.children(place_id)]
    known = [one for one in below if one is not None]
    return sum(known) if known else None


def _difference(rows: list[StatutoryRow], total: StatutoryRow, item: Item) -> float | None:
    known = [one for row in rows if (one := row.values[item].amount) is not None]
    whole = total.values[item].amount
    return None if whole is None else round(sum(known) - whole, 6)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
