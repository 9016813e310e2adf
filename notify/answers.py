"""What an HTTP answer means for a delivery."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from core.delivery import Outcome, Said
from notify.addresses import AddressRefused
from notify.http import HttpAnswer, NoAnswer, Transport

# The other side may do better later: timeout, conflict, too early, too many.
_LATER = frozenset({408, 409, 425, 429})
_SHOWN = 200


async def posted(
    transport: Transport, url: str, body: bytes, headers: Mapping[str, str], secrets: tuple[str, ...] = ()
) -> HttpAnswer | Said:
    """Post, and give the answer if its status is good, else what it means. secrets: never repeated."""
    try:
        answer = await transport.post(url, body, headers)
    except AddressRefused as error:
        return Said(Outcome.DEAD, None, str(error))
    except NoAnswer as error:
        return Said(Outcome.RETRY, None, hidden(str(error), secrets))
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return answer
    return _failed(answer, secrets)


def _failed(answer: HttpAnswer, secrets: tuple[str, ...]) -> Said:
    status, said = answer.status, hidden(shown(answer.body), secrets)
    detail = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if status == HTTPStatus.GONE:
        return Said(Outcome.GONE, status, detail)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Said(Outcome.RETRY, status, f"HTTP {status}: redirects are not followed")
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _LATER:
        return Said(Outcome.DEAD, status, detail)
    return Said(Outcome.RETRY, status, detail, retry_after_s(answer.headers))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After (RFC 9110 section 10.2.3) or Feishu's own header asks for."""
    text = headers.get("retry-after") or headers.get("x-ogw-ratelimit-reset")
    if text is None:
        return None
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((until - datetime.now(UTC)).total_seconds(), 0.0) if until.tzinfo else None


def robot(answer: HttpAnswer, code_key: str, text_key: str, codes: Mapping[int, Said]) -> Said:
    """What a chat robot's answer means: HTTP 200 whatever happened, and a code in its JSON, 0 for success.

    codes: what is known of some codes; all others are tried again.
    """
    try:
        body: Any = json.loads(answer.body)
        code, text = int(body[code_key]), str(body.get(text_key, ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Said(Outcome.RETRY, answer.status, f"no {code_key} in its answer: {shown(answer.body)}")
    if code == 0:
        return Said(Outcome.DELIVERED, code, "ok")
    known = codes.get(code)
    detail = f"{code_key} {code}: {text[:_SHOWN]}" + (f" ({known.detail})" if known and known.detail else "")
    if known is None:
        return Said(Outcome.RETRY, code, detail)
    return Said(known.outcome, code, detail, known.retry_after_s)


def shown(body: bytes) -> str:
    """The start of an answer, on one line, without control characters."""
    text = body[: 4 * _SHOWN].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_SHOWN]


def hidden(text: str, secrets: tuple[str, ...]) -> str:
    """The text without the secrets that it may repeat."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return text
