"""What InfluxDB answers: JSON of InfluxQL queries to columns, messages, times to wait."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
import numpy as np
import urllib3

from core.batch import F64

_READ_BYTES = 1 << 20
_NUMBERS = msgspec.json.Decoder(list[float | None])
_MESSAGE_CHARS = 500
_LONGEST_WAIT_S = 300.0


class Series(msgspec.Struct):
    """Rows of one series: values is a JSON list of rows, columns names their elements."""

    columns: list[str]
    values: msgspec.Raw = msgspec.Raw(b"[]")
    tags: dict[str, str] = {}

    def numbers(self) -> dict[str, F64]:
        """Columns of a series that holds numbers only; NaN where a row has none.

        float64 is exact for microseconds until the year 2255, where InfluxDB's time ends anyway.
        """
        flat = b"[" + bytes(self.values).translate(None, b"[]") + b"]"
        table = np.array(_NUMBERS.decode(flat), np.float64).reshape(-1, len(self.columns))
        return dict(zip(self.columns, table.T, strict=True))


class Result(msgspec.Struct):
    """Answer to one statement."""

    statement_id: int = 0
    series: list[Series] = []
    error: str = ""


class Answer(msgspec.Struct):
    """One line of a chunked answer."""

    results: list[Result] = []
    error: str = ""


ANSWER = msgspec.json.Decoder(Answer)


def lines_of(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Lines of an answer as they arrive, without the empty ones."""
    parts: list[bytes] = []
    for chunk in response.stream(_READ_BYTES):
        end, *more = chunk.split(b"\n")
        parts.append(end)
        for start in more:
            if line := b"".join(parts):
                yield line
            parts = [start]
    if line := b"".join(parts):
        yield line


class _Complaint(msgspec.Struct):
    error: str = ""  # 1.x and 3
    message: str = ""  # 2.x


def message(body: bytes) -> str:
    """What a refusal says, in whichever form its server says it."""
    try:
        complaint = msgspec.json.decode(body, type=_Complaint)
    except msgspec.DecodeError:
        complaint = _Complaint()
    text = complaint.message or complaint.error or body.decode("utf-8", "replace").strip()
    return text[:_MESSAGE_CHARS] or "without a word"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for: given as such, or as a date; never very long.

    A date is as wrong as the clocks of both sides, and nothing is stored while we wait.
    """
    wish = headers.get("Retry-After")
    if wish is None:
        return None
    try:
        return _bounded(float(wish))
    except ValueError:
        pass
    try:
        return _bounded((parsedate_to_datetime(wish) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), _LONGEST_WAIT_S)  # in this order a NaN is no wait
