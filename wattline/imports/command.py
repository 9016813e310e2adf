"""`python -m wattline import FILE`: sends a file to the running Wattline and tells what it says."""

import argparse
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from core.errors import StartError
from wattline.imports.table import MOST_BYTES
from wattline.stated.settings import Settings

_PATIENCE_S = 900.0
_ARROW = "\N{RIGHTWARDS ARROW}"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command; it gets settings from the caller beside its options."""
    parser = commands.add_parser("import", help="readings from a CSV or Excel file, as a person read them")
    parser.add_argument("file", type=Path, help="columns device, quantity, time, value and perhaps unit")
    parser.add_argument("--dry-run", action="store_true", help="tell what would change, and change nothing")
    parser.add_argument("--device", default="", help="of every row, where the file has no such column")
    parser.add_argument("--quantity", default="", help="the same, like energy_active_import_total")
    parser.add_argument(
        "--timezone", default="", help="of times without offset (default: of the meter's place)"
    )
    parser.add_argument("--api", help="address of the running Wattline (default: the configured one)")
    parser.set_defaults(command=_import)


def _import(options: argparse.Namespace, settings: Settings) -> int:
    console, errors = Console(), Console(stderr=True)
    answer = _send(options, options.api or f"http://{settings.http.host}:{settings.http.port}")
    body = answer.json()
    if answer.is_error:
        errors.print(body["detail"], markup=False, soft_wrap=True)
        for one in body.get("errors") or ():
            said = (
                f"{one['field']}: {one['value']!r}: {one['fix']}"
                if one["value"]
                else f"{one['field']}: {one['fix']}"
            )
            errors.print(said, markup=False, soft_wrap=True)
        return 1
    for register in body["registers"]:
        _tell(console, register)
    sent = "imported; figures change within seconds" if body["sent"] else "nothing was changed (--dry-run)"
    console.print(f"{body['readings']:,} readings: {sent}", markup=False)
    return 0


def _send(options: argparse.Namespace, api: str) -> httpx.Response:
    """Raises StartError for a file that can't be read and a Wattline that doesn't answer."""
    try:
        if options.file.stat().st_size > MOST_BYTES:
            raise StartError(
                f"{options.file} has more than {MOST_BYTES:,} bytes: split it into several files"
            )
        content = options.file.read_bytes()
    except OSError as error:
        raise StartError(f"{options.file} can't be read ({error.strerror})") from error
    wanted = {name: getattr(options, name) for name in ("device", "quantity", "timezone")}
    try:
        return httpx.post(
            f"{api}/api/v1/imports",
            params={name: value for name, value in wanted.items() if value} | {"dry_run": options.dry_run},
            content=content,
            headers={"Content-Type": "application/octet-stream"},
            timeout=_PATIENCE_S,
        )
    except httpx.HTTPError as error:
        raise StartError(
            f"no Wattline answers at {api} ({error}): start one with `python -m wattline run`, "
            "or name its address with --api"
        ) from error


def _tell(console: Console, register: dict[str, Any]) -> None:
    """One register: its readings and, by day or month, what the figures are and become."""
    console.print(
        f"{register['device']} {register['quantity']}, {register['first']} to {register['last']}: "
        f"{register['added']:,} new readings, {register['corrected']:,} corrections, "
        f"{register['repeated']:,} known; {register['intervals']:,} intervals new, "
        f"{register['revised']:,} revised",
        markup=False,
        soft_wrap=True,
    )
    if not register["periods"]:
        return
    table = Table("from", "to", f"now {register['unit']}", "then", "coverage", "intervals")
    for period in register["periods"]:
        table.add_row(
            period["start"][:10],
            period["end"][:10],
            _amount(period["now"]),
            _amount(period["then"]),
            f"{period['now_coverage']:.0%} {_ARROW} {period['then_coverage']:.0%}",
            f"{period['intervals']:,}",
        )
    console.print(table)


def _amount(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:,.3f}"
