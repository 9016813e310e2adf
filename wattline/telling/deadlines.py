"""Alerts that nobody has dealt with in time go up the place tree, and shelved ones come back.

At the root of the tree it is told once more and goes no further: there is nobody above.
"""

from core.alerting import Act
from core.alerts import DEADLINE_S, AlertRecord, AlertState, EventKind
from core.catalog import Catalog
from core.errors import Conflict
from core.model import PlaceKind
from core.ports import Registry

BY = "wattline"


def escalate(registry: Registry, catalog: Catalog, now_us: int) -> list[AlertRecord]:
    """Deal with every alert that is overdue or was shelved until now; the alerts as they stand after.

    Any number of processes may do this at once: who comes second finds nothing to do.
    """
    done = []
    for record in registry.overdue(now_us):
        act = _act(registry, catalog, record, now_us)
        try:
            done.append(registry.handle(record.alert.id, act))
        except Conflict:
            continue  # somebody has dealt with it meanwhile
    return done


def responsible_above(catalog: Catalog, place_id: str | None) -> str | None:
    """The nearest organisation or region above a place: a region stands for its administration."""
    if place_id is None or place_id not in catalog.places:
        return None
    for above in catalog.ancestors(place_id)[1:]:
        if catalog.places[above].kind in (PlaceKind.ORGANISATION, PlaceKind.REGION):
            return above
    return None


def _act(registry: Registry, catalog: Catalog, record: AlertRecord, now_us: int) -> Act:
    handling = record.handling
    if handling.shelved_until_us is not None and handling.shelved_until_us <= now_us:
        still = record.alert.state is not AlertState.RESOLVED
        return Act(EventKind.UNSHELVED, now_us, BY, {"reason": "its time is over", "still_open": still})
    above = responsible_above(catalog, handling.organisation_id)
    detail: dict[str, object] = {"overdue_since_us": handling.due_at_us}
    if above is not None:
        detail |= {"organisation_id": above, "due_at_us": now_us + _deadline_us(registry, record)}
    return Act(EventKind.ESCALATED, now_us, BY, detail)


def _deadline_us(registry: Registry, record: AlertRecord) -> int:
    rule = registry.rule(record.alert.rule_id)
    stated = None if rule is None else rule.deadline_s
    return round((DEADLINE_S[record.alert.severity] if stated is None else stated) * 1e6)
