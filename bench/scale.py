"""What grows with the number of devices: cost of a message, registering, starting, checkpoints.

Per number of devices, with five registers each, on DuckDB and SQLite, pinned to one core:

- `estate_s`: placing so many devices in the registry at once;
- `register_s`, `register_cpu_s`: taking the first message of each, which makes its five
  registers;
- `start_s`, `start_cpu_s`: opening the stores and restoring the checkpoint in a fresh process;
- `per_s`, `cpu_s_per_million`: taking the same number of messages at each size, all known;
- `checkpoint_s`, `checkpoint_mb`: the longest save, for which ingest waits, and its size;
- `peak_mb`: resident memory at its highest (there is no API in this process).
"""

import argparse
import asyncio
import itertools
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.clients import CountingSource
from bench.cores import Meter, alone, leave_one_core, machine
from bench.load import estate, message, messages, now_us, queue_up, session
from bench.servers import mosquitto
from core.ports import Registry
from ingest.decoders import native
from simulators.stream import Message
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.pipeline import Pipeline

METERS_A_BUILDING = 10


class _Clocked:
    """A pipeline over a folder, with the times of its parts."""

    def __init__(self, folder: Path, source: CountingSource) -> None:
        started_s, cpu_s = time.perf_counter(), time.process_time()
        self.registry: Registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
        self._store = DuckDBStore(folder / "wattline.duckdb", threads=1)
        self._source = source
        self.pipeline = Pipeline(
            source=source,
            decoder=native,
            store=self._store,
            registry=self.registry,
            catalogs=Catalogs(self.registry),
            feed=LiveFeed(asyncio.get_running_loop()),
            now_us=now_us,
        )
        self._meter = Meter(source.left)
        self.save_s: list[float] = []
        self.start_s = self.start_cpu_s = 0.0
        derivation = self.pipeline.derivation
        restore, save = derivation.restore, derivation.save

        def timed_restore() -> int:
            restored = restore()
            self.start_s, self.start_cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
            self._meter.__enter__()
            return restored

        def timed_save() -> None:
            if source.left <= 0 and not self._meter.result:
                self._meter.__exit__()
            before_s = time.perf_counter()
            save()
            self.save_s.append(time.perf_counter() - before_s)

        derivation.restore = timed_restore  # type: ignore[method-assign]
        derivation.save = timed_save  # type: ignore[method-assign]

    async def run(self) -> dict[str, float]:
        """Take all messages; rate and cost between the end of the start and the last save."""
        messages = self._source.left
        await self.pipeline.run()
        if self.pipeline.totals["wattline_messages_total"] != messages or any(
            name.startswith("wattline_rejected") for name in self.pipeline.totals
        ):
            raise SystemExit(f"not all is stored: {dict(self.pipeline.totals)}")
        saved = map(self.registry.load_checkpoint, self.registry.checkpoint_names())
        saved_bytes = sum(len(checkpoint.state) for checkpoint in saved if checkpoint)
        self._store.close()
        self.registry.close()
        return {
            **self._meter.result,
            "took_s": messages / self._meter.result["per_s"],
            "start_s": round(self.start_s, 3),
            "start_cpu_s": round(self.start_cpu_s, 3),
            "checkpoint_s": round(max(self.save_s), 3),
            "checkpoint_mb": round(saved_bytes / 1e6, 3),
            "peak_mb": round(_peak_bytes() / 1e6, 1),
        }


def first_messages(folder: Path, broker_port: int, devices: int) -> dict[str, float]:
    """Register an estate, then what its devices report."""
    started_s = time.perf_counter()
    registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
    registry.put_estate(estate(devices, max(devices // METERS_A_BUILDING, 1)))
    registry.close()
    estate_s = time.perf_counter() - started_s
    found = steady(folder, broker_port, "first", devices)
    return {
        "estate_s": round(estate_s, 3),
        "register_s": round(found["took_s"], 3),
        "register_cpu_s": round(found["cpu_s_per_million"] * devices / 1e6, 3),
    }


def steady(folder: Path, broker_port: int, client_id: str, count: int) -> dict[str, float]:
    """Take so many messages that wait."""

    async def take() -> dict[str, float]:
        return await _Clocked(folder, CountingSource(session(broker_port, client_id), count)).run()

    return asyncio.run(take())


def with_devices(devices: int, count: int, core: int | None) -> dict[str, float]:
    """Everything of one size."""
    with tempfile.TemporaryDirectory() as name, mosquitto(Path(name)) as port:
        folder = Path(name)
        asyncio.run(queue_up(session(port, "first"), _first(devices)))
        found = alone(core, first_messages, folder, port, devices)
        asyncio.run(queue_up(session(port, "steady"), messages(count, devices)))
        found |= alone(core, steady, folder, port, "steady", count)
    return {name: value for name, value in found.items() if name != "took_s"}


def _first(devices: int) -> list[Message]:
    """One message of each, from before all others."""
    hour_ago_ms = time.time_ns() // 1_000_000 - 3_600_000
    return list(itertools.starmap(message, ((device, 0, hour_ago_ms) for device in range(devices))))


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", nargs="+", type=int, default=[1_000, 10_000, 50_000, 200_000])
    parser.add_argument("--messages", type=int, default=200_000)
    options = parser.parse_args()
    where, core = machine(), leave_one_core()
    result: dict[str, Any] = {"messages": options.messages, **where, "pinned": core is not None}
    for devices in options.devices:
        found = with_devices(devices, options.messages, core)
        print(devices, found, flush=True)
        result[f"with_{devices}_devices"] = found
    print(json.dumps(result))


if __name__ == "__main__":
    main()
