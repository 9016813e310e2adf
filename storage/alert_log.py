"""Which alert transitions are news, and what they leave open."""

from collections.abc import Iterable
from dataclasses import replace

from core.alerts import Alert, AlertChange, AlertState

OPEN = (AlertState.PENDING, AlertState.FIRING)
_ORDER = [AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED, AlertState.INACTIVE]


class AlertLog:
    """Alerts and recorded transitions that concern a batch of changes.

    alerts: those whose id is in a change, and the open ones of the same rules and registers.
    recorded: (alert id, state) of past transitions.
    """

    def __init__(self, alerts: Iterable[Alert], recorded: Iterable[tuple[str, AlertState]]) -> None:
        self.news: list[AlertChange] = []
        self._alerts = {alert.id: alert for alert in alerts}
        self._recorded = set(recorded)
        self._open = {_watch(alert): alert for alert in self._alerts.values() if alert.state in OPEN}

    def record(self, changes: Iterable[AlertChange]) -> None:
        """Apply the changes in order; those that change something become news."""
        for change in changes:
            self._record(change)

    def changed(self) -> list[Alert]:
        """Alerts that news have touched, as they stand, those that ended before the open ones."""
        touched = {change.alert.id: self._alerts[change.alert.id] for change in self.news}
        return sorted(touched.values(), key=lambda alert: alert.state in OPEN)

    def _record(self, change: AlertChange) -> None:
        alert = change.alert
        held = self._alerts.get(alert.id)
        goes_back = held is not None and _ORDER.index(alert.state) < _ORDER.index(held.state)
        if (alert.id, alert.state) in self._recorded or goes_back:
            return
        other = self._open.get(_watch(alert))
        if alert.state in OPEN and other is not None and other.id != alert.id:
            if other.active_at_us > alert.active_at_us:
                return  # history: its successor is open already
            # The other's end was never heard of: state was lost between then and now.
            ended = replace(other, state=AlertState.RESOLVED, resolved_at_us=change.at_us)
            self._accept(AlertChange(ended, other.state, change.at_us))
        self._accept(change)

    def _accept(self, change: AlertChange) -> None:
        alert = change.alert
        self._alerts[alert.id] = alert
        self._recorded.add((alert.id, alert.state))
        self.news.append(change)
        if alert.state in OPEN:
            self._open[_watch(alert)] = alert
        elif (held := self._open.get(_watch(alert))) is not None and held.id == alert.id:
            del self._open[_watch(alert)]


def _watch(alert: Alert) -> tuple[str, int]:
    return alert.rule_id, alert.register
