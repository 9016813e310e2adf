"""GET /api/v1/consumption: what a place or a meter has used, from the interval ledger."""

from typing import Annotated

from fastapi import APIRouter, Query

from analytics.grouping import GroupBy
from analytics.periods import Interval, edges
from analytics.shares import Shares
from api import problems, times
from api.accounts import Accounts, Figure
from api.base import check_base
from api.counted import energy_and_unit, energy_and_unit_of
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.derived import Asked, Derivations, check_rows
from api.estate import Estate
from api.explain import explanation
from api.grouped import Question, amounts, by_energy, one_energy, qualities
from api.openapi import refusals
from api.routes.spans import From, To, check_points, quarter_span, quarters_or_longer
from api.schemas.accounts import ConsumptionAccount, ConsumptionGroup
from api.schemas.series import ConsumptionItem
from api.services import Limits
from core.factors import FactorKind
from core.quantities import Energy

router = APIRouter(prefix="/api/v1/consumption", tags=["series"])

_KINDS = {"coal": FactorKind.COAL_EQUIVALENT, "co2": FactorKind.CO2}
_WITH = ("cost", *_KINDS)


@router.get(
    "",
    summary="Get consumption by period",
    responses=refusals(404, 422, 503),
    response_model_exclude_unset=True,
)
def consumption(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: Annotated[str | None, Query(description="This place with all below it.", examples=["b0"])] = None,
    device: Annotated[str | None, Query(description="One meter instead of a place.")] = None,
    energy: Annotated[
        Energy | None, Query(description="May be left out where only one kind is metered.")
    ] = None,
    from_: From = None,
    to: To = None,
    interval: Annotated[
        Interval, Query(description="Length of a period of the local calendar.")
    ] = Interval.HOUR,
    unit: Annotated[
        str | None, Query(max_length=16, description="Needed where meters count in different units.")
    ] = None,
    group_by: Annotated[
        GroupBy | None, Query(description="Groups of a place that add up to the total.")
    ] = None,
    with_: Annotated[
        str | None,
        Query(alias="with", max_length=40, description="Any of cost, coal and co2.", examples=["cost,co2"]),
    ] = None,
    explain: Annotated[bool, Query(description="Also everything that the total rests on.")] = False,
) -> ConsumptionAccount:
    """Consumption of a place or a meter; today's by hour where no span is given.

    Each meter counts once, however deep the tree below it, and where it stood at the time. Days
    and months are those of the place's time zone; `from` and `to` are on 15-minute marks and cut
    the first and the last period. Coverage is the measured share of the time that has passed.
    Periods of 1 or 5 minutes are known where the place's `base_minutes` is no longer.
    """
    if (place is None) == (device is None):
        raise problems.invalid(
            "place", place, "one of place and device is needed", "give exactly one of the two"
        )
    wanted = _wanted(with_)
    if "cost" in wanted:
        quarters_or_longer(interval, "prices hold")
    timezone = _timezone(estate, place, device, group_by)
    now_us = services.clock()
    start_us, end_us = quarter_span(from_, to, timezone, now_us)
    check_points(start_us, end_us, interval, services.limits.points)
    edges_us = edges(start_us, end_us, interval, timezone)
    accounts = Accounts(estate, ledger, now_us)
    derivations = Derivations(accounts, services.registry.references())
    kinds = tuple(_KINDS[one] for one in wanted if one in _KINDS)
    ask = Question(place or "", group_by or GroupBy.ENERGY, edges_us, timezone, kinds)
    pending = services.feed.ledger_pending()
    if group_by is GroupBy.ENERGY and energy is None:
        return _every_energy(accounts, derivations, ask, interval, pending)
    energy, unit, shares = _subject(accounts, place, device, energy, unit)
    check_base(estate, accounts.meters(shares, start_us, end_us), interval)
    asked = Asked(shares, energy, unit, timezone, edges_us)
    _check_rows(accounts, asked, wanted, services.limits, explain=explain)
    figure, groups = _figure(accounts, derivations, ask, asked, group_by)
    total = figure.total()
    answer = ConsumptionAccount(
        place=place,
        device=device,
        energy=energy,
        unit=unit,
        timezone=timezone,
        from_=times.rfc3339(start_us, timezone),
        to=times.rfc3339(end_us, timezone),
        interval=interval,
        total=amounts(total.periods)[0],
        coverage=float(total.coverage()[0]),
        quality=qualities(total.periods)[0],
        meters=accounts.meters(shares, start_us, end_us),
        pending=pending,
        items=_items(figure, timezone),
    )
    if groups is not None:
        answer.group_by, answer.groups = group_by, groups
        answer.gross = _sum([one.gross for one in groups])
        answer.overlap = _sum([one.overlap for one in groups])
    for one in wanted:
        derived = derivations.emission(asked, _KINDS[one]) if one in _KINDS else derivations.cost(asked)
        setattr(answer, one, derived)
    if explain:
        answer.explanation = explanation(accounts, shares, edges_us, timezone, pending)
    return answer


def _timezone(estate: Estate, place: str | None, device: str | None, group_by: GroupBy | None) -> str:
    """Of the place, or of where the device stands."""
    if device is None:
        return estate.place(place or "").timezone
    if group_by is not None:
        raise problems.invalid("group_by", group_by, "groups are those of a place", "give place= instead")
    return estate.timezone(estate.device(device))


def _subject(
    accounts: Accounts, place: str | None, device: str | None, energy: Energy | None, unit: str | None
) -> tuple[Energy, str, Shares]:
    """What is asked for, completed, and what makes it up."""
    if device is not None:
        found = energy_and_unit_of(accounts.estate, device, energy, unit)
        return *found, accounts.shares_of_device(device, *found)
    found = energy_and_unit(accounts.estate, place or "", energy, unit)
    return *found, accounts.shares(place or "", *found)


def _figure(
    accounts: Accounts, derivations: Derivations, ask: Question, asked: Asked, group_by: GroupBy | None
) -> tuple[Figure, list[ConsumptionGroup] | None]:
    if group_by is None:
        return accounts.figure(asked.shares, asked.edges_us), None
    if group_by is GroupBy.ENERGY:
        groups = by_energy(accounts, derivations, ask, [(asked.energy, asked.unit)])
        return accounts.figure(asked.shares, asked.edges_us), groups
    return one_energy(accounts, derivations, ask, asked.energy, asked.unit)


def _every_energy(
    accounts: Accounts, derivations: Derivations, ask: Question, interval: Interval, pending: int
) -> ConsumptionAccount:
    """All that is metered at a place, in a group for each energy and unit; it has no common total."""
    estate = accounts.estate
    kinds = [
        (energy, unit)
        for energy in estate.energies(ask.place_id)
        for unit in estate.units(estate.members(ask.place_id, energy).devices, energy)
    ]
    meters = sorted({one for energy, _ in kinds for one in estate.members(ask.place_id, energy).devices})
    check_base(estate, meters, interval)
    groups = by_energy(accounts, derivations, ask, kinds)
    return ConsumptionAccount(
        place=ask.place_id,
        device=None,
        energy=None,
        unit=None,
        timezone=ask.timezone,
        from_=times.rfc3339(int(ask.edges_us[0]), ask.timezone),
        to=times.rfc3339(int(ask.edges_us[-1]), ask.timezone),
        interval=interval,
        total=None,
        coverage=min((one.coverage for one in groups), default=0.0),
        quality=list(dict.fromkeys(name for one in groups for name in one.quality)),
        meters=meters,
        pending=pending,
        items=[],
        group_by=GroupBy.ENERGY,
        groups=groups,
    )


def _wanted(with_: str | None) -> list[str]:
    wanted = list(dict.fromkeys(one.strip() for one in (with_ or "").split(",") if one.strip()))
    unknown = [one for one in wanted if one not in _WITH]
    if unknown:
        raise problems.invalid("with", with_, f"{unknown[0]} is none of these", problems.choice(_WITH))
    return wanted


def _check_rows(
    accounts: Accounts, asked: Asked, wanted: list[str], limits: Limits, *, explain: bool
) -> None:
    """Refuse what reads too many rows one by one: explanations, cost, and formulas."""
    start_us, end_us = int(asked.edges_us[0]), int(asked.edges_us[-1])
    virtual = accounts.virtual_only(asked.shares)
    check_rows(accounts, virtual, start_us, end_us, limits.rows, what="formulas of virtual meters")
    if explain:
        check_rows(accounts, asked.shares, start_us, end_us, limits.rows, what="explain")
    if "cost" in wanted:
        check_rows(accounts, asked.shares, start_us, end_us, limits.rows, what="with=cost")


def _items(figure: Figure, timezone: str) -> list[ConsumptionItem]:
    moments = times.rfc3339s(figure.periods.edges_us, timezone)
    return [
        ConsumptionItem(start=start, end=end, amount=amount, coverage=coverage, quality=quality)
        for start, end, amount, coverage, quality in zip(
            moments[:-1],
            moments[1:],
            amounts(figure.periods),
            figure.coverage().tolist(),
            qualities(figure.periods),
            strict=True,
        )
    ]


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 6) if known else None
