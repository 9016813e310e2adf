"""Reads config/*.yaml and WATTLINE_ variables and reports every mistake at once.

A mistake names the file (or variable), the key, the value and what to do. Settings come from
wattline.yaml; a variable such as WATTLINE_STORE__KIND overrides its key. In the variable of a key
that holds a list, its items are separated by commas; an empty one is an empty list.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

from core.errors import ConfigError
from core.estate import Estate
from core.reference import References
from wattline.stated import channels, estate_mistakes, references
from wattline.stated.channels import Told
from wattline.stated.documents import file, read, valid
from wattline.stated.estate import DevicesFile, PlacesFile, RulesFile
from wattline.stated.settings import Settings

PREFIX = "WATTLINE_"


def load_settings(folder: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from folder/wattline.yaml and the environment; raises ConfigError."""
    mistakes: list[str] = []
    settings = _settings(folder, environ, mistakes)
    if settings is None:
        raise ConfigError(mistakes)
    return settings


def load_estate(folder: Path) -> Estate:
    """Places, devices, registers and rules of the folder; raises ConfigError."""
    mistakes: list[str] = []
    estate = _estate(folder, references.read(folder, mistakes), mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return estate


def load_references(folder: Path) -> References:
    """Calendars, tariffs, factors, quotas and policies of the folder; raises ConfigError."""
    mistakes: list[str] = []
    found = references.read(folder, mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return references.completed(found)


def load_told(folder: Path, environ: Mapping[str, str] = os.environ) -> Told:
    """Channels and routes of the folder; raises ConfigError."""
    mistakes: list[str] = []
    told = channels.load(folder, environ, mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return told


def check(folder: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Every mistake in the folder and the environment; empty if all is well."""
    mistakes: list[str] = []
    settings = _settings(folder, environ, mistakes)
    if settings is not None:
        mistakes += _missing_files(settings, folder)
    _estate(folder, references.read(folder, mistakes), mistakes)
    channels.load(folder, environ, mistakes)
    return mistakes


def _settings(folder: Path, environ: Mapping[str, str], mistakes: list[str]) -> Settings | None:
    path = folder / "wattline.yaml"
    document = read(path, mistakes) if path.exists() else {}
    if document is None:
        return None
    origin: dict[tuple[str, ...], str] = {}
    for variable, value in environ.items():
        if variable.startswith(PREFIX):
            keys = tuple(variable.removeprefix(PREFIX).lower().split("__"))
            if keys == ("config",):
                continue
            origin[keys] = variable
            _put(document, keys, _items(value) if _is_list(keys) else value)
    return valid(Settings, document, path, origin, mistakes)


def _is_list(keys: tuple[str, ...]) -> bool:
    """Whether a key of the settings holds a list."""
    shape: Any = Settings
    for key in keys:
        field = getattr(shape, "model_fields", {}).get(key)
        if field is None:
            return False
        shape = field.annotation
    return get_origin(shape) in (list, tuple)


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",")] if value.strip() else []


def _put(document: dict[str, Any], keys: tuple[str, ...], value: str | list[str]) -> None:
    *sections, key = keys
    for section in sections:
        inner = document.get(section)
        document[section] = inner if isinstance(inner, dict) else {}
        document = document[section]
    document[key] = value


def _estate(folder: Path, known: References, mistakes: list[str]) -> Estate:
    places_file = file(folder / "places.yaml", PlacesFile, mistakes)
    devices_file = file(folder / "devices.yaml", DevicesFile, mistakes)
    rules_file = file(folder / "rules.yaml", RulesFile, mistakes)
    places = [entry.place() for entry in places_file.places] if places_file else []
    devices = [entry.device(None) for entry in devices_file.devices] if devices_file else []
    registers = [entry.settings() for entry in devices_file.devices] if devices_file else []
    rules = [entry.rule("file") for entry in rules_file.rules] if rules_file else []
    mistakes += estate_mistakes.of_places(folder / "places.yaml", places, known)
    if places_file:
        mistakes += estate_mistakes.of_devices(folder / "devices.yaml", devices, places)
    mistakes += estate_mistakes.of_registers(folder / "devices.yaml", devices, registers, known)
    if places_file and devices_file:
        mistakes += estate_mistakes.of_rules(folder / "rules.yaml", rules, places, devices)
    settings = tuple(one for of_device in registers for one in of_device)
    stated = (folder / "rules.yaml").exists()
    return Estate(tuple(places), tuple(devices), tuple(rules), registers=settings, all_rules=stated)


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
