"""One HTTP POST to a place that a person has named, with as little trust as possible.

The name is resolved once, the address is checked (notify.addresses), and the connection goes to
that very address: what the name says a moment later does not matter. TLS and the Host header
are for the name. Redirects are answers like any other, proxies of the environment are ignored,
everything together takes at most so long, and only the start of an answer is read.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpcore

from notify.addresses import Resolve, choose, resolve

READ_BYTES = 16_384
"""How much of an answer is read."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers in lower case, and the start of the body."""

    status: int
    headers: dict[str, str]
    body: bytes


class NoAnswer(Exception):
    """Nothing that is HTTP came back; the message says what did, without the address's secrets."""


@dataclass(frozen=True, slots=True)
class Transport:
    """How messages leave. allowed: ranges that the operator opens; tls: None is what the system trusts.

    deadline_s: for name, connection, request and answer together.
    """

    allowed: tuple[str, ...] = ()
    deadline_s: float = 15.0
    tls: ssl.SSLContext | None = None
    resolve: Resolve = resolve

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Send and return whatever is answered. Raises AddressRefused or NoAnswer."""
        answer = _Reading()
        try:
            async with asyncio.timeout(self.deadline_s):
                await self._post(url, body, headers, answer)
        except TimeoutError:
            if answer.status is None:
                raise NoAnswer(f"no answer within {self.deadline_s:g} s") from None
            # The status is the answer; what drips after it may never end.
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise NoAnswer(_words(error)) from None
        except (OSError, httpcore.UnsupportedProtocol) as error:
            raise NoAnswer(_words(error)) from None
        return HttpAnswer(answer.status or 0, answer.headers, bytes(answer.body[:READ_BYTES]))

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], into: "_Reading") -> None:
        target = httpcore.URL(url)
        sent = [("Host", _host(target)), ("User-Agent", "wattline"), ("Content-Length", str(len(body)))]
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self.tls or ssl.create_default_context(),
            network_backend=_Pinned(self.allowed, self.resolve),
            retries=0,
        )
        async with (
            pool,
            pool.stream("POST", target, headers=[*sent, *headers.items()], content=body) as answer,
        ):
            into.headers = {
                key.decode("latin-1").lower(): value.decode("latin-1") for key, value in answer.headers
            }
            into.status = answer.status
            async for part in answer.aiter_stream():
                into.body += part
                if len(into.body) >= READ_BYTES:
                    break


@dataclass(slots=True)
class _Reading:
    """An answer as far as it has come."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to the one address that was checked."""

    def __init__(self, allowed: tuple[str, ...], look_up: Resolve) -> None:
        self._allowed = allowed
        self._resolve = look_up
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 the signature of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve once, choose, connect."""
        address = choose(host, await self._resolve(host, port), self._allowed)
        return await self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Pause between retries, of which there are none."""
        await self._sockets.sleep(seconds)


def _host(url: httpcore.URL) -> str:
    host = url.host.decode("ascii")
    host = f"[{host}]" if ":" in host else host
    usual = {b"http": 80, b"https": 443}.get(url.scheme)
    return host if url.port in (None, usual) else f"{host}:{url.port}"


def _words(error: Exception) -> str:
    """What went wrong, on one line; the causes of httpcore's errors say more than they do."""
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:300]
