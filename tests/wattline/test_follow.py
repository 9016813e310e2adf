"""The live view of several shards that write into one store, each at its own time."""

import asyncio

import numpy as np
import pytest

from core.batch import PositionBatch, ReadingBatch
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.assemble import Parts, ReceiveClock
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.follow import Follower
from wattline.shards import Shard

pytestmark = pytest.mark.anyio
NAME = Name("名", "name")
START_US = 1_700_000_000_000_000


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def parts(tmp_path):
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    meters = tuple(Device(f"d{n}", DeviceKind.METER, "p", NAME, expected_interval_s=60) for n in range(2))
    registry.put_estate(Estate((Place("p", PlaceKind.BUILDING, NAME, "UTC"),), meters))
    registry.add_registers([(meter.id, "power_active") for meter in meters])
    store = DuckDBStore(tmp_path / "wattline.duckdb")
    parts = Parts(registry, store, Catalogs(registry), LiveFeed(asyncio.new_event_loop()))
    yield parts
    parts.feed._loop.close()
    parts.close()


def store(parts, register, value, received_us):
    one = np.ones(1, np.int64)
    parts.store.append(
        ReadingBatch(
            np.array([register], np.int32),
            received_us // 1_000_000 * 1_000_000 * one,
            np.array([value]),
            np.zeros(1, np.uint8),
            received_us * one,
        ),
        PositionBatch.empty(),
    )


def last(parts):
    return [found[1] if found else None for found in parts.feed.last_readings([0, 1])]


async def test_a_batch_that_is_stored_after_a_later_one_of_another_shard_is_seen(parts):
    one, other = (ReceiveClock(START_US, Shard(index, 2).slot) for index in range(2))
    for clock in (one, other):
        clock.last_us = START_US * 2  # ahead of the wall clock, so that the times are ours
    follower = Follower(parts)
    follower._restore(parts.registry, parts.store)
    store(parts, 0, 1.0, one())
    store(parts, 1, 1.0, other())
    follower._step(parts.registry, parts.store)
    assert last(parts) == [1.0, 1.0]
    one.last_us += 1_000_000
    other.last_us += 1_500_000
    early, later = one(), other()
    store(parts, 1, 2.0, later)
    follower._step(parts.registry, parts.store)
    store(parts, 0, 2.0, early)
    follower._step(parts.registry, parts.store)
    assert last(parts) == [2.0, 2.0]


async def test_one_writer_is_read_without_looking_back(parts):
    clock = ReceiveClock(START_US * 2)
    follower = Follower(parts)
    follower._restore(parts.registry, parts.store)
    for value in (1.0, 2.0):
        clock.last_us += 1_000_000
        store(parts, 0, value, clock())
        follower._step(parts.registry, parts.store)
    assert last(parts) == [2.0, None]
    assert follower._since_us() == clock.last_us
