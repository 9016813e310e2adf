"""Standard coal, CO2 and cost of an account, with the factors and prices that they rest on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from analytics import factors as factor_of
from analytics import tariff as pricing
from analytics.factors import Choice
from analytics.grouping import Tally
from analytics.periods import Interval, edges
from analytics.shares import Shares
from api import problems
from api.accounts import EXPORTED, Accounts
from api.schemas.accounts import Basis, Derived, NextAction
from core.batch import BASE_US, F64, I64
from core.catalog import Catalog
from core.factors import GIVES, FactorKind, FactorSet
from core.quantities import Energy
from core.reference import References
from core.tariffs import Tariff, TariffVersion

NO_FACTOR = NextAction(
    zh="为该地区和能源品种添加系数", en="Add a factor for this region and energy to the factor set"
)
NO_TARIFF = NextAction(
    zh="为该建筑或其上级设置电价方案", en="Give the place, or one above it, a tariff for this energy"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An account whose shares are to be turned into something else."""

    shares: Shares
    energy: Energy
    unit: str
    timezone: str
    edges_us: I64


class Derivations:
    """Derives figures by the references of one moment. Amounts are read from the ledger anew."""

    def __init__(self, accounts: Accounts, references: References) -> None:
        self._accounts, self._references = accounts, references
        self._catalog = accounts.estate.catalog

    def emission(self, asked: Asked, kind: FactorKind) -> Derived:
        """Standard coal or CO2, each meter's by the region where it stands and the local year."""
        set_ = self.factor_set()
        if kind is FactorKind.COAL_EQUIVALENT and set_ is not None:
            kind = set_.coal
        finer = _with_years(asked.edges_us, asked.timezone)
        regions, shares = self._parted(asked.shares, lambda place: region(self._catalog, place))
        tally = Tally(shares, len(regions), finer)
        self._accounts.ledger.tally([tally], finer, self._accounts.estate.virtual_of_source)
        sum_ = np.zeros(len(finer) - 1)
        known = np.zeros(len(finer) - 1, np.bool_)
        choices: dict[Choice, None] = {}
        is_complete = set_ is not None
        for number, code in enumerate(regions):
            periods = tally.periods(number)
            if set_ is None or not periods.intervals.any():
                continue
            found = factor_of.derived(
                finer[:-1],
                periods.amount,
                set_,
                factor_of.SUBJECT[asked.energy],
                kind,
                unit=asked.unit,
                region=code,
                timezone=asked.timezone,
            )
            is_complete &= bool(found.choices)
            choices |= dict.fromkeys(found.choices)
            sum_ += np.nan_to_num(found.amount)
            known |= ~np.isnan(found.amount)
        at = np.searchsorted(finer, asked.edges_us)[:-1]
        values = np.where(np.logical_or.reduceat(known, at), np.add.reduceat(sum_, at), np.nan)
        return _derived(
            GIVES[kind],
            values if is_complete else np.full(len(values), np.nan),
            [choice_basis(one) for one in choices],
            None if is_complete else NO_FACTOR,
            in_totals=kind is FactorKind.CO2 or factor_of.adds_to_coal(factor_of.SUBJECT[asked.energy]),
        )

    def factor_set(self) -> FactorSet | None:
        """The factors of the country; with several, the first by id."""
        sets: Iterable[FactorSet] = self._references.factors.values()
        return min(sets, key=lambda one: one.id, default=None)

    def cost(self, asked: Asked) -> Derived:
        """Energy cost by the tariff of each meter's place; the place that names a tariff is the account.

        Basic and power-factor charges are of a month's bill and not in it, nor is the credit for
        what these meters fed in, which is told beside it.
        """
        holders, shares = self._parted(
            asked.shares, lambda place: account(self._catalog, place, asked.energy)
        )
        tariffs = {holder: self._tariff(holder, asked.energy) for holder in holders}
        start_us, end_us = int(asked.edges_us[0]), int(asked.edges_us[-1])
        values, known = np.zeros(len(asked.edges_us) - 1), np.zeros(len(asked.edges_us) - 1, np.bool_)
        basis: list[Basis] = []
        currencies: set[str] = set()
        credit: float | None = None
        is_complete = True
        for number, holder in enumerate(holders):
            tariff = tariffs[holder]
            mine = shares.only(number)
            if tariff is None or tariff.unit != asked.unit:
                is_complete = False
                continue
            from_us = pricing.tier_start_us(tariff, start_us, end_us, asked.timezone)
            marks = np.arange(from_us, end_us + BASE_US, BASE_US, dtype=np.int64)
            amount = self._accounts.figure(mine, marks).periods.amount
            calendar = self._references.calendars.get(
                self._catalog.inherited(holder or "", "calendar_id") or ""
            )
            costed = pricing.costed(marks[:-1], amount, tariff, calendar, asked.timezone)
            period = np.searchsorted(asked.edges_us, marks[:-1], "right") - 1
            rows = (period >= 0) & ~np.isnan(costed.cost)
            np.add.at(values, period[rows], costed.cost[rows])
            known[period[rows]] = True
            paid = self._credit(mine, marks, tariff, asked)
            if paid is not None:
                credit = (credit or 0.0) + paid
            currencies.add(tariff.currency)
            basis += [version_basis(tariff, one, provisional=costed.provisional) for one in costed.versions]
        is_complete &= len(currencies) == 1
        return _derived(
            currencies.pop() if len(currencies) == 1 else "",
            np.where(known, values, np.nan) if is_complete else np.full(len(values), np.nan),
            basis,
            None if is_complete else NO_TARIFF,
            in_totals=True,
            credit=credit if is_complete else None,
        )

    def _credit(self, shares: Shares, marks_us: I64, tariff: Tariff, asked: Asked) -> float | None:
        """What is paid in the asked span for what the meters fed in; None if nothing of it is known."""
        if asked.energy is not Energy.ELECTRICITY:
            return None
        inside = marks_us[marks_us >= asked.edges_us[0]]
        exported = self._accounts.figure(self._accounts.beside(shares, EXPORTED), inside).periods.amount
        paid = pricing.credited(inside[:-1], exported, tariff, asked.timezone)
        return None if np.isnan(paid).all() else round(float(np.nansum(paid)), 6)

    def _tariff(self, holder: str | None, energy: Energy) -> Tariff | None:
        if holder is None:
            return None
        tariff_id = dict(self._catalog.places[holder].tariffs).get(energy, "")
        found: Tariff | None = self._references.tariffs.get(tariff_id)
        return found

    def _parted(self, shares: Shares, key: Callable[[str], str | None]) -> tuple[list[str | None], Shares]:
        """The shares of one group parted by where their meters stood."""
        parts: dict[str | None, int] = {}
        rows: list[tuple[int, int, int, int, float]] = []
        for source, start_us, end_us, _, weight in shares.rows():
            place, _ = self._catalog.placed(self._accounts.device_of(source), start_us)
            rows.append((source, start_us, end_us, parts.setdefault(key(place), len(parts)), weight))
        return list(parts), Shares.of(rows)


def region(catalog: Catalog, place_id: str) -> str | None:
    """Code of the region whose factors a place uses; None: the country's."""
    code: str | None = catalog.inherited(place_id, "region_code")
    return code


def account(catalog: Catalog, place_id: str, energy: Energy) -> str | None:
    """The place at or above this one that names a tariff for the energy."""
    return next(
        (one for one in catalog.ancestors(place_id) if energy in dict(catalog.places[one].tariffs)), None
    )


def choice_basis(choice: Choice) -> Basis:
    """A factor as answers show it."""
    notes = []
    if choice.of_other_year:
        notes.append(f"none of {choice.year} is known: that of {choice.factor.year} stands in")
    if choice.of_other_region:
        notes.append(f"{choice.region} has none of its own: that of {choice.factor.region}")
    if choice.density is not None:
        notes.append(f"density {choice.density.value} kg/L ({choice.density.source})")
    if choice.factor.confidence:
        notes.append(choice.factor.confidence)
    return Basis(
        id=f"{choice.factor.subject}/{choice.factor.kind}",
        value=round(choice.value, 9),
        unit=f"{GIVES[choice.factor.kind]}/{choice.unit}",
        region=choice.factor.region,
        year=choice.factor.year,
        since=None,
        source=choice.factor.source,
        note="; ".join(notes) or None,
    )


def check_rows(
    accounts: Accounts, shares: Shares, start_us: int, end_us: int, most: int, *, what: str
) -> None:
    """Raise a problem if what is asked needs more ledger rows, one by one, than a request may read."""
    registers = 0
    for source in set(shares.source.tolist()):
        meter = accounts.estate.virtual_of_source.get(source)
        registers += 1 if meter is None else len(meter.registers)
    rows = registers * ((end_us - start_us) // BASE_US)
    if rows > most:
        days = max(most // (registers * 96), 1)
        fix = f"ask for at most {days} days at a time, or for a place below"
        raise problems.invalid("to", None, f"{what} takes {rows} ledger rows, more than {most}", fix)


def _with_years(edges_us: I64, timezone: str) -> I64:
    years = edges(int(edges_us[0]), int(edges_us[-1]), Interval.YEAR, timezone)
    return np.union1d(edges_us, years)


def version_basis(tariff: Tariff, version: TariffVersion, *, provisional: bool) -> Basis:
    """A version of a tariff as answers show it."""
    notes = [version.note] if version.note else []
    if version.example:
        notes.append("an example: no one has published these prices")
    if provisional:
        notes.append("the official holidays of a year are not known yet")
    return Basis(
        id=tariff.id,
        value=None,
        unit=f"{tariff.currency}/{tariff.unit}",
        region=version.region,
        year=None,
        since=version.since,
        source=version.source,
        note="; ".join(notes) or None,
    )


def _derived(
    unit: str,
    values: F64,
    basis: list[Basis],
    action: NextAction | None,
    *,
    in_totals: bool,
    credit: float | None = None,
) -> Derived:
    known = values[~np.isnan(values)]
    return Derived(
        unit=unit,
        total=round(float(known.sum()), 6) if len(known) else None,
        items=[None if np.isnan(one) else round(one, 6) for one in values.tolist()],
        in_totals=in_totals,
        credit=credit,
        basis=basis,
        next_action=action,
    )
