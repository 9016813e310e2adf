"""Wattline between real servers, with a network that can be made bad, and the audit at the end."""

import contextlib
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np
import pytest

from tests.faults.devices import COUNTER, MARKER, START_MS, STEP_MS, Devices
from tests.faults.proxy import Proxy
from tests.faults.report import Report
from tests.faults.servers import Influxd, Mosquitto, lasting_port, peak_rss_mb, shipped_mosquitto
from tests.faults.tap import Tap
from tests.product import HTTP, Product

NAME = {"zh": "名", "en": "name"}
SPAN = {"from": "2023-11-01T00:00:00Z", "to": "2033-11-01T00:00:00Z"}
_MARK_AGAIN_S = 3.0


@dataclass(frozen=True)
class Options:
    """How much of a campaign is run. seconds and size mean what the campaign says they mean."""

    trials: int = 3
    seed: int = 1
    store: str = "duckdb"
    rate: float = 1000.0
    seconds: float = 3.0
    kind: str = ""


class World(contextlib.ExitStack):
    """Devices, mosquitto, Wattline and its store; everything is killed at the end.

    settings: of mosquitto. direct: no proxy between Wattline and mosquitto.
    """

    def __init__(
        self,
        folder: Path,
        options: Options,
        campaign: str,
        *,
        settings: str | None = None,
        direct: bool = False,
    ) -> None:
        super().__init__()
        self.folder, self.options, self.direct = folder, options, direct
        self.random = random.Random(options.seed)
        self.report = Report(campaign, options.trials, options.seed, options.store)
        self.missing: set[int] = set()
        self._settings = shipped_mosquitto() if settings is None else settings

    def __enter__(self) -> Self:
        try:
            self._assemble()
        except BaseException:
            self.close()
            raise
        return super().__enter__()

    def _assemble(self) -> None:
        """Start the servers; Wattline and the devices are ready to be started."""
        folder, options = self.folder, self.options
        self.broker = Mosquitto(folder / "mosquitto", self._settings)
        self.callback(self.broker.kill)
        self.broker.start()
        self.devices = Devices(self.broker.port, count=10, rate=options.rate)
        self.tap = Tap(self.devices)
        self.to_broker = self.enter_context(Proxy(self.broker.port, seed=options.seed, tap=self.tap))
        (folder / "product").mkdir()
        self.product = Product(folder / "product", http_port=lasting_port())
        self.callback(self.product.kill)
        self.product.variables = {
            "WATTLINE_BROKER__KIND": "external",
            "WATTLINE_BROKER__PORT": str(self.to_broker.port),
        }
        if self.direct:
            self.product.variables["WATTLINE_BROKER__PORT"] = str(self.broker.port)
        if options.store == "influx":
            self.influx = Influxd(folder / "influxd")
            self.callback(self.influx.kill)
            self.influx.start()
            self.to_store = self.enter_context(Proxy(self.influx.port, seed=options.seed))
            self.store_at(self.to_store.port)

    def store_at(self, port: int) -> None:
        """InfluxDB is reached through this port from the next start on."""
        self.product.variables |= {
            "WATTLINE_STORE__KIND": "influx",
            "WATTLINE_STORE__URL": f"http://127.0.0.1:{port}",
        }

    def begin(self, *more: Devices) -> None:
        """Start Wattline, tell it of the devices, and have them publish."""
        self.product.start()
        self.provision(self.devices, *more)
        self.devices.start()
        for devices in more:
            devices.start()
        self.caught_up(self.devices.mark())

    def provision(self, *groups: Devices) -> None:
        for place in ("hall", "elsewhere"):
            self.product.post("places", {"id": place, "kind": "building", "name": NAME, "timezone": "UTC"})
        for group in groups:
            for name in group.meters():
                self.meter(name, "hall")
        self.meter(MARKER, "elsewhere")

    def meter(self, name: str, place: str) -> None:
        body = {"id": name, "kind": "meter", "place_id": place, "name": NAME, "expected_interval_s": 60}
        self.product.post("devices", body)

    def pause_s(self, low: float, high: float) -> None:
        """A random while; what follows happens at a random moment."""
        time.sleep(self.random.uniform(low, high))

    def recovered(self, since_s: float | None = None, within_s: float = 60.0) -> None:
        """Wait until everything published so far is stored; since_s is when the fault's cause was gone."""
        since_s = time.monotonic() if since_s is None else since_s
        self.caught_up(self.devices.mark(), within_s)
        self.report.recovered += 1
        self.report.recovery_s.append(time.monotonic() - since_s)

    def caught_up(self, marker: int, within_s: float = 60.0) -> None:
        """Wait until a marker is stored and acknowledged: what was published before it has gone before it.

        A marker that a broker has lost is followed by another.
        """
        wanted = START_MS + marker * STEP_MS
        first = np.datetime64(wanted, "ms").item().isoformat() + "Z"
        deadline = time.monotonic() + within_s
        again_s = time.monotonic() + _MARK_AGAIN_S
        query = {"device": MARKER, "quantity": COUNTER, "from": first, "to": SPAN["to"], "limit": 10}
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                answer = HTTP.get(f"{self.product.url}/api/v1/readings", params=query, timeout=10)
                if answer.status_code == 200 and answer.json()["items"] and self._acknowledged(marker):
                    return
            if time.monotonic() > again_s and not self.devices.stopped:
                again_s += _MARK_AGAIN_S
                self.devices.mark()
            time.sleep(0.05)
        pytest.fail(f"marker {marker} is not stored after {within_s} s:\n{self.product.log[-4000:]}")

    def _acknowledged(self, marker: int) -> bool:
        return self.direct or self.tap.marker >= marker

    def finish(self, *, lost_at_broker: bool = False) -> Report:
        """Let everything arrive, then compare what is stored with what was sent."""
        self.devices.resume()
        marker = self.devices.mark()
        self.devices.stop()
        self.caught_up(marker, 300)
        found = audit(self.product, self.devices)
        self.missing = found.pop("missing")
        self.report.add({**found, "lost": len(self.missing)})
        if not lost_at_broker:
            self.report.figures_wrong = figures_wrong(self.product, self.devices)
        self.report.more["redelivered"] = self.tap.redelivered()
        self.report.more["rss_mb"] = self.rss_mb()
        return self.report

    def missing_now(self) -> set[int]:
        """Numbers of the messages so far of which not everything is stored."""
        return audit(self.product, self.devices)["missing"]

    def rss_mb(self) -> float:
        assert self.product.process is not None
        return peak_rss_mb(self.product.process.pid)


def audit(product: Product, devices: Devices) -> dict[str, Any]:
    """Compare every stored reading of the devices with the one that was sent.

    missing: numbers of the messages of which not everything is stored.
    """
    counts = dict.fromkeys(("stored", "doubled", "unexpected"), 0)
    missing: set[int] = set()
    for meter, name in enumerate(devices.meters()):
        sent = (devices.attempted - meter + devices.count - 1) // devices.count
        for quantity in (COUNTER, "power_active"):
            ts_ms, value = rows(product, name, quantity)
            turn = (ts_ms - START_MS) // STEP_MS
            if quantity == COUNTER:
                right = meter + turn * 0.25 * (1 + meter % 4)
            else:
                right = np.full(len(turn), 1000.0 + meter)
            good = (value == right) & (turn >= 0) & (turn < sent) & ((ts_ms - START_MS) % STEP_MS == 0)
            kept = np.unique(turn[good])
            counts["unexpected"] += int((~good).sum())
            counts["doubled"] += int(good.sum()) - len(kept)
            if quantity == COUNTER:
                counts["stored"] += len(kept)
            absent = np.setdiff1d(np.arange(sent), kept, assume_unique=True)
            missing |= set((absent * devices.count + meter).tolist())
    return {
        **counts,
        "missing": missing,
        "attempted": devices.attempted,
        "acknowledged": devices.acknowledged,
    }


def rows(product: Product, device: str, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Times in ms and values of all readings of a register, as the API gives them."""
    ts, values, cursor = [], [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        answer = HTTP.get(
            f"{product.url}/api/v1/readings",
            params={"device": device, "quantity": quantity, "limit": 10_000, **SPAN, **more},
            timeout=60,
        )
        if answer.status_code == 404 and not ts:  # it never sent this quantity
            return np.empty(0, np.int64), np.empty(0)
        assert answer.is_success, answer.text
        page = answer.json()
        ts += [item["time"].removesuffix("Z").removesuffix("+00:00") for item in page["items"]]
        values += [item["value"] for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            return np.array(ts, "datetime64[ms]").astype(np.int64), np.array(values, np.float64)


def figures_wrong(product: Product, devices: Devices, within_s: float = 60.0) -> int:
    """Meters whose total of all intervals is not their last counter minus their first."""
    deadline = time.monotonic() + within_s
    while True:
        wrong = 0
        for meter, name in enumerate(devices.meters()):
            turns = (devices.attempted - meter + devices.count - 1) // devices.count
            whole = {"device": name, "energy": "electricity", "interval": "1mo", **SPAN}
            total = product.get("consumption", **whole)["total"]
            right = devices.kwh(meter, turns - 1) - devices.kwh(meter, 0)
            wrong += (total or 0.0) != pytest.approx(right, abs=1e-6)
            if wrong and time.monotonic() < deadline:
                break
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.25)
