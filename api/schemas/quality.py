"""Data quality of meters by day, and quality of their power."""

from typing import Literal

from pydantic import Field

from analytics.data_quality import Rule
from api.schemas.base import Answer, Names, Page, Time


class RuleResult(Answer):
    """One rule on a meter's day."""

    number: int = Field(ge=1, le=11)
    rule: Rule
    asks: str = Field(description="What the rule asks for.")
    result: Literal["passed", "failed", "not_checked"]
    share: float | None = Field(description="Of what was looked at, what was in order.")
    found: int | None = Field(description="How many readings, intervals or stretches were not.")
    of: int | None
    next_action: Names | None = Field(description="What to do where it failed.")


class MeterQuality(Answer):
    """A meter's day."""

    device: str
    name: Names
    place: str
    score: float = Field(ge=0, le=100, description="See formula.")
    readings: int
    coverage: float = Field(ge=0, le=1, description="Measured share of the day so far, from the ledger.")
    failed: list[Rule]
    rules: list[RuleResult]
    next_action: Names | None = Field(description="Of the failed rule that costs the most points.")


class DataQuality(Page):
    """Scores of a place's meters on a day, in order of id."""

    place: str | None
    day: str = Field(examples=["2026-11-21"])
    timezone: str
    from_: Time = Field(serialization_alias="from")
    to: Time
    unit: Literal["points"] = "points"
    formula: str
    weights: dict[Rule, float]
    score: float | None = Field(description="Mean of the meters listed here.")
    items: list[MeterQuality]
    next_action: Names | None


class PowerPeriod(Answer):
    """An hour or a day; null where the meter does not report what is needed."""

    start: Time
    end: Time
    readings: int
    power_factor: float | None
    current_unbalance: float | None
    voltage_unbalance: float | None


class MeterPower(Answer):
    """Quality of power at one meter."""

    device: str
    place: str
    power_factor: float | None = Field(description="Of the whole span; see basis.")
    basis: Literal["energy", "power", "readings"] | None = Field(
        description="energy: active and reactive energy counted; power: active and reactive power; "
        "readings: the power factor that the meter shows, weighted with its power."
    )
    active_kwh: float | None
    reactive_kvarh: float | None
    current_unbalance: float | None = Field(description="Mean of (largest - smallest) / largest.")
    current_unbalance_above_share: float | None = Field(description="Of the readings above the limit.")
    voltage_unbalance: float | None = Field(description="Mean of largest deviation / mean.")
    voltage_unbalance_p95: float | None = Field(description="Not exceeded by 95 % of the readings.")
    readings: int
    coverage: float = Field(ge=0, le=1, description="Share of the expected readings that came.")
    quality: list[Literal["good", "manual", "receive_time", "thinned"]]
    next_action: Names | None
    items: list[PowerPeriod]


class Limit(Answer):
    """A limit and where it comes from."""

    quantity: Literal["power_factor", "current_unbalance", "voltage_unbalance"]
    value: float
    definition: str
    source: str


class PowerQuality(Page):
    """Power factor and unbalance of a place's meters."""

    place: str | None
    unit: Literal["1"] = "1"
    timezone: str
    from_: Time = Field(serialization_alias="from")
    to: Time
    interval: Literal["1h", "1d"]
    limits: list[Limit]
    items: list[MeterPower]
    next_action: Names | None
