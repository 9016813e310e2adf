"""GET /api/v1/reports/quota: what is left of a year's quota, and when nothing will be."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from analytics.periods import Interval, edges
from analytics.quota import SCALE, BurnDown, QuotaState, burn_down
from api import times
from api.accounts import Accounts
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.derived import Derivations
from api.figures import number
from api.openapi import refusals
from api.routes.benchmarks import YearQuery
from api.schemas.base import Names
from api.schemas.reports import QuotaItem, QuotaMonth, QuotaReport
from api.yearly import Usage, Year, Yearly
from core.batch import F64
from core.reference import Quota

router = APIRouter(prefix="/api/v1/reports/quota", tags=["figures"])

_NO_QUOTA = Names(
    zh="为该建筑设置年度定额(config/quotas.yaml)",
    en="Give the place a quota for the year (config/quotas.yaml)",
)
_OTHER_UNIT = Names(
    zh="定额单位与表计单位不一致,请修改定额", en="The meters count in another unit: correct the quota"
)


@router.get("", summary="Get how quotas stand", responses=refusals(404, 422, 503))
def quota(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: Annotated[str, Query(description="This place with all below it.", examples=["b0"])],
    year: YearQuery = None,
) -> QuotaReport:
    """Each quota of a place with its burn-down, where the year will end, and when it is used up.

    The rest of the year goes on by last year's shape where last year was measured well, else
    evenly; `basis` says which.
    """
    found = estate.place(place)
    of_year = Year.of(year, found.timezone, services.clock())
    references = services.registry.references()
    accounts = Accounts(estate, ledger, services.clock())
    yearly = Yearly(accounts, Derivations(accounts, references))
    mine = [
        one
        for _, one in sorted(references.quotas.items())
        if one.place_id == place and one.year == of_year.year
    ]
    return QuotaReport(
        place=place,
        year=of_year.year,
        timezone=found.timezone,
        items=[_item(yearly, of_year, one) for one in mine],
        next_action=None if mine else _NO_QUOTA,
    )


def _item(yearly: Yearly, year: Year, quota: Quota) -> QuotaItem:
    usage = yearly.usage(quota.place_id, quota.energy, year) or _nothing(quota, year)
    scale = 1.0 if usage.unit == quota.unit else SCALE.get((usage.unit, quota.unit))
    _, shape, basis = yearly.projected(quota.place_id, quota.energy, year, usage)
    used_by_day = usage.by_day * (np.nan if scale is None else scale)
    found = burn_down(quota.amount, used_by_day, shape, year.elapsed_days)
    known = bool((~np.isnan(used_by_day)).any())
    total = found.used if year.is_over and known else found.projected
    return QuotaItem(
        id=quota.id,
        energy=quota.energy,
        year=quota.year,
        unit=quota.unit,
        amount=quota.amount,
        used=number(found.used) if known else None,
        left=number(found.left) if known else None,
        used_share=number(found.used_share) if known else None,
        planned=round(found.planned, 6),
        projected=number(total),
        projected_share=number(total / quota.amount),
        basis=basis,
        used_up_on=None if found.used_up_day is None else year.day(found.used_up_day),
        state=found.state,
        coverage=usage.coverage,
        quality=usage.quality,
        meters=usage.meters,
        factors=usage.basis,
        source=quota.source,
        months=_months(year, used_by_day, quota.amount * shape),
        next_action=_action(found, year, same_unit=scale is not None),
    )


def _nothing(quota: Quota, year: Year) -> Usage:
    begun = int(np.ceil(year.elapsed_days))
    return Usage(quota.unit, np.full(begun, np.nan), 0.0, [], [], [])


def _months(year: Year, used_by_day: F64, planned_by_day: F64) -> list[QuotaMonth]:
    months_us = edges(int(year.edges_us[0]), int(year.edges_us[-1]), Interval.MONTH, year.timezone)
    first = np.searchsorted(year.edges_us, months_us)
    known = ~np.isnan(used_by_day)
    items = []
    for begin, end, moment in zip(
        first.tolist(), first.tolist()[1:], times.rfc3339s(months_us, year.timezone), strict=False
    ):
        begun = begin < len(used_by_day)
        items.append(
            QuotaMonth(
                month=moment[:7],
                used=number(float(np.nansum(used_by_day[begin:end]))) if known[begin:end].any() else None,
                used_sum=number(float(np.nansum(used_by_day[:end]))) if begun and known[:end].any() else None,
                planned_sum=round(float(planned_by_day[:end].sum()), 6),
            )
        )
    return items


def _action(found: BurnDown, year: Year, *, same_unit: bool) -> Names | None:
    if not same_unit:
        return _OTHER_UNIT
    percent = f"{100 * found.used_share:.0f} %"
    day = "" if found.used_up_day is None else year.day(found.used_up_day)
    if found.state is QuotaState.EXCEEDED:
        return Names(
            zh=f"定额已于 {day} 用完(已用 {percent}):说明原因并申请调整",
            en=f"Used up on {day} ({percent} used): state the reason and ask for an adjustment",
        )
    if found.state is QuotaState.WARNING:
        rest = f",预计 {day} 用完" if day else ""
        more = f" and will be gone on {day}" if day else ""
        return Names(
            zh=f"已用定额的 {percent}{rest}:制定节能措施",
            en=f"{percent} of the quota is used{more}: plan what to save",
        )
    if found.state is QuotaState.WILL_EXCEED:
        return Names(
            zh=f"按目前用量将于 {day} 用完定额:提前安排节能措施",
            en=f"At this pace the quota is gone on {day}: plan savings now",
        )
    return None
