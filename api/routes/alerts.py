"""GET /api/v1/alerts."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api import pages
from api.depends import ServicesOf
from api.items import alert_item
from api.openapi import refusals
from api.schemas.alerts import AlertList
from core.alerting import AlertQuery
from core.alerts import AlertState

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.get("", summary="List alerts", responses=refusals(422, 503))
def alerts(
    services: ServicesOf,
    state: Annotated[Literal["firing", "stale", "resolved"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: pages.Cursor = None,
) -> AlertList:
    """Alerts, newest first by when their breach began; each says what to do next."""
    states = () if state is None else (AlertState(state),)
    query = AlertQuery(states=states, before=pages.after_time_and_id(cursor), limit=limit + 1)
    found = services.registry.alerts(query)
    page, more = found[:limit], len(found) > limit
    rules = {rule.id: rule for rule in services.registry.rules()}
    return AlertList(
        items=[
            alert_item(
                rules.get(one.alert.rule_id) or services.registry.rule(one.alert.rule_id),
                one.alert,
                one.handling,
            )
            for one in page
        ],
        next=pages.encode(page[-1].alert.active_at_us, page[-1].alert.id) if more else None,
    )
