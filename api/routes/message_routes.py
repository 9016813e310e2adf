"""Who is told of what: GET /api/v1/routes, and whom an alert would reach."""

from typing import Any

from fastapi import APIRouter
from pydantic import TypeAdapter

from api import problems
from api.depends import EstateOf, ServicesOf
from api.openapi import refusals
from api.schemas.delivery import PreviewInput, ReachedItem, ReachedList, RouteList

router = APIRouter(prefix="/api/v1/routes", tags=["alerts"])

_DOCUMENTS = TypeAdapter(list[Any])


@router.get("", summary="List routes", responses=refusals(503))
def routes(services: ServicesOf) -> RouteList:
    """Which alerts go to which channels, and when; the first route that names a channel counts."""
    found = [] if services.telling is None else services.telling.routes()
    return RouteList(items=_DOCUMENTS.dump_python(found, mode="json"))


@router.post(
    "/preview", summary="Whom an alert would reach", responses=refusals(400, 403, 404, 413, 422, 503)
)
def preview(services: ServicesOf, estate: EstateOf, body: PreviewInput) -> ReachedList:
    """Which channels an alert of this rule at this place would reach if it began now, and when."""
    place = estate.place(body.place, "place")
    rules = [rule.id for rule in services.registry.rules()]
    if body.rule not in rules:
        raise problems.unknown("rule", body.rule, rules, "/api/v1/rules")
    if services.telling is None:
        return ReachedList(items=[])
    found = services.telling.reached(body.rule, place.id, body.event)
    return ReachedList(items=[ReachedItem.of(one, place.timezone) for one in found])
