"""Reads config/channels.yaml: channels, and the routes that lead alerts to them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from api.schemas.base import Input
from core.delivery import Route
from core.rules import MuteTime
from notify.channels import CHANNELS
from notify.channels.base import ChannelSettings
from wattline.stated.documents import read, valid

NAME = "channels.yaml"
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Told:
    """Channels by id, and routes in order; nothing of either tells nobody."""

    channels: Mapping[str, ChannelSettings]
    routes: tuple[Route, ...] = ()


NOBODY = Told({})
"""No channels and no routes."""


class _Routes(Input):
    routes: tuple[Route, ...] = ()


def load(folder: Path, environ: Mapping[str, str], mistakes: list[str]) -> Told:
    """Channels and routes of the folder; adds what is wrong by file, key, value and fix."""
    path = folder / NAME
    document = read(path, mistakes) if path.exists() else {}
    document = dict(document or {})
    channels = _channels(path, document.pop("channels", None), environ, mistakes)
    content = valid(_Routes, document, path, {}, mistakes)
    routes = content.routes if content else ()
    seen: set[str] = set()
    for at, route in enumerate(routes):
        wrong = list(_route_mistakes(route, channels))
        if route.id in seen:
            wrong.append(f"id = {route.id!r}: is used before: give each its own id")
        seen.add(route.id)
        mistakes += [f"{path}: routes[{at}].{line}" for line in wrong]
    return Told(channels, routes)


def _channels(
    path: Path,
    entries: Any,  # noqa: ANN401 what YAML holds
    environ: Mapping[str, str],
    mistakes: list[str],
) -> dict[str, ChannelSettings]:
    found: dict[str, ChannelSettings] = {}
    if entries is not None and not isinstance(entries, list):
        mistakes.append(f"{path}: channels: write a list, each with '- id:'")
        return found
    for at, entry in enumerate(entries or []):
        where = f"{path}: channels[{at}]"
        kind = entry.get("kind") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or kind not in CHANNELS:
            mistakes.append(f"{where}.kind = {kind!r}: write one of {', '.join(CHANNELS)}")
            continue
        wrong: list[str] = []
        settings = valid(CHANNELS[kind], entry, path, {}, wrong)
        mistakes += [line.replace(f"{path}: ", f"{where}.", 1) for line in wrong]
        if settings is None:
            continue
        mistakes += [f"{where}.{line}" for line in settings.mistakes(environ)]
        if settings.id in found:
            mistakes.append(f"{where}.id = {settings.id!r}: is used before: give each its own id")
        found[settings.id] = settings
    return found


def _route_mistakes(route: Route, channels: Mapping[str, ChannelSettings]) -> Iterator[str]:
    known = ", ".join(channels) or "none is defined"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", route.id):
        yield f"id = {route.id!r}: write letters, digits, dots, dashes and underscores, at most 64"
    if not route.channels:
        yield f"channels: is empty: name at least one of {known}"
    named = {"channels": route.channels} | {
        f"escalation[{at}].channels": step.channels for at, step in enumerate(route.escalation)
    }
    for key, ids in named.items():
        yield from (f"{key} = {id_!r}: is no channel: {known}" for id_ in ids if id_ not in channels)
    yield from _time_mistakes(route)
    for at, span in enumerate(route.quiet):
        yield from (f"quiet[{at}].{line}" for line in _span_mistakes(span))


def _time_mistakes(route: Route) -> Iterator[str]:
    for name in ("group_wait_s", "group_interval_s"):
        if not 0 <= getattr(route, name) <= 86_400:
            yield f"{name} = {getattr(route, name):g}: write seconds from 0 to 86400"
    if route.repeat_s is not None and route.repeat_s < 60:
        yield f"repeat_s = {route.repeat_s:g}: write at least 60, or leave it out"
    if route.storm < 1:
        yield f"storm = {route.storm}: write at least 1"
    after = [step.after_s for step in route.escalation]
    if any(one <= 0 for one in after) or after != sorted(after):
        yield f"escalation.after_s = {after}: write times above 0, each later than the one before"
    if route.digest is not None and not _CLOCK.fullmatch(route.digest):
        yield f"digest = {route.digest!r}: write a time of day like '08:00', in quotes"
    if route.timezone is not None and not _is_zone(route.timezone):
        yield f"timezone = {route.timezone!r}: write an IANA name like Asia/Shanghai"


def _span_mistakes(span: MuteTime) -> Iterator[str]:
    for name in ("start", "end"):
        if not _CLOCK.fullmatch(getattr(span, name)):
            yield f"{name} = {getattr(span, name)!r}: write a time of day like '22:00', in quotes"
    if any(not 1 <= day <= 7 for day in span.weekdays):
        yield f"weekdays = {list(span.weekdays)}: write numbers from 1 (Monday) to 7"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True
