"""Reads what figures are computed with from config/*.yaml, in the shapes of core.reference."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import create_model

from analytics import public_holidays
from api.schemas.base import Input
from core import calendars, factors, tariff_rules
from core.calendars import Calendar
from core.policies import POLICIES, CounterPolicy
from core.quantities import Energy
from core.reference import KINDS, Quota, Reference, References
from wattline.stated.documents import file


def _calendar_mistakes(calendar: Calendar) -> list[str]:
    found = calendars.mistakes(calendar)
    if calendar.country is not None and not public_holidays.is_known(calendar.country):
        found.append(
            f"country = {calendar.country!r}: its holidays are not known: write its ISO 3166-1 code, such "
            "as CN, or leave it out and state days"
        )
    return found


def _policy_mistakes(policy: CounterPolicy) -> list[str]:
    above_0 = ("rollover_at", "max_rate", "rate_margin", "confirm_readings")
    not_below_0 = ("step", "jitter")
    given = {name: getattr(policy, name) for name in (*above_0, *not_below_0)}
    return [
        f"{name} = {value:g}: must be {'above 0' if name in above_0 else '0 or more'}"
        for name, value in given.items()
        if value is not None and not (value > 0 or (value == 0 and name in not_below_0))
    ]


def _quota_mistakes(quota: Quota) -> list[str]:
    found = []
    known = [*(energy.value for energy in Energy), "coal"]
    if quota.energy not in known:
        found.append(f"energy = {quota.energy!r}: write one of {', '.join(known)}")
    if not quota.amount > 0:
        found.append(f"amount = {quota.amount:g}: must be above 0")
    if not _FIRST_YEAR <= quota.year <= _LAST_YEAR:
        found.append(f"year = {quota.year}: write a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return found


_FIRST_YEAR, _LAST_YEAR = 2000, 2199

_MISTAKES: dict[str, Callable[[Any], list[str]]] = {
    "calendars": _calendar_mistakes,
    "tariffs": tariff_rules.mistakes,
    "factors": factors.mistakes,
    "quotas": _quota_mistakes,
    "policies": _policy_mistakes,
}
"""What is wrong with a document beyond its shape, each as `key = value: fix`."""


def read(folder: Path, mistakes: list[str]) -> References:
    """All documents of the folder as written; adds what is wrong, by file, key, value and fix."""
    return References(**{kind: _documents(folder, kind, mistakes) for kind in KINDS})


def completed(references: References) -> References:
    """The documents as figures need them: with public holidays, and the policies that ship."""
    resolved = {id_: public_holidays.resolved(one) for id_, one in references.calendars.items()}
    return replace(references, calendars=resolved, policies=POLICIES | references.policies)


def _documents(folder: Path, kind: str, mistakes: list[str]) -> dict[str, Any]:
    path = folder / f"{kind}.yaml"
    shape: Any = (tuple.__class_getitem__((KINDS[kind], ...)), ())
    content = file(path, create_model(kind, __base__=Input, **{kind: shape}), mistakes)
    documents: tuple[Reference, ...] = getattr(content, kind) if content else ()
    found: dict[str, Any] = {}
    for at, document in enumerate(documents):
        wrong = _MISTAKES[kind](document)
        if document.id in found:
            wrong.append(f"id = {document.id!r}: is used before: give each its own id")
        mistakes += [f"{path}: {kind}[{at}].{line}" for line in wrong]
        found[document.id] = document
    return found
