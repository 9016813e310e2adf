"""Silences."""

from typing import Self

from pydantic import Field

from api.schemas.base import Answer, Input, NewId, Time
from api.schemas.handling import Person, Said
from api.times import rfc3339
from core.alerts import Silence
from core.model import Severity


class SilenceInput(Input):
    """Alerts that nobody is told of for a while; what is left out matches all, but not all at once."""

    starts_at: str | None = Field(
        default=None, max_length=64, description="RFC 3339; left out: now.", examples=[None]
    )
    ends_at: str = Field(max_length=64, examples=["2026-12-01T08:00:00+08:00"], description="RFC 3339.")
    reason: Said = Field(examples=["transformer is being replaced"])
    by: Person = Field(examples=["Li Na"])
    rules: tuple[NewId, ...] = Field(default=(), max_length=1000, examples=[[]])
    places: tuple[NewId, ...] = Field(
        default=(), max_length=1000, description="At or below them.", examples=[["b0"]]
    )
    devices: tuple[NewId, ...] = Field(default=(), max_length=1000, examples=[[]])
    severities: tuple[Severity, ...] = Field(default=(), examples=[[]])


class EndInput(Input):
    """Who ends it."""

    by: Person = Field(examples=["Li Na"])


class SilenceItem(Answer):
    """Alerts that nobody is told of for a while."""

    id: str
    in_force: bool = Field(description="Now.")
    starts_at: Time
    ends_at: Time
    reason: str
    by: str
    created_at: Time
    rules: list[str]
    places: list[str]
    devices: list[str]
    severities: list[Severity]

    @classmethod
    def of(cls, silence: Silence, now_us: int) -> Self:
        """The silence as the API shows it."""
        return cls(
            id=silence.id,
            in_force=silence.starts_at_us <= now_us < silence.ends_at_us,
            starts_at=rfc3339(silence.starts_at_us),
            ends_at=rfc3339(silence.ends_at_us),
            reason=silence.reason,
            by=silence.by,
            created_at=rfc3339(silence.created_at_us),
            rules=list(silence.rules),
            places=list(silence.places),
            devices=list(silence.devices),
            severities=list(silence.severities),
        )


class SilenceList(Answer):
    """Silences by start."""

    items: list[SilenceItem]
