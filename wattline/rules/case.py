"""Reads a file of cases: what happens to a few meters, and what the rules should say.

Places, devices, rules and references go the way of every configuration, so a mistake in them
reads as it does there. Every mistake names file, case, key, value and fix.
"""

import json
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.alerts import Silence
from core.errors import ConfigError
from core.estate import Estate
from core.reference import References
from wattline.rules.expect import Expected, expected
from wattline.rules.points import Point, points
from wattline.rules.shapes import CaseShape, CasesShape, CommonShape, Document, SilenceShape
from wattline.rules.times import Clock, names, span_us
from wattline.stated import configuration
from wattline.stated.documents import read, valid

_DEFAULT_PLACE = "hall"


@dataclass(frozen=True, slots=True)
class Case:
    """One case, ready to be played.

    points: everything that is said, in order of receipt. from_us: ticks begin; until_us: the end.
    """

    file: Path
    title: str
    clock: Clock
    estate: Estate
    references: References
    points: tuple[Point, ...]
    silences: tuple[Silence, ...]
    from_us: int
    until_us: int
    tick_us: int
    restarts_us: tuple[int, ...]
    crashes_us: tuple[int, ...]
    processes: int
    expected: Expected


def load(path: Path) -> list[Case]:
    """Every case of a file; raises ConfigError with all mistakes."""
    mistakes: list[str] = []
    if not path.is_file():
        raise ConfigError([f"{path}: no such file: name a file of cases"])
    document = read(path, mistakes)
    shape = None if document is None else valid(CasesShape, document, path, {}, mistakes)
    if shape is None:
        raise ConfigError(mistakes)
    if not shape.cases:
        raise ConfigError([f"{path}: cases: is missing: write at least one"])
    cases = []
    for number, one in enumerate(shape.cases):
        wrong: list[str] = []
        case = _case(path, _completed(one, shape), wrong)
        mistakes += [f"{path}: cases[{number}] ({one.title!r:.60}): {said}" for said in wrong]
        if case is not None:
            cases.append(case)
    if mistakes:
        raise ConfigError(mistakes)
    return cases


def _completed(case: CaseShape, file: CommonShape) -> CaseShape:
    """What a case does not say is as the file says."""
    stated = case.model_fields_set
    missing = {name for name in CommonShape.model_fields if name not in stated}
    if {"rules", "rules_file"} & stated:
        missing -= {"rules", "rules_file", "only"}
    return case.model_copy(update={name: getattr(file, name) for name in missing})


def _case(path: Path, shape: CaseShape, mistakes: list[str]) -> Case | None:
    clock = _clock(shape, mistakes)
    configured = _configured(path, shape, mistakes)
    if clock is None or configured is None:
        return None
    estate, references = configured
    said = points(shape.series, clock, mistakes)
    times = _Times(clock, mistakes)
    tick_us = times.span("tick", shape.tick)
    ends = [point.received_us for point in said]
    restarts = tuple(times.at("restart", one) for one in shape.restart)
    crashes = tuple(times.at("crash", one) for one in shape.crash)
    wanted = expected(shape.expect, clock, [rule.id for rule in estate.rules], mistakes)
    ends += [*restarts, *crashes, *wanted.times()]
    if not ends:
        mistakes.append("series: is missing: write what happens, or a time under expect")
        return None
    from_us = times.at("from", shape.start) if shape.start else min(ends)
    until_us = times.at("until", shape.until) if shape.until else max(ends)
    silences = tuple(_silence(number, one, times, from_us) for number, one in enumerate(shape.silences))
    known = {device.id for device in estate.devices}
    mistakes += [
        f"series.of = {device!r}: no such device: add it to devices, or correct the id"
        for device in sorted({point.device for point in said} - known)
    ]
    if until_us - from_us > _MOST_TICKS * tick_us:
        mistakes.append(
            f"tick = {shape.tick!r}: is more than {_MOST_TICKS:,} times in the case: make it longer, "
            "or begin later with from"
        )
    return Case(
        path,
        shape.title,
        clock,
        estate,
        references,
        tuple(said),
        silences,
        from_us,
        until_us,
        tick_us,
        restarts,
        crashes,
        shape.processes,
        wanted,
    )


_MOST_TICKS = 20_000


@dataclass(frozen=True, slots=True)
class _Times:
    """Times of a case by key; what can't be read is a mistake and, here, 1."""

    clock: Clock
    mistakes: list[str]

    def at(self, key: str, text: str) -> int:
        try:
            return self.clock.time_us(text)
        except ValueError as error:
            self.mistakes.append(f"{key} = {error}")
            return 1

    def span(self, key: str, text: str) -> int:
        try:
            return span_us(text)
        except ValueError as error:
            self.mistakes.append(f"{key} = {error}")
            return 1_000_000_000_000


def _clock(shape: CaseShape, mistakes: list[str]) -> Clock | None:
    try:
        zone = ZoneInfo(shape.timezone)
    except (KeyError, ValueError, OSError):
        fix = "must be an IANA time zone such as Asia/Shanghai"
        mistakes.append(f"timezone = {shape.timezone!r}: {fix}")
        return None
    try:
        day = date.fromisoformat(shape.day) if shape.day else None
    except ValueError:
        mistakes.append(f"day = {shape.day!r}: is no day: write it like 2026-03-02")
        return None
    return Clock(day, zone)


def _silence(number: int, shape: SilenceShape, times: _Times, created_at_us: int) -> Silence:
    return Silence(
        f"silence-{number}",
        times.at(f"silences[{number}].from", shape.start),
        times.at(f"silences[{number}].to", shape.end),
        shape.reason,
        "case",
        created_at_us,
        shape.rules,
        shape.places,
        shape.devices,
        shape.severities,
    )


def _configured(path: Path, shape: CaseShape, mistakes: list[str]) -> tuple[Estate, References] | None:
    """What is registered, read as a folder of configuration is."""
    documents = _documents(path, shape, mistakes)
    if mistakes:
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, entries in documents.items():
            text = json.dumps({kind: entries}, ensure_ascii=False)
            (folder / f"{kind}.yaml").write_text(text, encoding="utf-8")
        try:
            return configuration.load_estate(folder), configuration.load_references(folder)
        except ConfigError as error:
            for said in error.mistakes:
                told = said.removeprefix(f"{folder}/").partition(": ")[2] or said
                mistakes.append(told.replace(" in places.yaml", "").replace(f"{folder}/", ""))
            return None


def _documents(path: Path, shape: CaseShape, mistakes: list[str]) -> dict[str, list[Document]]:
    """The documents of each file of a configuration, with what is obvious filled in."""
    places = [_named({"kind": "building", "timezone": shape.timezone} | one) for one in shape.places]
    if not places:
        place: Document = {"id": _DEFAULT_PLACE, "kind": "building", "timezone": shape.timezone}
        if len(shape.calendars) == 1:
            place["calendar_id"] = shape.calendars[0].get("id")
        places = [_named(place)]
    first = places[0].get("id", _DEFAULT_PLACE)
    devices = [
        _named({"kind": "meter", "place_id": first} | one | {"id": id_})
        for one in shape.devices
        for id_ in _ids(one, mistakes)
    ]
    stated = (
        shape.rules if not shape.rules_file else _rules_of(path.parent / shape.rules_file, shape, mistakes)
    )
    rules = [_named({"severity": "warning", "action": {"zh": "-", "en": "-"}} | one) for one in stated]
    if not rules and not mistakes:
        mistakes.append("rules: is missing: write rules, or name a rules_file")
    return {
        "places": places,
        "devices": devices,
        "rules": rules,
        "calendars": list(shape.calendars),
        "tariffs": list(shape.tariffs),
        "quotas": list(shape.quotas),
    }


def _rules_of(path: Path, shape: CaseShape, mistakes: list[str]) -> list[Document]:
    if shape.rules:
        mistakes.append("rules_file: stands beside rules: write one of them")
        return []
    if not path.is_file():
        mistakes.append(
            f"rules_file = {shape.rules_file!r}: no such file: name it by its path from this file"
        )
        return []
    document = read(path, mistakes) or {}
    rules: list[Any] = document.get("rules") or []
    known = [one.get("id") for one in rules if isinstance(one, dict)]
    mistakes += [
        f"only = {id_!r}: no such rule in {shape.rules_file}: correct the id"
        for id_ in shape.only
        if id_ not in known
    ]
    return [one for one in rules if not shape.only or one.get("id") in shape.only]


def _ids(device: Document, mistakes: list[str]) -> list[str]:
    try:
        return names(str(device.get("id", "")))
    except ValueError as error:
        mistakes.append(f"devices.id = {error}")
        return []


def _named(document: Document) -> Document:
    id_ = document.get("id", "")
    return {"name": {"zh": id_, "en": id_}} | document
