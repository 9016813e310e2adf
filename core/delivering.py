"""What the product needs of the place where deliveries are kept, and of the channels that send them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core.delivery import (
    Delivery,
    DeliveryQuery,
    DeliveryRecord,
    DeliveryStatus,
    Desk,
    Event,
    Planned,
    Route,
    Said,
)

Limits = dict[str, tuple[int, int]]
"""By channel: most messages a minute, and most now."""


class Deliveries(Protocol):
    """Where notices and deliveries are kept; shared by all processes on one registry."""

    def news(self) -> bool:
        """Whether the outbox holds anything; cheap."""
        ...

    def plan(self, planner: Callable[[Desk], Planned], now_us: int) -> int:
        """Make deliveries of what waits, in one transaction; how many lines and notices were looked at."""
        ...

    def forget_lines(self) -> int:
        """Empty the outbox: nobody is told of anything."""
        ...

    def claim(self, now_us: int, lease_us: int, limits: Limits, limit: int) -> list[Delivery]:
        """Deliveries that are ours to send until the lease ends, oldest first; each attempt is logged.

        limits: of the channels that may be sent on; deliveries of others are left alone.
        """
        ...

    def finish(
        self, delivery: Delivery, said: Said, now_us: int, duration_ms: float, next_at_us: int | None
    ) -> bool:
        """Log what came of it; next_at_us: when to try again, None: never. False if the lease was lost."""
        ...

    def log_test(self, delivery: Delivery, said: Said, duration_ms: float) -> None:
        """Keep a message that a person sent to try a channel."""
        ...

    def deliveries(self, query: DeliveryQuery) -> list[DeliveryRecord]:
        """Newest first by when they were made, then by id."""
        ...

    def retry(self, id_: str, now_us: int) -> bool:
        """Send a dead one again; whether there is one. Raises Conflict if it is not dead."""
        ...

    def disabled(self) -> dict[str, tuple[int, str]]:
        """Channels that take nothing now: since when, and why."""
        ...

    def counts(self) -> dict[tuple[str, DeliveryStatus], int]:
        """How many deliveries of each channel are queued, being sent, or dead; none where there are none."""
        ...

    def enable(self, channel_id: str) -> bool:
        """Use a disabled channel again; whether it was one."""
        ...

    def forget(self, before_us: int, limit: int = 1000) -> int:
        """Drop what ended before a time, but no dead deliveries; how many."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as it may be shown: no secrets. target: where it leads, shortened."""

    id: str
    kind: str
    target: str
    rate_per_minute: int


@dataclass(frozen=True, slots=True)
class Reached:
    """When a channel would be told of an alert that fires now; after_s: from escalation."""

    route_id: str
    channel_id: str
    at_us: int
    why: str


class Telling(Protocol):
    """Channels and routes as configured; part of what the API serves from."""

    def channels(self) -> list[ChannelView]:
        """All channels by id."""
        ...

    def routes(self) -> list[Route]:
        """All routes, in order."""
        ...

    async def test(self, channel_id: str) -> tuple[Delivery, Said, float]:
        """Send a message that says it is a test; what was said, and after how many ms. Raises KeyError."""
        ...

    def reached(self, rule_id: str, place_id: str, event: Event) -> list[Reached]:
        """Which channels an alert of this rule at this place reaches, and when. Raises KeyError."""
        ...
