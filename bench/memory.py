"""Resident memory of the whole product: ingest, ledger, rules, API and DuckDB in one process.

Meters with five registers each, in buildings of ten, all of which have reported three times
over twenty minutes, so that every counter has a closed ledger interval and an open one. Per
number of registers, in MB of 1,000,000 bytes:

- `reported`: when all of it is in the figures;
- `checkpoint`: after the next checkpoint;
- `asked`: after an API client has asked for places, power, devices, a day's consumption of
  the whole site, and a snapshot of the live socket;
- `restarted`: after a stop and a start, and `asked_again` after the same requests;
- `peak`: the highest of both processes.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from bench.cores import machine
from bench.load import QUANTITIES, estate, message, registers
from bench.product import Product
from bench.servers import mosquitto
from simulators.publish import BrokerAddress, Publisher
from wattline.stages.rhythm import Rhythm

PERIOD_S = 600
ROUNDS = 3


async def report(broker_port: int, devices: int) -> None:
    """Every meter says three things, the last of them now."""
    start_ms = time.time_ns() // 1_000_000 - (ROUNDS - 1) * PERIOD_S * 1000
    async with Publisher(BrokerAddress(port=broker_port), client_id="bench") as publisher:
        for turn in range(ROUNDS):
            time_ms = start_ms + turn * PERIOD_S * 1000
            await publisher.publish(message(device, turn, time_ms) for device in range(devices))


def ask(product: Product) -> None:
    """What a page asks for, of everything at once."""
    for path in ("places", "power", "alerts", "devices?limit=5000", "consumption?place=load"):
        product.get(f"/api/v1/{path}")
    with connect(f"ws://127.0.0.1:{product.http_port}/api/v1/live", max_size=None) as socket:
        socket.recv()


def with_registers(count: int, folder: Path, broker_port: int, checkpoint_s: float) -> dict[str, Any]:
    """Memory at each step with so many registers."""
    devices = count // len(QUANTITIES)
    product = Product(folder, broker_port)
    product.provide(estate(devices, max(devices // 10, 1), PERIOD_S), registers(devices))
    found: dict[str, Any] = {}
    with product:
        found["empty"] = product.memory_mb()["rss"]
        asyncio.run(report(broker_port, devices))
        product.wait_for("wattline_messages_in_figures_total", ROUNDS * devices)
        found["reported"] = product.memory_mb()["rss"]
        time.sleep(checkpoint_s)
        found["checkpoint"] = product.memory_mb()["rss"]
        ask(product)
        found["asked"] = product.memory_mb()["rss"]
        peak = product.memory_mb()["peak"]
    with product:
        found["restarted"] = product.memory_mb()["rss"]
        ask(product)
        found["asked_again"] = product.memory_mb()["rss"]
        # The kernel adds up pages of several cores late: its peak can lie below what it said before.
        found["peak"] = max(peak, product.memory_mb()["peak"], *found.values())
        found["start_s"] = round(product.start_s, 2)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registers", nargs="+", type=int, default=[10_000, 100_000, 200_000])
    within_s = Rhythm().checkpoint_s + 5.0
    parser.add_argument("--checkpoint-s", type=float, default=within_s, help="a checkpoint comes within this")
    options = parser.parse_args()
    result: dict[str, Any] = machine()
    for count in options.registers:
        with tempfile.TemporaryDirectory() as name, mosquitto(Path(name)) as port:
            found = with_registers(count, Path(name) / "data", port, options.checkpoint_s)
        print(count, found, flush=True)
        result[f"with_{count}_registers_mb"] = found
    print(json.dumps(result))


if __name__ == "__main__":
    main()
