"""The statutory table, values that are entered by hand, and reports that are closed."""

from typing import Literal

from pydantic import Field

from analytics.statutory import Item
from api.schemas.accounts import Basis, NextAction
from api.schemas.base import Answer, Input, Names, Text, Time
from api.schemas.series import QualityName


class StatutoryColumn(Answer):
    """An item and the unit in which it is stated."""

    item: Item
    name: Names
    unit: str


class StatutoryValue(Answer):
    """What is stated of an item."""

    amount: float | None = Field(description="null: nobody measured or entered it, which is not zero.")
    coverage: float = Field(ge=0, le=1, description="Measured share of the time; of quarters, if entered.")
    quality: list[QualityName]
    entered: list[str] = Field(description="Who entered what from which source; `manual` is among the flags.")
    estimated: bool = Field(description="Not simply what meters counted all the time.")


class StatutoryIndicators(Answer):
    """What follows from a row, for the period itself."""

    total_kgce: float | None = Field(description="All energy as standard coal; water is never in it.")
    kgce_per_person: float | None
    kgce_per_m2: float | None
    kwh_per_m2: float | None
    kwh_per_person: float | None
    water_m3_per_person: float | None
    left_out: list[Item] = Field(description="Stated, but without a factor: not in the total.")
    missing: list[Item] = Field(description="Neither measured nor entered.")


class StatutoryRow(Answer):
    """One institution, or the sum."""

    place: str
    name: Names
    values: dict[Item, StatutoryValue]
    people: float | None
    area_m2: float | None
    vehicles: int
    indicators: StatutoryIndicators
    next_action: NextAction | None


class Estimate(Answer):
    """A meter whose figures in the period are not all measured."""

    item: Item
    device: str
    place: str
    amount: float = Field(description="What was used on the days in which something was estimated.")
    unit: str
    days: int = Field(description="How many days these are.")
    silent_h: float = Field(description="Hours of the period in which nothing was measured.")
    quality: list[QualityName]


class Statutory(Answer):
    """The table of a place for a quarter or a year."""

    place: str
    name: Names
    period: str = Field(examples=["2026Q1", "2026"])
    year: int
    quarter: int | None
    timezone: str
    from_: Time = Field(serialization_alias="from")
    to: Time
    columns: list[StatutoryColumn]
    rows: list[StatutoryRow] = Field(description="One an institution below the place.")
    total: StatutoryRow = Field(description="The place's own account: each kWh once.")
    difference: dict[Item, float | None] = Field(
        description="Sum of the rows less the total: shared by two accounts (above 0) or in none (below 0)."
    )
    estimated: list[Estimate]
    basis: list[Basis]
    pending: int = Field(description="Spans of late data that are not in the figures yet.")


class EnteredInput(Input):
    """A value that no meter gives, of a place and a quarter; it replaces the one before."""

    place: Text = Field(examples=["org"])
    year: int = Field(ge=1990, le=2199)
    quarter: int = Field(ge=1, le=4)
    item: Item = Field(examples=["coal"])
    amount: float | None = Field(ge=0, le=1e12, description="In the column's unit; null takes it back.")
    source: Text = Field(examples=["invoice 2026-0331"])
    by: Text = Field(examples=["energy office"], description="Who enters it.")


class EnteredItem(EnteredInput):
    """A value as it was entered."""

    unit: str
    at: Time


class EnteredList(Answer):
    """Values of a year ever entered, oldest first; of one place, quarter and item the last counts."""

    items: list[EnteredItem]


class ClosingInput(Input):
    """What to close."""

    kind: Literal["statutory"] = "statutory"
    place: Text = Field(examples=["org"])
    year: int = Field(ge=1990, le=2199)
    quarter: int | None = Field(None, ge=1, le=4)
    by: Text = Field(examples=["energy office"])
    note: str = Field("", max_length=500)


class ReportHeadItem(Answer):
    """What is closed."""

    id: str
    kind: str
    place: str
    period: str
    closed_at: Time
    by: str
    note: str
    superseded_by: str | None = Field(description="A later closing of the same place and period.")


class ReportList(Answer):
    """Closed reports, newest first."""

    items: list[ReportHeadItem]


class ChangedFigure(Answer):
    """A figure that is another one now."""

    figure: str = Field(examples=["org/electricity", "org/total_kgce"])
    closed: float | None
    now: float | None


class ChangedInterval(Answer):
    """An interval that was recomputed since, or came in since, on a day whose sum has changed."""

    device: str
    start: Time
    amount: float | None
    revision: int
    quality: list[QualityName]


class ChangedDay(Answer):
    """A meter's day whose sum is another one now."""

    device: str
    day: Time
    closed: float | None
    now: float | None


class ClosedReportAnswer(ReportHeadItem):
    """A report as it was closed, and what has changed since."""

    report: Statutory
    changed: bool
    figures: list[ChangedFigure]
    days: list[ChangedDay]
    intervals: list[ChangedInterval]
    more: bool = Field(description="There are more changed days or intervals than are listed.")
    next_action: NextAction | None
