"""GET /api/v1/reports/off-hours: working hours against off-hours, base load, what was left on."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from analytics import profiles
from analytics.calendars import local_clock, provisional_years, working_slots
from analytics.profiles import Part, Profile
from analytics.tariff import priced
from api import problems, times
from api.accounts import Accounts
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.derived import account
from api.estate import Estate
from api.figures import KWH, check_electricity, meters, number, quality_of, quarters
from api.items import names
from api.openapi import refusals
from api.routes.spans import From, To, month_span, quarter_span
from api.schemas.base import Names
from api.schemas.reports import CalendarBasis, HourOfDay, OffHours, PartOfUse, WasteDay
from core.batch import BASE_US, I64
from core.calendars import Calendar
from core.model import Place
from core.quantities import Energy
from core.reference import References

router = APIRouter(prefix="/api/v1/reports/off-hours", tags=["figures"])

_WORST_DAYS = 5
_LONGEST_US = 367 * 86_400_000_000
_NOTABLE_SHARE = 0.02
"""Of the energy of the span: less waste than this is not worth a walk through the building."""


@router.get("", summary="Get use in and out of working hours", responses=refusals(404, 422, 503))
def off_hours(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: Annotated[str, Query(description="This place with all below it.", examples=["b0"])],
    from_: From = None,
    to: To = None,
) -> OffHours:
    """Electricity in working hours and off-hours by the building's calendar; this month's unless asked.

    The base load of an hour of the day is the lowest tenth of the power in off-hours at that
    hour; what off-hours take above it is waste.
    """
    check_electricity(estate, place)
    found = estate.place(place)
    now_us = services.clock()
    start_us, end_us = _span(from_, to, found.timezone, now_us)
    accounts = Accounts(estate, ledger, now_us)
    # Slots that have not begun are no missing ones.
    until_us = min(end_us, -(-now_us // BASE_US) * BASE_US)
    if until_us <= start_us:
        raise problems.invalid(
            "from", times.rfc3339(start_us, found.timezone), "has not begun", "give an earlier time"
        )
    use = quarters(accounts, place, start_us, until_us)
    slots_us = use.periods.edges_us[:-1]
    references = services.registry.references()
    calendar = references.calendars.get(
        estate.catalog.inherited(place, "calendar_id") or "", profiles.STAND_IN
    )
    days, minute = local_clock(slots_us, found.timezone)
    profile = profiles.profile(use.periods.amount, working_slots(calendar, slots_us, found.timezone), minute)
    waste_cost, currency, tariff = _cost(estate, references, calendar, found, slots_us, profile=profile)
    whole = use.total()
    worst = _worst(days.astype(np.int64), profile)
    known = bool(profile.off.known_slots)
    return OffHours(
        place=place,
        timezone=found.timezone,
        from_=times.rfc3339(start_us, found.timezone),
        to=times.rfc3339(until_us, found.timezone),
        calendar=CalendarBasis(
            id=calendar.id or None,
            name=names(calendar.name),
            source=calendar.source,
            provisional_years=list(provisional_years(calendar, start_us, until_us, found.timezone)),
        ),
        working=_part(profile.working, 1 - profile.off_share),
        off=_part(profile.off, profile.off_share),
        base_load_w=number(profile.mean_base_load_w, 3),
        base_load_ratio=number(profile.base_load_ratio),
        waste_kwh=number(float(profile.waste_kwh.sum())) if known else None,
        waste_cost=number(waste_cost, 2),
        currency=currency,
        tariff=tariff,
        coverage=float(whole.coverage()[0]),
        quality=quality_of(int(whole.periods.quality[0]), int(whole.periods.intervals[0])),
        meters=meters(accounts, place, start_us, until_us),
        hours=_hours(profile),
        worst=worst,
        next_action=_action(profile, worst, has_calendar=bool(calendar.id)),
    )


def _span(from_: str | None, to: str | None, timezone: str, now_us: int) -> tuple[int, int]:
    if from_ is None and to is None:
        _, start_us, end_us = month_span(None, timezone, now_us)
        return start_us, end_us
    start_us, end_us = quarter_span(from_, to, timezone, now_us)
    if end_us - start_us > _LONGEST_US:
        raise problems.invalid(
            "to", times.rfc3339(end_us, timezone), "is more than a year after from", "ask by the year"
        )
    return start_us, end_us


def _cost(
    estate: Estate,
    references: References,
    calendar: Calendar,
    place: Place,
    slots_us: I64,
    *,
    profile: Profile,
) -> tuple[float, str | None, str | None]:
    """(cost of the waste, currency, tariff id); NaN where a slot with waste has no price."""
    holder = account(estate.catalog, place.id, Energy.ELECTRICITY)
    if holder is None:
        return float("nan"), None, None
    tariff = references.tariffs.get(dict(estate.catalog.places[holder].tariffs)[Energy.ELECTRICITY])
    if tariff is None or tariff.unit != KWH:
        return float("nan"), None, None
    price = priced(slots_us, tariff, calendar if calendar.id else None, place.timezone).price
    rows = profile.waste_kwh > 0
    return float((profile.waste_kwh[rows] * price[rows]).sum()), tariff.currency, tariff.id


def _part(part: Part, share: float) -> PartOfUse:
    return PartOfUse(
        energy_kwh=number(part.energy_kwh) if part.known_slots else None,
        share=number(share),
        hours=part.slots / 4,
        mean_w=number(part.mean_w, 3),
        coverage=part.known_slots / part.slots if part.slots else 0.0,
    )


def _hours(profile: Profile) -> list[HourOfDay]:
    return [
        HourOfDay(
            hour=hour,
            base_load_w=number(profile.base_load_w[hour], 3),
            base_slots=int(profile.base_slots[hour]),
            working_w=number(profile.working_w[hour], 3),
            off_w=number(profile.off_w[hour], 3),
        )
        for hour in range(24)
    ]


def _worst(day: I64, profile: Profile) -> list[WasteDay]:
    days, waste_kwh = profiles.by_day(profile.waste_kwh, day)
    order = np.argsort(-waste_kwh, kind="stable")[:_WORST_DAYS]
    dates = days.astype("datetime64[D]").astype(str)
    return [
        WasteDay(day=str(dates[row]), waste_kwh=round(float(waste_kwh[row]), 6))
        for row in order.tolist()
        if waste_kwh[row] > 0
    ]


def _action(profile: Profile, worst: list[WasteDay], *, has_calendar: bool) -> Names | None:
    if not has_calendar:
        return Names(
            zh="为该建筑或其上级设置日历(calendar_id),否则按周一至周五 08:30-17:30 计算",
            en="Give the place, or one above it, a calendar (calendar_id): weekdays 08:30 to 17:30 stand in",
        )
    total_kwh = profile.working.energy_kwh + profile.off.energy_kwh
    if not worst or float(profile.waste_kwh.sum()) < _NOTABLE_SHARE * total_kwh:
        return None
    first = worst[0]
    return Names(
        zh=f"查看 {first.day} 非工作时间哪些回路没有关闭(多用 {first.waste_kwh:.1f} kWh)",
        en=f"See which circuits were left on in the off-hours of {first.day} ({first.waste_kwh:.1f} kWh)",
    )
