"""Silences: /api/v1/silences."""

import logging
import secrets
from typing import Annotated

from fastapi import APIRouter, Query

from api import problems
from api.depends import EstateOf, ServicesOf
from api.openapi import refusals
from api.schemas.silences import EndInput, SilenceInput, SilenceItem, SilenceList
from api.times import parse
from core.alerts import Silence

router = APIRouter(prefix="/api/v1/silences", tags=["alerts"])

_log = logging.getLogger("wattline.api")
_CHANGES = refusals(400, 403, 404, 409, 413, 422, 503)
_YEAR_US = 366 * 86_400_000_000


@router.get("", summary="List silences", responses=refusals(422, 503))
def silences(
    services: ServicesOf,
    *,
    in_force: Annotated[bool, Query(description="Only those in force now.")] = False,
) -> SilenceList:
    """Silences by start, those that are over included unless you ask for those in force."""
    now_us = services.clock()
    found = services.registry.silences(now_us if in_force else None)
    return SilenceList(items=[SilenceItem.of(one, now_us) for one in found])


@router.post("", summary="Silence alerts", responses=_CHANGES)
def put_silence(services: ServicesOf, estate: EstateOf, body: SilenceInput) -> SilenceItem:
    """Tell nobody of some alerts for a while; they are recorded all the same.

    It has an end, within a year, and a reason, and names what it is about.
    """
    now_us = services.clock()
    starts_us = now_us if body.starts_at is None else parse(body.starts_at, "UTC", "starts_at")
    ends_us = parse(body.ends_at, "UTC", "ends_at")
    if not max(now_us, starts_us) < ends_us <= starts_us + _YEAR_US:
        fix = "give a time that is yet to come, after the start and within a year of it"
        raise problems.invalid("ends_at", problems.shown(body.ends_at), "can't be", fix)
    if not (body.rules or body.places or body.devices or body.severities):
        fix = "name rules, places, devices or severities: nobody silences everything"
        raise problems.invalid("rules", None, "nothing is named", fix)
    rules = [rule.id for rule in services.registry.rules()]
    for rule_id in body.rules:
        if rule_id not in rules:
            raise problems.unknown("rules", rule_id, rules, "/api/v1/rules")
    for place_id in body.places:
        estate.place(place_id, "places")
    for device_id in body.devices:
        estate.device(device_id, "devices")
    silence = Silence(
        secrets.token_hex(8),
        starts_us,
        ends_us,
        body.reason,
        body.by,
        now_us,
        body.rules,
        body.places,
        body.devices,
        body.severities,
    )
    services.registry.put_silence(silence)
    return SilenceItem.of(silence, now_us)


@router.post("/{silence_id}/end", summary="End a silence", responses=_CHANGES)
def end_silence(services: ServicesOf, silence_id: str, body: EndInput) -> SilenceItem:
    """End a silence before its time."""
    now_us = services.clock()
    known = {one.id: one for one in services.registry.silences()}
    if silence_id not in known:
        raise problems.unknown("silence_id", silence_id, known, "/api/v1/silences")
    if not services.registry.end_silence(silence_id, now_us):
        raise problems.ProblemError(409, "it is over already: there is nothing to end")
    _log.info("silence %s was ended by %s", silence_id, body.by)
    ended = {one.id: one for one in services.registry.silences()}
    return SilenceItem.of(ended[silence_id], now_us)
