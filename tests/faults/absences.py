"""Rows 3 and 4, and a store that is absent or slow for long: what waits, where, and for how long."""

import time
from pathlib import Path

from tests.faults.proxy import CLEAN, Toxic
from tests.faults.report import Report
from tests.faults.servers import shipped_mosquitto
from tests.faults.world import Options, World


def store_away(options: Options, folder: Path) -> Report:
    """influxd is stopped and started, or stands still and goes on, in turns, for `seconds`."""
    with World(folder, options, "store-away") as world:
        world.begin()
        backlog = []
        for trial in range(options.trials):
            leave, come = (
                (world.influx.stop, world.influx.start)
                if trial % 2
                else (world.influx.pause, world.influx.resume)
            )
            leave()
            time.sleep(options.seconds)
            backlog.append(world.devices.attempted - len(world.tap.acknowledged_s))
            since_s = time.monotonic()
            come()
            world.recovered(since_s)
        world.report.more["backlog_peak"] = max(backlog)
        return world.finish()


def consumer_away(options: Options, folder: Path) -> Report:
    """Wattline is away while the devices send rate x seconds messages; the queue keeps them."""
    with World(folder, options, "consumer-away") as world:
        world.begin()
        world.devices.pause()
        count = int(options.rate * options.seconds)
        before_mb = world.broker.rss_mb()
        for trial in range(options.trials):
            if trial % 2:
                world.product.kill()
            else:
                world.product.stop()
            world.devices.publish(count)
            since_s = time.monotonic()
            world.product.start()
            world.recovered(since_s, 300)
        held = int(shipped_mosquitto().partition("max_queued_messages ")[2].split()[0])
        world.report.more |= {
            "queued": count,
            "queue_holds": held,
            "absorbs_s_at_2000_per_s": held / 2000,
            "broker_bytes_a_message": round((world.broker.rss_mb() - before_mb) * 2**20 / count),
        }
        return world.finish()


_SLOW = Toxic(latency_ms=250, bandwidth_kb_s=100)
"""Some 1,500 messages/s at 60 bytes a line; a request takes half a second at least."""


def store_outage(options: Options, folder: Path) -> Report:
    """InfluxDB is absent (or, kind slow, slow) for `seconds`; then it has to be caught up with."""
    kind = options.kind or "absent"
    with World(folder, options, "store-outage") as world:
        world.begin()
        watch = _Watch(world)
        time.sleep(min(options.seconds, 10))
        if kind == "absent":
            world.influx.stop()
        else:
            world.to_store.set(_SLOW)
        watch.until(time.monotonic() + options.seconds)
        since_s, stored = time.monotonic(), len(world.tap.acknowledged_s)
        if kind == "absent":
            world.influx.start()
        else:
            world.to_store.set(CLEAN)
        world.recovered(since_s, 1800)
        took_s = time.monotonic() - since_s
        world.report.more |= {
            "kind": kind,
            "seconds": options.seconds,
            "rate": options.rate,
            "backlog_peak": watch.backlog_peak,
            "drain_per_s": round((len(world.tap.acknowledged_s) - stored) / took_s),
            "rss_before_mb": watch.rss_before_mb,
            "broker_rss_mb": world.broker.rss_mb(),
        }
        return world.finish()


class _Watch:
    """Follows the backlog: what devices have sent and Wattline has not acknowledged."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.backlog_peak = 0
        self.rss_before_mb = world.rss_mb()

    def until(self, end_s: float) -> None:
        while time.monotonic() < end_s:
            backlog = self.world.devices.attempted - len(self.world.tap.acknowledged_s)
            self.backlog_peak = max(self.backlog_peak, backlog)
            time.sleep(0.2)
