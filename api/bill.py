"""A place's bill of a month: its account from the ledger, by the tariff that it has."""

from dataclasses import dataclass

import numpy as np

from analytics import bill as billing
from analytics import tariff as pricing
from analytics.calendars import day_kinds, local_clock, provisional
from analytics.demand import block_demand_w, maxima
from analytics.shares import Shares
from api import problems, times
from api.accounts import EXPORTED, Accounts, Figure
from api.derived import account, version_basis
from api.explain import explanation
from api.items import interval_quality, names
from api.schemas.accounts import NextAction
from api.schemas.base import Names
from api.schemas.bill import Bill, BillDay, BillDemand, BillLine, BillReactive
from core.batch import BASE_US, F64, I64
from core.calendars import CODE_OF_KIND, Calendar
from core.model import Name, Place
from core.quantities import Energy
from core.reference import References
from core.tariffs import Band, Tariff

_REACTIVE = ("energy_reactive_import_total", "energy_reactive_export_total")

_BANDS = {
    Band.SHARP: Name("尖峰电量", "Sharp peak"),
    Band.PEAK: Name("高峰电量", "Peak"),
    Band.FLAT: Name("平段用量", "Flat"),
    Band.VALLEY: Name("低谷电量", "Valley"),
    Band.DEEP_VALLEY: Name("深谷电量", "Deep valley"),
}
_KINDS = {
    billing.LineKind.BASIC: Name("基本电费", "Basic charge"),
    billing.LineKind.OVER_CONTRACT: Name("超合同需量", "Demand above the contract"),
    billing.LineKind.POWER_FACTOR: Name("功率因数调整", "Power factor"),
    billing.LineKind.EXPORT: Name("上网电量", "Fed in"),
}
_ACTIONS = {
    billing.Missing.TARIFF: NextAction(
        zh="为该月补充更早生效的电价版本", en="Add a version of the tariff that holds in all of this month"
    ),
    billing.Missing.CONTRACT_DEMAND: NextAction(
        zh="填写该地点的合同需量(contract_demand_w)",
        en="Enter the place's contract demand (contract_demand_w)",
    ),
    billing.Missing.CAPACITY: NextAction(
        zh="在电价方案的 capacities 中填写变压器容量",
        en="Enter the transformer's kVA among the tariff's capacities",
    ),
    billing.Missing.MAXIMUM_DEMAND: NextAction(
        zh="该月没有电量数据:检查总表通信",
        en="Nothing is known of this month: see why the main meter is silent",
    ),
    billing.Missing.REACTIVE_ENERGY: NextAction(
        zh="接入总表的无功电量", en="Let the main meters report reactive energy"
    ),
}
_EXAMPLE = NextAction(
    zh="该电价为示例:按电费单填写实际电价", en="These prices are an example: enter those of your bill"
)


@dataclass(frozen=True, slots=True)
class Question:
    """Whose bill of which local month [start_us, end_us)."""

    place: Place
    energy: Energy
    month: str
    start_us: int
    end_us: int


def month_bill(
    accounts: Accounts, references: References, asked: Question, *, explain: bool, pending: int
) -> Bill:
    """The bill, from the ledger as it stands now; raises a problem without tariff or meter."""
    catalog, place = accounts.estate.catalog, asked.place
    holder, tariff = _tariff(accounts, references, asked)
    calendar_id = catalog.inherited(place.id, "calendar_id")
    calendar = references.calendars.get(calendar_id or "")
    shares = accounts.shares(place.id, asked.energy, tariff.unit)
    if not len(shares.source):
        fix = f"one that counts in {tariff.unit}, or a tariff in the unit of the meters"
        raise problems.invalid("energy", asked.energy, f"{place.id} has no meter of it in {tariff.unit}", fix)
    marks_us = np.arange(asked.start_us, asked.end_us + BASE_US, BASE_US, dtype=np.int64)
    figure = accounts.figure(shares, marks_us)
    row, demand_kw = _maximum(figure.periods.amount)
    reactive = _reactive(accounts, shares, asked)
    made = billing.bill(
        billing.Month(
            marks_us[:-1],
            figure.periods.amount,
            figure.periods.quality,
            _exported(accounts, shares, marks_us),
            _used_before(accounts, shares, tariff, asked),
        ),
        known := billing.Account(
            reactive_kvarh=None if reactive is None else reactive.kvarh,
            maximum_kw=demand_kw,
            contract_kw=None if place.contract_demand_w is None else place.contract_demand_w / 1000,
            capacity_kva=tariff.capacity_kva(place.id, f"{asked.month}-01"),
        ),
        tariff,
        calendar,
        place.timezone,
    )
    total = figure.total()
    is_example = any(version.example for version in made.versions)
    return Bill(
        place=place.id,
        account=holder,
        energy=asked.energy,
        month=asked.month,
        timezone=place.timezone,
        from_=times.rfc3339(asked.start_us, place.timezone),
        to=times.rfc3339(asked.end_us, place.timezone),
        tariff=tariff.id,
        tariff_name=names(tariff.name),
        calendar=calendar_id if calendar is not None else None,
        currency=tariff.currency,
        lines=[_line(line) for line in made.lines],
        total=float(made.total),
        amount=float(made.amount) if total.periods.intervals.any() else None,
        unit=tariff.unit,
        estimated=float(made.estimated),
        coverage=float(total.coverage()[0]),
        quality=interval_quality(int(total.periods.quality[0])) if total.periods.intervals.any() else [],
        versions=[version_basis(tariff, one, provisional=made.provisional) for one in made.versions],
        demand=None
        if demand_kw is None
        else BillDemand(kw=demand_kw, start=times.rfc3339(int(marks_us[row]), place.timezone)),
        contract_demand_kw=known.contract_kw,
        capacity_kva=known.capacity_kva,
        reactive=reactive,
        meters=accounts.meters(shares, asked.start_us, asked.end_us),
        provisional=made.provisional,
        example=is_example,
        final=accounts.now_us >= asked.end_us and pending == 0,
        missing=list(made.missing),
        next_action=_ACTIONS[made.missing[0]] if made.missing else _EXAMPLE if is_example else None,
        days=_days(marks_us[:-1], calendar or pricing.WEEKDAYS, place.timezone) if explain else None,
        explanation=explanation(accounts, shares, marks_us[[0, -1]], place.timezone, pending)
        if explain
        else None,
    )


def _tariff(accounts: Accounts, references: References, asked: Question) -> tuple[str, Tariff]:
    """The place that names the tariff, and the tariff."""
    catalog = accounts.estate.catalog
    holder = account(catalog, asked.place.id, asked.energy)
    fitting = sorted(id_ for id_, one in references.tariffs.items() if one.energy == asked.energy)
    tariff_id = "" if holder is None else dict(catalog.places[holder].tariffs)[asked.energy]
    tariff: Tariff | None = references.tariffs.get(tariff_id)
    if holder is None or tariff is None:
        fix = f"give it or a place above it tariffs: {{{asked.energy}: {problems.choice(fitting)}}}"
        raise problems.invalid("place", asked.place.id, f"has no tariff for {asked.energy}", fix)
    return holder, tariff


def _exported(accounts: Accounts, shares: Shares, marks_us: I64) -> F64 | None:
    beside = accounts.beside(shares, EXPORTED)
    return accounts.figure(beside, marks_us).periods.amount if len(beside.source) else None


def _reactive(accounts: Accounts, shares: Shares, asked: Question) -> BillReactive | None:
    """Of the month; None unless each meter of the account counts it and something is known."""
    drawn = accounts.beside(shares, _REACTIVE[:1])
    if len(drawn.source) < len(shares.source):
        return None
    edges_us = np.array([asked.start_us, asked.end_us], np.int64)
    # Both directions, each as positive: the rule adds up what is drawn and what is fed in.
    figure: Figure = accounts.figure(accounts.beside(shares, _REACTIVE), edges_us)
    if not figure.periods.intervals.any():
        return None
    return BillReactive(
        kvarh=round(float(figure.periods.amount[0]), 6),
        coverage=float(accounts.figure(drawn, edges_us).coverage()[0]),
    )


def _used_before(accounts: Accounts, shares: Shares, tariff: Tariff, asked: Question) -> float:
    """What fills the tiers of a year before the month."""
    begin_us = pricing.tier_start_us(tariff, asked.start_us, asked.end_us, asked.place.timezone)
    if begin_us >= asked.start_us:
        return 0.0
    periods = accounts.figure(shares, np.array([begin_us, asked.start_us], np.int64)).periods
    return float(np.nansum(periods.amount))


def _maximum(amount: F64) -> tuple[int, float | None]:
    """The highest quarter-hour and its kW, to the W; None if none is known."""
    highest, rows = maxima(block_demand_w(amount), np.zeros(1, np.int64))
    return int(rows[0]), None if rows[0] < 0 else round(float(highest[0]) / 1000, 3)


def _days(start_us: I64, calendar: Calendar, timezone: str) -> list[BillDay]:
    days = np.unique(local_clock(start_us, timezone)[0])
    kind_of = {int(code): kind for kind, code in CODE_OF_KIND.items()}
    return [
        BillDay(date=str(day), kind=kind_of[code], provisional=unsure)
        for day, code, unsure in zip(
            days, day_kinds(calendar, days).tolist(), provisional(calendar, days).tolist(), strict=True
        )
    ]


def _line(line: billing.Line) -> BillLine:
    return BillLine(
        kind=line.kind,
        name=_name(line),
        version=line.version,
        band=line.band,
        tier=line.tier,
        quantity=float(line.quantity),
        unit=line.unit,
        price=float(line.price),
        unrounded=f"{(line.quantity * line.price).normalize():f}",
        amount=float(line.amount),
        estimated=float(line.estimated),
        power_factor=None if line.power_factor is None else float(line.power_factor),
    )


def _name(line: billing.Line) -> Names:
    if line.tier is not None:
        return Names(zh=f"第{line.tier + 1}档加价", en=f"Step {line.tier + 1}, added")
    return names(line.name or (_BANDS[line.band] if line.band is not None else _KINDS[line.kind]))
