"""Row 14: one device sends a hundred times what each of the others does."""

import time
from pathlib import Path

from simulators.stream import Message
from tests.faults.devices import COUNTER, START_MS, Devices
from tests.faults.report import Report, quantile
from tests.faults.world import Options, World, audit

_OTHERS = 50
_TIMES = 100

REASONS = {"valid": None, "broken": "undecodable", "unknown": "unknown_device", "duplicates": None}
"""What the flood consists of, and the reason that its messages are rejected for."""


class Flooder(Devices):
    """A single meter; kind is one of REASONS."""

    def __init__(self, port: int, kind: str, rate: float) -> None:
        super().__init__(port, count=1, rate=rate, name=f"flood-{kind}-")
        self.kind = kind

    def message(self, number: int) -> Message:
        if self.kind == "broken":
            return Message(f"wattline/v1/{self.meter(0)}/readings", b'{"ts": 1700000000000, "power_act')
        if self.kind == "duplicates":
            same = f'{{"ts": {START_MS}, "{COUNTER}": 5}}'
            return Message(f"wattline/v1/{self.meter(0)}/readings", same.encode())
        return super().message(number)


def flood(options: Options, folder: Path) -> Report:
    """Each kind of flood for `seconds` while the others go on; kind: that one alone.

    p99_s: of the others, from publishing to stored. unexplained: messages of the flood that
    are neither stored, nor counted as repeated, nor rejected for the reason that they should be.
    """
    kinds = [options.kind] if options.kind else list(REASONS)
    with World(folder, options, "flood") as world:
        world.devices.count = _OTHERS
        world.begin()
        found: dict[str, dict[str, object]] = {"none": _others(world, options.seconds)}
        unexplained = 0
        for kind in kinds * options.trials:
            flooder = Flooder(world.broker.port, kind, rate=_TIMES * options.rate / _OTHERS)
            if kind != "unknown":
                world.meter(flooder.meter(0), "elsewhere")
            if kind == "duplicates":  # of a reading that is there
                first = flooder.message(0)
                world.devices.say(first.topic, first.payload.decode())
                world.caught_up(world.devices.mark())
            before = _explained(world, kind)
            flooder.start()
            found[kind] = _others(world, options.seconds)
            flooder.stop()
            world.recovered()
            explained = _explained(world, kind) - before
            if kind == "valid":
                explained = audit(world.product, flooder)["stored"]
            unexplained += abs(flooder.attempted - explained)
            found[kind] |= {"flood": flooder.attempted}
        report = world.finish()
        report.lost += unexplained
        report.more |= {"unexplained": unexplained, "others": found}
        return report


def _others(world: World, seconds: float) -> dict[str, object]:
    """How the other devices fare meanwhile."""
    first = world.devices.attempted
    time.sleep(seconds)
    last = world.devices.attempted
    world.caught_up(world.devices.mark())
    late = sorted(world.tap.latency_s(world.devices, number) for number in range(first, last))
    return {"p50_s": quantile(late, 0.5), "p99_s": quantile(late, 0.99), "rss_mb": world.rss_mb()}


def _explained(world: World, kind: str) -> float:
    """How many messages have gone where this kind should, so far."""
    reason = REASONS[kind]
    if reason is None:
        return world.product.total("wattline_repeated_readings_total")
    return world.product.get("dead-letters")["counts"].get(reason, 0)
