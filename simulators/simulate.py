"""Load to order: N meters that send R messages a second, five values and about 135 bytes each.

Every value is a pure function of seed, meter and time; registers rise with the power they report.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.progress import Progress

from core.batch import F64, I64
from core.errors import WattlineError
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from simulators.encoders import encode, native_topic
from simulators.fault_line import FaultLine
from simulators.faults import Fault
from simulators.load import ORIGIN_US
from simulators.publish import BrokerAddress, Publisher
from simulators.replay import WallClock, wall_clock_us
from simulators.stream import Message, Sample, Topic

SITE = "load-test"
_TIMEZONE = "Asia/Shanghai"
_CHUNK = 512
_PAUSE_S = 0.02
_TEMPLATE = (
    b'{"ts":%d,"energy_active_import_total":%.3f,"power_active":%.1f,'
    b'"voltage_l1":%.1f,"current_l1":%.3f,"power_factor":%.3f}'
)
_NAMES = ("energy_active_import_total", "power_active", "voltage_l1", "current_l1", "power_factor")


class LoadError(WattlineError):
    """The options make no sense; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """devices: how many meters. rate: messages a second in all, 0 for as fast as possible.

    messages: stop after so many; None goes on until cancelled.
    """

    devices: int = 1000
    rate: float = 1000.0
    messages: int | None = None
    seed: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was published and acknowledged, and how long it took."""

    messages: int
    seconds: float


def load_device(number: int) -> str:
    """Id of meter `number`, counted from 0."""
    return f"load-{number + 1:05d}"


def load_estate(options: LoadOptions) -> Estate:
    """One site with all the meters."""
    place = Place(SITE, PlaceKind.SITE, Name("压力测试", "Load test"), _TIMEZONE)
    interval_s = max(1.0, options.devices / options.rate) if options.rate else 60.0
    return Estate(
        (place,),
        tuple(
            Device(
                load_device(number),
                DeviceKind.METER,
                SITE,
                Name(f"{number + 1}号测试表", f"Test meter {number + 1}"),
                expected_interval_s=interval_s,
            )
            for number in range(options.devices)
        ),
    )


class LoadMeters:
    """Single-phase meters with a steady load that swings a little."""

    def __init__(self, devices: int, seed: int) -> None:
        rng = np.random.default_rng((seed, 0x10AD7E57))
        self._topics = [native_topic(load_device(number), Topic.READINGS) for number in range(devices)]
        self._start_kwh = rng.uniform(100, 90_000, devices).round(3)
        self._mean_w = rng.uniform(300, 7_000, devices)
        self._omega = 2 * np.pi / rng.uniform(60, 900, devices)
        self._phase = rng.uniform(0, 2 * np.pi, devices)

    def values(self, device: I64, time_ms: I64) -> tuple[F64, F64, F64, F64, F64]:
        """Columns of _NAMES for meters at times."""
        elapsed_s = (time_ms - ORIGIN_US // 1000) / 1000.0
        mean_w, omega, phase = self._mean_w[device], self._omega[device], self._phase[device]
        angle = omega * elapsed_s + phase
        power_w = mean_w * (1 + 0.3 * np.sin(angle))
        joules = mean_w * (elapsed_s + 0.3 / omega * (np.cos(phase) - np.cos(angle)))
        voltage = 222.0 + 3.0 * np.sin(angle / 7)
        factor = np.full(len(device), 0.95)
        energy = self._start_kwh[device] + joules / 3.6e6
        return energy, power_w, voltage, power_w / (voltage * factor), factor

    def messages(self, device: I64, time_ms: I64) -> Iterator[Message]:
        """One message a row, in order."""
        columns = (column.tolist() for column in self.values(device, time_ms))
        for number, *row in zip(device.tolist(), time_ms.tolist(), *columns, strict=True):
            yield Message(self._topics[number], _TEMPLATE % tuple(row))

    def samples(self, device: I64, time_ms: I64) -> list[Sample]:
        """The same rows before encoding, rounded alike."""
        columns = (column.tolist() for column in self.values(device, time_ms))
        rows = zip(device.tolist(), time_ms.tolist(), *columns, strict=True)
        return [
            Sample(
                load_device(number),
                Topic.READINGS,
                ts * 1000,
                dict(
                    zip(
                        _NAMES, (round(e, 3), round(p, 1), round(u, 1), round(i, 3), round(f, 3)), strict=True
                    )
                ),
            )
            for number, ts, e, p, u, i, f in rows
        ]


async def run_load(
    options: LoadOptions,
    broker: BrokerAddress,
    progress: Progress | None = None,
    now_us: WallClock = wall_clock_us,
) -> LoadReport:
    """Publish until options.messages are acknowledged, or until cancelled.

    At a rate, message k is meter k mod N at start + k / rate. As fast as possible, meters
    take turns with the clock's time. Raises LoadError and BrokerUnreachable.
    """
    if options.devices < 1 or options.rate < 0:
        raise LoadError("--devices must be 1 or more, and --rate 0 (as fast as possible) or more")
    meters = LoadMeters(options.devices, options.seed)
    start_us = now_us() // 1000 * 1000  # as payloads carry no finer time
    line = FaultLine(options.faults, origin_us=start_us, seed=options.seed) if options.faults else None
    task = progress.add_task("publishing", total=options.messages) if progress else None
    began_s = time.monotonic()
    sent, last_ms = 0, 0
    async with Publisher(broker, client_id=f"wattline-load-{random.getrandbits(48):x}") as publisher:
        while options.messages is None or sent < options.messages:
            count = _due(options, sent, (now_us() - start_us) / 1e6)
            if not count:
                await asyncio.sleep(_PAUSE_S)
                continue
            number = np.arange(sent, sent + count)
            device = number % options.devices
            if options.rate:
                time_ms = start_us // 1000 + np.floor(number * (1000 / options.rate)).astype(np.int64)
            else:  # a round of all meters shares no millisecond with the round before
                last_ms = max(last_ms + (int(device[0]) == 0), now_us() // 1000)
                time_ms = np.full(count, last_ms)
            if line is None:
                await publisher.publish(meters.messages(device, time_ms))
            else:
                await publisher.publish(
                    encode(line.step(int(time_ms[-1]) * 1000, meters.samples(device, time_ms)))
                )
            sent += count
            if progress and task is not None:
                progress.update(task, completed=sent)
        if line is not None:
            await publisher.publish(encode(line.flush()))
    return LoadReport(publisher.acknowledged, time.monotonic() - began_s)


def _due(options: LoadOptions, sent: int, elapsed_s: float) -> int:
    """How many messages to make now: at most a chunk, as fast as possible only to the end of a round."""
    left = _CHUNK if options.messages is None else min(_CHUNK, options.messages - sent)
    if options.rate:
        return max(0, min(left, int(elapsed_s * options.rate) + 1 - sent))
    return min(left, options.devices - sent % options.devices)
