"""How long after publishing a reading can be read, and an alert or a power is on the live socket.

The real product, with mosquitto, DuckDB, HTTP and WebSocket, while 10,000 meters publish five
values each at 1,000, 10,000 and 20,000 messages/s. Among them 20 meters send a marker every
second, each in a building of its own: a new power, and a current that makes an alert fire
or resolve at once. Measured from the moment a marker was due to be published, whether the
publisher was late or not, to the moment when

- `alert`: the message with this value has come on the live socket;
- `power`: so has the power of its building, which is sent five times a second;
- `readable`: GET /api/v1/readings has answered with it, asked again and again by one client
  for every second marker.

First the lowest rate while rules on figures are looked at for the first time, which takes a
core, then every rate. All in ms; `missed` counts markers that did not come within ten seconds.
"""

import argparse
import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import connect

from bench.cores import machine, percentiles
from bench.load import NAME, estate, registers
from bench.product import Product
from bench.servers import mosquitto
from bench.steady import SteadyLoad
from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, Place, PlaceKind, Severity
from core.rules import Rule, Selector, Threshold
from simulators.publish import BrokerAddress, Publisher
from simulators.stream import Message

MARKERS = 20
QUANTITIES = ("energy_active_import_total", "power_active", "current_l1")
BUILDINGS = 100
_SETTLE_S = 5.0
_PATIENCE_S = 10.0
_ROUND_S = 10
_ROUNDS = 'wattline_rounds_total{of="figures"}'
_SEEN = ("alert", "power", "readable")


def marker_estate() -> Estate:
    """The marker meters, and a rule that fires and resolves without waiting."""
    places = [Place(f"marker-{at}", PlaceKind.BUILDING, NAME, "UTC") for at in range(MARKERS)]
    meters = [
        Device(f"marker-{at}", DeviceKind.METER, f"marker-{at}", NAME, expected_interval_s=1)
        for at in range(MARKERS)
    ]
    rule = Rule(
        id="marker",
        name=NAME,
        severity=Severity.INFO,
        action=NAME,
        condition=Threshold("current_l1", Comparator.ABOVE, threshold=100.0, clear_threshold=50.0),
        select=Selector(devices=tuple(meter.id for meter in meters)),
        origin="api",  # a rule of files that no file states would be dropped at the start
    )
    return Estate(tuple(places), tuple(meters), (rule,))


class Markers:
    """What was published when, and when each was seen where.

    Marker n, counted from the first rate on, is of meter n % MARKERS; its power is 1000 + n W
    and its current 200 + n / 1000 A (the alert fires) or n / 1000 A (it resolves) in turn.
    """

    def __init__(self, product: Product, first: int, seconds: int) -> None:
        self._product = product
        self._numbers = range(first, first + seconds * MARKERS)
        self._due_s: dict[int, float] = {}
        self._waiting: dict[str, dict[Any, int]] = {name: {} for name in _SEEN}
        self._published = asyncio.Event()
        self.took_ms: dict[str, list[float]] = {name: [] for name in _SEEN}

    async def measure(self) -> None:
        """Publish all, on schedule, and watch for them."""
        async with asyncio.TaskGroup() as watching:
            listener = watching.create_task(self._listen())
            reader = watching.create_task(self._read())
            await asyncio.sleep(1.0)  # the socket's first message is the whole state
            await self._publish()
            deadline = time.monotonic() + _PATIENCE_S
            while any(self._waiting.values()) and time.monotonic() < deadline:  # noqa: ASYNC110 polled anyway
                await asyncio.sleep(0.05)
            listener.cancel()
            reader.cancel()

    def missed(self) -> int:
        """Of all three kinds."""
        return sum(map(len, self._waiting.values()))

    @property
    def published(self) -> int:
        """How many markers there were."""
        return len(self._numbers)

    async def _publish(self) -> None:
        address = BrokerAddress(port=self._product.broker_port)
        async with Publisher(address, client_id="bench-markers") as publisher:
            started_s = time.monotonic()
            for number in self._numbers:
                due_s = self._due_s[number] = started_s + (number - self._numbers.start) / MARKERS
                meter, power_w = f"marker-{number % MARKERS}", 1000 + number
                current_a = number / 1000 + (200 if number // MARKERS % 2 == 0 else 0)
                await asyncio.sleep(max(due_s - time.monotonic(), 0))
                self._waiting["alert"][meter, current_a] = number
                self._waiting["power"][meter, power_w] = number
                if number % 2 == 0:
                    self._waiting["readable"][meter, power_w] = number
                payload = msgspec.json.encode(
                    {
                        "ts": time.time_ns() // 1_000_000,
                        "energy_active_import_total": power_w,
                        "power_active": power_w,
                        "current_l1": current_a,
                    }
                )
                await publisher.publish([Message(f"wattline/v1/{meter}/readings", payload)])
                self._published.set()

    async def _listen(self) -> None:
        async with connect(f"ws://127.0.0.1:{self._product.http_port}/api/v1/live", max_size=None) as socket:
            async for text in socket:
                now_s = time.monotonic()
                said = msgspec.json.decode(text)
                if said["type"] == "alert":
                    self._saw("alert", (said["alert"]["device_id"], said["alert"]["value"]), now_s)
                elif said["type"] == "power":
                    for item in said["items"]:
                        self._saw("power", (item["place"], item["power_w"]), now_s)

    async def _read(self) -> None:
        waiting = self._waiting["readable"]
        async with _client(self._product) as client:
            since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            while True:
                while not waiting:
                    self._published.clear()
                    await self._published.wait()
                meter, _ = next(iter(waiting))
                answer = await client.get(
                    "/api/v1/readings",
                    params={"device": meter, "quantity": "power_active", "from": since, "limit": 1000},
                )
                answer.raise_for_status()
                now_s = time.monotonic()
                for item in msgspec.json.decode(answer.content)["items"]:
                    self._saw("readable", (meter, item["value"]), now_s)

    def _saw(self, where: str, key: tuple[str, float], now_s: float) -> None:
        number = self._waiting[where].pop(key, None)
        if number is not None:
            self.took_ms[where].append((now_s - self._due_s[number]) * 1e3)


@contextlib.asynccontextmanager
async def _client(product: Product) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{product.http_port}", timeout=60) as client:
        yield client


def at_rate(product: Product, devices: int, per_s: int, first: int, seconds: int) -> dict[str, Any]:
    """One rate: figures by what was waited for, and whether the publisher kept its schedule."""
    taken = product.total("wattline_messages_total")
    with SteadyLoad(product.broker_port, devices, per_s) as load:
        time.sleep(_SETTLE_S)
        before_s, cpu_s = time.monotonic(), product.cpu_s()

        async def measure() -> Markers:
            markers = Markers(product, first, seconds)
            await markers.measure()
            return markers

        markers = asyncio.run(measure())
        busy = (product.cpu_s() - cpu_s) / (time.monotonic() - before_s)
    product.wait_for("wattline_messages_total", taken + load.sent + markers.published, within_s=60)
    return {
        **{name: percentiles(values) for name, values in markers.took_ms.items() if values},
        "markers": markers.published,
        "missed": markers.missed(),
        "sent": load.sent,
        "publisher_late_p99_ms": load.late_p99_ms,
        "publisher_late_max_ms": load.late_max_ms,
        "product_cores": round(busy, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", nargs="+", type=int, default=[1_000, 10_000, 20_000])
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=30, help="at each rate")
    options = parser.parse_args()
    result: dict[str, Any] = {"devices": options.devices, "seconds": options.seconds, **machine()}
    with tempfile.TemporaryDirectory() as name, mosquitto(Path(name)) as port:
        product = Product(Path(name) / "data", port)
        whole = estate(options.devices, min(BUILDINGS, options.devices)).joined(marker_estate())
        markers = [(f"marker-{at}", quantity) for at in range(MARKERS) for quantity in QUANTITIES]
        product.provide(whole, registers(options.devices) + markers)
        with product:
            found = at_rate(product, options.devices, options.rates[0], 0, _ROUND_S)
            result[f"round_{options.rates[0]}_per_s"] = found
            print("in the first round of rules on figures", found, flush=True)
            product.wait_for(_ROUNDS, 1, within_s=300)
            for turn, per_s in enumerate(options.rates):
                first = (_ROUND_S + turn * options.seconds) * MARKERS
                found = at_rate(product, options.devices, per_s, first, options.seconds)
                result[f"at_{per_s}_per_s"] = found
                print(per_s, found, flush=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
