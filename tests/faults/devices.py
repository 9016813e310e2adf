"""Meters that publish at a steady rate and remember everything: the other side of the ledger.

Message n is reading n // count of meter n % count: one device time and one counter value
that nothing else has. Not acknowledged messages are kept and sent again.
"""

import asyncio
import contextlib
import queue
import threading
import time

import pytest

from simulators.publish import BrokerAddress, Publisher
from simulators.stream import Message

START_MS = 1_700_000_100_000 // 900_000 * 900_000
STEP_MS = 60_000
MARKER = "marker"
COUNTER = "energy_active_import_total"
_TICK_S = 0.01
_PATIENCE_S = 900.0


class Devices:
    """A thread that publishes; attempted and acknowledged count readings, not markers."""

    def __init__(self, port: int, *, count: int = 20, rate: float = 1000, name: str = "m") -> None:
        self.port, self.count, self.rate, self.name = port, count, rate, name
        self.attempted = 0
        self.sent_s: list[float] = []
        self.stopped = False
        self._beside = 0
        self._marker = 0
        self._wanted: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._goal: int | None = None
        self._running = threading.Event()
        self._publisher: Publisher | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._publish()), daemon=True)

    @property
    def acknowledged(self) -> int:
        """Readings that the broker has acknowledged; exact once all are, some more or less before."""
        return max(self._publisher.acknowledged - self._beside, 0) if self._publisher else 0

    def start(self) -> None:
        self._running.set()
        self._thread.start()

    def mark(self) -> int:
        """Publish a marker after everything so far; returns its number."""
        self._marker += 1
        ts = START_MS + self._marker * STEP_MS
        self.say(f"wattline/v1/{MARKER}/readings", f'{{"ts": {ts}, "{COUNTER}": {self._marker}}}')
        return self._marker

    def say(self, topic: str, payload: str) -> None:
        """Publish something else, which is not counted."""
        self._beside += 1
        self._wanted.put(Message(topic, payload.encode()))

    def pause(self) -> None:
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    def publish(self, count: int) -> None:
        """Publish so many more at once, while paused, and wait until they are acknowledged."""
        goal = self.attempted + count
        self._goal = goal
        self.wait_until(lambda: self.attempted >= goal and self.drained())

    def drained(self) -> bool:
        """Whether nothing waits for an acknowledgement."""
        return self._publisher is not None and not self._publisher._in_flight

    def wait_until(self, true, within_s: float = 60.0) -> None:
        deadline = time.monotonic() + within_s
        while not true():
            if self._failure is not None:
                raise self._failure
            if time.monotonic() > deadline:
                pytest.fail(f"{self.acknowledged} of {self.attempted} acknowledged after {within_s} s")
            time.sleep(0.01)

    def stop(self, within_s: float = 120.0) -> None:
        """Publish no more; returns once everything is acknowledged."""
        self.pause()
        self.stopped = True
        self._wanted.put(Message("", b""))
        self._thread.join(within_s)
        if self._failure is not None:
            raise self._failure
        if self._thread.is_alive():
            pytest.fail(f"{self.acknowledged} of {self.attempted} acknowledged after {within_s} s")

    def message(self, number: int) -> Message:
        turn, meter = divmod(number, self.count)
        payload = (
            f'{{"ts": {START_MS + turn * STEP_MS}, "{COUNTER}": {self.kwh(meter, turn)}, '
            f'"power_active": {1000 + meter}}}'
        )
        return Message(f"wattline/v1/{self.meter(meter)}/readings", payload.encode())

    def meter(self, meter: int) -> str:
        return f"{self.name}{meter:04d}"

    def meters(self) -> list[str]:
        return [self.meter(meter) for meter in range(self.count)]

    @staticmethod
    def kwh(meter: int, turn: int) -> float:
        """Counter of a meter; every step of a meter is the same, and exact."""
        return meter + turn * 0.25 * (1 + meter % 4)

    def number(self, topic: str, ts_ms: int) -> int:
        """Number of the message with this topic and time; -1 if it is none of ours."""
        device = topic.split("/")[2]
        if not device.startswith(self.name) or not device.removeprefix(self.name).isdigit():
            return -1
        return (ts_ms - START_MS) // STEP_MS * self.count + int(device.removeprefix(self.name))

    async def _publish(self) -> None:
        try:
            address = BrokerAddress("127.0.0.1", self.port)
            name = f"devices-{self.name}"
            async with Publisher(address, client_id=name, patience_s=_PATIENCE_S) as publisher:
                self._publisher = publisher
                await self._pace(publisher)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            self._failure = error

    async def _pace(self, publisher: Publisher) -> None:
        loop = asyncio.get_running_loop()
        last_s, due = loop.time(), 0.0
        while True:
            now_s = loop.time()
            if self._running.is_set():
                # What was held back while the broker was away is not made up for.
                due = min(due + (now_s - last_s) * self.rate, self.rate)
            last_s = now_s
            if self._goal is not None:
                count, self._goal = self._goal - self.attempted, None
            else:
                count = int(due) if self._running.is_set() else 0
                due -= count
            await self._send(publisher, count)
            with contextlib.suppress(queue.Empty):
                while True:
                    message = self._wanted.get_nowait()
                    if not message.topic:
                        return
                    await publisher.publish([message])
            await asyncio.sleep(_TICK_S)

    async def _send(self, publisher: Publisher, count: int) -> None:
        end = self.attempted + count
        while self.attempted < end:
            numbers = range(self.attempted, min(self.attempted + 250, end))
            self.sent_s += [time.monotonic()] * len(numbers)
            self.attempted = numbers.stop
            await publisher.publish([self.message(number) for number in numbers])
