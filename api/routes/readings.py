"""GET /api/v1/readings."""

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query

from api import pages, problems
from api.depends import EstateOf, ServicesOf
from api.openapi import refusals
from api.routes.spans import From, To, span
from api.schemas.series import ReadingItem, ReadingList
from api.times import rfc3339s
from core.quality import THINNED, ReadingQuality

router = APIRouter(prefix="/api/v1/readings", tags=["series"])

_QualityName = Literal["good", "receive_time", "manual", "thinned"]
_FLAGS: dict[ReadingQuality, _QualityName] = {
    ReadingQuality.RECEIVE_TIME: "receive_time",
    ReadingQuality.MANUAL: "manual",
    THINNED: "thinned",
}


@router.get("", summary="List readings of one register", responses=refusals(404, 422, 503))
def readings(
    services: ServicesOf,
    estate: EstateOf,
    *,
    device: Annotated[str, Query(examples=["m17"])],
    quantity: Annotated[str, Query(examples=["power_active"])],
    from_: From = None,
    to: To = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    cursor: pages.Cursor = None,
) -> ReadingList:
    """Readings as they came, oldest first, in canonical units; today's where no span is given."""
    found = estate.device(device)
    register = estate.catalog.register_of.get((device, quantity))
    if register is None:
        exists = [one.quantity for one in estate.catalog.registers_of(device)]
        raise problems.invalid(
            "quantity", problems.shown(quantity), f"{device} does not report it", problems.choice(exists, 30)
        )
    timezone = estate.timezone(found)
    start_us, end_us = span(from_, to, timezone, services.clock())
    start_us = max(start_us, pages.after_number(cursor, start_us) + 1)
    batch = services.store.readings(np.array([register.id], np.int32), start_us, end_us, limit + 1)
    more = len(batch) > limit
    batch = batch.take(slice(0, limit))
    return ReadingList(
        device=device,
        quantity=quantity,
        unit=register.unit,
        items=[
            ReadingItem(time=time, value=value, received=received, quality=_quality(flags))
            for time, value, received, flags in zip(
                rfc3339s(batch.event_time_us, timezone),
                batch.value.tolist(),
                rfc3339s(batch.received_at_us),
                batch.quality.tolist(),
                strict=True,
            )
        ],
        next=pages.encode(int(batch.event_time_us[-1])) if more else None,
    )


def _quality(flags: int) -> list[_QualityName]:
    return [name for flag, name in _FLAGS.items() if flags & flag] or ["good"]
