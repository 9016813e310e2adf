"""What a fuzz campaign gives its inputs to, and what it counts. tests/fuzz/run.py starts one.

A claim that breaks is kept as an input in the campaign's folder, and the campaign goes on.
"""

import asyncio
import gc
import json
import os
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import intake, messages, stream

TRACED_FROM, TRACED_TO = 0.7, 0.95  # of the campaign: tracemalloc makes everything slow
PAGE = os.sysconf("SC_PAGE_SIZE")


class Campaign:
    """Gives inputs to `target` until the time is over, and counts.

    tell: takes a line. end: takes the exit code, 1 if something broke.
    """

    def __init__(
        self,
        name: str,
        target: Callable[[bytes], None],
        seconds: float,
        folder: Path,
        *,
        tell: Callable[[str], None],
        end: Callable[[int], None],
    ) -> None:
        self.tell, self.end = tell, end
        self.name, self.target, self.seconds, self.folder = name, target, seconds, folder
        self.execs, self.slowest_s, self.slowest_cpu_s = 0, 0.0, 0.0
        self.broken: dict[str, int] = {}
        self.memory: list[tuple[int, int]] = []
        self.traced: tuple[int, tracemalloc.Snapshot] | None = None
        self.held_by: list[str] = []
        self.traced_bytes_per_exec = float("nan")
        self.started = self.looked = time.monotonic()

    def one_input(self, data: bytes) -> None:
        """Called by libFuzzer."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            self.target(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            self._keep(error, data)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.execs += 1
        if cpu > self.slowest_cpu_s and not tracemalloc.is_tracing():
            (self.folder / "slowest").write_bytes(data)
        if not tracemalloc.is_tracing():
            self.slowest_s, self.slowest_cpu_s = max(wall, self.slowest_s), max(cpu, self.slowest_cpu_s)
        if time.monotonic() - self.looked > 0.5:
            self._look()

    def _keep(self, error: Exception, data: bytes) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        if place not in self.broken:
            (self.folder / f"broken-{len(self.broken)}").write_bytes(data)
            self.tell(f"{self.name}: {place}: {error!s:.300}")
        self.broken[place] = self.broken.get(place, 0) + 1

    def _look(self) -> None:
        self.looked = time.monotonic()
        done = (self.looked - self.started) / self.seconds
        if done < TRACED_FROM:
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
            self.memory.append((self.execs, resident))
        elif done < TRACED_TO and not tracemalloc.is_tracing():
            tracemalloc.start()
            self.looked = time.monotonic() + 0.02 * self.seconds  # caches fill once more
        elif done < TRACED_TO and self.traced is None:
            gc.collect()
            self.traced = self.execs, tracemalloc.take_snapshot()
        elif done >= TRACED_TO and self.traced and tracemalloc.is_tracing():
            gc.collect()
            self._compare(*self.traced)
            tracemalloc.stop()
        if done >= 1:
            self._finish()

    def _compare(self, execs: int, before: tracemalloc.Snapshot) -> None:
        """What is held now and was not then, for each input since, and the places that hold most of it."""
        since = max(1, self.execs - execs)
        grown = tracemalloc.take_snapshot().compare_to(before, "lineno")
        self.traced_bytes_per_exec = sum(line.size_diff for line in grown) / since
        largest = sorted(grown, key=lambda line: -line.size_diff)[:4]
        self.held_by = [f"{_place(line.traceback[0])} {line.size_diff / since:.0f} B" for line in largest]

    def _finish(self) -> None:
        execs, resident = np.array(self.memory, np.float64)[len(self.memory) // 2 :].T
        slope = np.polyfit(execs, resident, 1)[0] if len(execs) > 1 else float("nan")
        result = {
            "fuzz": self.name,
            "seconds": round(time.monotonic() - self.started),
            "execs": self.execs,
            "broken": self.broken,
            "slowest_ms": round(1e3 * self.slowest_s, 1),
            "slowest_cpu_ms": round(1e3 * self.slowest_cpu_s, 1),
            "rss_mib": round(resident[-1] / 2**20),
            "rss_bytes_per_exec": _rounded(slope),
            "traced_bytes_per_exec": _rounded(self.traced_bytes_per_exec),
            "held_by": self.held_by,
        }
        self.tell(json.dumps(result))
        self.end(1 if self.broken else 0)


def _place(frame: tracemalloc.Frame) -> str:
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 2)


def decoder_target(rig: intake.Rig) -> Callable[[bytes], None]:
    """Any bytes as a batch of up to four messages."""

    def target(data: bytes) -> None:
        batch = messages.messages_of(data)[:4]
        rig.check(batch, list(range(len(batch)))[::-1], len(batch) // 2)

    return target


def shape_target(rig: intake.Rig, decoder: str) -> Callable[[bytes], None]:
    """Any bytes as choices of the strategies that the property tests draw from."""

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(messages.batches(decoder), st.randoms(use_true_random=False))
    def shapes(batch: list[intake.Message], random: object) -> None:
        order = list(range(len(batch)))
        random.shuffle(order)  # type: ignore[attr-defined]
        rig.check(batch, order, len(batch) // 2)

    return shapes.hypothesis.fuzz_one_input


def stream_target() -> Callable[[bytes], None]:
    """Any bytes from a broker: the first says how much of a handshake precedes, the next how they are cut."""

    def target(data: bytes) -> None:
        head = data[0] if data else 0
        cuts = [int.from_bytes(data[at : at + 2], "big") for at in range(1, 1 + 2 * (head // 3 % 8), 2)]
        pieces = stream.chunks(data[1 + 2 * len(cuts) :], cuts)
        asyncio.run(stream.conversation(pieces, greet=head % 3, again=False))

    return target


def stream_seeds() -> Iterable[bytes]:
    every = stream.packets()
    for greet in range(3):
        yield from (bytes([greet]) + packet for packet in every)
        yield bytes([greet + 6, 0, 7, 0, 90]) + b"".join(every[:7])


def dictionary(folder: Path) -> Path:
    words = [
        *messages.KEYS,
        *messages.NUMBERS,
        *messages.TEXTS,
        *messages.WORDS,
        '"lat":0,"lon":0',
        '},{"ts":',
    ]
    words += [device for device in messages.DEVICES if device] + [messages.SEPARATOR.decode(), "/position\n"]
    path = folder / "dictionary"
    encoded = (word.encode("utf-8", "surrogatepass") for word in words if 0 < len(word) < 100)
    path.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in encoded))
    return path
