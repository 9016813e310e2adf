"""What the live socket says: the snapshot, and each event of the feed in words."""

import asyncio

from api.estate import Estate, estate_of
from api.items import alert_item, every_vehicle, power_items, vehicle_items
from api.schemas.alerts import AlertItem
from api.schemas.live import (
    AlertMessage,
    Hello,
    LedgerMessage,
    LiveMessage,
    PowerMessage,
    VehiclesMessage,
)
from api.services import Services
from api.times import rfc3339
from core.catalog import Catalog
from core.model import Alert, AlertState, Rule
from core.ports import AlertChange, FeedEvent, LedgerChanged, PowerChanged, VehiclesMoved

_OPEN_ALERTS = 1000


class Messages:
    """Words events; keeps the rules, which change only when the catalog does."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._rules: dict[str, Rule] = {}
        self._rules_of: Catalog | None = None
        self._worded: dict[type, tuple[FeedEvent, LiveMessage, str]] = {}

    async def hello(self) -> Hello:
        """Everything as it stands. Raises StoreError."""
        return await asyncio.to_thread(self._hello)

    async def of(self, event: FeedEvent) -> tuple[LiveMessage, str]:
        """The message that tells of an event, and its JSON. Raises StoreError.

        Clients that keep up get the same event at the same time; it is worded once.
        """
        last = self._worded.get(type(event))
        if last is not None and last[0] is event:
            return last[1:]
        message = await self._word(event)
        text = message.model_dump_json()
        self._worded[type(event)] = (event, message, text)
        return message, text

    async def _word(self, event: FeedEvent) -> LiveMessage:
        match event:
            case PowerChanged():
                return PowerMessage(at=self._now(), items=power_items(event.places))
            case VehiclesMoved():
                now_us = self._services.clock()
                items = vehicle_items(self._estate(), event.fixes, now_us)
                return VehiclesMessage(at=rfc3339(now_us), items=items)
            case LedgerChanged():
                return LedgerMessage(at=self._now(), places=event.place_ids)
            case AlertChange():
                return await asyncio.to_thread(self._alert, event)

    def vehicles(self) -> VehiclesMessage:
        """All vehicles that were ever heard."""
        now_us = self._services.clock()
        items = vehicle_items(self._estate(), self._services.feed.fixes(), now_us)
        return VehiclesMessage(at=rfc3339(now_us), items=items)

    def _hello(self) -> Hello:
        services, estate = self._services, self._estate()
        now_us = services.clock()
        alerts = [
            self._item(estate, alert)
            for state in (AlertState.FIRING, AlertState.PENDING)
            for alert in services.registry.alerts(state=state, limit=_OPEN_ALERTS)
        ]
        return Hello(
            at=rfc3339(now_us),
            power=power_items(services.feed.power()),
            vehicles=every_vehicle(estate, services.feed.fixes(), now_us),
            alerts=alerts,
        )

    def _alert(self, change: AlertChange) -> AlertMessage:
        return AlertMessage(
            at=rfc3339(change.at_us),
            previous=change.previous,
            alert=self._item(self._estate(), change.alert),
        )

    def _item(self, estate: Estate, alert: Alert) -> AlertItem:
        if self._rules_of is not estate.catalog or alert.rule_id not in self._rules:
            self._rules = {rule.id: rule for rule in self._services.registry.rules()}
            self._rules_of = estate.catalog
        return alert_item(estate, self._rules[alert.rule_id], alert)

    def _estate(self) -> Estate:
        return estate_of(self._services.catalog())

    def _now(self) -> str:
        return rfc3339(self._services.clock())
