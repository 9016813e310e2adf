"""`python -m wattline rules preview RULE --from --to`: asks the running Wattline, and prints a table."""

import argparse
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Column, Table

from core.errors import ConfigError, StartError
from wattline.stated.documents import read
from wattline.stated.settings import Settings

_PATIENCE_S = 600.0
_MOST_ROWS = 20


def add_preview(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command; it gets settings from the caller beside its options."""
    parser = actions.add_parser("preview", help="when a rule would have fired on what is stored")
    parser.add_argument("rule", metavar="RULE-or-FILE", help="id of a stored rule, or a YAML file of rules")
    parser.add_argument(
        "--from", dest="start", required=True, metavar="TIME", help="date, or time with offset"
    )
    parser.add_argument("--to", dest="end", required=True, metavar="TIME", help="the same; up to then")
    parser.add_argument("--only", default="", metavar="ID", help="one rule of the file")
    parser.add_argument("--api", help="address of the running Wattline (default: the configured one)")
    parser.set_defaults(command=_preview)


def _preview(options: argparse.Namespace, settings: Settings) -> int:
    console, errors = Console(), Console(stderr=True)
    api = options.api or f"http://{settings.http.host}:{settings.http.port}"
    refused = 0
    for asked in _asked(options):
        answer = _ask(api, asked | {"from": options.start, "to": options.end})
        if answer.is_error:
            refused += 1
            _tell_refusal(errors, answer)
        else:
            _tell(console, answer.json())
    return 1 if refused else 0


def _asked(options: argparse.Namespace) -> list[dict[str, Any]]:
    """What to ask of each rule; raises ConfigError."""
    path = Path(options.rule)
    if not path.is_file():
        return [{"rule_id": options.rule}]
    mistakes: list[str] = []
    document = read(path, mistakes) or {}
    rules = document.get("rules") or []
    if not mistakes and not rules:
        mistakes.append(f"{path}: rules: is missing: write rules as in config/rules.yaml")
    chosen = [rule for rule in rules if options.only in {"", rule.get("id")}]
    if rules and not chosen:
        mistakes.append(f"{path}: no rule has the id {options.only!r}: correct --only")
    if mistakes:
        raise ConfigError(mistakes)
    return [{"rule": rule} for rule in chosen]


def _ask(api: str, asked: dict[str, Any]) -> httpx.Response:
    try:
        return httpx.post(f"{api}/api/v1/rules/preview", json=asked, timeout=_PATIENCE_S)
    except httpx.HTTPError as error:
        raise StartError(
            f"no Wattline answers at {api} ({error}): start one with `python -m wattline run`, "
            "or name its address with --api"
        ) from error


def _tell_refusal(errors: Console, answer: httpx.Response) -> None:
    body = answer.json()
    errors.print(body["detail"], markup=False, soft_wrap=True)
    for one in body.get("errors") or ():
        errors.print(f"{one['field']} = {one['value']!r}: {one['fix']}", markup=False, soft_wrap=True)


def _tell(console: Console, found: dict[str, Any]) -> None:
    totals, unit = found["totals"], found["unit"]
    console.print(f"{found['rule']['id']}: {found['rule']['name']['en']}", markup=False)
    console.print(
        f"{found['from'][:16]} to {found['to'][:16]} ({found['timezone']}): {totals['targets']:,} targets, "
        f"{totals['observations']:,} values, {totals['coverage']:.0%} of the time covered",
        markup=False,
        soft_wrap=True,
    )
    console.print(
        f"{totals['alerts']:,} alerts on {totals['targets_with_alerts']:,} targets, "
        f"{totals['per_week']:g} a week; firing {totals['firing_hours']:,.1f} h, "
        f"longest {totals['longest_hours']:,.1f} h; {totals['open']:,} open at the end, "
        f"{totals['not_told']:,} not told, {totals['retrospective']:,} of them as history",
        markup=False,
        soft_wrap=True,
    )
    if found["episodes"]:
        console.print(_table(found["episodes"], unit))
        if totals["alerts"] > _MOST_ROWS:
            console.print(f"the {_MOST_ROWS} longest of {totals['alerts']:,}", markup=False)
    for one in found["unknown"]:
        console.print(f"not known: {one['en']}", markup=False, soft_wrap=True)
    console.print(f"next: {found['next_action']['en']}", markup=False, soft_wrap=True)


def _table(episodes: list[dict[str, Any]], unit: str) -> Table:
    target = Column("target", no_wrap=True)
    table = Table(target, "fired", "hours", "end", f"peak {unit}", "limit", "waste", "told", pad_edge=False)
    for one in episodes[:_MOST_ROWS]:
        table.add_row(
            one["target"]["id"],
            one["fired_at"][:16],
            f"{one['duration_s'] / 3600:,.1f}",
            one["state"] if one["ended_at"] is None else one["ended_at"][:16],
            f"{one['peak']:,.6g}",
            f"{one['limit']:,.6g}",
            "" if one["waste"] is None else f"{one['waste']:,.1f}",
            _told(one),
        )
    return table


def _told(one: dict[str, Any]) -> str:
    """When people would have been told, if not at once, or why not at all."""
    if one["told_at"] is None:
        return f"no: {one['held_by']}"
    return "" if one["held_by"] is None else f"{one['told_at'][:16]}, {one['held_by']}"
