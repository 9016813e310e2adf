"""Demand of a place: series, the running window, a month's maximum."""

from typing import Literal

from pydantic import Field

from analytics.periods import Interval
from api.schemas.base import Answer, Names, Time
from api.schemas.series import QualityName

Coverage = Field(ge=0, le=1, description="Measured share of the time so far, over all meters.")


class Window(Answer):
    """A window of 15 minutes and its demand."""

    start: Time
    end: Time
    demand_w: float
    coverage: float = Coverage
    quality: list[QualityName]


class DemandItem(Answer):
    """A period: of 15 minutes its demand, of a longer one its highest window."""

    start: Time
    end: Time
    demand_w: float | None = Field(description="null: nothing is known, which is not zero.")
    at: Time | None = Field(description="Where the window with this demand begins.")
    coverage: float = Coverage
    quality: list[QualityName]


class Demand(Answer):
    """Demand of a place over time."""

    place: str
    unit: Literal["W"] = "W"
    window_s: int = 900
    basis: Literal["block"] = Field(
        default="block", description="Windows begin on the quarter-hour, as they are billed here."
    )
    timezone: str
    from_: Time = Field(serialization_alias="from")
    to: Time
    interval: Interval
    contract_demand_w: float | None
    maximum: Window | None
    coverage: float = Coverage
    quality: list[QualityName]
    meters: list[str]
    items: list[DemandItem]
    next_action: Names | None = Field(description="What to do now; null if nothing.")


class DemandNow(Answer):
    """The window that runs: what it has used, where it will end, what is allowed for the rest."""

    place: str
    unit: Literal["W"] = "W"
    at: Time
    start: Time
    end: Time
    remaining_s: float
    used_kwh: float = Field(description="What meters have counted in the window so far.")
    power_w: float | None = Field(description="Live power by which the rest is projected.")
    projected_w: float | None = Field(description="Demand at the end if the load stays as it is.")
    contract_demand_w: float | None
    share: float | None = Field(description="Projected over contracted.")
    allowed_w: float | None = Field(
        description="Mean power for the rest of the window that keeps it at the contract."
    )
    state: Literal["within", "near", "exceeding", "no_contract", "unknown"]
    basis: Literal["energy_so_far_and_live_power"] = "energy_so_far_and_live_power"
    meters: int
    reporting: int = Field(description="Meters of which energy or power is known now.")
    coverage: float = Field(ge=0, le=1, description="reporting / meters")
    quality: list[QualityName]
    next_action: Names | None


class Contributor(Answer):
    """A meter's own part of the highest window; the parts add up to it."""

    device: str
    place: str
    demand_w: float
    share: float = Field(description="Of the maximum.")
    part: Literal["meter", "remainder"] = Field(
        description="remainder: what the meters below it did not measure; below 0 they counted more."
    )


class Sliding(Answer):
    """The highest 15 minutes wherever they begin, from readings close enough to tell."""

    demand_w: float
    end: Time
    days: int = Field(description="Days of the month with readings close enough.")


class DemandMaximum(Answer):
    """A month's maximum demand, when it was and what made it."""

    place: str
    month: str = Field(examples=["2026-11"])
    unit: Literal["W"] = "W"
    window_s: int = 900
    billed: Literal["block"] = Field(
        default="block", description="Which maximum the demand charge here is computed from: `maximum`."
    )
    timezone: str
    maximum: Window | None
    sliding: Sliding | None = Field(
        description="null where readings are further apart than 5 minutes; a utility's meter that slides "
        "shows this one."
    )
    contract_demand_w: float | None
    share: float | None = Field(description="Maximum over contracted.")
    coverage: float = Coverage
    quality: list[QualityName]
    meters: list[str]
    contributors: list[Contributor] = Field(description="Largest first.")
    silent: list[str] = Field(description="Meters of which that window is not known.")
    next_action: Names | None
