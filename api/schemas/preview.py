"""A rule tried on stored history."""

from typing import Self

from pydantic import Field, model_validator

from api.schemas.base import Answer, Input, Names, NewId, Time
from api.schemas.rules import RuleInput, RuleItem
from core.alerts import AlertState, TargetKind
from core.model import Comparator
from core.preview import HeldBy


class PreviewInput(Input):
    """A rule, stated or by its id, and the span to try it on."""

    rule: RuleInput | None = Field(default=None, description="A rule as in POST /rules; it is not stored.")
    rule_id: NewId | None = Field(default=None, description="Or one that is stored.", examples=[None])
    from_: str = Field(alias="from", max_length=40, examples=["2026-10-01"])
    to: str = Field(max_length=40, examples=["2026-11-01"])

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.rule is None) == (self.rule_id is None):
            raise ValueError("state a rule, or name one by rule_id: one of them")
        return self


class PreviewTarget(Answer):
    """What an alert would have been about."""

    kind: TargetKind
    id: str = Field(description="<device>/<quantity> of a register, else the id of the device or place.")
    place_id: str


class PreviewEpisode(Answer):
    """An alert that would have been."""

    target: PreviewTarget
    pending_at: Time = Field(description="When the breach began.")
    fired_at: Time
    ended_at: Time | None = Field(description="null: it was open at the end of the span.")
    state: AlertState = Field(description="How it stood at the end of the span: firing, stale or resolved.")
    duration_s: float
    silent_s: float = Field(description="How long of it nothing was heard of the target.")
    peak: float = Field(
        description="The value in breach that was farthest from its limit; of no_data how long it was silent."
    )
    limit: float = Field(description="The limit of that moment.")
    waste: float | None = Field(description="Above normal, in kWh or m3; null: nobody can say.")
    retrospective: bool = Field(description="Its readings came late: nobody would have been told.")
    told_at: Time | None = Field(
        description="When people would have been told at the earliest, by mute times and silences; routes "
        "and their quiet hours are not asked. null: not at all.",
    )
    held_by: HeldBy | None = Field(
        description="What would have kept it from being told when it fired: history, silenced or muted."
    )


class PreviewTotals(Answer):
    """Of all targets together."""

    targets: int
    targets_with_alerts: int
    observations: int = Field(description="Values that were judged; of no_data, times of receipt.")
    coverage: float = Field(description="Share of the span in which targets were heard of.", ge=0, le=1)
    alerts: int
    retrospective: int = Field(description="Alerts that fired on readings which came late.")
    not_told: int = Field(description="Those, and what was silenced or muted until it was over.")
    open: int = Field(description="Alerts that were open at the end of the span.")
    per_week: float = Field(description="Alerts in seven days.")
    firing_hours: float = Field(description="Of all alerts.")
    longest_hours: float
    median_hours: float
    waste: float | None


class PreviewHighest(Answer):
    """How far targets go: of each the value farthest to the wrong side; quantiles over targets."""

    comparator: Comparator = Field(description="Which side is the wrong one.")
    p50: float
    p95: float = Field(description="95 % of the targets stay on the right side of it.")
    most: float


class RulePreviewAnswer(Answer):
    """When a rule would have fired, on what, and for how long."""

    rule: RuleItem
    from_: Time = Field(serialization_alias="from")
    to: Time
    timezone: str
    unit: str = Field(description="Of values and limits.")
    totals: PreviewTotals
    highest: PreviewHighest | None = Field(description="null: both sides are wrong, or nothing was seen.")
    episodes: list[PreviewEpisode] = Field(description="The 500 that lasted longest, longest first.")
    next_action: Names
    unknown: list[Names] = Field(
        description="What the preview can't know, and what it has taken for granted instead: devices that "
        "were never heard, outages of Wattline, rules of inhibited_by without a recorded alert."
    )
