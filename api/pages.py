"""Long lists in pages: bounded limits and cursors that mean nothing to a client."""

import base64
import binascii
import json
from typing import Annotated

from fastapi import Query

from api.problems import invalid, shown

Cursor = Annotated[
    str | None,
    Query(max_length=512, description="`next` of the page before; absent for the first page."),
]

_HIGHEST = 2**62  # beyond any id or time in µs, within what every store can compare


def encode(*position: str | int) -> str:
    """A cursor that continues after this position."""
    text = json.dumps(position, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def after_id(cursor: str | None) -> str:
    """The id that a page of ids continues after; "" for the first page."""
    return str(_decode(cursor, str)[0]) if cursor else ""


def after_number(cursor: str | None, first: int) -> int:
    """The number, or time, that a page continues after; first - 1 for the first page."""
    return int(_decode(cursor, int)[0]) if cursor else first - 1


def after_time_and_id(cursor: str | None) -> tuple[int, str] | None:
    """The time and id that a page of events continues after; None for the first page."""
    if not cursor:
        return None
    time_us, identity = _decode(cursor, int, str)
    return int(time_us), str(identity)


def _decode(cursor: str, *kinds: type) -> list[str | int]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        position = None
    if (
        not isinstance(position, list)
        or [type(part) for part in position] != list(kinds)
        or any(isinstance(part, int) and not 0 <= part < _HIGHEST for part in position)
    ):
        raise invalid(
            "cursor", shown(cursor), "is none of ours", "take `next` of the page before, or leave it out"
        )
    return position
