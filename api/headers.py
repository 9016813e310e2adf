"""Security headers on every answer."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
# MapLibre starts its workers from blob: and draws icons from data: and blob:; charts, map and
# Swagger UI set inline styles. Scripts come from this server only, and none of them inline.
_PAGE_POLICY = (
    "default-src 'self'; "
    "script-src 'self'; "
    "worker-src 'self' blob:; "
    "child-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; "
    "font-src 'self' data:; "
    "connect-src 'self'; "
    "object-src 'none'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
_DATA_TYPES = ("application/json", "application/problem+json", "text/plain")
_HASHED = "/assets/"


def security_headers(content_type: str, *, secure: bool) -> dict[str, str]:
    """Headers for an answer of this type; secure: it is sent over HTTPS."""
    is_data = content_type.startswith(_DATA_TYPES)
    headers = _COMMON | {"Content-Security-Policy": _DATA_POLICY if is_data else _PAGE_POLICY}
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def cache_control(path: str, content_type: str) -> str:
    """How long a browser may keep an answer.

    Data not at all: its age is its own timestamps. Files are asked for again unless their
    name has their hash.
    """
    if content_type.startswith(_DATA_TYPES):
        return "no-store"
    return "public, max-age=31536000, immutable" if path.startswith(_HASHED) else "no-cache"


class SecurityHeaders:
    """ASGI middleware that adds both kinds of headers where a route set none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, adding headers to the start of the response."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                content_type = headers.get("content-type", "")
                for name, value in security_headers(content_type, secure=scope["scheme"] == "https").items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", cache_control(scope["path"], content_type))
            await send(message)

        await self.app(scope, receive, send_with_headers)
