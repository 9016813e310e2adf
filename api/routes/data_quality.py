"""GET /api/v1/reports/data-quality: how far each meter's day can be trusted."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from analytics.data_quality import CHECKS, Result, Rule, check, score
from api import pages, times
from api.depends import EstateOf, ServicesOf
from api.estate import Estate
from api.items import names
from api.meter_days import MeterDays
from api.openapi import refusals
from api.problems import invalid
from api.routes.spans import day_span
from api.schemas.base import Names
from api.schemas.quality import DataQuality, MeterQuality, RuleResult
from core.model import Device, DeviceKind

router = APIRouter(prefix="/api/v1/reports/data-quality", tags=["figures"])

FORMULA = "100 x sum(weight x share) / sum(weight), over the rules that could be checked"

_NUMBER = {rule: number for number, rule in enumerate(Rule, 1)}


@router.get("", summary="Score meters by day", responses=refusals(404, 422, 503))
def data_quality(
    services: ServicesOf,
    estate: EstateOf,
    *,
    place: Annotated[str | None, Query(description="Meters at or below this place.", examples=["b0"])] = None,
    device: Annotated[str | None, Query(description="One meter instead of a place.")] = None,
    day: Annotated[
        str | None, Query(max_length=20, description="Local day; today if left out.", examples=["2026-11-21"])
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: pages.Cursor = None,
) -> DataQuality:
    """Eleven rules on each meter's day, with what each found and what to do; a running day up to now."""
    if (place is None) == (device is None):
        raise invalid("place", place, "one of place and device is needed", "give exactly one of the two")
    timezone = (
        estate.place(place or "").timezone if device is None else estate.timezone(estate.device(device))
    )
    name, start_us, end_us = day_span(day, timezone, services.clock())
    end_us = min(end_us, services.clock())
    if end_us <= start_us:
        raise invalid("day", name, "has not begun", "give today or an earlier day")
    after = pages.after_id(cursor)
    meters = [one for one in _meters(estate, place, device, start_us) if one.id > after]
    shown = meters[:limit]
    days = MeterDays(services, estate.catalog, shown, start_us, end_us)
    items = [_item(days, one, estate.catalog.placed(one.id, start_us)[0]) for one in shown]
    worst = min(items, key=lambda one: one.score, default=None)
    return DataQuality(
        place=place,
        day=name,
        timezone=timezone,
        from_=times.rfc3339(start_us, timezone),
        to=times.rfc3339(end_us, timezone),
        formula=FORMULA,
        weights={rule: one.weight for rule, one in CHECKS.items()},
        score=round(float(np.mean([one.score for one in items])), 2) if items else None,
        items=items,
        next=pages.encode(shown[-1].id) if len(meters) > limit else None,
        next_action=None if worst is None else worst.next_action,
    )


def _meters(estate: Estate, place: str | None, device: str | None, at_us: int) -> list[Device]:
    """The meter, or those that stood at or below the place then, by id."""
    if device is not None:
        return [estate.device(device)]
    inside = set(estate.catalog.subtree(place or ""))
    return [
        found
        for one in estate.device_ids
        if (found := estate.catalog.devices[one]).kind is DeviceKind.METER
        and estate.catalog.placed(one, at_us)[0] in inside
    ]


def _item(days: MeterDays, device: Device, place_id: str) -> MeterQuality:
    day, readings, coverage = days.day(device)
    results = check(day)
    failed = [one for one in results if one.passed is False]
    points = score(results)
    return MeterQuality(
        device=device.id,
        name=names(device.name),
        place=place_id,
        score=0.0 if np.isnan(points) else round(points, 2),
        readings=readings,
        coverage=coverage,
        failed=[one.rule for one in failed],
        rules=[_rule(one) for one in results],
        next_action=_action(max(failed, key=_lost, default=None)),
    )


def _lost(result: Result) -> float:
    """What a failed rule costs."""
    return CHECKS[result.rule].weight * (1 - result.finding.share) if result.finding else 0.0


def _rule(result: Result) -> RuleResult:
    finding = result.finding
    return RuleResult(
        number=_NUMBER[result.rule],
        rule=result.rule,
        asks=CHECKS[result.rule].asks,
        result="not_checked" if finding is None else "passed" if result.passed else "failed",
        share=None if finding is None else round(finding.share, 6),
        found=None if finding is None else finding.found,
        of=None if finding is None else finding.of,
        next_action=_action(result) if result.passed is False else None,
    )


def _action(result: Result | None) -> Names | None:
    return None if result is None else names(CHECKS[result.rule].action)
