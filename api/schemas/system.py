"""Health, readiness and what was not accepted."""

from typing import Literal

from pydantic import Field

from api.schemas.base import Answer, Names, Time
from core.errors import RejectReason


class Health(Answer):
    """The process answers."""

    status: Literal["ok"]
    version: str


class Checks(Answer):
    """What Wattline needs from outside: "ok" or the reason why not."""

    broker: str = Field(examples=["ok"])
    store: str = Field(examples=["ok"])
    registry: str = Field(examples=["ok"])


class Readiness(Answer):
    """Whether messages are taken and figures served."""

    status: Literal["ready", "not_ready"]
    checks: Checks
    ledger_pending: int = Field(description="Spans of late data that wait to be recomputed.")
    warnings: list[Names] = Field(
        description="What works and needs someone all the same, such as lost messages, and what to do next."
    )


class DeadLetterItem(Answer):
    """A message, or a value of one, that was not accepted, and why."""

    received: Time
    topic: str
    payload: str = Field(description="As text; bytes that are not UTF-8 are written \\xNN.")
    reason: RejectReason
    detail: str


class DeadLetterList(Answer):
    """The newest dead letters, and how many there ever were by reason."""

    counts: dict[RejectReason, int]
    items: list[DeadLetterItem]
