"""Servers that can be killed, paused and started again over the same folder and port."""

import contextlib
import getpass
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from tests.servers import INFLUX_CONFIG, accepts, binary

ROOT = Path(__file__).parents[2]
_START_WITHIN_S = 30.0


def lasting_port() -> int:
    """A free port that stays free while its server is down.

    Below those that the system gives to connections: a client that tries to reach a port of
    those again and again is given it one day, and is then connected to itself.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


class Process(ABC):
    """One server; made stopped."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder = folder
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def answers(self) -> bool:
        """Whether it can be used."""

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_WITHIN_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{self.command[0]} did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, AttributeError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        """Ask it to end, as a service manager does."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def pause(self) -> None:
        """It keeps its port and its connections, and does nothing."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def rss_mb(self) -> float:
        assert self.process is not None
        return peak_rss_mb(self.process.pid)


def peak_rss_mb(pid: int) -> float:
    """Most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)


MOSQUITTO_DEFAULTS = ""
"""As mosquitto is when it is told nothing: no persistence, 1,000 messages in a queue."""

MOSQUITTO_PERSISTENT = "persistence true"
"""With persistence as mosquitto has it: everything is written every 1,800 s."""

_ABOUT_ACCESS = (
    "allow_anonymous",
    "password_file",
    "acl_file",
    "listener",
    "protocol",
    "cafile",
    "certfile",
    "keyfile",
    "tls_version",
    "require_certificate",
    "use_username_as_clientid",
    "persistence_location",
    "log_",
    "include_dir",
)


def shipped_mosquitto() -> str:
    """config/mosquitto without what is about access and places: queues, limits, persistence."""
    lines = (ROOT / "config" / "mosquitto" / "mosquitto.conf").read_text().splitlines()
    settings = [line for line in lines if line and not line.startswith("#")]
    return "\n".join(line for line in settings if not line.startswith(_ABOUT_ACCESS))


def on_changes_mosquitto() -> str:
    """As shipped, but everything is written after every change."""
    lines = [line for line in shipped_mosquitto().splitlines() if not line.startswith("autosave")]
    return "\n".join([*lines, "autosave_on_changes true", "autosave_interval 1"])


class Mosquitto(Process):
    """Anyone may use it; sessions and queues are kept, lost and bounded as settings say."""

    def __init__(self, folder: Path, settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.port = lasting_port()
        config = folder / "mosquitto.conf"
        # The listener comes first: what limits one would otherwise open the port 1883.
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n{settings}\nlog_type error\n"
            f"log_type warning\nuser {getpass.getuser()}\n"
            + (f"persistence_location {folder}/\n" if "persistence true" in settings else "")
        )
        super().__init__(folder, [binary("mosquitto", "mosquitto"), "-c", str(config)])

    def answers(self) -> bool:
        return accepts(self.port)


class Influxd(Process):
    """An InfluxDB 1.x without users."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.port = lasting_port()
        config = folder / "influxdb.conf"
        self.rpc_port = lasting_port()
        config.write_text(INFLUX_CONFIG.format(rpc_port=self.rpc_port, port=self.port, folder=folder))
        super().__init__(folder, [binary("influxd", "influxdb"), "run", "-config", str(config)])

    def back_up(self, target: Path) -> None:
        """Take a backup, for which influxd first writes its log out into its data files."""
        address = f"127.0.0.1:{self.rpc_port}"
        command = [self.command[0], "backup", "-portable", "-host", address, str(target)]
        subprocess.run(command, capture_output=True, check=True)

    def answers(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, OSError):
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=1).status == 204)
        return False
