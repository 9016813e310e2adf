"""Alerts that fire and that nothing watches any more: their rule was dropped, or selects another target now.

Nobody will hear of their target again for this rule, and silence resolves nothing: they are stale,
until a person closes them.
"""

from dataclasses import replace

from core.alerting import AlertQuery
from core.alerts import Alert, AlertChange, AlertState, TargetKind
from core.ports import Registry
from core.rules import FigureCondition, NoData
from wattline.stages.state import Known

_MOST = 10_000
"""So many firing alerts are looked at."""


def forsaken(registry: Registry, known: Known, at_us: int) -> list[AlertChange]:
    """What becomes stale at this time, of rules on readings and on silence; raises StoreError."""
    firing = registry.alerts(AlertQuery(states=(AlertState.FIRING,), limit=_MOST))
    alerts = [one.alert for one in firing if one.alert.target.kind is not TargetKind.PLACE]
    if not alerts:
        return []
    rules = {rule.id: rule for rule in known.rules}
    readings, silence = set(known.watches.watched()), set(known.silence.watched())

    def is_ours(alert: Alert) -> bool:
        rule = rules.get(alert.rule_id) or registry.rule(alert.rule_id)
        figures = rule is not None and isinstance(rule.condition, FigureCondition)
        return not figures and alert.device_id is not None and known.shard.owns(alert.device_id)

    def is_watched(alert: Alert) -> bool:
        rule, device_id = rules.get(alert.rule_id), alert.device_id or ""
        if rule is None or isinstance(rule.condition, NoData):
            return (alert.rule_id, device_id) in silence
        registers = known.catalog.registers_of(device_id)
        return any(
            (rule.id, register.id) in readings
            for register in registers
            if alert.quantity is None or register.quantity == alert.quantity
        )

    stale = [alert for alert in alerts if is_ours(alert) and not is_watched(alert)]
    return [
        AlertChange(replace(alert, state=AlertState.STALE, stale_at_us=at_us), AlertState.FIRING, at_us)
        for alert in stale
    ]
