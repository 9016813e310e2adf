"""GET /api/v1/demand, demand/now and demand/maximum: what is billed by the highest quarter-hour."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from analytics.demand import WINDOW_US, block_demand_w, maxima
from analytics.periods import SHORTEST_US, Interval, edges
from api import problems, times
from api.accounts import Accounts, Figure
from api.demand_now import running_window
from api.demand_peak import month_maximum
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.figures import check_electricity, meters, number, quality_of, quarters
from api.openapi import refusals
from api.routes.spans import From, To, month_span, quarter_span, quarters_or_longer
from api.schemas.base import Names
from api.schemas.demand import Demand, DemandItem, DemandMaximum, DemandNow, Window
from core.batch import I64

router = APIRouter(prefix="/api/v1/demand", tags=["figures"])

PlaceQuery = Annotated[str, Query(description="This place with all below it.", examples=["b0"])]

_OVER = Names(
    zh="本时段最大需量已超过合同需量:查看 demand/maximum 的主要负荷,错峰或申请调整合同需量",
    en="The contract was exceeded: see demand/maximum for what made it; shift it or change the contract",
)


@router.get("", summary="Get demand over time", responses=refusals(404, 422, 503))
def demand(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: PlaceQuery,
    from_: From = None,
    to: To = None,
    interval: Annotated[
        Interval, Query(description="15m: every window; longer: the highest window of each period.")
    ] = Interval.QUARTER_HOUR,
) -> Demand:
    """Mean power by windows of 15 minutes; today's where no span is given.

    A window in which not all meters are known is a lower bound, as its coverage says.
    """
    check_electricity(estate, place)
    found = estate.place(place)
    start_us, end_us = quarter_span(from_, to, found.timezone, services.clock())
    quarters_or_longer(interval, "demand is the mean power")
    _check_points(start_us, end_us, interval, services.limits.points)
    accounts = Accounts(estate, ledger, services.clock())
    windows = quarters(accounts, place, start_us, end_us)
    whole = windows.total()
    highest = highest_window(windows, found.timezone)
    over = highest is not None and exceeds(highest.demand_w, found.contract_demand_w)
    return Demand(
        place=place,
        timezone=found.timezone,
        from_=times.rfc3339(start_us, found.timezone),
        to=times.rfc3339(end_us, found.timezone),
        interval=interval,
        contract_demand_w=found.contract_demand_w,
        maximum=highest,
        coverage=float(whole.coverage()[0]),
        quality=quality_of(int(whole.periods.quality[0]), int(whole.periods.intervals[0])),
        meters=meters(accounts, place, start_us, end_us),
        items=_items(windows, edges(start_us, end_us, interval, found.timezone), found.timezone),
        next_action=_OVER if over else None,
    )


@router.get("/now", summary="Get the window that runs", responses=refusals(404, 422, 503))
def now(services: ServicesOf, estate: EstateOf, place: PlaceQuery) -> DemandNow:
    """What the running window has used, where it will end, and what keeps it at the contract."""
    check_electricity(estate, place)
    return running_window(services, estate, estate.place(place))


@router.get("/maximum", summary="Get a month's maximum demand", responses=refusals(404, 422, 503))
def maximum(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: PlaceQuery,
    month: Annotated[
        str | None,
        Query(max_length=20, description="Local month; this one if left out.", examples=["2026-11"]),
    ] = None,
) -> DemandMaximum:
    """The highest window of a month, when it was, and what made it: every meter's own part, once."""
    check_electricity(estate, place)
    found = estate.place(place)
    name, start_us, end_us = month_span(month, found.timezone, services.clock())
    accounts = Accounts(estate, ledger, services.clock())
    windows = quarters(accounts, place, start_us, end_us)
    highest = highest_window(windows, found.timezone)
    return month_maximum(services, accounts, found, month=name, windows=windows, highest=highest)


def highest_window(windows: Figure, timezone: str) -> Window | None:
    """The first of the highest windows; None if none is known."""
    demand_w = block_demand_w(windows.periods.amount)
    _, rows = maxima(demand_w, np.zeros(1, np.int64))
    row = int(rows[0])
    if row < 0:
        return None
    start_us = int(windows.periods.edges_us[row])
    return Window(
        start=times.rfc3339(start_us, timezone),
        end=times.rfc3339(start_us + WINDOW_US, timezone),
        demand_w=round(float(demand_w[row]), 3),
        coverage=float(windows.coverage()[row]),
        quality=quality_of(int(windows.periods.quality[row]), 1),
    )


def exceeds(demand_w: float, contract_w: float | None) -> bool:
    """Whether a demand is above a contract."""
    return contract_w is not None and demand_w > contract_w


def _items(windows: Figure, edges_us: I64, timezone: str) -> list[DemandItem]:
    cuts = np.searchsorted(windows.periods.edges_us, edges_us)
    periods = windows.periods.coarsen(edges_us)
    coverage = periods.share(np.add.reduceat(windows.due_us[: cuts[-1]], cuts[:-1]))
    highest, rows = maxima(block_demand_w(windows.periods.amount), cuts[:-1])
    at = times.rfc3339s(windows.periods.edges_us[np.maximum(rows, 0)], timezone)
    moments = times.rfc3339s(edges_us, timezone)
    return [
        DemandItem(
            start=start,
            end=end,
            demand_w=number(value, 3),
            at=when if row >= 0 else None,
            coverage=share,
            quality=quality_of(flags, known),
        )
        for start, end, value, row, when, share, flags, known in zip(
            moments[:-1],
            moments[1:],
            highest.tolist(),
            rows.tolist(),
            at,
            coverage.tolist(),
            periods.quality.tolist(),
            periods.intervals.tolist(),
            strict=True,
        )
    ]


def _check_points(start_us: int, end_us: int, interval: Interval, most: int) -> None:
    """Refuse more windows than a year of them, and more items than an answer may have."""
    windows, items = (end_us - start_us) // WINDOW_US, (end_us - start_us) // SHORTEST_US[interval]
    if windows > 366 * 96 + 4:
        raise problems.invalid(
            "to", times.rfc3339(end_us), "is more than a year after from", "ask by the year"
        )
    if items > most:
        fix = f"interval=1h, or at most {most * WINDOW_US // 86_400_000_000} days at a time"
        raise problems.invalid("interval", interval, f"{items} windows are more than {most}", fix)
