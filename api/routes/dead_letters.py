"""GET /api/v1/dead-letters."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.depends import ServicesOf
from api.openapi import refusals
from api.schemas.system import DeadLetterItem, DeadLetterList
from api.times import rfc3339

router = APIRouter(prefix="/api/v1/dead-letters", tags=["system"])


@router.get("", summary="List what was not accepted", responses=refusals(422, 503))
def dead_letters(services: ServicesOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> DeadLetterList:
    """The newest messages and values that were not accepted, with the reason of each."""
    return DeadLetterList(
        counts=services.registry.dead_letter_counts(),
        items=[
            DeadLetterItem(
                received=rfc3339(letter.received_at_us),
                topic=letter.topic,
                payload=letter.payload.decode("utf-8", "backslashreplace"),
                reason=letter.reason,
                detail=letter.detail,
            )
            for letter in services.registry.dead_letters(limit=limit)
        ],
    )
