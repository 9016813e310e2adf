"""What a rule would have said of stored history."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.alerts import AlertState, Target
from core.errors import WattlineError
from core.model import Comparator, Name
from core.rules import Rule


class PreviewRefused(WattlineError):
    """A preview that would cost too much, or is of nothing; fix says what to ask instead."""

    def __init__(self, field: str, value: str, fix: str) -> None:
        super().__init__(f"{field} = {value}: {fix}")
        self.field, self.value, self.fix = field, value, fix


class HeldBy(StrEnum):
    """What would have kept an alert from being told."""

    HISTORY = "history"  # it fired on readings that came late
    SILENCED = "silenced"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Telling:
    """When people would have been told at the earliest (None: not at all), and what held it back first."""

    told_us: int | None
    held_by: HeldBy | None


@dataclass(frozen=True, slots=True)
class Episode:
    """An alert that would have been.

    pending_us: when the breach began. ended_us: None if it was open at the end of the span;
    state says how it stood there. peak: farthest from the limit that held then, on the wrong
    side. silent_s: how long of it nothing was heard. waste: in the unit of energy or volume, None
    where nobody can say. retrospective: its readings came late, and nobody would have been told.
    telling: by mute times and silences; routes are not asked.
    """

    target: Target
    place_id: str
    pending_us: int
    fired_us: int
    ended_us: int | None
    state: AlertState
    duration_s: float
    silent_s: float
    peak: float
    limit: float
    waste: float | None
    retrospective: bool
    telling: Telling


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all targets together.

    retrospective: alerts of history. not_told: those and what was silenced or muted until it was over.

    coverage: share of the span in which targets were heard of. observations: how many values
    were judged. firing_s: of all alerts; longest_s, median_s: of one. per_week: alerts in 7 days.
    """

    targets: int
    targets_with_alerts: int
    observations: int
    coverage: float
    alerts: int
    retrospective: int
    not_told: int
    open: int
    per_week: float
    firing_s: float
    longest_s: float
    median_s: float
    waste: float | None


@dataclass(frozen=True, slots=True)
class Highest:
    """How far targets go, each by its value farthest to the wrong side: quantiles over targets.

    95 % of the targets stay on the right side of p95.
    """

    comparator: Comparator
    p50: float
    p95: float
    most: float


@dataclass(frozen=True, slots=True)
class RulePreview:
    """A rule over from_us to to_us.

    episodes: those that lasted longest, longest first; totals count all. highest: None without
    observations. next_action: what to do about the rule. unknown: what the preview can't know, and
    what it has taken for granted instead.
    """

    rule: Rule
    from_us: int
    to_us: int
    unit: str
    totals: Totals
    highest: Highest | None
    episodes: tuple[Episode, ...]
    next_action: Name
    unknown: tuple[Name, ...] = ()


class Previewer(Protocol):
    """Runs rules over stored history."""

    def preview(self, rule: Rule, from_us: int, to_us: int) -> RulePreview:
        """What a rule would have said; raises PreviewRefused, StoreError."""
        ...
