"""Alerts as the API shows them, for routes and the live socket alike; any number costs one look at rules."""

from collections.abc import Iterable

from analytics.withdrawn import withdrawn
from api.estate import Estate, estate_of
from api.items import finite, names
from api.next_actions import next_action
from api.schemas.alerts import AlertItem, HandlingItem, RuleBrief, TargetItem, WasteItem
from api.schemas.base import Names
from api.services import Services
from api.times import rfc3339
from core.alerts import OPEN, Alert, AlertRecord, Handled, Withdrawn
from core.rules import KIND_OF, Rule


def alert_items(services: Services, records: Iterable[AlertRecord]) -> list[AlertItem]:
    """Alerts with their rules, dropped ones included, and what to do next. Raises StoreError."""
    estate = estate_of(services.catalog())
    current = {rule.id: rule for rule in services.registry.rules()}
    dropped: dict[str, Rule | None] = {}
    shown = []
    for record in records:
        rule_id = record.alert.rule_id
        rule = current.get(rule_id)
        why = withdrawal(estate, rule, record)
        if rule is None:
            if rule_id not in dropped:
                dropped[rule_id] = services.registry.rule(rule_id)
            rule = dropped[rule_id]
        shown.append(_item(rule, record, why))
    return shown


def withdrawal(estate: Estate, rule: Rule | None, record: AlertRecord) -> Withdrawn | None:
    """Why nothing will be heard of an alert any more; None of one that is over or closed.

    rule: None if it was dropped.
    """
    if record.alert.state not in OPEN or record.handling.status is Handled.CLOSED:
        return None
    return withdrawn(rule, record.alert.target, estate.catalog, estate.selection)


def _brief(rule: Rule | None, alert: Alert) -> RuleBrief:
    """What an alert says of its rule; of one that nobody knows any more, its id."""
    if rule is None:
        unknown = Names(zh=alert.rule_id, en=alert.rule_id)
        return RuleBrief(
            id=alert.rule_id,
            name=unknown,
            kind="unknown",
            severity=alert.severity,
            action=unknown,
            runbook=None,
        )
    return RuleBrief(
        id=rule.id,
        name=names(rule.name),
        kind=KIND_OF[type(rule.condition)],
        severity=alert.severity,
        action=names(rule.action),
        runbook=rule.runbook,
    )


def _item(rule: Rule | None, record: AlertRecord, why: Withdrawn | None) -> AlertItem:
    alert = record.alert
    return AlertItem(
        id=alert.id,
        rule=_brief(rule, alert),
        target=TargetItem(kind=alert.target.kind, id=alert.target.id),
        place_id=alert.place_id,
        device_id=alert.device_id,
        quantity=alert.quantity,
        unit=alert.unit,
        state=alert.state,
        value=finite(alert.value),
        limit=finite(alert.limit),
        comparator=alert.comparator,
        active_at=rfc3339(alert.active_at_us),
        fired_at=rfc3339(alert.fired_at_us),
        stale_at=None if alert.stale_at_us is None else rfc3339(alert.stale_at_us),
        resolved_at=None if alert.resolved_at_us is None else rfc3339(alert.resolved_at_us),
        retrospective=alert.retrospective,
        organisation_id=alert.organisation_id,
        waste=None if alert.waste is None else WasteItem.of(alert.waste),
        withdrawn=why,
        handling=HandlingItem.of(record.handling),
        events=record.events,
        next_action=next_action(rule, record, why),
    )
