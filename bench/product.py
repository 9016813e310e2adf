"""The whole product as a process, on free ports and a folder of its own."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from bench.servers import free_port
from core.estate import Estate
from storage.registry import open_registry

_CHECKOUT = Path(__file__).parents[1]
_START_WITHIN_S = 600.0


@dataclass
class Product:
    """`python -m wattline run` on DuckDB and SQLite with an external broker; a context manager.

    start_s: from starting the process to /readyz saying that messages are taken.
    """

    folder: Path
    broker_port: int
    http_port: int = field(default_factory=free_port)
    start_s: float = 0.0

    @property
    def registry_url(self) -> str:
        """Where to put an estate before it starts."""
        return f"sqlite:///{self.folder / 'registry.sqlite'}"

    def provide(self, estate: Estate, registers: list[tuple[str, str]]) -> None:
        """Register an estate before the start, as a long-running product would know it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        registry = open_registry(self.registry_url)
        registry.put_estate(estate)
        registry.add_registers(registers)
        registry.close()

    def __enter__(self) -> Self:
        started_s = time.monotonic()
        variables = {
            "WATTLINE_DATA_DIR": self.folder,
            "WATTLINE_HTTP__PORT": self.http_port,
            "WATTLINE_BROKER__KIND": "external",
            "WATTLINE_BROKER__PORT": self.broker_port,
        }
        with (self.folder / "product.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wattline", "run"],
                cwd=_CHECKOUT,
                env=os.environ | {key: str(value) for key, value in variables.items()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() - started_s > _START_WITHIN_S:
                self.__exit__()
                raise SystemExit(f"the product does not start:\n{self._log()[-2000:]}")
            time.sleep(0.05)
        self.start_s = time.monotonic() - started_s
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def get(self, path: str, **parameters: object) -> Any:  # noqa: ANN401 JSON
        """The JSON body of a GET; SystemExit on an error status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=600)
        try:
            connection.request("GET", f"{path}?{urlencode(parameters)}" if parameters else path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise SystemExit(f"{path} answers {answer.status}: {body[:500]!r}")
        return json.loads(body)

    def total(self, metric: str) -> float:
        """A counter of /metrics; 0 if it is not there yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=600)
        try:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        finally:
            connection.close()
        found = (line.split()[1] for line in lines if line.startswith(f"{metric} "))
        return float(next(found, 0.0))

    def wait_for(self, metric: str, least: float, within_s: float = 600.0) -> float:
        """Wait until a counter of /metrics has come so far; returns where it is then."""
        deadline = time.monotonic() + within_s
        while (total := self.total(metric)) < least:
            if time.monotonic() > deadline:
                raise SystemExit(
                    f"{metric} is {total:g} after {within_s:g} s, not {least:g}:\n{self._log()[-2000:]}"
                )
            time.sleep(0.2)
        return total

    def memory_mb(self) -> dict[str, float]:
        """Resident memory now and at its highest since the start, in MB of 1,000,000 bytes."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines()
        kib = {
            line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))
        }
        return {
            "rss": round(int(kib["VmRSS"]) * 1024 / 1e6, 1),
            "peak": round(int(kib["VmHWM"]) * 1024 / 1e6, 1),
        }

    def cpu_s(self) -> float:
        """CPU time used since the start, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == http.HTTPStatus.OK
            finally:
                connection.close()
        return False

    def _log(self) -> str:
        return (self.folder / "product.log").read_text(errors="replace")
