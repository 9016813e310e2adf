"""Alerts."""

from typing import Self

from pydantic import Field

from api.schemas.base import Answer, Names, Page, Time
from api.times import rfc3339
from core.alerts import (
    AlertState,
    CloseReason,
    Evidence,
    Handled,
    Handling,
    TargetKind,
    Waste,
    Withdrawn,
)
from core.model import Comparator, Severity


class RuleBrief(Answer):
    """The rule of an alert and what to do about it."""

    id: str
    name: Names
    kind: str = Field(description="Of its condition, such as threshold or no_data.")
    severity: Severity
    action: Names = Field(description="What the person who sees the alert should do next.")
    runbook: str | None = Field(description="Address of a page that says more.")


class TargetItem(Answer):
    """What an alert is about."""

    kind: TargetKind
    id: str = Field(description="device/quantity of a register, else of the device or place.")


class WasteItem(Answer):
    """What the breach has cost so far, as an estimate."""

    amount: float
    unit: str
    cost: float | None
    currency: str | None
    basis: str = Field(description="What it is measured against, such as base_load or usual.")

    @classmethod
    def of(cls, waste: Waste) -> Self:
        """The waste as the API shows it."""
        return cls(
            amount=waste.amount,
            unit=waste.unit,
            cost=waste.cost,
            currency=waste.currency,
            basis=waste.basis,
        )


class SampleItem(Answer):
    """One value of telemetry."""

    time: Time
    value: float


class EvidenceItem(Answer):
    """Telemetry around the return to normal, oldest first."""

    samples: list[SampleItem]
    unit: str
    limit: float
    comparator: Comparator

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        """The evidence as the API shows it."""
        return cls(
            samples=[SampleItem(time=rfc3339(at_us), value=value) for at_us, value in evidence.samples],
            unit=evidence.unit,
            limit=evidence.limit,
            comparator=evidence.comparator,
        )


class HandlingItem(Answer):
    """What people have done about an alert."""

    status: Handled
    organisation_id: str | None = Field(description="Responsible now; goes up the place tree if overdue.")
    assignee: str | None
    acknowledged_at: Time | None
    acknowledged_by: str | None
    shelved_until: Time | None
    due_at: Time | None = Field(description="When it goes one organisation up.")
    escalations: int
    closed_at: Time | None
    closed_by: str | None
    close_reason: CloseReason | None
    close_note: str
    approved_by: str | None
    evidence: EvidenceItem | None = Field(description="Telemetry that returned to normal.")

    @classmethod
    def of(cls, handling: Handling) -> Self:
        """The handling as the API shows it."""
        return cls(
            status=handling.status,
            organisation_id=handling.organisation_id,
            assignee=handling.assignee,
            acknowledged_at=_time(handling.acknowledged_at_us),
            acknowledged_by=handling.acknowledged_by,
            shelved_until=_time(handling.shelved_until_us),
            due_at=_time(handling.due_at_us),
            escalations=handling.escalations,
            closed_at=_time(handling.closed_at_us),
            closed_by=handling.closed_by,
            close_reason=handling.close_reason,
            close_note=handling.close_note,
            approved_by=handling.approved_by,
            evidence=None if handling.evidence is None else EvidenceItem.of(handling.evidence),
        )


class AlertItem(Answer):
    """One episode of one rule on one target."""

    id: str
    rule: RuleBrief
    target: TargetItem
    place_id: str
    device_id: str | None
    quantity: str | None
    unit: str
    state: AlertState
    value: float | None = Field(description="Newest that telemetry said, in the unit.")
    limit: float | None = Field(description="What it was held against, in the unit.")
    comparator: Comparator
    active_at: Time = Field(description="When the breach began.")
    fired_at: Time
    stale_at: Time | None = Field(description="Since when nothing has been heard of the target.")
    resolved_at: Time | None
    retrospective: bool = Field(description="It fired on data that came late; nobody was told.")
    organisation_id: str | None = Field(description="Responsible by the place tree when it fired.")
    waste: WasteItem | None
    withdrawn: Withdrawn | None = Field(
        description="Why nothing watches the target any more; then it may be closed as rule_withdrawn."
    )
    handling: HandlingItem
    events: int = Field(description="Lines of its timeline: of two answers, the newer has as many or more.")
    next_action: Names | None = Field(description="What to do now; null once it is closed.")


class AlertList(Page):
    """Alerts, newest first."""

    items: list[AlertItem]


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else rfc3339(at_us)
