"""Replay a recorded estate: interval amounts become cumulative registers published over MQTT.

The register of a building starts at INITIAL at its first row; after the row at t it stands at
INITIAL plus every amount up to t + step, and a reading says so at t + step. It is counted
from the file's first row whatever part is replayed, so parts replayed one by one agree.

A row that is missing from the file, and with zero_is_missing a row of 0, was not heard: no
reading at its end; the register goes on, and the next heard row's reading carries it.
Totals stay the same and the silence shows as coverage.

as_now moves the record by whole hours so that it ends at the last full hour before now.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from rich.progress import Progress

from simulators.encoders import message_of
from simulators.publish import BrokerAddress, Publisher
from simulators.readings import all_readings, chosen_part, in_messages
from simulators.recorded import Recording, ReplayError
from simulators.stream import Sample, Topic

HOUR_US = 3_600_000_000
_BATCH = 500

WallClock = Callable[[], int]


def wall_clock_us() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """How to replay.

    speed: event seconds a second; 0 is as fast as possible.
    from_us, to_us: rows that start at from_us or later and end at to_us or earlier.
    shuffle: send in random order. duplicate: share of the messages that are sent twice.
    split: readings are sent in lists of 1 to `split`, at random.
    """

    speed: float = 0.0
    as_now: bool = False
    from_us: int | None = None
    to_us: int | None = None
    zero_is_missing: bool = False
    seed: int = 0
    shuffle: bool = False
    duplicate: float = 0.0
    split: int = 1


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What was published: totals are the amounts by building, in unit; not_heard counts intervals."""

    messages: int
    readings: int
    not_heard: int
    first_us: int
    last_us: int
    unit: str
    totals: dict[str, float]
    seconds: float


def parse_moment(text: str, timezone: str) -> int:
    """Microseconds of a date or date and time; without an offset it is local to the timezone.

    Raises ReplayError.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(timezone))
    except (ValueError, LookupError):
        example = "2018-01-31 or 2018-01-31T13:00, and the time zone as Asia/Shanghai"
        raise ReplayError(f"{text!r} in {timezone} is not a moment; write it as {example}") from None
    return round(moment.timestamp() * 1000) * 1000


async def run_replay(
    recording: Recording,
    options: ReplayOptions,
    broker: BrokerAddress,
    progress: Progress | None = None,
    now_us: WallClock = wall_clock_us,
) -> ReplayReport:
    """Publish the recording; returns when every message is acknowledged.

    The estate must be registered before. Raises ReplayError and BrokerUnreachable.
    """
    _check(options)
    chosen = [
        chosen_part(series, options.from_us, options.to_us, zero_is_missing=options.zero_is_missing)
        for series in recording.series
    ]
    parts = [part for part in chosen if part is not None]
    if not any(part.heard.any() for part in parts):
        raise ReplayError("no row is left to replay: look at --from, --to and --zero-is-missing")
    readings = all_readings(parts)
    # Whole hours, so that rows keep their edges; the end comes to the last full hour or just below it.
    behind_us = now_us() - max(part.end_us for part in parts)
    shift_us = behind_us // HOUR_US * HOUR_US if options.as_now else 0
    devices = [recording.device_id(part.series) for part in parts]
    time_us, part_of = (readings.time_us + shift_us).tolist(), readings.part.tolist()
    groups = in_messages(
        readings,
        shuffle=options.shuffle,
        duplicate=options.duplicate,
        split=options.split,
        seed=options.seed,
    )

    def sample(at: int) -> Sample:
        return Sample(
            devices[part_of[at]], Topic.READINGS, time_us[at], {recording.quantity: readings.value[at]}
        )

    task = progress.add_task("publishing", total=len(time_us)) if progress else None
    began_s = time.monotonic()
    sent = 0
    async with Publisher(broker, client_id=f"wattline-replay-{random.getrandbits(48):x}") as publisher:
        for batch in _batches(groups, 1 if options.speed else _BATCH):
            if options.speed:
                due_s = began_s + (time_us[batch[0][-1]] - time_us[0]) / 1e6 / options.speed
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            await publisher.publish(message_of([sample(at) for at in group]) for group in batch)
            sent += len(batch)
            if progress and task is not None:  # a reading that is sent again is no progress
                progress.update(task, completed=min(len(time_us), sent * options.split))
    if progress and task is not None:
        progress.update(task, completed=len(time_us))
    return ReplayReport(
        messages=sent,
        readings=len(time_us),
        not_heard=sum(part.not_heard for part in parts),
        first_us=time_us[0],
        last_us=time_us[-1],
        unit=recording.unit,
        totals={part.series.building: part.total for part in parts},
        seconds=time.monotonic() - began_s,
    )


def _batches(items: Iterable[list[int]], size: int) -> Iterator[list[list[int]]]:
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def _check(options: ReplayOptions) -> None:
    """Raises ReplayError for options that contradict one another."""
    if options.speed < 0:
        raise ReplayError("the speed can't be negative; 0 is as fast as possible")
    if options.shuffle and options.speed:
        raise ReplayError("shuffled messages have no speed: leave out --speed")
    if options.split < 1 or not 0 <= options.duplicate <= 1:
        raise ReplayError("split is 1 or more, and duplicate a share between 0 and 1")
