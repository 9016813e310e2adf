"""The simulated city, live: its past since yesterday first, then meters and vehicles as they report.

Faults are scripted so that something happens without anybody's doing: a building exceeds its
contracted power for 20 seconds within the first minute and then every four minutes, one meter
is offline and uploads its buffer later, another repeats itself.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.progress import Progress

from simulators.buildings import BUILDINGS
from simulators.encoders import encode
from simulators.fault_line import FaultLine
from simulators.faults import Duplicate, Fault, Offline, Spike
from simulators.load import UTC_OFFSET_US
from simulators.metering import REPORT_INTERVAL_S, MeterType, contracted_power_w
from simulators.meters import MeterFleet
from simulators.publish import BrokerAddress, Publisher
from simulators.replay import WallClock, wall_clock_us
from simulators.stream import Sample
from simulators.vehicles import VehicleFleet

DEMO_SEED = 20
_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US
_HISTORY_CHUNK_US = 3_600 * _SECOND_US
_HISTORY_GRID_S = 10
_HISTORY_SPARSE = 6  # positions of the past: every 30 s when moving, every 6 min when parked
_LIVE_INTERVAL_S = {
    MeterType.MAIN: 5,
    MeterType.SUB: 10,
    MeterType.CHARGER: 10,
    MeterType.SOLAR: 10,
    MeterType.WATER: 60,
    MeterType.GAS: 60,
    MeterType.HEAT: 60,
}
_BEHIND_S = 30
_TICK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """seed: of the city. scripted: whether demo_faults() happen; faults: others beside them.

    history_s: how much of the past to publish first; None goes back to the start of
    yesterday, local time. since_us: publish the past only from here on, for a caller who
    knows what is stored.
    """

    seed: int = DEMO_SEED
    scripted: bool = True
    faults: tuple[Fault, ...] = ()
    history_s: float | None = None
    since_us: int | None = None


def demo_faults() -> tuple[Fault, ...]:
    """The scripted faults; times are seconds after the live stream's start."""
    hall = next(building for building in BUILDINGS if building.id == "city-office-1")
    return (
        Spike(
            device=f"m-{hall.id}-main",
            quantity="power_active",
            value=1.15 * contracted_power_w(hall),
            start=40,
            duration=20,
            every=240,
        ),
        Offline(device="m-school-laboratory-main", start=120, duration=90, every=900),
        Offline(device="v-13", start=60, duration=120, every=600),
        Duplicate(device="m-culture-museum-main", probability=0.2),
    )


class City:
    """Meters and vehicles of one seed, and what they report when."""

    def __init__(self, seed: int) -> None:
        self._vehicles = VehicleFleet(seed)
        self._meters = MeterFleet(seed, self._vehicles)

    def past(self, start_us: int, end_us: int) -> Iterator[Sample]:
        """What meters and trackers keep of [start_us, end_us): device after device, in order of time."""
        first_s = -(-start_us // _SECOND_US // _HISTORY_GRID_S) * _HISTORY_GRID_S
        seconds = np.arange(first_s, -(-end_us // _SECOND_US), _HISTORY_GRID_S, dtype=np.int64)
        if len(seconds):
            snapshot = self._meters.at(seconds * _SECOND_US)
            for number, meter in enumerate(self._meters.meters):
                for row in np.flatnonzero(seconds % REPORT_INTERVAL_S[meter.type] == 0).tolist():
                    yield self._meters.samples(snapshot, row, number, brief=True)
        for index in range(len(self._vehicles.vehicles)):
            for time_us in self._vehicles.slots(index, start_us, end_us, sparse=_HISTORY_SPARSE):
                sample = self._vehicles.due(index, time_us, sparse=_HISTORY_SPARSE)
                if sample is not None:
                    yield sample

    def live(self, second: int) -> Iterator[Sample]:
        """What is reported at a second since 1970; meters of a type take turns."""
        time_us = second * _SECOND_US
        due = [
            number
            for number, meter in enumerate(self._meters.meters)
            if (second + number) % _LIVE_INTERVAL_S[meter.type] == 0
        ]
        if due:
            snapshot = self._meters.at(np.array([time_us]))
            for number in due:
                yield self._meters.samples(snapshot, 0, number)
        for index in range(len(self._vehicles.vehicles)):
            sample = self._vehicles.due(index, time_us)
            if sample is not None:
                yield sample


async def run_demo(
    options: DemoOptions,
    broker: BrokerAddress,
    progress: Progress | None = None,
    now_us: WallClock = wall_clock_us,
) -> None:
    """Publish the past, then live until cancelled. Raises StartError and BrokerUnreachable."""
    client_id = f"wattline-demo-{random.getrandbits(48):x}"
    city = await asyncio.to_thread(City, options.seed)
    async with Publisher(broker, client_id=client_id, patience_s=float("inf")) as publisher:
        done_us = _oldest_us(options, now_us())
        task = progress.add_task("publishing the past", total=now_us() - done_us) if progress else None
        while now_us() - done_us > _BEHIND_S * _SECOND_US:
            end_us = min(done_us + _HISTORY_CHUNK_US, now_us())
            await publisher.publish(encode(city.past(done_us, end_us)))
            if progress and task is not None:
                progress.update(task, advance=end_us - done_us)
            done_us = end_us
        faults = (*(demo_faults() if options.scripted else ()), *options.faults)
        line = FaultLine(faults, origin_us=done_us, seed=options.seed)
        second = -(-done_us // _SECOND_US)
        while True:
            now_s = now_us() // _SECOND_US
            while second <= now_s:
                await publisher.publish(encode(line.step(second * _SECOND_US, city.live(second))))
                second += 1
            await asyncio.sleep(_TICK_S)


def _oldest_us(options: DemoOptions, now_us: int) -> int:
    if options.history_s is None:
        today_us = (now_us + UTC_OFFSET_US) // _DAY_US * _DAY_US - UTC_OFFSET_US
        oldest_us = today_us - _DAY_US
    else:
        oldest_us = now_us - round(options.history_s * _SECOND_US)
    return oldest_us if options.since_us is None else max(oldest_us, options.since_us + 1)
