"""GET /api/v1/track."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from api import pages
from api.depends import EstateOf, ServicesOf
from api.items import ignition, known
from api.openapi import refusals
from api.routes.spans import From, To, span
from api.schemas.fleet import Track, TrackPoint
from api.times import rfc3339s

router = APIRouter(prefix="/api/v1/track", tags=["fleet"])


@router.get("", summary="Get the track of a vehicle", responses=refusals(404, 422, 503))
def track(
    services: ServicesOf,
    estate: EstateOf,
    *,
    vehicle: Annotated[str, Query(examples=["car1"])],
    from_: From = None,
    to: To = None,
    limit: Annotated[int, Query(ge=1, le=20_000)] = 10_000,
    cursor: pages.Cursor = None,
) -> Track:
    """Fixes of one vehicle as they came, oldest first; today's where no span is given."""
    timezone = estate.timezone(estate.vehicle(vehicle))
    start_us, end_us = span(from_, to, timezone, services.clock())
    start_us = max(start_us, pages.after_number(cursor, start_us) + 1)
    number = np.array([estate.catalog.device_number[vehicle]], np.int32)
    fixes = services.store.positions(number, start_us, end_us, limit + 1)
    more = len(fixes) > limit
    fixes = fixes.take(slice(0, limit))
    times = rfc3339s(fixes.fix_time_us, timezone)
    return Track(
        vehicle=vehicle,
        items=[
            TrackPoint(
                time=times[row],
                lat=float(fixes.latitude_deg[row]),
                lon=float(fixes.longitude_deg[row]),
                speed_kmh=known(fixes.speed_kmh[row]),
                course_deg=known(fixes.course_deg[row]),
                ignition=ignition(fixes.ignition[row]),
            )
            for row in range(len(fixes))
        ],
        next=pages.encode(int(fixes.fix_time_us[-1])) if more else None,
    )
