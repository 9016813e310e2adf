"""What people do about alerts, and the timeline that keeps it."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from api.schemas.alerts import EvidenceItem
from api.schemas.base import Answer, Input, Page, Text, Time
from api.times import rfc3339
from core.alerts import AlertEvent, CloseReason, EventKind, Evidence

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


def _a_person(name: str) -> str:
    if name.casefold() == "wattline":
        raise ValueError("must be who does it: wattline is what Wattline does by itself")
    return name


Person = Annotated[Text, AfterValidator(_a_person)]


class ActInput(Input):
    """Who does it."""

    by: Person = Field(description="Who does it, as the timeline names them.", examples=["Li Na"])


class AssignInput(ActInput):
    """Who is responsible from now on; at least one of both."""

    organisation_id: str | None = Field(
        default=None, max_length=128, description="A place of kind organisation or region.", examples=["org"]
    )
    assignee: Text | None = Field(default=None, description="A person.", examples=["Wang Wei"])

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.organisation_id is None and self.assignee is None:
            raise ValueError("give organisation_id, assignee or both")
        return self


class CommentInput(ActInput):
    """What somebody has to say."""

    text: Said


class ShelveInput(ActInput):
    """Until when it can wait, and why."""

    until: str = Field(max_length=64, examples=["2026-12-01T08:00:00+08:00"], description="RFC 3339.")
    reason: Said = Field(examples=["part is ordered"])


class CloseInput(ActInput):
    """Why it is done."""

    reason: CloseReason = Field(
        description="Before telemetry has returned to normal only false_alarm, or rule_withdrawn where the "
        "alert says `withdrawn`: its rule was dropped, disabled or selects the target no more."
    )
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""


class NoteInput(ActInput):
    """Who does it, and what they have to say."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""


class EventItem(Answer):
    """A line of a timeline."""

    number: int
    kind: EventKind
    at: Time = Field(description="Event time of what telemetry said, else when it was done.")
    recorded_at: Time
    by: str = Field(description="Who, or wattline.")
    detail: dict[str, Any] = Field(description="Such as reason, until, organisation_id, value or evidence.")

    @classmethod
    def of(cls, event: AlertEvent) -> Self:
        """The line as the API shows it."""
        return cls(
            number=event.number,
            kind=event.kind,
            at=rfc3339(event.at_us),
            recorded_at=rfc3339(event.recorded_at_us),
            by=event.by,
            detail=dict(_shown(key, value) for key, value in event.detail.items()),
        )


class Timeline(Page):
    """Everything that happened to an alert, oldest first; it only grows."""

    items: list[EventItem]
    whole: bool = Field(description="Whether each line is chained to the one before, up to the last.")
    fault: str | None = Field(description="Where it was changed or cut, if it was.")


def _shown(key: str, value: object) -> tuple[str, Any]:
    """A detail with times as the API writes them."""
    if key.endswith("_us"):
        return key.removesuffix("_us"), rfc3339(value) if isinstance(value, int) else None
    if key == "evidence" and isinstance(value, dict):
        samples = tuple((at_us, sample) for at_us, sample in value["samples"])
        evidence = Evidence(samples, value["unit"], value["limit"], value["comparator"])
        return key, EvidenceItem.of(evidence).model_dump(mode="json")
    return key, value
