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
from core.alerting import AlertQuery
from core.alerts import OPEN, Alert, AlertChange, Handling
from core.batch import PositionBatch
from core.ports import FeedEvent, LedgerChanged, PowerChanged, VehiclesMoved
from core.rules import Rule

Worded = tuple[LiveMessage, str]

_OPEN_ALERTS = 1000


def _same(last: FeedEvent, event: FeedEvent) -> bool:
    """Whether two readers of the feed got the same change, each in a record of its own."""
    match last, event:
        case PowerChanged(), PowerChanged():  # one that changes nothing is none, so equal is same
            return last == event
        case VehiclesMoved(), VehiclesMoved():
            return last.fixes is event.fixes
        case _:
            return last is event


class Messages:
    """Words events, in threads; keeps the rules by id until one changes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._rules: dict[str, Rule] = {}
        self._rules_of: list[Rule] | None = None
        self._worded: dict[type, tuple[FeedEvent, asyncio.Future[Worded]]] = {}

    async def hello(self) -> Hello:
        """Everything as it stands. Raises StoreError."""
        return await asyncio.to_thread(self._hello)

    async def vehicles(self) -> VehiclesMessage:
        """All vehicles that were ever heard."""
        return await asyncio.to_thread(lambda: self._vehicles(self._services.feed.fixes()))

    async def of(self, event: FeedEvent) -> Worded:
        """The message that tells of an event, and its JSON. Raises StoreError.

        Clients that keep up hear the same at the same time; it is worded once.
        """
        last = self._worded.get(type(event))
        if last is None or not _same(last[0], event):
            last = event, asyncio.ensure_future(asyncio.to_thread(self._word, event))
            self._worded[type(event)] = last
        return await asyncio.shield(last[1])  # a client that leaves does not leave the others waiting

    def _word(self, event: FeedEvent) -> Worded:
        message = self._message(event)
        return message, message.model_dump_json()

    def _message(self, event: FeedEvent) -> LiveMessage:
        match event:
            case PowerChanged():
                return PowerMessage(at=self._now(), items=power_items(event.places))
            case VehiclesMoved():
                return self._vehicles(event.fixes)
            case LedgerChanged():
                return LedgerMessage(at=self._now(), places=event.place_ids)
            case AlertChange():
                return AlertMessage(
                    at=rfc3339(event.at_us),
                    previous=event.previous,
                    alert=self._item(event.alert),
                )

    def _vehicles(self, fixes: PositionBatch) -> VehiclesMessage:
        now_us = self._services.clock()
        return VehiclesMessage(at=rfc3339(now_us), items=vehicle_items(self._estate(), fixes, now_us))

    def _hello(self) -> Hello:
        services = self._services
        now_us = services.clock()
        open_now = services.registry.alerts(AlertQuery(states=OPEN, limit=_OPEN_ALERTS))
        return Hello(
            at=rfc3339(now_us),
            power=power_items(services.feed.power()),
            vehicles=every_vehicle(self._estate(), services.feed.fixes(), now_us),
            alerts=[self._item(record.alert, record.handling) for record in open_now],
        )

    def _item(self, alert: Alert, handling: Handling | None = None) -> AlertItem:
        rules = self._services.registry.rules()
        if rules is not self._rules_of:
            self._rules_of, self._rules = rules, {rule.id: rule for rule in rules}
        rule = self._rules.get(alert.rule_id) or self._services.registry.rule(alert.rule_id)
        return alert_item(rule, alert, handling)

    def _estate(self) -> Estate:
        return estate_of(self._services.catalog())

    def _now(self) -> str:
        return rfc3339(self._services.clock())
