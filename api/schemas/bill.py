"""A month's bill of a place."""

from typing import Literal

from pydantic import Field

from analytics.bill import LineKind, Missing
from api.schemas.accounts import Basis, Explanation, NextAction
from api.schemas.base import Answer, Names, Time
from api.schemas.series import QualityName
from core.calendars import DayKind
from core.quantities import Energy
from core.tariffs import Band


class BillLine(Answer):
    """quantity times price, rounded to the cent."""

    kind: LineKind
    name: Names
    version: int = Field(description="Index into `versions`.")
    band: Band | None
    tier: int | None = Field(description="0 is the first.")
    quantity: float
    unit: str
    price: float = Field(description="For one unit; of the power factor a share of the quantity.")
    unrounded: str = Field(description="quantity x price in exact decimals.", examples=["6890.832"])
    amount: float
    estimated: float = Field(description="How much of the quantity was spread over a silent time.")
    power_factor: float | None = Field(description="Of the month, on the line that it makes.")


class BillDemand(Answer):
    """The month's highest quarter-hour, as the ledger knows it."""

    kw: float
    start: Time


class BillReactive(Answer):
    """Reactive energy of the month, drawn and fed in."""

    kvarh: float
    coverage: float = Field(ge=0, le=1)


class BillDay(Answer):
    """What a local day was for the tariff."""

    date: str
    kind: DayKind
    provisional: bool = Field(description="The official list of holidays of its year is not known.")


class Bill(Answer):
    """What a place's account costs in a month."""

    place: str
    account: str = Field(description="The place that names the tariff.")
    energy: Energy
    month: str = Field(examples=["2025-10"])
    timezone: str
    from_: Time = Field(serialization_alias="from")
    to: Time
    tariff: str
    tariff_name: Names
    calendar: str | None = Field(description="null: weekends rest, and there are no holidays.")
    currency: str
    lines: list[BillLine]
    total: float = Field(description="Sum of the lines.")
    rounding: Literal["each line to the cent, half away from zero"] = (
        "each line to the cent, half away from zero"
    )
    amount: float | None = Field(description="What was used, in `unit`.")
    unit: str
    estimated: float = Field(description="How much of the amount was spread over a silent time.")
    coverage: float = Field(ge=0, le=1, description="Measured share of the time so far, over all meters.")
    quality: list[QualityName]
    versions: list[Basis] = Field(description="Of the tariff; two if it changes in the month.")
    demand: BillDemand | None
    contract_demand_kw: float | None
    capacity_kva: float | None
    reactive: BillReactive | None
    meters: list[str]
    provisional: bool = Field(description="A price depends on holidays that are not officially known.")
    example: bool = Field(description="The prices are an example that nobody has published.")
    final: bool = Field(description="The month is over and no late data waits to be booked.")
    missing: list[Missing] = Field(description="What the bill lacks; it has no line for it.")
    next_action: NextAction | None
    days: list[BillDay] | None = Field(None, description="With `explain=true`.")
    explanation: Explanation | None = Field(None, description="With `explain=true`.")
