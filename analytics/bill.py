"""A month's bill of an account, line by line, as the supplier would write it.

In: the month's 15-minute intervals of the account and what its basic charge and power
factor rest on. Out: lines with quantity, price and amount.

Rounding: a quantity is the sum of the intervals to the millionth of its unit; quantity times
price is exact decimal arithmetic, and each line is rounded to the cent, half away from
zero. The total is the sum of the rounded lines. Nothing is rounded before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

import numpy as np

from analytics.calendars import local_clock
from analytics.power_factor import adjustment
from analytics.tariff import Slots, filled, in_steps, priced
from core.batch import F64, I64, U16, Mask
from core.calendars import Calendar
from core.model import Name
from core.quality import Quality
from core.tariffs import BANDS, Band, BasicBy, Tariff, TariffVersion, TierPeriod

ESTIMATED = np.uint16(Quality.GAP_SPREAD)
"""Flags of energy whose hour, and so whose price, is an estimate."""

_CENT, _MILLIONTH, _NONE = Decimal("0.01"), Decimal("0.000001"), Decimal(0)


class LineKind(StrEnum):
    """What a line bills."""

    ENERGY = "energy"
    TIER = "tier"
    BASIC = "basic"
    OVER_CONTRACT = "over_contract"
    POWER_FACTOR = "power_factor"
    LEVY = "levy"
    EXPORT = "export"


class Missing(StrEnum):
    """What the bill would need and was not given."""

    TARIFF = "tariff"  # part of the month lies before the first version
    CONTRACT_DEMAND = "contract_demand"
    CAPACITY = "capacity"
    MAXIMUM_DEMAND = "maximum_demand"
    REACTIVE_ENERGY = "reactive_energy"


@dataclass(frozen=True, slots=True)
class Line:
    """quantity (in unit) times price is amount, rounded to the cent.

    version: index into the bill's versions. tier: 0 is the first. estimated: how much of
    the quantity was spread over a silent time. adjusted: part of what the power factor
    adjusts. power_factor: on the line that it makes, whose price is a share of the quantity.
    """

    kind: LineKind
    version: int
    quantity: Decimal
    unit: str
    price: Decimal
    amount: Decimal
    band: Band | None = None
    tier: int | None = None
    name: Name | None = None
    estimated: Decimal = _NONE
    adjusted: bool = False
    power_factor: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What is billed beside energy; None is not known.

    reactive_kvarh: of the month, drawn and fed in. maximum_kw: of the month, over 15 minutes.
    """

    reactive_kvarh: float | None = None
    maximum_kw: float | None = None
    contract_kw: float | None = None
    capacity_kva: float | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """versions: the tariff's that apply, in order; two if it changes in the month.

    amount: what was used, in the tariff's unit. estimated: how much of it was spread over
    silent times. provisional: a price rests on holidays that are not officially known.
    """

    lines: tuple[Line, ...]
    total: Decimal
    amount: Decimal
    estimated: Decimal
    versions: tuple[TariffVersion, ...]
    provisional: bool
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """Intervals of an account in a local month, each 15-minute mark once, ascending.

    amount, exported: float64[n], NaN unknown; exported is None where nothing is fed in.
    quality: uint16[n], core.quality.Quality of amount. used_before: with yearly tiers, what
    the account used in the local year before the month.
    """

    start_us: I64
    amount: F64
    quality: U16
    exported: F64 | None = None
    used_before: float = 0.0


def bill(month: Month, account: Account, tariff: Tariff, calendar: Calendar | None, timezone: str) -> Bill:
    """The bill of a month; what is `missing` has no line."""
    slots = priced(month.start_us, tariff, calendar, timezone)
    used = [int(number) for number in np.unique(slots.version) if number >= 0]
    versions = tuple(tariff.versions[number] for number in used)
    missing = {Missing.TARIFF} if (slots.version < 0).any() else set()
    lines: list[Line] = []
    for at, number in enumerate(used):
        part = _Part(month, account, tariff, slots.version == number, slots, timezone, number, at)
        mine = [*part.energy(), *part.tiers()]
        mine += part.levies()
        mine += part.basic(missing)
        mine += part.power_factor(mine, missing)
        mine += part.export()
        lines += mine
    estimated = (month.quality & ESTIMATED) > 0
    return Bill(
        tuple(lines),
        sum((line.amount for line in lines), Decimal(0)),
        _sum(month.amount),
        _sum(month.amount[estimated]),
        versions,
        bool(slots.provisional.any()),
        tuple(one for one in Missing if one in missing),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of a month on which one version holds; at is its place among the bill's versions."""

    month: Month
    account: Account
    tariff: Tariff
    rows: Mask
    slots: Slots
    timezone: str
    number: int
    at: int

    @property
    def version(self) -> TariffVersion:
        return self.tariff.versions[self.number]

    def energy(self) -> Iterator[Line]:
        """A line for each band in which anything was used."""
        estimated = (self.month.quality & ESTIMATED) > 0
        for price in self.version.prices:
            band = self.rows & (self.slots.band == BANDS.index(price.band))
            quantity = _sum(self.month.amount[band])
            if quantity:
                yield self._line(
                    LineKind.ENERGY,
                    quantity,
                    price.price,
                    band=price.band,
                    estimated=_sum(self.month.amount[band & estimated]),
                    adjusted=True,
                )

    def tiers(self) -> Iterator[Line]:
        """A line for each tier that was reached, with what it adds to the bands' prices."""
        tiers = self.version.tiers
        if tiers is None:
            return
        from_, to = filled(self.month.start_us, self.month.amount, tiers.period, self.timezone)
        if tiers.period is TierPeriod.YEAR:
            from_, to = from_ + self.month.used_before, to + self.month.used_before
        for number, inside in enumerate(in_steps(from_, to, tiers)):
            quantity = _sum(inside[self.rows])
            if quantity:
                yield self._line(LineKind.TIER, quantity, tiers.steps[number].add, tier=number, adjusted=True)

    def levies(self) -> Iterator[Line]:
        """A line for each levy, on all that was used."""
        quantity = _sum(self.month.amount[self.rows])
        for levy in self.version.levies if quantity else ():
            yield self._line(LineKind.LEVY, quantity, levy.price, name=levy.name, adjusted=levy.adjusted)

    def basic(self, missing: set[Missing]) -> Iterator[Line]:
        """The capacity or demand charge, for the share of the month's days that the version has."""
        charge, account = self.version.basic, self.account
        if charge is None:
            return
        needed = {
            BasicBy.CAPACITY: ((Missing.CAPACITY, account.capacity_kva),),
            BasicBy.ACTUAL_DEMAND: ((Missing.MAXIMUM_DEMAND, account.maximum_kw),),
            BasicBy.CONTRACT_DEMAND: (
                (Missing.CONTRACT_DEMAND, account.contract_kw),
                (Missing.MAXIMUM_DEMAND, account.maximum_kw),
            ),
        }[charge.by]
        unknown = {what for what, value in needed if value is None}
        missing |= unknown
        if unknown:
            return
        billed = _decimal(needed[0][1] or 0.0)
        unit = "kVA" if charge.by is BasicBy.CAPACITY else "kW"
        over = Decimal(0)
        if charge.by is BasicBy.CONTRACT_DEMAND:
            most = billed * _exact(charge.over_from)
            maximum = _decimal(account.maximum_kw or 0.0)
            if maximum > most:
                billed, over = most, maximum - most
        share = self._share_of_days()
        yield self._line(LineKind.BASIC, billed * share, charge.price, unit=unit, adjusted=True)
        if over:
            price = _exact(charge.price) * _exact(charge.over_factor)
            yield self._line(LineKind.OVER_CONTRACT, over * share, price, unit=unit, adjusted=True)

    def power_factor(self, lines: list[Line], missing: set[Missing]) -> Iterator[Line]:
        """The adjustment of the lines that are adjusted; its quantity is their sum in currency."""
        standard, reactive_kvarh = self.version.power_factor, self.account.reactive_kvarh
        if standard is None:
            return
        if reactive_kvarh is None:
            missing.add(Missing.REACTIVE_ENERGY)
            return
        found = adjustment(float(np.nansum(self.month.amount)), reactive_kvarh, standard)
        if found is not None:
            base = sum((line.amount for line in lines if line.adjusted), Decimal(0))
            yield self._line(
                LineKind.POWER_FACTOR,
                base,
                found.percent / 100,
                unit=self.tariff.currency,
                power_factor=found.power_factor,
            )

    def export(self) -> Iterator[Line]:
        """The credit for what was fed in, as a line below zero."""
        if self.month.exported is None or self.version.export_price is None:
            return
        quantity = _sum(self.month.exported[self.rows])
        if quantity:
            yield self._line(LineKind.EXPORT, quantity, -_exact(self.version.export_price))

    def _share_of_days(self) -> Decimal:
        days, _ = local_clock(self.month.start_us, self.timezone)
        return Decimal(len(np.unique(days[self.rows]))) / len(np.unique(days))

    def _line(
        self,
        kind: LineKind,
        quantity: Decimal,
        price: float | Decimal,
        *,
        unit: str | None = None,
        band: Band | None = None,
        tier: int | None = None,
        name: Name | None = None,
        estimated: Decimal = _NONE,
        adjusted: bool = False,
        power_factor: Decimal | None = None,
    ) -> Line:
        quantity = quantity.quantize(_MILLIONTH, ROUND_HALF_UP)
        each = price if isinstance(price, Decimal) else _exact(price)
        return Line(
            kind,
            self.at,
            quantity,
            self.tariff.unit if unit is None else unit,
            each,
            (quantity * each).quantize(_CENT, ROUND_HALF_UP),
            band,
            tier,
            name,
            estimated,
            adjusted,
            power_factor,
        )


def _sum(amounts: F64) -> Decimal:
    """Sum to the millionth, unknown amounts counting as nothing."""
    return _decimal(float(np.nansum(amounts)))


def _decimal(value: float) -> Decimal:
    """A measured number to the millionth: what is below is noise of floating-point sums."""
    return _exact(value).quantize(_MILLIONTH, ROUND_HALF_UP)


def _exact(value: float) -> Decimal:
    """A number that somebody wrote, as the decimal that was written."""
    return Decimal(repr(value))
