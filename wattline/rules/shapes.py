"""The YAML file of cases that `rules test` plays; docs/alerts.md says how to write one."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from api.schemas.base import Input, NewId
from core.model import Severity

Words = Annotated[str, BeforeValidator(lambda given: str(given) if isinstance(given, int | float) else given)]
"""Text; a lone number is meant as such."""

Times = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)
]
"""One time, or several."""

Document = dict[str, Any]
"""A place, device, rule or other document in the words of its own file; what is obvious may be left out."""


class Shape(Input):
    """Words of a case; `from` is a word that Python has taken."""

    model_config = ConfigDict(populate_by_name=True)


class SeriesShape(Shape):
    """What one register says, or the same register of several devices."""

    of: str = Field(description="device/quantity, such as m1/power_active or m{1..50}/power_active")
    start: str = Field(default="", alias="from")
    every: str = ""
    values: Words = ""
    amounts: Words = Field(default="", description="What a counter rises by in each step.")
    repeat: int = Field(default=1, ge=1, le=10_000)
    points: str = Field(default="", description="Lines: time value, or time value received time.")
    received: str = Field(default="", description="When all of it came, as one upload.")
    delay: str = Field(default="", description="How long after its own time each came.")


class SilenceShape(Shape):
    """Alerts that nobody is told of for a while."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    reason: str = "planned work"
    rules: tuple[NewId, ...] = ()
    places: tuple[NewId, ...] = ()
    devices: tuple[NewId, ...] = ()
    severities: tuple[Severity, ...] = ()


class ExpectShape(Shape):
    """What must hold: lines of text. What is left out is not looked at."""

    transitions: str | None = Field(default=None, description="All: time word [rule] [target] [flags]")
    states: str = Field(default="", description="time state [rule] [target]")
    open: str = Field(default="", description="time number")
    told: str | None = Field(default=None, description="All: time word [rule] [target]")


class CommonShape(Shape):
    """What a file may say for all of its cases, and each case otherwise."""

    timezone: str = "UTC"
    day: str = ""
    places: tuple[Document, ...] = ()
    devices: tuple[Document, ...] = ()
    calendars: tuple[Document, ...] = ()
    tariffs: tuple[Document, ...] = ()
    quotas: tuple[Document, ...] = ()
    rules: tuple[Document, ...] = ()
    rules_file: str = Field(default="", description="A rules.yaml, by its path from this file.")
    only: tuple[NewId, ...] = Field(default=(), description="Which rules of rules_file; none: all.")
    tick: str = Field(default="1m", description="How often silence and figures are looked at.")


class CaseShape(CommonShape):
    """One case: what happens, and what the rules should say."""

    title: str = Field(min_length=1)
    series: tuple[SeriesShape, ...] = ()
    silences: tuple[SilenceShape, ...] = ()
    start: str = Field(default="", alias="from", description="What came earlier is played without ticks.")
    until: str = ""
    restart: Times = Field(default=(), description="Stopped and started again; a checkpoint is saved.")
    crash: Times = Field(default=(), description="The same without a checkpoint.")
    processes: int = Field(default=1, ge=1, le=4)
    expect: ExpectShape


class CasesShape(CommonShape):
    """A file of cases."""

    cases: tuple[CaseShape, ...] = ()
