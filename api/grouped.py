"""The groups of a place's consumption as answers show them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics import factors as factor_of
from analytics.grouping import UNASSIGNED, GroupBy
from analytics.rollup import Periods
from api import times
from api.accounts import Accounts, Figure, GroupFigure
from api.derived import Derivations, region
from api.items import interval_quality, names
from api.schemas.accounts import ConsumptionGroup, GroupPeriod, NextAction
from api.schemas.base import Names
from api.schemas.series import QualityName
from core.batch import I64
from core.factors import FactorKind
from core.model import CircuitItem, Name
from core.quantities import Energy

ITEMS = {
    CircuitItem.LIGHTING: Name("照明插座用电", "Lighting and sockets"),
    CircuitItem.AIR_CONDITIONING: Name("空调用电", "Air conditioning"),
    CircuitItem.POWER: Name("动力用电", "Power"),
    CircuitItem.SPECIAL: Name("特殊用电", "Special"),
}
ENERGIES = {
    Energy.ELECTRICITY: Name("电", "Electricity"),
    Energy.WATER: Name("水", "Water"),
    Energy.GAS: Name("天然气", "Natural gas"),
    Energy.HEAT: Name("热力", "Heat"),
}
_NEGATIVE = NextAction(
    zh="下级表计之和大于上级表:核对倍率、上下级关系和接线,见 /consumption/balance",
    en="The meters below count more than the one above: see /consumption/balance, check ratios and parents",
)
_NOISE = 1e-6


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a place: in which periods, sorted how, and what is derived from it."""

    place_id: str
    how: GroupBy
    edges_us: I64
    timezone: str
    kinds: tuple[FactorKind, ...] = ()


def one_energy(
    accounts: Accounts, derivations: Derivations, ask: Question, energy: Energy, unit: str
) -> tuple[Figure, list[ConsumptionGroup]]:
    """The total of one energy and its groups."""
    total, groups = accounts.grouped(ask.place_id, energy, unit, ask.how, ask.edges_us)
    show = _Shown(accounts, derivations, ask, energy, unit)
    return total, [show.group(one) for one in groups]


def by_energy(
    accounts: Accounts, derivations: Derivations, ask: Question, kinds: list[tuple[Energy, str]]
) -> list[ConsumptionGroup]:
    """A group for each energy and unit; they have no common total."""
    found = []
    for energy, unit in kinds:
        figure = accounts.figure(accounts.shares(ask.place_id, energy, unit), ask.edges_us)
        show = _Shown(accounts, derivations, ask, energy, unit)
        found.append(show.group(GroupFigure(energy, figure, figure, ())))
    return found


@dataclass(frozen=True, slots=True)
class _Shown:
    accounts: Accounts
    derivations: Derivations
    ask: Question
    energy: Energy
    unit: str

    def group(self, one: GroupFigure) -> ConsumptionGroup:
        net, gross = one.net.total(), one.gross.total()
        amount, account = amounts(net.periods)[0], amounts(gross.periods)[0]
        negative = bool((one.net.periods.sums < -_NOISE).any())
        found = ConsumptionGroup(
            id=one.name or None,
            name=self._name(one.name),
            energy=self.energy,
            unit=self.unit,
            amount=amount,
            gross=account,
            overlap=None if amount is None or account is None else round(account - amount, 6),
            shared_with=[name or None for name in one.shared_with],
            coverage=float(net.coverage()[0]),
            quality=qualities(net.periods)[0],
            negative=negative,
            next_action=_NEGATIVE if negative else None,
            items=self._items(one.net),
        )
        for kind in self.ask.kinds:
            setattr(found, "co2_kg" if kind is FactorKind.CO2 else "coal_kgce", self._emission(one, kind))
        return found

    def _emission(self, one: GroupFigure, kind: FactorKind) -> float | None:
        set_ = self.derivations.factor_set()
        if set_ is None:
            return None
        if kind is not FactorKind.CO2:
            kind = set_.coal
        is_place = self.ask.how in (GroupBy.PLACE, GroupBy.ORGANISATION) and one.name != UNASSIGNED
        code = region(self.accounts.estate.catalog, one.name if is_place else self.ask.place_id)
        periods = one.net.periods
        found = factor_of.derived(
            periods.edges_us[:-1],
            periods.amount,
            set_,
            factor_of.SUBJECT[self.energy],
            kind,
            unit=self.unit,
            region=code,
            timezone=self.ask.timezone,
        )
        known = found.amount[~np.isnan(found.amount)]
        return round(float(known.sum()), 6) if len(known) else None

    def _name(self, group: str) -> Names | None:
        catalog = self.accounts.estate.catalog
        of: dict[GroupBy, Callable[[str], Name]] = {
            GroupBy.PLACE: lambda id_: catalog.places[id_].name,
            GroupBy.ORGANISATION: lambda id_: catalog.places[id_].name,
            GroupBy.DEVICE: lambda id_: catalog.devices[id_].name,
            GroupBy.ITEM: lambda id_: ITEMS[CircuitItem(id_)],
            GroupBy.ENERGY: lambda id_: ENERGIES[Energy(id_)],
        }
        return None if group == UNASSIGNED else names(of[self.ask.how](group))

    def _items(self, figure: Figure) -> list[GroupPeriod]:
        moments = times.rfc3339s(self.ask.edges_us, self.ask.timezone)
        return [
            GroupPeriod(start=start, end=end, amount=amount, coverage=coverage)
            for start, end, amount, coverage in zip(
                moments[:-1], moments[1:], amounts(figure.periods), figure.coverage().tolist(), strict=True
            )
        ]


def amounts(periods: Periods) -> list[float | None]:
    """Amounts to the millionth (a mWh, a mL): what is below is noise of floating-point sums."""
    sums = np.round(periods.sums, 6).tolist()
    return [amount if known else None for amount, known in zip(sums, periods.intervals.tolist(), strict=True)]


def qualities(periods: Periods) -> list[list[QualityName]]:
    """Names of the flags; none where nothing is known, rather than "measured"."""
    silent = ((periods.intervals == 0) & (periods.quality == 0)).tolist()
    return [
        [] if is_silent else interval_quality(flags)
        for flags, is_silent in zip(periods.quality.tolist(), silent, strict=True)
    ]
