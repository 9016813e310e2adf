"""Real servers for tests: mosquitto, InfluxDB, PostgreSQL, each on free ports of 127.0.0.1.

A missing binary skips the test and names the Debian package to install; with CI=true the
skip becomes a failure (see the conftest.py of the checkout).
"""

import contextlib
import getpass
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.02


@dataclass(frozen=True)
class Server:
    """Where a running server listens, and where its files and its log are."""

    port: int
    folder: Path

    @property
    def host(self) -> str:
        return "127.0.0.1"


@dataclass(frozen=True)
class InfluxServer(Server):
    """A running influxd."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class PostgresServer(Server):
    """A running PostgreSQL; databases are made by fresh_database."""

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary(name: str, package: str) -> str:
    """Path of a server's program; skips the test if it is not installed."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", *_postgres_folders()]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found


def _postgres_folders() -> list[str]:
    return sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)  # noqa: PTH207 - absolute


@contextlib.contextmanager
def running(command: list[str], folder: Path, answers: Callable[[], bool], **popen: object) -> Iterator[None]:
    """The server while the block runs: started, answering, and killed with its children."""
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, **popen
        )
    try:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-4000:]}")
            time.sleep(_POLL_S)
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to stop, then kill what is left of its group."""
    # SIGINT is what all three take as "stop now, in order".
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_TIMEOUT_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A mosquitto that anyone may use, with queues without bound."""
    program = binary("mosquitto", "mosquitto")
    folder, port = tmp_path_factory.mktemp("mosquitto"), free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        f"max_queued_messages 0\nmax_inflight_messages 0\nuser {getpass.getuser()}\n"
    )
    with running([program, "-c", str(config)], folder, lambda: accepts(port)):
        yield Server(port, folder)


INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  max-series-per-database = 0
  max-values-per-tag = 0
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
[logging]
  level = "error"
"""


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """An InfluxDB 1.x without users."""
    program = binary("influxd", "influxdb")
    folder = tmp_path_factory.mktemp("influxd")
    server = InfluxServer(free_port(), folder)
    config = folder / "influxdb.conf"
    config.write_text(INFLUX_CONFIG.format(rpc_port=free_port(), port=server.port, folder=folder))

    def answers() -> bool:
        with contextlib.suppress(urllib.error.URLError, OSError):
            return bool(urllib.request.urlopen(f"{server.url}/ping", timeout=1).status == 204)  # noqa: S310
        return False

    with running([program, "run", "-config", str(config)], folder, answers):
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL whose superuser postgres needs no password."""
    initdb, program = binary("initdb", "postgresql"), binary("postgres", "postgresql")
    # Not a folder of pytest's: those are closed to other users, and PostgreSQL won't run as root.
    with tempfile.TemporaryDirectory(prefix="wattline-postgres-") as made:
        folder = Path(made)
        user: dict[str, object] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = PostgresServer(free_port(), folder)
        data = folder / "data"
        subprocess.run(
            [
                initdb,
                "-D",
                str(data),
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
            **user,
        )
        command = [program, "-D", str(data), "-p", str(server.port), "-k", str(folder), "-h", "127.0.0.1"]

        def answers() -> bool:
            try:
                psycopg.connect(server.url("postgres"), connect_timeout=1).close()
            except psycopg.OperationalError:
                return False
            return True

        with running(command, folder, answers, cwd=folder, **user):
            yield server


@contextlib.contextmanager
def fresh_database(server: PostgresServer, name: str) -> Iterator[str]:
    """URL of a database of this name, which is there, and empty, only while the block runs."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
        try:
            yield server.url(name)
        finally:
            connection.execute(f'drop database "{name}" with (force)')
