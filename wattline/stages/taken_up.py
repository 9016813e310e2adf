"""Alerts of silence that the registry knows better than the state that we go on from.

The time at which a silence counts begins anew with each start of ours, so an alert that was
recorded after the last checkpoint could not be found again by itself, as those of readings are:
the same silence would be told twice.
"""

from collections.abc import Iterator

import numpy as np

from analytics.alerts import STATES, AlertsState
from analytics.counters import NEVER_US
from core.alerting import AlertQuery
from core.alerts import OPEN, Alert, AlertState
from core.ports import Registry
from wattline.stages.state import Known

_PAGE = 1000
_OPEN = [STATES.index(state) for state in OPEN]
_OVER = STATES.index(AlertState.RESOLVED)


def take_up(registry: Registry, known: Known, silent: AlertsState) -> None:
    """Let the watches of silence stand where their alerts do; raises StoreError.

    silent is updated in place. What is open in the registry is open; what is open in the state
    alone has ended since the state was saved: an alert is recorded before that.
    """
    number_of = {key: number for number, key in enumerate(known.silence.watched())}
    of_rules = tuple(sorted({rule for rule, _ in number_of}))
    recorded = np.zeros(len(silent.state), np.bool_)
    for alert in _open(registry, of_rules):
        number = number_of.get((alert.rule_id, alert.target.id))
        if number is None:
            continue
        recorded[number] = True
        if silent.state[number] not in _OPEN or silent.since_us[number] != alert.active_at_us:
            _stand(silent, number, alert)
    silent.state[np.isin(silent.state, _OPEN) & ~recorded] = _OVER


def _stand(silent: AlertsState, number: int, alert: Alert) -> None:
    """Put a watch where its alert is."""
    silent.state[number] = STATES.index(alert.state)
    silent.since_us[number] = alert.active_at_us
    silent.fired_us[number] = silent.breach_us[number] = alert.fired_at_us
    silent.seen_us[number] = max(silent.seen_us[number], alert.fired_at_us)
    silent.breach_value[number], silent.breach_limit[number] = alert.value, alert.limit
    silent.clear_us[number], silent.clear_value[number] = NEVER_US, np.nan
    silent.history[number] = alert.retrospective


def _open(registry: Registry, of_rules: tuple[str, ...]) -> Iterator[Alert]:
    """Every open alert of these rules."""
    before = None
    while of_rules:
        records = registry.alerts(AlertQuery(states=OPEN, rules=of_rules, before=before, limit=_PAGE))
        yield from (record.alert for record in records)
        if len(records) < _PAGE:
            return
        before = records[-1].alert.active_at_us, records[-1].alert.id
