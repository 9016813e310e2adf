"""Rows 1, 2 and 5: kill -9 of Wattline, of the broker and of the store, under load."""

import signal
import time
from pathlib import Path

from tests.faults.report import Report
from tests.faults.servers import (
    MOSQUITTO_DEFAULTS,
    MOSQUITTO_PERSISTENT,
    on_changes_mosquitto,
    shipped_mosquitto,
)
from tests.faults.world import Options, World


def ingest_killed(options: Options, folder: Path) -> Report:
    """Wattline is killed at random moments, one time in four while it is starting.

    InfluxDB can't be reached at every other kill, so that a batch is waiting for it.
    """
    with World(folder, options, "ingest-killed") as world:
        world.begin()
        for trial in range(options.trials):
            world.pause_s(0.2, options.seconds)
            if options.store == "influx" and trial % 2 == 0:
                world.to_store.refuse()
                world.pause_s(0.05, 0.5)
            world.product.kill()
            since_s = time.monotonic()
            if options.store == "influx":
                world.to_store.refuse(False)
            if world.random.random() < 0.25:
                world.product.launch(lambda: True)
                world.pause_s(0.1, 2.0)
                world.product.kill()
            world.product.start()
            world.recovered(since_s)
        return world.finish()


BROKERS = {
    "shipped": shipped_mosquitto,
    "defaults": lambda: MOSQUITTO_DEFAULTS,
    "persistent": lambda: MOSQUITTO_PERSISTENT,
    "on-changes": on_changes_mosquitto,
}
"""Settings of mosquitto by the first word of --kind; `shipped-away` is with Wattline away."""


def broker_killed(options: Options, folder: Path) -> Report:
    """mosquitto is killed; devices keep what it has not acknowledged and send it again.

    kind: settings of mosquitto, with -away: and Wattline is stopped meanwhile for `seconds`.
    """
    name = (options.kind or "shipped").removesuffix("-away")
    away = options.kind.endswith("-away")
    with World(folder, options, "broker-killed", settings=BROKERS[name](), direct=True) as world:
        world.report.more["kind"] = options.kind or "shipped"
        world.begin()
        # As a broker that has been up for longer than its autosave_interval: it has written
        # Wattline's session once.
        world.broker.signal(signal.SIGUSR1)
        for _ in range(options.trials):
            if away:
                world.product.stop()
            world.pause_s(0.2, options.seconds)
            world.broker.kill()
            since_s = time.monotonic()
            world.broker.start()
            if away:
                world.product.start()
            world.recovered(since_s)
        return world.finish(lost_at_broker=True)


def store_killed(options: Options, folder: Path) -> Report:
    """influxd is killed and started again: what it had answered 204 to is there."""
    with World(folder, options, "store-killed") as world:
        world.begin()
        for _ in range(options.trials):
            world.pause_s(0.2, options.seconds)
            world.influx.kill()
            world.pause_s(0.0, 1.0)
            since_s = time.monotonic()
            world.influx.start()
            world.recovered(since_s)
        return world.finish()
