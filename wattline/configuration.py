"""Reads config/*.yaml and WATTLINE_ variables and reports every mistake at once.

A mistake names the file (or variable), the key, the value and what to do. Settings come from
wattline.yaml; a variable such as WATTLINE_STORE__KIND overrides its key.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from core.errors import ConfigError
from core.model import Comparator, Device, Estate, Place, Rule
from wattline.estate import DevicesFile, PlacesFile, RulesFile
from wattline.settings import Settings

PREFIX = "WATTLINE_"
_Model = TypeVar("_Model", bound=BaseModel)


def load_settings(folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from folder/wattline.yaml and the environment; raises ConfigError."""
    mistakes: list[str] = []
    settings = _settings(folder, environ, mistakes)
    if settings is None:
        raise ConfigError(mistakes)
    return settings


def load_estate(folder: Path) -> Estate:
    """Places, devices and rules of the folder; raises ConfigError."""
    mistakes: list[str] = []
    estate = _estate(folder, mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return estate


def check(folder: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Every mistake in the folder and the environment; empty if all is well."""
    mistakes: list[str] = []
    settings = _settings(folder, environ, mistakes)
    if settings is not None:
        mistakes += _missing_files(settings, folder)
    _estate(folder, mistakes)
    return mistakes


def _settings(folder: Path, environ: Mapping[str, str], mistakes: list[str]) -> Settings | None:
    path = folder / "wattline.yaml"
    document = _read(path, mistakes) if path.exists() else {}
    if document is None:
        return None
    origin: dict[tuple[str, ...], str] = {}
    for variable, value in environ.items():
        if variable.startswith(PREFIX):
            keys = tuple(variable.removeprefix(PREFIX).lower().split("__"))
            if keys == ("config",):
                continue
            origin[keys] = variable
            _put(document, keys, value)
    return _valid(Settings, document, path, origin, mistakes)


def _put(document: dict[str, Any], keys: tuple[str, ...], value: str) -> None:
    *sections, key = keys
    for section in sections:
        inner = document.get(section)
        document[section] = inner if isinstance(inner, dict) else {}
        document = document[section]
    document[key] = value


def _estate(folder: Path, mistakes: list[str]) -> Estate:
    places_file = _file(folder / "places.yaml", PlacesFile, mistakes)
    devices_file = _file(folder / "devices.yaml", DevicesFile, mistakes)
    rules_file = _file(folder / "rules.yaml", RulesFile, mistakes)
    places = [entry.place() for entry in places_file.places] if places_file else []
    devices = [entry.device(None) for entry in devices_file.devices] if devices_file else []
    rules = [entry.rule() for entry in rules_file.rules] if rules_file else []
    mistakes += _repeated(folder / "places.yaml", "places", [place.id for place in places])
    mistakes += _repeated(folder / "devices.yaml", "devices", [device.id for device in devices])
    mistakes += _repeated(folder / "rules.yaml", "rules", [rule.id for rule in rules])
    mistakes += _places(folder / "places.yaml", places)
    if places_file:
        mistakes += _devices(folder / "devices.yaml", devices, {place.id for place in places})
    mistakes += _rules(folder / "rules.yaml", rules)
    return Estate(tuple(places), tuple(devices), tuple(rules))


def _file(path: Path, model: type[_Model], mistakes: list[str]) -> _Model | None:
    if not path.exists():
        return model()
    document = _read(path, mistakes)
    return None if document is None else _valid(model, document, path, {}, mistakes)


def _read(path: Path, mistakes: list[str]) -> dict[str, Any] | None:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
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


def _valid(
    model: type[_Model],
    document: dict[str, Any],
    path: Path,
    origin: Mapping[tuple[str, ...], str],
    mistakes: list[str],
) -> _Model | None:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        for problem in error.errors():
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
        case "extra_forbidden":
            near = difflib.get_close_matches(str(problem["loc"][-1]), _keys(model), 1)
            return f"is no key of ours: did you mean {near[0]}?" if near else "is no key of ours: remove it"
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


def _repeated(path: Path, section: str, ids: list[str]) -> list[str]:
    return [
        f"{path}: {section}[{at}].id = {one!r}: is used before: give each its own id"
        for at, one in enumerate(ids)
        if one in ids[:at]
    ]


def _places(path: Path, places: list[Place]) -> list[str]:
    parent = {place.id: place.parent_id for place in places}
    mistakes = []
    for at, place in enumerate(places):
        if place.parent_id is None:
            continue
        where = f"{path}: places[{at}].parent_id = {place.parent_id!r}"
        if place.parent_id not in parent:
            mistakes.append(f"{where}: no such place: add it or correct the id")
            continue
        seen = {place.id}
        above: str | None = place.parent_id
        while above is not None and above not in seen:
            seen.add(above)
            above = parent.get(above)
        if above == place.id:
            mistakes.append(f"{where}: is below {place.id!r} itself: a place can't contain its parent")
    return mistakes


def _devices(path: Path, devices: list[Device], places: set[str]) -> list[str]:
    ids = {device.id for device in devices}
    mistakes = []
    for at, device in enumerate(devices):
        if device.place_id not in places:
            where = f"{path}: devices[{at}].place_id = {device.place_id!r}"
            mistakes.append(f"{where}: no such place in places.yaml: add it or correct the id")
        if device.parent_device_id is not None and device.parent_device_id not in ids:
            where = f"{path}: devices[{at}].parent_device_id = {device.parent_device_id!r}"
            mistakes.append(f"{where}: no such device: add it or correct the id")
    return mistakes


def _rules(path: Path, rules: list[Rule]) -> list[str]:
    mistakes = []
    for at, rule in enumerate(rules):
        above = rule.comparator is Comparator.ABOVE
        wrong = rule.clear_threshold > rule.threshold if above else rule.clear_threshold < rule.threshold
        if wrong:
            side = "at or below" if above else "at or above"
            where = f"{path}: rules[{at}].clear_threshold = {rule.clear_threshold:g}"
            mistakes.append(f"{where}: must be {side} the threshold {rule.threshold:g}")
    return mistakes


def _missing_files(settings: Settings, folder: Path) -> list[str]:
    named = {
        "broker.password_file": settings.broker.password_file,
        "broker.ca_file": settings.broker.ca_file,
        "broker.certificate_file": settings.broker.certificate_file,
        "broker.key_file": settings.broker.key_file,
        "store.password_file": settings.store.password_file,
        "store.token_file": settings.store.token_file,
    }
    return [
        f"{folder / 'wattline.yaml'}: {key} = {str(path)!r}: no such file: create it or correct the path"
        for key, path in named.items()
        if path is not None and not path.is_file()
    ]
