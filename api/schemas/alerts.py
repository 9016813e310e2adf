"""Rules and alerts."""

from pydantic import Field

from api.schemas.base import Answer, Names, Page, Time
from core.alerts import AlertState
from core.model import Comparator, Severity


class RuleBrief(Answer):
    """The rule of an alert and what to do about it."""

    id: str
    name: Names
    severity: Severity
    threshold: float
    comparator: Comparator
    action: Names = Field(description="What the person who sees the alert should do next.")


class RuleItem(RuleBrief):
    """A threshold on a quantity at the chosen places and devices; none chosen means all."""

    quantity: str
    clear_threshold: float = Field(description="Back past this value the alert resolves.")
    for_s: float = Field(description="How long a breach must last before the alert fires.")
    places: list[str]
    devices: list[str]


class RuleList(Answer):
    """All rules in order of id."""

    items: list[RuleItem]


class AlertItem(Answer):
    """One episode of one rule on one register."""

    id: str
    rule: RuleBrief
    place_id: str
    device_id: str
    quantity: str
    unit: str
    state: AlertState
    value: float
    active_at: Time = Field(description="When the breach began.")
    fired_at: Time | None
    resolved_at: Time | None


class AlertList(Page):
    """Alerts, newest first."""

    items: list[AlertItem]
