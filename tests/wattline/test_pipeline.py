"""The order of things for one batch and its neighbours: stored, then acknowledged, then derived."""

import asyncio
import json
import threading

import numpy as np
import pytest

from core.alerting import AlertQuery
from core.errors import RowsRefused, StoreError
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.ports import RawBatch
from core.rules import NoData, Rule
from ingest.decoders import native
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.pipeline import Pipeline
from wattline.stages.rhythm import Rhythm

pytestmark = pytest.mark.anyio

NAME = Name("名", "name")
NOW_US = 1_795_161_600_000_000


class Source:
    """Batches of one message each; says what was handed over and acknowledged, in order."""

    def __init__(self, count):
        self.count = count
        self.log = []

    async def batches(self):
        for number in range(self.count):
            self.log.append(("taken", number))
            body = {"ts": NOW_US // 1000 + number, "power_active": number}
            payload = json.dumps(body).encode()
            yield RawBatch(["wattline/v1/m/readings"], [payload], NOW_US + number, 1, [number])

    def ack(self, batch):
        self.log.append(("acknowledged", batch.packet_ids[0]))


class Store(DuckDBStore):
    """A DuckDB store that serves when it is let, and fails as often as it is told to."""

    def __init__(self, path, log):
        super().__init__(path, threads=1)
        self.log, self.failures = log, 0
        self.refuses: set[float] = set()
        self.may = threading.Event()
        self.may.set()
        self.asked = threading.Event()

    def prepare(self, readings, positions):
        self.log.append(("prepared", int(readings.value[0])))
        return super().prepare(readings, positions)

    def append(self, readings, positions):
        self.asked.set()
        assert self.may.wait(10)
        if not self.refuses.isdisjoint(readings.value.tolist()):
            error = RowsRefused("too old", [(b"a line", "too old")])
            error.readings = np.isin(readings.value, list(self.refuses))
            raise error
        if self.failures:
            self.failures -= 1
            raise StoreError("away", retryable=True, retry_after_s=0.01)
        super().append(readings, positions)
        self.log.append(("stored", int(readings.value[0])))


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def source():
    return Source(5)


@pytest.fixture
def store(tmp_path, source):
    opened = Store(tmp_path / "w.duckdb", source.log)
    yield opened
    opened.may.set()
    opened.close()


@pytest.fixture
def registry(tmp_path):
    opened = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}")
    places, devices = (
        Place("hall", PlaceKind.BUILDING, NAME, "UTC"),
        Device("m", DeviceKind.METER, "hall", NAME),
    )
    opened.put_estate(Estate((places,), (devices,)))
    yield opened
    opened.close()


def pipeline(source, store, registry):
    return Pipeline(
        source=source,
        decoder=native,
        store=store,
        registry=registry,
        catalogs=Catalogs(registry),
        feed=LiveFeed(asyncio.get_running_loop()),
        now_us=lambda: NOW_US,
        rhythm=Rhythm(tick_s=60, retry_s=0.01),
    )


async def test_a_batch_is_acknowledged_once_it_is_stored_and_in_its_turn(source, store, registry):
    store.failures = 3
    running = pipeline(source, store, registry)
    await running.run()
    for what in ("stored", "acknowledged"):
        assert [number for event, number in source.log if event == what] == [0, 1, 2, 3, 4]
    for number in range(5):
        assert source.log.index(("stored", number)) < source.log.index(("acknowledged", number))
    assert running.totals["wattline_store_retries_total"] == 3
    assert running.totals["wattline_messages_total"] == 5
    assert running.derivation.state.newest.last_value.tolist() == [4.0]


async def test_while_the_store_does_not_serve_no_device_is_silent(source, store, registry):
    registry.put_rule(Rule("silent", NAME, Severity.WARNING, NAME, NoData()))
    running = pipeline(source, store, registry)
    running.derivation.feed.is_connected = lambda: True
    store.failures = 3
    running.now_us = lambda: NOW_US + (3 - store.failures) * 3_600_000_000
    await running.run()
    running.derivation.show(running.now_us() + 1)
    assert registry.alerts(AlertQuery()) == []


async def test_a_batch_is_made_ready_while_the_one_before_it_is_stored(source, store, registry):
    store.may.clear()
    running = asyncio.create_task(pipeline(source, store, registry).run())
    await asyncio.to_thread(store.asked.wait, 10)
    while ("prepared", 1) not in source.log:
        await asyncio.sleep(0.01)
    assert ("stored", 0) not in source.log
    store.may.set()
    await running
    assert [number for event, number in source.log if event == "prepared"] == [0, 1, 2, 3, 4]


async def test_what_the_store_refuses_for_good_counts_for_nothing(source, store, registry):
    store.refuses = {2.0, 4.0}
    running = pipeline(source, store, registry)
    await running.run()
    assert [number for event, number in source.log if event == "acknowledged"] == [0, 1, 2, 3, 4]
    assert running.derivation.state.newest.last_value.tolist() == [3.0]
    assert running.totals["wattline_readings_total"] == 3
    assert registry.dead_letter_counts() == {"store_refused": 2}


async def test_a_store_that_is_away_holds_a_few_batches_and_no_more(source, store, registry):
    store.may.clear()
    running = asyncio.create_task(pipeline(source, store, registry).run())
    await asyncio.to_thread(store.asked.wait, 10)
    await asyncio.sleep(0.2)  # time enough to take all, if nothing kept it from doing so
    assert [number for event, number in source.log if event == "taken"] == [0, 1, 2]
    assert [number for event, number in source.log if event == "prepared"] == [0, 1]
    store.may.set()
    await running
    assert [number for event, number in source.log if event == "acknowledged"] == [0, 1, 2, 3, 4]
