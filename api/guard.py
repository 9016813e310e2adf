"""What a request must pass before a route sees it: who sent it and how large it is."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def is_foreign(headers: Headers, allowed_origins: tuple[str, ...]) -> bool:
    """Whether a page of another host sent this; a client that is no browser sends no Origin."""
    origin = headers.get("origin")
    if origin is None or origin in allowed_origins:
        return False
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return True
    return not host or host.lower() != headers.get("host", "").lower()


class SameOrigin:
    """ASGI middleware that refuses changes sent by pages of other hosts (CSRF)."""

    def __init__(self, app: ASGIApp, allowed_origins: tuple[str, ...]) -> None:
        self.app = app
        self.allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 403."""
        changes = scope["type"] == "http" and scope["method"] not in _SAFE_METHODS
        if changes and is_foreign(Headers(scope=scope), self.allowed_origins):
            refusal = problems.answer(403, "a page of another host may not change anything here")
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)


class HeadIsGet:
    """ASGI middleware that answers HEAD as GET without the body; routes only know GET."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_bodiless(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, send_bodiless)


class BodyLimit:
    """ASGI middleware that bounds request bodies, announced or streamed.

    Starlette's own answers in plain text, which is no problem document.
    most_at: other bounds of single paths.
    """

    def __init__(self, app: ASGIApp, most_bytes: int, most_at: Mapping[str, int]) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.most_at = most_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most_bytes = self.most_at.get(scope["path"], self.most_bytes)
        too_large = f"the body is longer than {most_bytes} bytes"
        taken = 0

        async def receive_bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most_bytes:
                raise HTTPException(413, too_large)
            return message

        await self.app(scope, receive_bounded, send)
