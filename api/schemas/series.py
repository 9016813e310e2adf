"""Readings, consumption and live power."""

from typing import Literal

from pydantic import Field

from analytics.periods import Interval
from api.schemas.base import Answer, Page, Time
from core.quantities import Energy

QualityName = Literal[
    "measured",
    "interpolated",
    "gap_spread",
    "reset",
    "rollover",
    "replaced",
    "manual",
    "late",
    "open",
    "doubted",
    "jump",
]

_QUALITY = "Why the amount is what it is; empty where nothing is known."


class ReadingItem(Answer):
    """One reading in canonical units."""

    time: Time = Field(description="Device time.")
    value: float
    received: Time
    quality: list[Literal["good", "receive_time", "manual", "thinned"]]


class ReadingList(Page):
    """Readings of one register, oldest first."""

    device: str
    quantity: str
    unit: str
    items: list[ReadingItem]


class ConsumptionItem(Answer):
    """One period."""

    start: Time
    end: Time
    amount: float | None = Field(description="null: nothing is known, which is not zero.")
    coverage: float = Field(
        ge=0, le=1, description="Measured share of the period's time so far, over all meters."
    )
    quality: list[QualityName] = Field(description=_QUALITY)


class Consumption(Answer):
    """What a place or a meter has used."""

    place: str | None
    device: str | None
    energy: Energy | None = Field(description="null: several, each in a group of its own.")
    unit: str | None = Field(examples=["kWh"])
    timezone: str = Field(examples=["Asia/Shanghai"])
    from_: Time = Field(serialization_alias="from")
    to: Time
    interval: Interval
    total: float | None
    coverage: float = Field(ge=0, le=1)
    quality: list[QualityName] = Field(description=_QUALITY)
    meters: list[str] = Field(description="Devices in the sum; one below another is not counted again.")
    pending: int = Field(description="Spans of late data that are not in the figures yet.")
    items: list[ConsumptionItem]


class PowerItem(Answer):
    """Electric power of a place now."""

    place: str = Field(examples=["b0"])
    power_w: float | None = Field(description="Sum of the fresh meters; null if none is fresh.")
    meters: int = Field(description="Meters that count for the place.")
    reporting: int = Field(description="How many of them are fresh.")
    at: Time | None = Field(description="Device time of the newest reading in the sum.")


class PowerList(Answer):
    """Live power by place."""

    items: list[PowerItem]
