"""Conditions of rules, as YAML states them and the API takes them: the fields of core.rules, bounded."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_type_hints

from pydantic import Field, create_model

from api.schemas.base import Input
from api.schemas.registers import QuantityName
from core.quantities import Energy
from core.rules import CONDITIONS, KIND_OF, Condition

_SECONDS = Annotated[float, Field(ge=0, le=31_536_000)]
_SHARE = Annotated[float, Field(gt=0, le=100)]
_HOUR = Annotated[int, Field(ge=0, le=23)]
_BOUNDS: Mapping[str, Any] = {
    "quantity": QuantityName,
    "window_s": _SECONDS,
    "hold_s": Annotated[float, Field(gt=0, le=31_536_000)],
    "ahead_s": _SECONDS,
    "behind_s": _SECONDS,
    "minimum_s": _SECONDS,
    "earliest_s": _SECONDS,
    "minimum_w": Annotated[float, Field(ge=0)],
    "factor": Annotated[float, Field(gt=0, le=1000)],
    "clear_factor": Annotated[float, Field(gt=0, le=1000)],
    "share": _SHARE,
    "clear_share": _SHARE,
    "minimum_share": Annotated[float, Field(ge=0, le=100)],
    "minimum_coverage": Annotated[float, Field(ge=0, le=1)],
    "warm_up_days": Annotated[int, Field(ge=1, le=366)],
    "history_days": Annotated[int, Field(ge=7, le=1100)],
    "nights": Annotated[int, Field(ge=1, le=31)],
    "from_hour": _HOUR,
    "to_hour": _HOUR,
    "of": Literal["current", "voltage"],
}
"""Types of fields by name where core.rules' own would let nonsense through."""


def _model(kind: str, type_: type[Condition]) -> type[Input]:
    hints = get_type_hints(type_)
    if kind == "quota":
        hints["energy"] = Literal[*(energy.value for energy in Energy), "coal"]
    stated: dict[str, Any] = {
        field.name: (
            _BOUNDS.get(field.name, hints[field.name]),
            ... if field.default is MISSING else field.default,
        )
        for field in fields(type_)
    }
    made: type[Input] = create_model(
        type_.__name__,
        __base__=Input,
        __doc__=cleandoc(type_.__doc__ or ""),
        kind=(Literal[kind], ...),  # type: ignore[arg-type]  # a value of a variable
        **stated,
    )
    return made


MODELS = {kind: _model(kind, type_) for kind, type_ in CONDITIONS.items()}

if TYPE_CHECKING:
    ConditionInput = Input
else:
    ConditionInput = Annotated[Union[*MODELS.values()], Field(discriminator="kind")]


def condition_of(model: Input) -> Condition:
    """The condition as rules have it."""
    stated = {name: getattr(model, name) for name in type(model).model_fields}
    return CONDITIONS[stated.pop("kind")](**stated)


def shown(condition: Condition) -> dict[str, Any]:
    """A condition with its kind, as it may be posted again."""
    plain = {field.name: getattr(condition, field.name) for field in fields(condition)}
    return {"kind": KIND_OF[type(condition)], **plain}
