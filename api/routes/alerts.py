"""Alerts: GET /api/v1/alerts, one of them, and its timeline."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api import pages, problems
from api.alert_items import alert_items
from api.depends import EstateOf, ServicesOf
from api.openapi import refusals
from api.schemas.alerts import AlertItem, AlertList
from api.schemas.handling import EventItem, Timeline
from api.schemas.problem import FieldProblem
from api.services import Services
from core.alerting import AlertQuery
from core.alerts import AlertRecord, AlertState, Handled

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

# Ids have slashes in them: "<rule>:register:<device>/<quantity>:<begin>".
AlertId = Annotated[str, Path(max_length=1000, examples=["voltage-high-l1:register:m17/voltage_l1:0"])]
Id = Annotated[str | None, Query(max_length=500)]


@router.get("", summary="List alerts", responses=refusals(404, 422, 503))
def alerts(
    services: ServicesOf,
    estate: EstateOf,
    *,
    state: Annotated[
        Literal["open", "firing", "stale", "resolved"] | None, Query(description="open: firing or stale.")
    ] = None,
    handled: Annotated[
        Literal["open", "new", "acknowledged", "closing", "closed"] | None,
        Query(description="How far people are with it; open: not closed."),
    ] = None,
    rule: Id = None,
    place: Annotated[str | None, Query(description="At or below this place.", examples=["b0"])] = None,
    organisation: Annotated[str | None, Query(max_length=500, description="Responsible now.")] = None,
    retrospective: Annotated[bool | None, Query(description="Found in data that came late.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: pages.Cursor = None,
) -> AlertList:
    """Alerts, newest first by when their breach began; each says what to do next."""
    query = AlertQuery(
        states=_states(state),
        handled=_handled(handled),
        rules=() if rule is None else (rule,),
        places=() if place is None else tuple(estate.catalog.subtree(estate.place(place).id)),
        organisations=() if organisation is None else (organisation,),
        retrospective=retrospective,
        before=pages.after_time_and_id(cursor),
        limit=limit + 1,
    )
    found = services.registry.alerts(query)
    page, more = found[:limit], len(found) > limit
    return AlertList(
        items=alert_items(services, page),
        next=pages.encode(page[-1].alert.active_at_us, page[-1].alert.id) if more else None,
    )


@router.get("/{alert_id:path}/timeline", summary="Get an alert's timeline", responses=refusals(404, 422, 503))
def timeline(services: ServicesOf, alert_id: AlertId) -> Timeline:
    """Everything that telemetry said, people did and Wattline did about it, oldest first."""
    found(services, alert_id)
    fault = services.registry.timeline_fault(alert_id)
    lines = services.registry.timeline(alert_id)
    return Timeline(items=[EventItem.of(line) for line in lines], whole=fault is None, fault=fault, next=None)


@router.get("/{alert_id:path}", summary="Get one alert", responses=refusals(404, 422, 503))
def alert(services: ServicesOf, alert_id: AlertId) -> AlertItem:
    """One alert with its rule, what to do next, what it has cost and how it was handled."""
    return alert_items(services, [found(services, alert_id)])[0]


def found(services: Services, alert_id: str) -> AlertRecord:
    """The alert; raises a 404 problem."""
    record = services.registry.alert(alert_id)
    if record is None:
        name = problems.shown(alert_id)
        error = FieldProblem(field="alert_id", value=name, fix="take the id of one of GET /api/v1/alerts")
        raise problems.ProblemError(404, f"alert_id: there is no {name!r}", [error])
    return record


def _states(state: str | None) -> tuple[AlertState, ...]:
    if state == "open":
        return (AlertState.FIRING, AlertState.STALE)
    return () if state is None else (AlertState(state),)


def _handled(handled: str | None) -> tuple[Handled, ...]:
    if handled == "open":
        return (Handled.NEW, Handled.ACKNOWLEDGED, Handled.CLOSING)
    return () if handled is None else (Handled(handled),)
