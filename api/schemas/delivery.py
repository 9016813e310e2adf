"""Channels, routes, and messages with their log."""

import json
from typing import Any, Self

from pydantic import Field

from api.schemas.base import Answer, Input, NewId, Page, Text, Time
from api.times import rfc3339
from core.delivering import ChannelView, Reached
from core.delivery import Attempt, Delivery, DeliveryRecord, DeliveryStatus, Event, Outcome, Said


class ByInput(Input):
    """Who does it."""

    by: Text = Field(examples=["Duty room"])


class DisabledItem(Answer):
    """Why a channel takes nothing."""

    since: Time
    reason: str


class ChannelItem(Answer):
    """A way to reach people or machines, without its secrets."""

    id: str
    kind: str = Field(examples=["webhook"])
    target: str = Field(description="Where it leads, without what is secret.")
    rate_per_minute: int = Field(description="Most messages a minute; more wait.")
    disabled: DisabledItem | None

    @classmethod
    def of(cls, channel: ChannelView, disabled: tuple[int, str] | None) -> Self:
        """The channel as the API shows it."""
        why = None if disabled is None else DisabledItem(since=rfc3339(disabled[0]), reason=disabled[1])
        return cls(
            id=channel.id,
            kind=channel.kind,
            target=channel.target,
            rate_per_minute=channel.rate_per_minute,
            disabled=why,
        )


class ChannelList(Answer):
    """All channels by id."""

    items: list[ChannelItem]


class TestResult(Answer):
    """What the other side said to a test message."""

    delivery_id: str
    outcome: Outcome
    status: int | None = Field(description="HTTP, SMTP or MQTT code, or that of a robot's answer.")
    said: str
    duration_ms: float

    @classmethod
    def of(cls, delivery: Delivery, said: Said, duration_ms: float) -> Self:
        """The result as the API shows it."""
        return cls(
            delivery_id=delivery.id,
            outcome=said.outcome,
            status=said.status,
            said=said.detail,
            duration_ms=round(duration_ms, 3),
        )


class AttemptItem(Answer):
    """One attempt; without an outcome it is under way, or the process ended before it was known."""

    at: Time
    duration_ms: float | None
    outcome: Outcome | None
    status: int | None
    said: str

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """The attempt as the API shows it."""
        return cls(
            at=rfc3339(attempt.at_us),
            duration_ms=attempt.duration_ms,
            outcome=attempt.outcome,
            status=attempt.status,
            said=attempt.detail,
        )


class DeliveryItem(Answer):
    """One message on one channel, and every attempt to deliver it."""

    id: str = Field(description="The same at every attempt; a receiver knows by it what it has already.")
    route: str = Field(description="Empty for a test message.")
    channel: str
    status: DeliveryStatus
    created_at: Time
    next_at: Time | None = Field(description="When it is tried next; null once it is not.")
    reason: str = Field(description="What was said last.")
    title: str
    text: str
    alerts: list[str]
    attempts: list[AttemptItem] = Field(description="Oldest first.")

    @classmethod
    def of(cls, record: DeliveryRecord) -> Self:
        """The delivery as the API shows it."""
        delivery, body = record.delivery, json.loads(record.delivery.body)
        waits = delivery.status is DeliveryStatus.QUEUED
        return cls(
            id=delivery.id,
            route=delivery.route_id,
            channel=delivery.channel_id,
            status=delivery.status,
            created_at=rfc3339(delivery.created_at_us),
            next_at=rfc3339(delivery.next_at_us) if waits else None,
            reason=delivery.reason,
            title=body["title"],
            text=body["text"],
            alerts=list(record.alert_ids),
            attempts=[AttemptItem.of(attempt) for attempt in record.attempts],
        )


class DeliveryList(Page):
    """Deliveries, newest first."""

    items: list[DeliveryItem]


class RetryResult(Answer):
    """A delivery that is sent again."""

    id: str
    status: DeliveryStatus


class RouteList(Answer):
    """Routes in their order."""

    items: list[dict[str, Any]] = Field(description="As stated in the configuration, and what was filled in.")


class PreviewInput(Input):
    """An alert that might be."""

    rule: NewId
    place: NewId
    event: Event = Event.FIRING


class ReachedItem(Answer):
    """A channel that would be told, and when."""

    route: str
    channel: str
    at: Time
    why: str

    @classmethod
    def of(cls, reached: Reached, timezone: str) -> Self:
        """What is reached as the API shows it."""
        at = rfc3339(reached.at_us, timezone)
        return cls(route=reached.route_id, channel=reached.channel_id, at=at, why=reached.why)


class ReachedList(Answer):
    """In the order of routes; empty if nobody would be told."""

    items: list[ReachedItem]
