"""GET /api/v1/alerts."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api import pages
from api.depends import EstateOf, ServicesOf
from api.items import alert_item
from api.openapi import refusals
from api.schemas.alerts import AlertList
from core.alerts import Alert, AlertState
from core.ports import Registry

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.get("", summary="List alerts", responses=refusals(422, 503))
def alerts(
    services: ServicesOf,
    estate: EstateOf,
    state: Annotated[Literal["pending", "firing", "resolved"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: pages.Cursor = None,
) -> AlertList:
    """Alerts, newest first by when their breach began; each says what to do next."""
    wanted = AlertState(state) if state is not None else None
    found = _after(services.registry, wanted, limit + 1, pages.after_time_and_id(cursor))
    page, more = found[:limit], len(found) > limit
    rules = {rule.id: rule for rule in services.registry.rules()}
    return AlertList(
        items=[alert_item(estate, rules[alert.rule_id], alert) for alert in page],
        next=pages.encode(page[-1].active_at_us, page[-1].id) if more else None,
    )


def _after(
    registry: Registry, state: AlertState | None, wanted: int, position: tuple[int, str] | None
) -> list[Alert]:
    """Up to so many alerts after the position, by time descending, then id.

    The registry continues before a time, and meters that report on the quarter of an hour
    breach at the same time: a page may end among alerts of one time, so those are read whole.
    """
    before_us = None if position is None else position[0] + 1
    asked = wanted + 1
    while True:
        batch = registry.alerts(state=state, before_us=before_us, limit=asked)
        complete = len(batch) < asked
        whole = batch if complete else [one for one in batch if one.active_at_us > batch[-1].active_at_us]
        ordered = sorted(whole, key=lambda one: (-one.active_at_us, one.id))
        if position is not None:
            ordered = [one for one in ordered if (-one.active_at_us, one.id) > (-position[0], position[1])]
        if complete or len(ordered) >= wanted:
            return ordered[:wanted]
        asked *= 2
