"""What an import of readings changes."""

from pydantic import Field

from api.schemas.base import Answer, Time


class ChangedPeriod(Answer):
    """A local day or month whose figure becomes another."""

    start: Time
    end: Time
    now: float | None = Field(description="Consumption as it is; null: nothing is known.")
    then: float | None = Field(description="Consumption with the readings of the file.")
    now_coverage: float = Field(ge=0, le=1)
    then_coverage: float = Field(ge=0, le=1)
    intervals: int = Field(description="15-minute intervals in it that become others.")


class ChangedRegister(Answer):
    """What the readings of one register change."""

    device: str
    quantity: str
    unit: str
    timezone: str
    first: Time
    last: Time
    added: int = Field(description="Readings at times of which nothing was known.")
    corrected: int = Field(description="Readings that replace another value of the same time.")
    repeated: int = Field(description="Readings that are there already; they change nothing.")
    intervals: int = Field(description="15-minute intervals that are new.")
    revised: int = Field(description="15-minute intervals that were there and become others.")
    periods: list[ChangedPeriod] = Field(
        description="Days, or months of a span of more than two; empty for what is no counter."
    )


class ImportResult(Answer):
    """A file without a mistake."""

    readings: int = Field(description="Readings in the file, each once.")
    sent: bool = Field(description="Whether they are on their way: figures change within seconds.")
    registers: list[ChangedRegister]
