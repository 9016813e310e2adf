"""Messages and their log: GET /api/v1/deliveries."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query

from api import pages, problems
from api.depends import ServicesOf
from api.openapi import refusals
from api.schemas.delivery import ByInput, DeliveryItem, DeliveryList, RetryResult
from core.delivery import DeliveryQuery, DeliveryStatus

router = APIRouter(prefix="/api/v1/deliveries", tags=["alerts"])

_log = logging.getLogger("wattline.api")

Id = Annotated[str | None, Query(max_length=500)]


@router.get("", summary="List messages and their attempts", responses=refusals(422, 503))
def deliveries(
    services: ServicesOf,
    *,
    alert: Id = None,
    channel: Id = None,
    status: Annotated[DeliveryStatus | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: pages.Cursor = None,
) -> DeliveryList:
    """Every message on every channel, newest first, with what came of each attempt."""
    before = pages.after_time_and_id(cursor)
    query = DeliveryQuery(alert, channel, status, before, limit + 1)
    found = services.registry.deliveries.deliveries(query)
    page, more = found[:limit], len(found) > limit
    last = page[-1].delivery if page else None
    return DeliveryList(
        items=[DeliveryItem.of(record) for record in page],
        next=pages.encode(last.created_at_us, last.id) if more and last else None,
    )


@router.post(
    "/{delivery_id}/retry",
    summary="Send a message again",
    responses=refusals(400, 403, 404, 409, 413, 422, 503),
)
def retry(services: ServicesOf, delivery_id: str, body: ByInput) -> RetryResult:
    """Send a message again that was given up, with the same id, and try it as often as a new one."""
    if not services.registry.deliveries.retry(delivery_id, services.clock()):
        raise problems.unknown("delivery_id", delivery_id, (), "/api/v1/deliveries")
    _log.info("delivery %s is sent again by %s", delivery_id, body.by)
    return RetryResult(id=delivery_id, status=DeliveryStatus.QUEUED)
