"""Words that every shape is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Time = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-21T08:15:00+08:00"])
]
"""RFC 3339 with offset."""

NewId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$", examples=["b0"])]
"""An id that fits into a topic and an address without escapes."""

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$"),
]


class Answer(BaseModel):
    """A shape that the API sends."""


class Input(BaseModel):
    """A shape that the API takes: nothing unknown, no NaN, no infinity."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Names(BaseModel):
    """A text in both languages of the pages."""

    zh: str = Field(examples=["行政中心一号楼"])
    en: str = Field(examples=["Administration building 1"])


class NamesInput(Input):
    """A name in both languages of the pages."""

    zh: Text = Field(examples=["行政中心一号楼"])
    en: Text = Field(examples=["Administration building 1"])


class Page(Answer):
    """Part of a longer list."""

    next: str | None = Field(
        description="Pass as `cursor` to get the following items; null on the last page.", examples=[None]
    )
