"""What people do about an alert: POST /api/v1/alerts/{id}/acknowledge and so on.

Each answers with the alert as it stands then, or says (409) what to do instead.
"""

from fastapi import APIRouter

from api import problems
from api.alert_items import alert_items, withdrawal
from api.depends import EstateOf, ServicesOf
from api.openapi import refusals
from api.routes.alerts import AlertId, found
from api.schemas.alerts import AlertItem
from api.schemas.handling import (
    ActInput,
    AssignInput,
    CloseInput,
    CommentInput,
    NoteInput,
    ShelveInput,
)
from api.services import Services
from api.times import parse
from core.alerting import Act
from core.alerts import CloseReason, EventKind
from core.model import PlaceKind
from core.ports import AlertActed

router = APIRouter(prefix="/api/v1/alerts/{alert_id:path}", tags=["alerts"])

_REFUSALS = refusals(400, 403, 404, 409, 413, 422, 503)
_YEAR_US = 366 * 86_400_000_000


@router.post("/acknowledge", summary="Acknowledge an alert", responses=_REFUSALS)
def acknowledge(services: ServicesOf, alert_id: AlertId, body: ActInput) -> AlertItem:
    """Say that you have seen it and deal with it; its deadline goes on."""
    return _done(services, alert_id, EventKind.ACKNOWLEDGED, body.by)


@router.post("/assign", summary="Assign an alert", responses=_REFUSALS)
def assign(services: ServicesOf, estate: EstateOf, alert_id: AlertId, body: AssignInput) -> AlertItem:
    """Give it to another organisation, which has a deadline of its own, or to a person."""
    detail: dict[str, object] = {}
    if body.organisation_id is not None:
        place = estate.place(body.organisation_id, "organisation_id")
        if place.kind not in (PlaceKind.ORGANISATION, PlaceKind.REGION):
            fix = "name a place of kind organisation or region"
            raise problems.invalid("organisation_id", place.id, f"is a {place.kind}", fix)
        detail["organisation_id"] = place.id
    if body.assignee is not None:
        detail["assignee"] = body.assignee
    return _done(services, alert_id, EventKind.ASSIGNED, body.by, detail)


@router.post("/comment", summary="Comment on an alert", responses=_REFUSALS)
def comment(services: ServicesOf, alert_id: AlertId, body: CommentInput) -> AlertItem:
    """Add what you have to say to the timeline."""
    return _done(services, alert_id, EventKind.COMMENTED, body.by, {"text": body.text})


@router.post("/shelve", summary="Shelve an alert", responses=_REFUSALS)
def shelve(services: ServicesOf, alert_id: AlertId, body: ShelveInput) -> AlertItem:
    """Let it wait: nobody is told, and it goes up to nobody, until then."""
    until_us, now_us = parse(body.until, "UTC", "until"), services.clock()
    if not now_us < until_us < now_us + _YEAR_US:
        fix = "give a time that is yet to come, within a year"
        raise problems.invalid("until", problems.shown(body.until), "can't be", fix)
    return _done(
        services, alert_id, EventKind.SHELVED, body.by, {"until_us": until_us, "reason": body.reason}
    )


@router.post("/unshelve", summary="Take an alert from the shelf", responses=_REFUSALS)
def unshelve(services: ServicesOf, alert_id: AlertId, body: ActInput) -> AlertItem:
    """End its wait before its time."""
    return _done(services, alert_id, EventKind.UNSHELVED, body.by)


@router.post("/close", summary="Close an alert", responses=_REFUSALS)
def close(services: ServicesOf, estate: EstateOf, alert_id: AlertId, body: CloseInput) -> AlertItem:
    """Say that it is done; the telemetry that returned to normal is kept with it.

    What nothing watches any more, because its rule was dropped, disabled or selects other targets
    now, is closed as `rule_withdrawn`. Where the rule wants approval it then waits for another person.
    """
    detail: dict[str, object] = {"reason": body.reason.value, "note": body.note}
    if body.reason is CloseReason.RULE_WITHDRAWN:
        record = found(services, alert_id)
        rules = {rule.id: rule for rule in services.registry.rules()}
        why = withdrawal(estate, rules.get(record.alert.rule_id), record)
        detail |= {} if why is None else {"withdrawn": why.value}
    return _done(services, alert_id, EventKind.CLOSING, body.by, detail)


@router.post("/approve", summary="Approve a closed alert", responses=_REFUSALS)
def approve(services: ServicesOf, alert_id: AlertId, body: NoteInput) -> AlertItem:
    """Agree, as another person, that it is done."""
    return _done(services, alert_id, EventKind.CLOSED, body.by, {"note": body.note})


@router.post("/reopen", summary="Refuse a closed alert", responses=_REFUSALS)
def reopen(services: ServicesOf, alert_id: AlertId, body: NoteInput) -> AlertItem:
    """Refuse, as another person, that it is done; it is work again, with a new deadline."""
    return _done(services, alert_id, EventKind.REOPENED, body.by, {"note": body.note})


def _done(
    services: Services, alert_id: str, kind: EventKind, by: str, detail: dict[str, object] | None = None
) -> AlertItem:
    found(services, alert_id)
    act = Act(kind, services.clock(), by, detail or {})
    record = services.registry.handle(alert_id, act)
    services.feed.publish(AlertActed(alert_id))
    return alert_items(services, [record])[0]
