"""A TCP proxy that makes a network bad, on a port of 127.0.0.1, in a thread of its own.

What it can do is named as in toxiproxy. A toxic applies to both directions of every
connection from the moment it is set. Reset and refusal are immediate.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

_CHUNK = 16 * 1024
_AHEAD = 64  # chunks that one direction may be ahead of its writer
_POLL_S = 0.01

Tap = Callable[[int, str, bytes], None]
"""Told of bytes as they are read: number of the connection, `up` (to the target) or `down`, bytes."""


@dataclass(frozen=True)
class Toxic:
    """latency: each chunk comes later; bandwidth: of each direction; timeout: nothing passes, and
    the connection is closed after so long (0: never); reset_peer: reset after so long; slicer:
    pieces of about so many bytes with a pause between; limit_data: closed after so many bytes."""

    latency_ms: float = 0
    jitter_ms: float = 0
    bandwidth_kb_s: float = 0
    timeout_ms: float | None = None
    reset_peer_ms: float | None = None
    slicer_bytes: int = 0
    slicer_delay_us: float = 0
    limit_data_bytes: int = 0


CLEAN = Toxic()


class Proxy:
    """Passes connections on to a port; a context manager."""

    def __init__(self, target_port: int, *, seed: int = 0, tap: Tap | None = None) -> None:
        self.target_port = target_port
        self.tap = tap
        self.toxic = CLEAN
        self.refusing = False
        self.connections = 0
        self.random = random.Random(seed)
        self.port = 0
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def set(self, toxic: Toxic) -> None:
        """Apply to the connections that are and to those that come, until another is set."""
        self._loop.call_soon_threadsafe(self._set, toxic)

    def reset(self) -> None:
        """Reset every connection now."""
        asyncio.run_coroutine_threadsafe(self._reset(), self._loop).result()

    def refuse(self, refusing: bool = True) -> None:  # noqa: FBT001, FBT002 - a switch
        """As if nobody listened: connections are reset as soon as they are made."""
        self.refusing = refusing
        if refusing:
            self.reset()

    def cut_soon(self) -> None:
        """As refuse, from any thread and without waiting for it."""
        self._loop.call_soon_threadsafe(self.cut_here)

    def cut_here(self) -> None:
        """Of a tap: reset the connections before what it has just been told of is passed on."""
        self.refusing = True
        for link in list(self._links):
            link.reset()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        await self._reset()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _set(self, toxic: Toxic) -> None:
        self.toxic = toxic
        for link in self._links:
            self._expire(link)

    def _expire(self, link: "_Link") -> None:
        """Have the connection end if the toxic says so and is still there then."""
        toxic = self.toxic
        for after_ms, end in ((toxic.timeout_ms, link.close), (toxic.reset_peer_ms, link.reset)):
            if after_ms:
                self._loop.call_later(after_ms / 1000, lambda end=end: self.toxic is toxic and end())

    async def _reset(self) -> None:
        for link in list(self._links):
            link.reset()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = _Link(self, self.connections, writer)
        if self.refusing:
            link.reset()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            link.reset()
            return
        link.writers.append(far_writer)
        self._links.add(link)
        self._expire(link)
        try:
            # Cancelled only at the end of the proxy, which asyncio's streams would complain of.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await link.carry((reader, far_writer, "up"), (far_reader, writer, "down"))
        finally:
            self._links.discard(link)
            link.close()


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, number: int, writer: asyncio.StreamWriter) -> None:
        self.proxy, self.number = proxy, number
        self.writers = [writer]
        self.carried_bytes = 0

    async def carry(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter, str]) -> None:
        tasks = [asyncio.create_task(self._pump(*way)) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def reset(self) -> None:
        for writer in self.writers:
            connection = writer.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):
                # Closing a socket that lingers for no time sends a reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def close(self) -> None:
        for writer in self.writers:
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_AHEAD)
        writing = asyncio.create_task(self._write(waiting, writer))
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(_CHUNK):
                if self.proxy.tap is not None:
                    self.proxy.tap(self.number, way, data)
                toxic = self.proxy.toxic
                late_ms = toxic.latency_ms + self.proxy.random.uniform(-1, 1) * toxic.jitter_ms
                await waiting.put((loop.time() + late_ms / 1000, data))
            await waiting.put((loop.time(), b""))
            await writing
        finally:
            writing.cancel()

    async def _write(self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s, data = await waiting.get()
            await asyncio.sleep(max(due_s - loop.time(), 0))
            while self.proxy.toxic.timeout_ms is not None:
                await asyncio.sleep(_POLL_S)
            if not data:
                return
            for piece in self._pieces(data):
                writer.write(piece)
                await writer.drain()
                await self._rest(len(piece))

    def _pieces(self, data: bytes) -> list[bytes]:
        size = self.proxy.toxic.slicer_bytes
        if not size:
            return [data]
        pieces = []
        while data:
            end = self.proxy.random.randint(1, 2 * size)
            pieces.append(data[:end])
            data = data[end:]
        return pieces

    async def _rest(self, written: int) -> None:
        toxic = self.proxy.toxic
        self.carried_bytes += written
        if toxic.limit_data_bytes and self.carried_bytes > toxic.limit_data_bytes:
            self.close()
        if toxic.bandwidth_kb_s:
            await asyncio.sleep(written / (toxic.bandwidth_kb_s * 1000))
        if toxic.slicer_delay_us:
            await asyncio.sleep(toxic.slicer_delay_us / 1e6)
