"""Rows 6 and 11: a bad network, and connections that end between delivery and acknowledgement."""

import itertools
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho

from tests.faults.proxy import CLEAN, Toxic
from tests.faults.report import Report, quantile
from tests.faults.world import Options, World

CLIENT_ID = "wattline-ingest"

TOXICS = {
    "latency": Toxic(latency_ms=200, jitter_ms=100),
    "bandwidth": Toxic(bandwidth_kb_s=50),
    "timeout": Toxic(timeout_ms=700),
    "partition": Toxic(timeout_ms=0),
    "reset_peer": Toxic(reset_peer_ms=300),
    "slicer": Toxic(slicer_bytes=100, slicer_delay_us=100),
    "limit_data": Toxic(limit_data_bytes=50_000),
}


def bad_network(options: Options, folder: Path) -> Report:
    """Every toxic in turn for `seconds`, between Wattline and its broker, its store, or both.

    kind: one toxic instead of all.
    """
    with World(folder, options, "network") as world:
        world.begin()
        links = [[world.to_broker]]
        if options.store == "influx":
            links = [[world.to_broker], [world.to_store], [world.to_broker, world.to_store]]
        names = [options.kind] if options.kind else list(TOXICS)
        late: dict[str, list[float]] = {name: [] for name in ["none", *names]}
        plan = list(itertools.islice(itertools.cycle(itertools.product(links, names)), options.trials))
        for link, name in [([], "none"), *plan]:
            first = world.devices.attempted
            for proxy in link:
                proxy.set(TOXICS[name])
            time.sleep(options.seconds)
            for proxy in link:
                proxy.set(CLEAN)
            last = world.devices.attempted
            if link:
                world.recovered()
            else:
                world.caught_up(world.devices.mark())
            late[name] += [world.tap.latency_s(world.devices, number) for number in range(first, last)]
        world.report.more["p99_s"] = {name: quantile(sorted(found), 0.99) for name, found in late.items()}
        return world.finish()


def stale_acks(options: Options, folder: Path) -> Report:
    """The connection ends between delivery and acknowledgement; the session is kept or lost, in turns.

    After its first acknowledgement Wattline can't reach the store any more, and is killed: a
    message that was acknowledged by mistake is then neither with the broker nor in the store.
    """
    with World(folder, options, "stale-acks") as world:
        world.begin()
        world.devices.pause()
        wiped: set[int] = set()
        for trial in range(options.trials):
            lost = bool(trial % 2)
            if lost:  # a new session counts its packet ids from 1: those of the next one are the same
                _reconnect(world, lose_session=True)
            first = world.devices.attempted
            _hold_a_batch(world)
            if lost:
                wiped |= set(range(first, world.devices.attempted))
            _reconnect(world, lose_session=lost)
            world.devices.publish(_BATCH)
            _let_go(world)
            world.product.kill()
            since_s = time.monotonic()
            if options.store == "influx":
                world.to_store.set(CLEAN)
                world.to_store.refuse(False)
            world.product.start()
            world.recovered(since_s)
        report = world.finish(lost_at_broker=True)
        acknowledged = {number for _, number in world.tap.acknowledged_s}
        # What went with a session that was thrown away is no loss of Wattline's.
        gone = (world.missing & wiped) - acknowledged
        report.lost -= len(gone)
        report.more |= {"silently_acked": len(world.missing & acknowledged), "gone_with_session": len(gone)}
        return report


_BATCH = 200


def _hold_a_batch(world: World) -> None:
    """Wattline has a batch that it can't store yet (InfluxDB), or whose acknowledgement is cut off."""
    deliveries = world.tap.deliveries + _BATCH
    if world.options.store == "influx":
        world.to_store.set(TOXICS["partition"])
        world.devices.publish(_BATCH)
        world.devices.wait_until(lambda: world.tap.deliveries >= deliveries)
        time.sleep(0.3)  # the last of them are on the way between proxy and Wattline
        return
    cut = threading.Event()

    def on_ack() -> None:
        if not cut.is_set():
            cut.set()
            world.to_broker.cut_here()

    world.tap.on_ack = on_ack
    world.devices.publish(_BATCH)
    assert cut.wait(30)
    world.tap.on_ack = lambda: None


def _reconnect(world: World, *, lose_session: bool) -> None:
    """Cut the connection and wait for the next one."""
    world.to_broker.refuse()
    if lose_session:
        thief = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=CLIENT_ID, protocol=paho.MQTTv5)
        connected = threading.Event()
        thief.on_connect = lambda *_: connected.set()
        thief.connect("127.0.0.1", world.broker.port, clean_start=True)
        thief.loop_start()
        assert connected.wait(10)
        thief.disconnect()
        thief.loop_stop()
    connections = world.to_broker.connections
    world.to_broker.refuse(False)
    world.devices.wait_until(lambda: world.to_broker.connections > connections and _connected(world))


def _connected(world: World) -> bool:
    return world.product.total("wattline_broker_connected") == 1


def _let_go(world: World) -> None:
    """The store goes on, until the first acknowledgement: what is written after it gets lost on the way."""
    acknowledged = threading.Event()

    def on_ack() -> None:
        acknowledged.set()
        if world.options.store == "influx":
            world.to_store.cut_soon()

    world.tap.on_ack = on_ack
    if world.options.store == "influx":
        world.to_store.set(Toxic(latency_ms=150))
    acknowledged.wait(5)
    world.tap.on_ack = lambda: None
    world.pause_s(0.0, 0.05)
