"""The chain of a timeline: each line carries a hash of itself and of the line before.

A line that is changed, left out or moved breaks it there; a tail that is cut is seen by the
number of lines and the last hash, which the alert itself keeps. Whoever may write to the
database and computes all hashes anew is not found out by it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

LINE = ("alert_id", "number", "kind", "at_us", "recorded_at_us", "by", "detail")
"""Columns of a line that its hash covers."""


def link(before: str, line: Mapping[str, Any]) -> str:
    """Hash of a line whose predecessor has the hash before ("" for the first)."""
    said = json.dumps([before, *(line[name] for name in LINE)], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def fault(lines: Sequence[Mapping[str, Any]], events: int, last_hash: str) -> str | None:
    """What is wrong with a timeline, given how many lines it should have and the hash of the last."""
    before = ""
    for number, line in enumerate(lines, 1):
        if line["number"] != number:
            return f"line {number} is missing"
        if line["hash"] != link(before, line):
            return f"line {number} was changed, or the line before it"
        before = line["hash"]
    if len(lines) < events:
        return f"it was cut after line {len(lines)}: it had {events}"
    if len(lines) > events:
        return f"it has {len(lines)} lines, and the alert counted {events}"
    return None if before == last_hash else f"line {events} is not the one that was written last"
