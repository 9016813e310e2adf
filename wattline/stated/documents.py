"""Reads a YAML file into a shape, with every mistake by file, key, value and fix."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from api.schemas.problem import stated_at

_Model = TypeVar("_Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """Numbers are those of YAML 1.2: 1e6 is one, while 10:30 (1.1: 630) and 2026-10-01 are text."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rpartition(":")[2] not in ("int", "float", "timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^(?:[-+]?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$"),
    list("-+0123456789."),
)


def file(path: Path, model: type[_Model], mistakes: list[str]) -> _Model | None:
    """A file in the shape of a model, empty if there is none; None after a mistake."""
    if not path.exists():
        return model()
    document = read(path, mistakes)
    return None if document is None else valid(model, document, path, {}, mistakes)


def read(path: Path, mistakes: list[str]) -> dict[str, Any] | None:
    """A file's keys; None after a mistake."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        mistakes.append(f"{path}: not readable as YAML: {told}")
        return None
    if document is None:
        return {}
    if not isinstance(document, dict):
        mistakes.append(f"{path}: holds a {type(document).__name__}: write keys, like 'broker:'")
        return None
    return document


def valid(
    model: type[_Model],
    document: dict[str, Any],
    path: Path,
    origin: Mapping[tuple[str, ...], str],
    mistakes: list[str],
) -> _Model | None:
    """A document in the shape of a model; None after mistakes, each added to the list.

    origin: where a key was set, if not in the file.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        for problem in error.errors():
            problem["loc"] = stated_at(problem["loc"])
            keys = tuple(str(key) for key in problem["loc"])
            where = origin.get(keys, f"{path}: {_dotted(problem['loc'])}")
            hidden = problem["type"] == "missing" or _is_secret(keys[-1])
            given = "" if hidden else f" = {problem['input']!r:.80}"
            mistakes.append(f"{where}{given}: {_fix(model, problem)}")
        return None


def _is_secret(key: str) -> bool:
    """Whether a value must not be repeated; what names a secret's file may."""
    return not key.endswith("_file") and any(word in key for word in ("password", "token", "secret"))


def _dotted(keys: Iterable[int | str]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def _fix(model: type[BaseModel], problem: Any) -> str:  # noqa: ANN401 pydantic's ErrorDetails
    match problem["type"]:
        case "missing":
            return "is missing: add it"
        case "extra_forbidden" | "unexpected_keyword_argument":
            near = difflib.get_close_matches(str(problem["loc"][-1]), _keys(model), 1)
            return f"is no key of ours: did you mean {near[0]}?" if near else "is no key of ours: remove it"
        case "union_tag_not_found":
            return "has no kind: add one, such as kind: threshold"
        case "union_tag_invalid":
            return f"kind {problem['ctx']['tag']!r} is none: use one of {problem['ctx']['expected_tags']}"
        case _:
            told: str = problem["msg"].removeprefix("Value error, ")
            return told[:1].lower() + told[1:]


def _keys(model: type[BaseModel]) -> set[str]:
    """Every key that may stand anywhere in a model."""
    keys: set[str] = set()
    schema = model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        keys |= part.get("properties", {}).keys()
    return keys
