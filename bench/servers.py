"""Servers for benchmarks, each on a free port of this machine and gone at the end of its block."""

import asyncio
import contextlib
import getpass
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

_FOLDERS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin:/opt/homebrew/bin"
_INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
[logging]
  level = "error"
"""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def mosquitto(folder: Path, core: int | None = None) -> Iterator[int]:
    """Port of a mosquitto as production runs it: queues and messages in flight unbounded.

    core: to be pinned to instead of the cores of this process.
    """
    port, config = free_port(), folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        f"max_inflight_messages 0\nlog_type none\nuser {getpass.getuser()}\n"
    )
    with _running(["mosquitto", "-c", str(config)], "mosquitto", lambda: _accepts(port)) as pid:
        if core is not None:
            os.sched_setaffinity(pid, [core])
        yield port


@contextlib.contextmanager
def influxd(folder: Path) -> Iterator[str]:
    """URL of an InfluxDB 1.x without users, its data in the folder."""
    port, config = free_port(), folder / "influxdb.conf"
    config.write_text(_INFLUX_CONFIG.format(rpc_port=free_port(), port=port, folder=folder))
    url = f"http://127.0.0.1:{port}"
    with _running(["influxd", "run", "-config", str(config)], "influxdb", lambda: _pings(url)):
        yield url


@contextlib.contextmanager
def write_path_of_2x(url: str) -> Iterator[str]:
    """URL at which an InfluxDB before 1.8 takes /api/v2/write too.

    influxdb-client writes to no other path. A process of its own passes bytes on and rewrites
    nothing but the first line of a request, so what it costs is not the client's.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_rewrite, args=(int(url.rpartition(":")[2]), theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def _running(command: list[str], package: str, answers: Callable[[], bool]) -> Iterator[int]:
    program = shutil.which(command[0], path=_FOLDERS) or shutil.which(command[0])
    if program is None:
        raise SystemExit(f"{command[0]} is not installed: apt-get install {package}")
    process = subprocess.Popen(
        [program, *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            if answers():
                break
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with code {process.returncode}")
            time.sleep(0.05)
        else:
            raise SystemExit(f"{command[0]} does not answer")
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _pings(url: str) -> bool:
    with contextlib.suppress(urllib.error.URLError, OSError):
        return bool(urllib.request.urlopen(f"{url}/ping", timeout=1).status == 204)  # noqa: S310
    return False


def _rewrite(upstream_port: int, tell: "multiprocessing.connection.Connection[int, int]") -> None:
    async def serve() -> None:
        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await _pass_on(reader, writer, upstream_port)
            writer.close()

        server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream_port: int) -> None:
    """Requests of one connection up, answers down."""
    answers, upstream = await asyncio.open_connection("127.0.0.1", upstream_port)
    down = asyncio.create_task(_copy(answers, writer))
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            upstream.write(_old_path(head))
            left = int(found[1]) if found else 0
            while left:
                piece = await reader.read(min(left, 1 << 16))
                if not piece:
                    return
                left -= len(piece)
                upstream.write(piece)
            await upstream.drain()
    finally:
        upstream.close()
        down.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(1 << 16):
        writer.write(piece)
        await writer.drain()


def _old_path(head: bytes) -> bytes:
    line, rest = head.split(b"\r\n", 1)
    line = line.replace(b" /api/v2/write?", b" /write?").replace(b"bucket=", b"db=")
    return line.replace(b"precision=us", b"precision=u") + b"\r\n" + rest
