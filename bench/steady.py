"""Messages at a steady rate, on a schedule that does not wait for anybody.

Every message has its moment, fixed beforehand; one that leaves late is late, and the next is
not delayed for it. What is measured against the schedule therefore includes every stall.
"""

import asyncio
import multiprocessing
import time
from multiprocessing.synchronize import Event
from typing import Any, Self

from bench.load import message
from simulators.publish import BrokerAddress, Publisher

_STEP_S = 0.002
_WINDOW = 60_000  # so many may be unacknowledged: the broker is not waited for either


class SteadyLoad:
    """So many messages/s from so many meters in turn, by a process of its own; a context manager.

    sent, late_p99_ms, late_max_ms: known after the block; late is how far behind its
    schedule the publisher was, sampled every 2 ms.
    """

    def __init__(self, broker_port: int, devices: int, per_s: float) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._stop = spawn.Event()
        self._ours, theirs = spawn.Pipe(duplex=False)
        arguments = (broker_port, devices, per_s, self._stop, theirs)
        self._process = spawn.Process(target=_publish_all, args=arguments, daemon=True)
        self.sent = 0
        self.late_p99_ms = self.late_max_ms = 0.0

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        found = self._ours.recv()
        self._process.join()
        self.sent, self.late_p99_ms, self.late_max_ms = (
            found["sent"],
            found["late_p99_ms"],
            found["late_max_ms"],
        )


def _publish_all(broker_port: int, devices: int, per_s: float, stop: Event, tell: Any) -> None:  # noqa: ANN401
    tell.send(asyncio.run(_publish(broker_port, devices, per_s, stop)))


async def _publish(broker_port: int, devices: int, per_s: float, stop: Event) -> dict[str, float]:
    late_s: list[float] = []
    sent = 0
    async with Publisher(
        BrokerAddress(port=broker_port), client_id="bench-load", window=_WINDOW
    ) as publisher:
        started_s = time.monotonic()
        while not stop.is_set():
            due = int((time.monotonic() - started_s) * per_s)
            if due > sent:
                late_s.append(time.monotonic() - started_s - sent / per_s)
                time_ms = time.time_ns() // 1_000_000
                await publisher.publish(
                    message(number % devices, number // devices, time_ms) for number in range(sent, due)
                )
                sent = due
            await asyncio.sleep(_STEP_S)
    late_s.sort()
    return {
        "sent": sent,
        "late_p99_ms": round(late_s[int(len(late_s) * 0.99)] * 1e3, 2) if late_s else 0.0,
        "late_max_ms": round(late_s[-1] * 1e3, 2) if late_s else 0.0,
    }
