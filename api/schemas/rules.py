"""Rules: what YAML and the API state, and what the API shows."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, JsonValue

from api.schemas.base import Answer, Input, Names, NamesInput, NewId, Text
from api.schemas.conditions import ConditionInput, condition_of, shown
from core.model import Name, Severity
from core.rules import Active, MuteTime, Rule, Selector


def _clock_time(text: str) -> str:
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError("must be a time of the day such as '22:00'")
    return text


ClockTime = Annotated[
    str, Field(max_length=8, examples=["22:00"], description="Local."), AfterValidator(_clock_time)
]
_Weekday = Annotated[int, Field(ge=1, le=7)]
_Ids = Annotated[tuple[NewId, ...], Field(max_length=10_000)]
_Seconds = Annotated[float, Field(ge=0, le=31_536_000)]


class MuteInput(Input):
    """Local times at which alerts are recorded and not told."""

    start: ClockTime
    end: ClockTime = Field(description="At or before start: of the next day.")
    weekdays: tuple[_Weekday, ...] = Field(
        default=(), description="1 (Monday) to 7; none means every day.", examples=[[6, 7]]
    )


class SelectInput(Input):
    """Which targets a rule watches; what is left out selects all."""

    places: _Ids = Field(default=(), description="At or below them.", examples=[["b0"]])
    devices: _Ids = ()
    categories: tuple[Text, ...] = Field(
        default=(), description="Of the nearest place upward that has one.", examples=[["office"]]
    )
    tags: tuple[Text, ...] = Field(default=(), description="Devices that have all of them.", examples=[[]])


class RuleInput(Input):
    """A rule to add, or to replace by its id: one item of rules.yaml."""

    id: NewId = Field(examples=["voltage-high-l1"])
    name: NamesInput
    severity: Severity = Severity.WARNING
    action: NamesInput = Field(description="What the person who sees the alert should do next.")
    condition: ConditionInput = Field(
        examples=[
            {
                "kind": "threshold",
                "quantity": "voltage_l1",
                "comparator": "above",
                "threshold": 235.4,
                "clear_threshold": 233.0,
            }
        ]
    )
    select: SelectInput = SelectInput()
    for_s: _Seconds = Field(default=0.0, description="How long a breach lasts before the alert fires.")
    keep_firing_for_s: _Seconds = Field(default=0.0, description="How long it goes on after that is over.")
    active: Active = Field(default=Active.ALWAYS, description="By the calendar of the place.")
    mute: tuple[MuteInput, ...] = Field(default=(), max_length=50)
    inhibited_by: _Ids = Field(
        default=(),
        description="Rules whose open alerts on the target, its gateway or a place above hold this back.",
        examples=[[]],
    )
    runbook: str | None = Field(
        default=None, max_length=2000, pattern=r"^https?://\S+$", description="A page that says more."
    )
    deadline_s: float | None = Field(
        default=None,
        gt=0,
        le=31_536_000,
        description="Until when it must be handled, or it goes one organisation up; by severity if left out.",
    )
    approval: bool = Field(default=False, description="Closing needs a second person.")
    enabled: bool = True

    def rule(self, origin: str) -> Rule:
        """The rule as the registry takes it."""
        select = self.select
        return Rule(
            self.id,
            Name(self.name.zh, self.name.en),
            self.severity,
            Name(self.action.zh, self.action.en),
            condition_of(self.condition),
            Selector(select.places, select.devices, select.categories, select.tags),
            self.for_s,
            self.keep_firing_for_s,
            self.active,
            tuple(MuteTime(mute.start, mute.end, mute.weekdays) for mute in self.mute),
            self.inhibited_by,
            self.runbook,
            self.deadline_s,
            self.approval,
            self.enabled,
            origin,
        )


class MuteItem(Answer):
    """Local times at which alerts are recorded and not told."""

    start: str
    end: str
    weekdays: list[int]


class SelectItem(Answer):
    """Which targets a rule watches; an empty list selects all."""

    places: list[str]
    devices: list[str]
    categories: list[str]
    tags: list[str]


class RuleItem(Answer):
    """A rule in the words in which it is stated."""

    id: str
    name: Names
    severity: Severity
    action: Names = Field(description="What the person who sees the alert should do next.")
    condition: dict[str, JsonValue] = Field(description="kind, and what that kind has.")
    select: SelectItem
    for_s: float
    keep_firing_for_s: float
    active: Active
    mute: list[MuteItem]
    inhibited_by: list[str]
    runbook: str | None
    deadline_s: float | None
    approval: bool
    enabled: bool
    origin: str = Field(description="file: stated in rules.yaml, where alone it can be changed; or api.")

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """The rule as the API shows it."""
        select = rule.select
        return cls(
            id=rule.id,
            name=Names(zh=rule.name.zh, en=rule.name.en),
            severity=rule.severity,
            action=Names(zh=rule.action.zh, en=rule.action.en),
            condition=shown(rule.condition),
            select=SelectItem(
                places=list(select.places),
                devices=list(select.devices),
                categories=list(select.categories),
                tags=list(select.tags),
            ),
            for_s=rule.for_s,
            keep_firing_for_s=rule.keep_firing_for_s,
            active=rule.active,
            mute=[
                MuteItem(start=mute.start, end=mute.end, weekdays=list(mute.weekdays)) for mute in rule.mute
            ],
            inhibited_by=list(rule.inhibited_by),
            runbook=rule.runbook,
            deadline_s=rule.deadline_s,
            approval=rule.approval,
            enabled=rule.enabled,
            origin=rule.origin,
        )


class RuleList(Answer):
    """All rules in order of id."""

    items: list[RuleItem]
