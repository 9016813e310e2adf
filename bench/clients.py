"""The clients that `ingest` compares, each to be run alone in a process of its own.

All but the raw writer drain a session in which the same messages wait. A client's clock
starts when it connects and stops when its last message is acknowledged, which for all but
the null consumer and the usual script means that it is durable.
"""

import asyncio
import http.client
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np
import paho.mqtt.client as paho
from influxdb_client import InfluxDBClient, Point, WriteOptions, WritePrecision

from bench.cores import Meter
from bench.load import QUANTITIES, estate, now_us, readings, registers, session
from core.batch import PositionBatch, ReadingBatch
from core.ports import RawBatch, Registry, TimeSeriesStore
from ingest.decoders import native
from ingest.mqtt import MqttOptions, MqttSource
from storage.duckdb import DuckDBStore
from storage.influx import InfluxStore
from storage.influx_journal import Journal
from storage.influx_lines import LineWriter
from storage.registry import open_registry
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.pipeline import Pipeline
from wattline.shards import WHOLE, Shard
from wattline.stated.settings import BATCH_MESSAGES, RECEIVE_MAXIMUM

MAX_BODY_BYTES = 5_000_000
BUILDINGS = 50


@dataclass(frozen=True)
class Task:
    """What a client finds: so many messages of so many meters in the session at the broker."""

    client_id: str
    count: int
    devices: int
    folder: Path
    broker_port: int
    influx_url: str = ""


def null(task: Task) -> dict[str, float]:
    """Take and acknowledge everything, on the codec and the source that Wattline uses."""

    async def drain() -> dict[str, float]:
        source = MqttSource(session(task.broker_port, task.client_id), itertools.count(1).__next__)
        left = task.count
        with Meter(task.count) as meter:
            async for batch in source.batches():
                source.ack(batch)
                left -= len(batch.topics)
                if left <= 0:
                    source.close()
        return meter.result

    return asyncio.run(drain())


def duckdb(task: Task) -> dict[str, float]:
    """Wattline on DuckDB and SQLite, with ledger, rules and live power."""
    registry = _registry(task)
    store = DuckDBStore(task.folder / "wattline.duckdb", threads=1)
    return asyncio.run(through_pipeline(task, registry, Catalogs(registry), store))


def influx(task: Task) -> dict[str, float]:
    """Wattline on InfluxDB and SQLite, with ledger, rules and live power."""
    return asyncio.run(through_pipeline(task, *influx_parts(task)))


def influx_parts(task: Task) -> tuple[Registry, Catalogs, TimeSeriesStore]:
    """A registry that knows every meter, and a store on the task's InfluxDB."""
    registry = _registry(task)
    catalogs = Catalogs(registry)
    return registry, catalogs, InfluxStore(task.influx_url, "wattline", catalog=lambda: catalogs.current)


def raw_lines(task: Task) -> dict[str, float]:
    """Lines that were made before the clock starts, sent in large bodies over one connection.

    One line a message with five fields: as fast as this server takes these values from one
    client that does nothing else. It reads no MQTT and decodes nothing.
    """
    return _raw(task, _bodies(task), "ms")


def raw_same_lines(task: Task) -> dict[str, float]:
    """The same with the lines and the bodies that Wattline writes: a sixth field, the time of receipt."""
    return _raw(task, _same_bodies(task), "u")


def _raw(task: Task, bodies: list[bytes], precision: str) -> dict[str, float]:
    connection = http.client.HTTPConnection(urlsplit(task.influx_url).netloc)
    _create_database(connection, "raw")
    with Meter(task.count) as meter:
        for body in bodies:
            connection.request("POST", f"/write?db=raw&precision={precision}", body)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != http.HTTPStatus.NO_CONTENT:
                raise SystemExit(f"InfluxDB answers {answer.status}: {said[:200]!r}")
    _require_stored(connection, "raw", task.count)
    return meter.result


def usual(task: Task) -> dict[str, float]:
    """The script that one writes first: paho-mqtt, json, influxdb-client with its batching writer.

    The server is older than 1.8 and lacks the path that influxdb-client writes to: another
    process translates it (bench.servers.write_path_of_2x), on the servers' core. The clock
    stops when the writer has flushed. It acknowledges what is only in memory.
    """
    database = http.client.HTTPConnection(urlsplit(task.influx_url).netloc)
    _create_database(database, "usual")
    influx = InfluxDBClient(url=task.influx_url, token="none", org="none")  # noqa: S106 nobody asks for it
    writer = influx.write_api(write_options=WriteOptions(batch_size=5_000, flush_interval=1_000))
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=task.client_id, clean_session=False)
    taken = itertools.count(1)

    def on_message(client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        values = json.loads(message.payload)
        point = Point("reading").tag("device", message.topic.split("/")[2])
        point.time(values.pop("ts"), WritePrecision.MS)
        for name, value in values.items():
            point.field(name, value)
        writer.write(bucket="usual", record=point)
        if next(taken) == task.count:
            client.disconnect()

    client.on_message = on_message
    with Meter(task.count) as meter:
        client.connect("127.0.0.1", task.broker_port)
        client.loop_forever()
        writer.close()
    influx.close()
    _require_stored(database, "usual", task.count)
    return meter.result


CLIENTS: dict[str, Callable[[Task], dict[str, float]]] = {
    "null": null,
    "duckdb": duckdb,
    "influx": influx,
    "influx_apart": influx,
    "raw_lines": raw_lines,
    "raw_same_lines": raw_same_lines,
    "usual": usual,
}


async def through_pipeline(
    task: Task,
    registry: Registry,
    catalogs: Catalogs,
    store: TimeSeriesStore,
    *,
    shard: Shard = WHOLE,
    own: int | None = None,
) -> dict[str, float]:
    """Take everything through the pipeline; ends when the last message is acknowledged.

    own: how many of the messages are the shard's; all, if not given.
    """
    own = task.count if own is None else own
    wants = None if shard == WHOLE else shard.wants
    kind = "influx" if task.influx_url else "duckdb"
    options = replace(
        session(task.broker_port, task.client_id),
        wants=wants,
        batch_messages=BATCH_MESSAGES[kind],
        receive_maximum=RECEIVE_MAXIMUM[kind],
    )
    source = CountingSource(options, own)
    pipeline = Pipeline(
        source=source,
        decoder=native,
        store=store,
        registry=registry,
        catalogs=catalogs,
        feed=LiveFeed(asyncio.get_running_loop()),
        now_us=now_us,
        shard=shard,
    )
    with Meter(task.count) as meter:
        await pipeline.run()
    stored = pipeline.totals["wattline_readings_total"]
    if stored != len(QUANTITIES) * own:
        raise SystemExit(f"stored {stored} of {len(QUANTITIES) * own} values: {dict(pipeline.totals)}")
    store.close()
    registry.close()
    return meter.result


class CountingSource(MqttSource):
    """Closes itself after so many acknowledgements."""

    def __init__(self, options: MqttOptions, count: int) -> None:
        super().__init__(options, itertools.count(now_us()).__next__)
        self.left = count

    def ack(self, batch: RawBatch) -> None:
        """Acknowledge a batch and count it."""
        super().ack(batch)
        self.left -= len(batch.topics)
        if self.left <= 0:
            self.close()


def _registry(task: Task) -> Registry:
    """The estate, with all registers known."""
    registry = open_registry(f"sqlite:///{task.folder / 'registry.sqlite'}")
    registry.put_estate(estate(task.devices, BUILDINGS))
    registry.add_registers(registers(task.devices))
    return registry


def _bodies(task: Task) -> list[bytes]:
    lines = [
        (
            f"reading,device=load-{device:05d} energy_active_import_total={1000 + turn * 0.03:.2f},"
            f"power_active={10800 + device},voltage_l1=229.8,current_l1=15.7,power_factor=0.97 {time_ms}\n"
        ).encode()
        for device, turn, time_ms in readings(task.count, task.devices)
    ]
    per_body = MAX_BODY_BYTES // max(map(len, lines))
    return [b"".join(lines[first : first + per_body]) for first in range(0, len(lines), per_body)]


def _same_bodies(task: Task) -> list[bytes]:
    """What storage.influx makes of the same values: bodies of a batch each, the journal's line first."""
    catalog, size = _registry(task).catalog(), len(QUANTITIES)
    rows = [
        (device, time_ms * 1000, (round(1000 + turn * 0.03, 2), 10800 + device, 229.8, 15.7, 0.97))
        for device, turn, time_ms in readings(task.count, task.devices)
    ]
    bodies, lines, journal = [], LineWriter(), Journal()
    for first in range(0, len(rows), BATCH_MESSAGES["influx"]):
        device, time_us, values = zip(*rows[first : first + BATCH_MESSAGES["influx"]], strict=True)
        count = size * len(device)
        batch = ReadingBatch(
            np.repeat(np.array(device, np.int32) * size, size)
            + np.tile(np.arange(size, dtype=np.int32), len(device)),
            np.repeat(np.array(time_us, np.int64), size),
            np.array(values, np.float64).ravel(),
            np.zeros(count, np.uint8),
            np.full(count, now_us(), np.int64),
        )
        bodies.append(journal.lines(batch, PositionBatch.empty()) + lines.readings(batch, catalog))
    return bodies


def _create_database(connection: http.client.HTTPConnection, name: str) -> None:
    connection.request("POST", "/query?" + urlencode({"q": f"create database {name}"}))
    connection.getresponse().read()


def _require_stored(connection: http.client.HTTPConnection, name: str, count: int) -> None:
    query = {"db": name, "q": "select count(power_active) from reading"}
    connection.request("GET", "/query?" + urlencode(query))
    answer = json.loads(connection.getresponse().read())
    series = answer["results"][0].get("series")
    stored = series[0]["values"][0][1] if series else 0
    if stored != count:
        raise SystemExit(f"{name}: {stored} of {count} messages are in the database")
