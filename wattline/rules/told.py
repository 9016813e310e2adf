"""What people would be told in a case, planned as in the product: one route, a channel that never fails."""

from collections.abc import Callable, Sequence

from core.alerts import AlertRecord
from core.catalog import Catalog
from core.delivery import Event, Match, Notice, Outcome, Route, Said
from notify.plan import Planner
from notify.routing import Known
from storage.registry import SqlRegistry
from wattline.rules.expect import Line

_CHANNEL = "everybody"
_NO_STORM = 1_000_000
_LEASE_US = 60_000_000

ROUTE = Route(
    _CHANNEL,
    (_CHANNEL,),
    Match(events=(Event.FIRING, Event.STALE, Event.RETURNED, Event.RESOLVED)),
    group_by=(),
    group_wait_s=0.0,
    group_interval_s=0.0,
    storm=_NO_STORM,
)
"""Tells of everything at once: what a case looks at is whether, not how."""


class Teller:
    """Plans and delivers what lies in the outbox. catalog: what is registered now."""

    def __init__(self, registry: SqlRegistry, catalog: Callable[[], Catalog]) -> None:
        self._registry, self._catalog = registry, catalog

    def tell(self, now_us: int) -> list[Line]:
        """What is told now, as lines of timelines; at_us is now."""
        found: list[tuple[Notice, AlertRecord]] = []

        def compose(
            _route: Route, _channel: str, _layout: str, told: Sequence[tuple[Notice, AlertRecord]]
        ) -> bytes:
            found.extend(told)
            return b"{}"

        rules = {rule.id: rule for rule in self._registry.rules()}
        known = Known(self._catalog(), rules, self._registry.silences())
        deliveries = self._registry.deliveries
        deliveries.plan(Planner((ROUTE,), frozenset({_CHANNEL}), known, compose), now_us)
        for delivery in deliveries.claim(now_us, _LEASE_US, {_CHANNEL: (_NO_STORM, _NO_STORM)}, _NO_STORM):
            deliveries.finish(delivery, Said(Outcome.DELIVERED, None, ""), now_us, 0.0, None)
        return [self._line(notice, record, now_us) for notice, record in found]

    def _line(self, notice: Notice, record: AlertRecord, now_us: int) -> Line:
        event = self._registry.timeline(notice.alert_id)[notice.number - 1]
        return Line(now_us, event.kind.value, record.alert.rule_id, record.alert.target.id)
