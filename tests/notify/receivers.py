"""Real receivers on free ports of 127.0.0.1: HTTP that behaves as scripted, and SMTP."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller

from tests.servers import free_port


@dataclass
class Request:
    """What came in: path with query, headers in lower case, body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP server. script: what to do with each request in turn, the last for all others."""

    script: list[Callable] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    @contextlib.asynccontextmanager
    async def serving(self, tls=None):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        tasks = asyncio.all_tasks()
        try:
            yield self
        finally:
            server.close()
            for task in asyncio.all_tasks() - tasks - {asyncio.current_task()}:
                if task.get_coro().__qualname__.startswith("Receiver."):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
            await server.wait_closed()

    async def _serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.rstrip().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append(Request(first.split()[1], headers, body))
                step = (
                    self.script[min(len(self.requests), len(self.script)) - 1] if self.script else answer(204)
                )
                await step(writer)
                await writer.drain()
            finally:
                writer.close()


def answer(status, body=b"", **headers):
    """Answers with a status; header names with _ for -."""

    async def step(writer):
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return step


def hang(seconds=3600.0):
    """Takes the request and says nothing."""

    async def step(_):
        await asyncio.sleep(seconds)

    return step


def drip(status=200, each_s=0.02):
    """Sends the status, then a byte now and then, for ever."""

    async def step(writer):
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 1000000\r\n\r\n".encode())
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(each_s)

    return step


def drip_headers(each_s=0.02):
    """Never ends the first line."""

    async def step(writer):
        while True:
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(each_s)

    return step


def flood(megabytes=8):
    """A good answer that is far too long."""

    async def step(writer):
        writer.write(f"HTTP/1.1 200 Said\r\nContent-Length: {megabytes << 20}\r\n\r\n".encode())
        for _ in range(megabytes):
            writer.write(b"x" * (1 << 20))
            await writer.drain()

    return step


def slam():
    """Closes without a word."""

    async def step(writer):
        writer.transport.abort()

    return step


class Mailbox:
    """Handler of aiosmtpd: keeps what it takes; refuse(address) gives an answer or None."""

    def __init__(self, refuse=lambda _: None, data=None):
        self.mails = []
        self._refuse = refuse
        self._data = data

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if (said := self._refuse(address)) is not None:
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        if self._data is not None:
            return self._data
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


@contextlib.contextmanager
def mail_server(mailbox, **options):
    """The port of a mail server while the block runs."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
