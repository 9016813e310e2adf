"""Channels that are open, routes, and what both look things up in; shared by sending and by the API."""

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from core.catalog import Catalog
from core.delivering import ChannelView, Deliveries, Reached
from core.delivery import Delivery, DeliveryStatus, Event, Outcome, Route, Said
from core.errors import StartError
from core.ports import Registry
from notify.channels.base import Channel, ChannelSettings, Surroundings
from notify.compose import Composer, trial
from notify.message import from_body
from notify.plan import Planner
from notify.preview import reached
from notify.routing import Known
from wattline.stated.channels import NAME, Told


class OpenChannels:
    """The Telling port. Raises StartError if a channel can't be opened."""

    def __init__(
        self,
        told: Told,
        around: Surroundings,
        registry: Registry,
        deliveries: Deliveries,
        *,
        catalog: Callable[[], Catalog],
        now_us: Callable[[], int],
        public_url: str = "",
    ) -> None:
        self.settings: Mapping[str, ChannelSettings] = told.channels
        self.deliveries = deliveries
        self._routes = told.routes
        self._registry = registry
        self._catalog = catalog
        self._now_us = now_us
        self._public_url = public_url.rstrip("/")
        self._open = {id_: _opened(settings, around) for id_, settings in told.channels.items()}

    def planner(self) -> Planner | None:
        """Plans with what is known now; None if nobody is ever told."""
        if not self._routes:
            return None
        known = self._known(self._now_us())
        forms = {id_: channel.form for id_, channel in self._open.items()}
        return Planner(self._routes, frozenset(self._open), known, Composer(known, forms, self._public_url))

    def _known(self, now_us: int | None = None) -> Known:
        """Catalog, rules, and the silences that are in force, or all, those to come too."""
        rules = {rule.id: rule for rule in self._registry.rules()}
        return Known(self._catalog(), rules, self._registry.silences(now_us))

    async def send(self, delivery: Delivery) -> tuple[Said, float]:
        """Send a delivery; what was said, and after how many ms. Whatever goes wrong is said."""
        started = time.monotonic()
        try:
            message = from_body(delivery.body)
            said = await self._open[delivery.channel_id].send(delivery.id, message, self._now_us())
        except Exception as error:  # noqa: BLE001 one channel's fault must not stop the others
            said = Said(Outcome.RETRY, None, f"{type(error).__name__} in our own program: please report it")
        return said, (time.monotonic() - started) * 1e3

    def channels(self) -> list[ChannelView]:
        """All channels by id."""
        return [
            ChannelView(id_, one.kind, one.target(), one.rate_per_minute)
            for id_, one in sorted(self.settings.items())
        ]

    def routes(self) -> list[Route]:
        """All routes, in order."""
        return list(self._routes)

    async def test(self, channel_id: str) -> tuple[Delivery, Said, float]:
        """Send a message that says it is a test."""
        at_us = self._now_us()
        at = datetime.fromtimestamp(at_us // 1_000_000, UTC).isoformat(" ", "seconds")
        body = trial(self._open[channel_id].form, channel_id, at, self._public_url)
        id_ = f"msg_test{secrets.token_hex(10)}"
        delivery = Delivery(id_, "", channel_id, DeliveryStatus.SENDING, at_us, at_us, 1, body)
        said, took_ms = await self.send(delivery)
        return delivery, said, took_ms

    def reached(self, rule_id: str, place_id: str, event: Event) -> list[Reached]:
        """Which channels an alert of this rule at this place reaches, and when."""
        known = self._known()
        _ = known.catalog.places[place_id]
        return reached(
            self._routes, known, known.rules[rule_id], place_id, event=event, now_us=self._now_us()
        )


def _opened(settings: ChannelSettings, around: Surroundings) -> Channel:
    try:
        return settings.open(around)
    except ValueError as error:
        raise StartError(f"{NAME}: channel {settings.id!r}: {error}") from error
