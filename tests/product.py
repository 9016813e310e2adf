"""The whole product as a process on free ports: started, asked, killed, started again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.servers import free_port

CHECKOUT = Path(__file__).parents[1]
_START_WITHIN_S = 60.0
# One client for all requests, for making one takes 50 ms; no connection outlives a kill.
HTTP = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))


@dataclass
class Product:
    """`python -m wattline run` over a folder that outlives the process."""

    folder: Path
    arguments: tuple[str, ...] = ()
    subcommand: str = "run"
    variables: dict[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    mqtt_port: int = field(default_factory=free_port)
    mqtt5_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def log(self) -> str:
        return (self.folder / "product.log").read_text(errors="replace")

    def environment(self) -> dict[str, str]:
        """Of every command that belongs to this product."""
        own = {
            "WATTLINE_DATA_DIR": str(self.folder / "data"),
            "WATTLINE_HTTP__PORT": str(self.http_port),
            "WATTLINE_BROKER__DEVICE_PORT": str(self.mqtt_port),
            "WATTLINE_BROKER__PORT": str(self.mqtt5_port),
        }
        return {**os.environ, "PYTHONPATH": str(CHECKOUT), **own, **self.variables}

    def start(self) -> "Product":
        """Start and wait until it is ready."""
        return self.launch(self._ready)

    def launch(self, ready: Callable[[], bool]) -> "Product":
        """Start and wait until ready says so."""
        with (self.folder / "product.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wattline", self.subcommand, *self.arguments],
                cwd=CHECKOUT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_WITHIN_S
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the product did not become ready:\n{self.log[-4000:]}")
            time.sleep(0.05)
        return self

    def _ready(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return HTTP.get(f"{self.url}/readyz", timeout=2).status_code == 200
        return False

    def command(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run another command of Wattline beside it."""
        return subprocess.run(
            [sys.executable, "-m", "wattline", *arguments],
            cwd=CHECKOUT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def get(self, path: str, **parameters: object) -> dict:
        """The JSON body of a GET under /api/v1; fails on an error status."""
        answer = HTTP.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()

    def post(self, path: str, body: dict) -> None:
        answer = HTTP.post(f"{self.url}/api/v1/{path}", json=body, timeout=30)
        assert answer.is_success, answer.text

    def total(self, metric: str) -> float:
        """A counter of /metrics; 0 if it is not there yet."""
        for line in HTTP.get(f"{self.url}/metrics", timeout=30).text.splitlines():
            if line.startswith(f"{metric} "):
                return float(line.split()[1])
        return 0.0

    def wait_until(self, true, within_s: float = 30.0, what: str = "what was expected") -> None:
        deadline = time.monotonic() + within_s
        while not true():
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not happen within {within_s} s:\n{self.log[-4000:]}")
            time.sleep(0.05)

    def settled(self) -> bool:
        """Whether every figure is final for now."""
        return HTTP.get(f"{self.url}/readyz", timeout=30).json()["ledger_pending"] == 0

    def kill(self) -> None:
        """kill -9, the broker and all other children too."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def product(tmp_path):
    """A product that is not started yet; killed at the end."""
    made = Product(tmp_path)
    yield made
    made.kill()
