"""How fast a queued session drains: a null consumer against the whole pipeline on DuckDB.

Messages of five values and about 135 B wait in a mosquitto session (another process). The
null consumer takes and acknowledges them. Wattline decodes, validates, stores and
acknowledges them and keeps ledger, rules and live power, all meters being registered
before. CPU is that of this process.
"""

import argparse
import asyncio
import itertools
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Self

from bench.brokers import mosquitto
from core.model import Device, DeviceKind, Estate, Name, Place, PlaceKind
from core.ports import RawBatch
from ingest.decoders import native
from ingest.mqtt import MqttOptions, MqttSource
from simulators.publish import BrokerAddress, Publisher
from simulators.stream import Message
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.catalogs import Catalogs
from wattline.configuration import load_estate
from wattline.feed import LiveFeed
from wattline.pipeline import Pipeline

CONFIG = Path(__file__).parents[1] / "config"
NAME = Name("载", "load")
QUANTITIES = ("energy_active_import_total", "power_active", "voltage_l1", "current_l1", "power_factor")


def now_us() -> int:
    """Wall clock in microseconds since 1970."""
    return time.time_ns() // 1000


def messages(count: int, devices: int) -> list[Message]:
    """Readings of devices in turn, one every ten seconds of their time, up to now."""
    rounds = -(-count // devices)
    start_ms = now_us() // 1000 - rounds * 10_000
    made = []
    for number in range(count):
        turn, device = divmod(number, devices)
        payload = (
            f'{{"ts":{start_ms + turn * 10_000},"energy_active_import_total":{1000 + turn * 0.03:.2f},'
            f'"power_active":{10800 + device},"voltage_l1":229.8,"current_l1":15.7,"power_factor":0.97}}'
        )
        made.append(Message(f"wattline/v1/load-{device:05d}/readings", payload.encode()))
    return made


def estate(devices: int) -> Estate:
    """One building with that many meters, under the rules that ship."""
    meters = tuple(
        Device(f"load-{at:05d}", DeviceKind.METER, "load", NAME, expected_interval_s=10)
        for at in range(devices)
    )
    return Estate((Place("load", PlaceKind.BUILDING, NAME, "UTC"),), meters, load_estate(CONFIG).rules)


async def queue_up(options: MqttOptions, backlog: list[Message]) -> None:
    """Open the session, leave it, and publish what it will find."""
    source = MqttSource(options, itertools.count(1).__next__)
    batches = source.batches()
    waiting = asyncio.ensure_future(anext(batches, None))
    while not source.connected:  # noqa: ASYNC110 the source offers no event
        await asyncio.sleep(0.01)
    source.close()
    await waiting
    await batches.aclose()
    async with Publisher(BrokerAddress(options.host, options.port), client_id="bench") as publisher:
        await publisher.publish(backlog)


async def drain_null(options: MqttOptions, count: int) -> dict[str, float]:
    """Take and acknowledge everything."""
    source = MqttSource(options, itertools.count(1).__next__)
    with _Meter(count) as meter:
        left = count
        async for batch in source.batches():
            source.ack(batch)
            left -= len(batch.topics)
            if left <= 0:
                source.close()
    return meter.result


async def drain_pipeline(options: MqttOptions, count: int, devices: int, folder: Path) -> dict[str, float]:
    """Take everything through the pipeline; ends when the last message is acknowledged."""
    registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    registry.put_estate(estate(devices))
    registry.add_registers([(f"load-{at:05d}", name) for at in range(devices) for name in QUANTITIES])
    store = DuckDBStore(folder / "wattline.duckdb", threads=1)
    source = _Counting(options, itertools.count(now_us()).__next__)
    source.left = count
    pipeline = Pipeline(
        source=source,
        decoder=native,
        store=store,
        registry=registry,
        catalogs=Catalogs(registry),
        feed=LiveFeed(asyncio.get_running_loop()),
        now_us=now_us,
    )
    with _Meter(count) as meter:
        await pipeline.run()
    stored = pipeline.totals["wattline_readings_total"]
    if stored != 5 * count:
        raise SystemExit(f"stored {stored} of {5 * count} values: {dict(pipeline.totals)}")
    store.close()
    registry.close()
    return meter.result


class _Counting(MqttSource):
    """Closes itself after the last acknowledgement."""

    left = 0

    def ack(self, batch: RawBatch) -> None:
        super().ack(batch)
        self.left -= len(batch.topics)
        if self.left <= 0:
            self.close()


class _Meter:
    """Wall and CPU time of the block as rates."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.result: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.started, self.cpu = time.perf_counter(), _cpu_s()
        return self

    def __exit__(self, *_: object) -> None:
        took_s, cpu_s = time.perf_counter() - self.started, _cpu_s() - self.cpu
        self.result = {"per_s": self.count / took_s, "cpu_s_per_million": cpu_s / self.count * 1e6}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def run(count: int, devices: int) -> dict[str, float]:
    """Both consumers, one after the other, over the same messages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with mosquitto(folder) as port:
            backlog = messages(count, devices)
            results: dict[str, float] = {}
            for client in ("null", "duckdb"):
                options = MqttOptions(
                    "127.0.0.1", port, native.TOPIC_FILTERS[:1], client_id=f"bench-{client}"
                )
                await queue_up(options, backlog)
                if client == "null":
                    result = await drain_null(options, count)
                else:
                    result = await drain_pipeline(options, count, devices, folder)
                results |= {f"{client}_{key}": round(value, 2) for key, value in result.items()}
    results["duckdb_of_null"] = round(results["duckdb_per_s"] / results["null_per_s"], 3)
    return {"messages": count, "devices": devices, **results}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--devices", type=int, default=5_000)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(run(options.messages, options.devices))))
