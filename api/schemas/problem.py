"""RFC 9457 problem details: the body of every answer that is not a success."""

from pydantic import BaseModel, Field, JsonValue


class FieldProblem(BaseModel):
    """One input that can't be used, and what to send instead."""

    field: str = Field(examples=["from"])
    value: JsonValue = Field(examples=["2026-11-21T08:07:00+08:00"])
    fix: str = Field(examples=["2026-11-21T08:00:00+08:00 or 2026-11-21T08:15:00+08:00"])


class Problem(BaseModel):
    """What went wrong and what to do about it."""

    type: str = Field(examples=["urn:wattline:problem:invalid-input"])
    title: str = Field(examples=["Invalid input"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["from: must lie on a 15-minute mark"])
    instance: str | None = Field(default=None, description="Names this failure in the server's log.")
    errors: list[FieldProblem] | None = Field(default=None, description="Every bad input with its fix.")


def stated_at(path: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where in the input a mistake is: pydantic names the kind of a condition as if it were a key."""
    tags = {at + 1 for at, key in enumerate(path) if key == "condition"}
    return tuple(key for at, key in enumerate(path) if at not in tags)
