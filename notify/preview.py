"""Whom an alert would reach and when, if it fired now. Clock-free."""

from collections.abc import Sequence

from core.alerts import Alert, AlertRecord, AlertState, Handling, Target, TargetKind
from core.delivering import Reached
from core.delivery import Event, Route
from core.model import Comparator, PlaceKind
from core.rules import Rule
from notify.routing import Known, hold, next_digest_us, quiet, takes

_MINUTE_US = 60_000_000
_LOOK_AHEAD = 8 * 24 * 60  # minutes: mute times and quiet hours come again within a week


def reached(
    routes: Sequence[Route], known: Known, rule: Rule, place_id: str, *, event: Event, now_us: int
) -> list[Reached]:
    """Channels in the order of routes; the same channel by its first route alone, as in planning."""
    record = _imagined(known, rule, place_id, now_us)
    found: dict[str, Reached] = {}
    for route in routes:
        if not takes(route.match, record, event, known.catalog):
            continue
        at_us, why = _when(route, known, record, now_us)
        for channel in route.channels:
            found.setdefault(channel, Reached(route.id, channel, at_us, why))
        for step in route.escalation if event is Event.FIRING else ():
            for channel in step.channels:
                later = at_us + round(step.after_s * 1e6)
                told = f"{why}; after {step.after_s:g} s that nobody has acknowledged it"
                found.setdefault(channel, Reached(route.id, channel, later, told))
    return list(found.values())


def _when(route: Route, known: Known, record: AlertRecord, now_us: int) -> tuple[int, str]:
    alert = record.alert
    zone = known.zone(alert.place_id, route.timezone)
    at_us, why = now_us + round(route.group_wait_s * 1e6), f"with its group, after {route.group_wait_s:g} s"
    if route.digest is not None:
        at_us, why = next_digest_us(route.digest, now_us, zone), f"in the digest of {route.digest}"
    held = hold(known, record, at_us)
    is_quiet = quiet(route, alert.severity, at_us, zone)
    if held is None and not is_quiet:
        return at_us, why
    why = f"{why}; {held.reason if held else 'quiet hours'}"
    for minutes in range(1, _LOOK_AHEAD):
        later_us = (at_us // _MINUTE_US + minutes) * _MINUTE_US
        if hold(known, record, later_us) is None and not quiet(route, alert.severity, later_us, zone):
            return later_us, f"{why} until then"
    return at_us, f"{why} for longer than a week"


def _imagined(known: Known, rule: Rule, place_id: str, now_us: int) -> AlertRecord:
    places = known.catalog.places
    above = known.catalog.ancestors(place_id)
    organisation = next((id_ for id_ in above if places[id_].kind is PlaceKind.ORGANISATION), None)
    alert = Alert(
        "preview",
        rule.id,
        Target(TargetKind.PLACE, place_id),
        place_id,
        None,
        None,
        "",
        rule.severity,
        AlertState.FIRING,
        0.0,
        0.0,
        Comparator.ABOVE,
        now_us,
        now_us,
        organisation_id=organisation,
    )
    return AlertRecord(alert, Handling(organisation_id=organisation), 1)
