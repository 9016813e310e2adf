"""What the live socket says: the snapshot, and each event of the feed in words."""

import asyncio
from dataclasses import replace

from api.alert_items import alert_items
from api.estate import Estate, estate_of
from api.items import every_vehicle, power_items, vehicle_items
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
from core.alerts import OPEN, AlertChange, AlertRecord, AlertState
from core.batch import PositionBatch
from core.ports import AlertActed, AlertsMoved, FeedEvent, LedgerChanged, PowerChanged, VehiclesMoved

Worded = tuple[LiveMessage, str]

_OPEN_ALERTS = 1000


def _same(last: FeedEvent, event: FeedEvent) -> bool:
    """Whether two readers of the feed got the same change, each in a record of its own."""
    match last, event:
        case PowerChanged(), PowerChanged():  # one that changes nothing is none, so equal is same
            return last == event
        case VehiclesMoved(), VehiclesMoved():
            return last.fixes is event.fixes
        case AlertsMoved(), AlertsMoved():
            one, other = last.news, event.news
            return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
        case _:
            return last is event


class Messages:
    """Words events, in threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._worded: dict[type, tuple[FeedEvent, asyncio.Future[list[Worded]]]] = {}

    async def hello(self) -> Hello:
        """Everything as it stands. Raises StoreError."""
        return await asyncio.to_thread(self._hello)

    async def vehicles(self) -> VehiclesMessage:
        """All vehicles that were ever heard."""
        return await asyncio.to_thread(lambda: self._vehicles(self._services.feed.fixes()))

    async def of(self, event: FeedEvent) -> list[Worded]:
        """The messages that tell of an event, and their JSON. Raises StoreError.

        Clients that keep up hear the same at the same time; it is worded once.
        """
        last = self._worded.get(type(event))
        if last is None or not _same(last[0], event):
            last = event, asyncio.ensure_future(asyncio.to_thread(self._word, event))
            self._worded[type(event)] = last
        return await asyncio.shield(last[1])  # a client that leaves does not leave the others waiting

    def _word(self, event: FeedEvent) -> list[Worded]:
        return [(message, message.model_dump_json()) for message in self._messages(event)]

    def _messages(self, event: FeedEvent) -> list[LiveMessage]:
        match event:
            case PowerChanged():
                return [PowerMessage(at=self._now(), items=power_items(event.places))]
            case VehiclesMoved():
                return [self._vehicles(event.fixes)]
            case LedgerChanged():
                return [LedgerMessage(at=self._now(), places=event.place_ids)]
            case AlertsMoved():
                return [*self._alerts(event)]

    def _alerts(self, moved: AlertsMoved) -> list[AlertMessage]:
        """All of them in one look; a transition as it was, with what people have done by now."""
        ids = [one.alert_id if isinstance(one, AlertActed) else one.alert.id for one in moved.news]
        records = self._services.registry.records(list(dict.fromkeys(ids)))
        told: list[tuple[str, AlertState, AlertRecord]] = []
        for id_, news in zip(ids, moved.news, strict=True):
            record = records.get(id_)
            if record is None:
                continue
            if isinstance(news, AlertChange):
                told.append((rfc3339(news.at_us), news.previous, replace(record, alert=news.alert)))
            else:
                told.append((self._now(), record.alert.state, record))
        items = alert_items(self._services, [record for _, _, record in told])
        return [
            AlertMessage(at=at, previous=previous, alert=item)
            for (at, previous, _), item in zip(told, items, strict=True)
        ]

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
            alerts=alert_items(services, open_now),
        )

    def _estate(self) -> Estate:
        return estate_of(self._services.catalog())

    def _now(self) -> str:
        return rfc3339(self._services.clock())
