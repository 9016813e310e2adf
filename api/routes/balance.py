"""GET /api/v1/consumption/balance: a meter against the meters right below it."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from analytics.balance import USUAL_CLASS, Balances, Verdict, judged
from analytics.grouping import below
from analytics.periods import Interval, edges
from analytics.shares import Shares
from api import problems, times
from api.accounts import Accounts, Figure
from api.base import check_base
from api.counted import energy_and_unit_of
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.estate import Estate
from api.explain import amount
from api.openapi import refusals
from api.routes.spans import From, To, check_points, quarter_span
from api.schemas.accounts import Balance, BalanceItem, BalanceMeter, NextAction
from core.batch import F64
from core.quantities import Energy

router = APIRouter(prefix="/api/v1/consumption/balance", tags=["series"])

_ACTIONS = {
    Verdict.UNMETERED: NextAction(
        zh="查找未装表的支路,或核对计数偏低的分表的倍率",
        en="Look for circuits without a meter, or a sub-meter whose ratio is too small",
    ),
    Verdict.CHILDREN_EXCEED: NextAction(
        zh="核对各表倍率和上下级关系:分表之和不可能大于总表",
        en="Check ratios and parents: the meters below can't count more than went in",
    ),
    Verdict.NOT_JUDGED: NextAction(
        zh="补齐缺失的读数后再判断,见各表 coverage",
        en="Bring in the missing readings first: coverage says which meter was silent",
    ),
}


@router.get("", summary="Get the balance of a meter", responses=refusals(404, 422, 503))
def meter_balance(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    device: Annotated[str, Query(description="The meter above.", examples=["m17"])],
    energy: Annotated[Energy | None, Query(description="Needed where it counts several kinds.")] = None,
    from_: From = None,
    to: To = None,
    interval: Annotated[Interval, Query(description="Length of a period.")] = Interval.DAY,
    unit: Annotated[str | None, Query(max_length=16)] = None,
) -> Balance:
    """The meter less all meters right below it, and whether the rest is within their accuracy.

    A period is judged only where every meter was measured all the time. A meter that stood below
    it for a part of the span is taken for that part.
    """
    timezone = estate.timezone(estate.device(device))
    energy, unit = energy_and_unit_of(estate, device, energy, unit)
    start_us, end_us = quarter_span(from_, to, timezone, services.clock())
    check_points(start_us, end_us, interval, services.limits.points)
    edges_us = edges(start_us, end_us, interval, timezone)
    accounts = Accounts(estate, ledger, services.clock())
    children = _below(accounts, device, (energy, unit), start_us, end_us)
    check_base(estate, [device, *children], interval)
    if not children:
        raise problems.invalid(
            "device", device, "no meter stands below it in this span", "give its sub-meters parent_device_id"
        )
    names = list(children)
    shares = [accounts.shares_of_device(device, energy, unit), *children.values()]
    figures = accounts.figures(shares, edges_us)
    classes = [_class(estate, one, energy) for one in (device, *names)]
    periods = _judge(figures, [one for one, _ in classes])
    whole = _judge([one.total() for one in figures], [one for one, _ in classes])
    meters = [
        BalanceMeter(
            device=name,
            amount=amount(figure.total().periods.amount),
            coverage=float(figure.total().coverage()[0]),
            accuracy_class=accuracy,
            assumed=assumed,
        )
        for name, figure, (accuracy, assumed) in zip((device, *names), figures, classes, strict=True)
    ]
    return Balance(
        device=device,
        energy=energy,
        unit=unit,
        timezone=timezone,
        from_=times.rfc3339(start_us, timezone),
        to=times.rfc3339(end_us, timezone),
        parent=meters[0],
        children=meters[1:],
        rest=amount(whole.rest),
        tolerance=amount(whole.tolerance),
        verdict=whole.verdict[0],
        next_action=_ACTIONS.get(whole.verdict[0]),
        items=_items(periods, times.rfc3339s(edges_us, timezone)),
    )


def _below(
    accounts: Accounts, device: str, kind: tuple[Energy, str], start_us: int, end_us: int
) -> dict[str, Shares]:
    """By meter right below the device, what it contributes while it stands there."""
    estate = accounts.estate
    roots = estate.catalog.ancestors(estate.catalog.devices[device].place_id)
    members = estate.members(roots[-1], kind[0]).within(start_us, end_us)
    return below(members, device, estate.sources_of(*kind))


def _class(estate: Estate, device: str, energy: Energy) -> tuple[float, bool]:
    """Accuracy class in percent, and whether the usual one stands in for it."""
    registered = estate.catalog.devices[device].accuracy_class
    return (USUAL_CLASS[energy], True) if registered is None else (registered, False)


def _judge(figures: list[Figure], classes: list[float]) -> Balances:
    return judged(
        np.array([one.periods.amount for one in figures]),
        np.array([one.coverage() for one in figures]),
        np.array([one.due_us for one in figures]) > 0,
        np.array(classes),
    )


def _items(found: Balances, moments: list[str]) -> list[BalanceItem]:
    rows = zip(
        moments[:-1],
        moments[1:],
        *(_shown(column) for column in (found.parent, found.children, found.rest, found.tolerance)),
        found.verdict,
        strict=True,
    )
    return [
        BalanceItem(
            start=start,
            end=end,
            parent=parent,
            children=children,
            rest=rest,
            tolerance=tolerance,
            verdict=said,
        )
        for start, end, parent, children, rest, tolerance, said in rows
    ]


def _shown(values: F64) -> list[float | None]:
    return [None if np.isnan(one) else round(one, 6) for one in values.tolist()]
