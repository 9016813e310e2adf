"""What only a real InfluxDB 1.x shows: what it refuses, what it forgets, many devices."""

import time
import urllib.parse
import urllib.request

import numpy as np
import pytest

from core.errors import RowsRefused, StoreError
from storage import influx_journal, influx_queries
from tests.storage.batches import (
    DEVICES,
    NO_POSITIONS,
    NOON_US,
    ids,
    intervals,
    positions,
    reading_rows,
    readings,
)
from tests.storage.influx_stores import EVER, some_readings, store_of


@pytest.fixture
def real(influxd, request):
    name = request.node.name
    with store_of(influxd.url, name) as store:
        yield store, influxd.url, name


def post(url, path, **fields):
    body = fields.pop("body", None) or urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(f"{url}{path}", data=body, timeout=10) as answer:  # noqa: S310
        return answer.read()


def test_influxd_hands_back_the_line_of_another_type_and_keeps_the_others(real):
    store, url, name = real
    store.append(readings((0, NOON_US, 1.0)), NO_POSITIONS)
    post(url, f"/write?db={name}&precision=u", body=b"reading,device=plain voltage_l2=5i %d" % NOON_US)
    rows = [(20, NOON_US, 1.0), (21, NOON_US, 2.0), (23, NOON_US, 3.0), (2, NOON_US, 4.0)]
    with pytest.raises(RowsRefused) as caught:
        store.append(readings(*rows), NO_POSITIONS)
    ((line, reason),) = caught.value.refused
    assert line.startswith(b"reading,device=plain ")
    assert "voltage_l2" in reason
    assert (2, NOON_US, 4.0) in reading_rows(store.readings(ids(0, 2), *EVER))


def test_influxd_hands_back_what_lies_beyond_its_retention(real):
    store, url, name = real
    store.ping()
    post(url, "/query", q=f'create database "{name}" with duration 52w')
    now_us = time.time_ns() // 1000
    old_us = now_us - 3 * 365 * 86_400_000_000
    with pytest.raises(RowsRefused) as caught:
        store.append(readings((0, now_us, 1.0, now_us), (0, old_us, 2.0, now_us)), NO_POSITIONS)
    assert [row.rsplit(b" ", 1)[1] for row, _ in caught.value.refused] == [b"%d" % old_us]
    assert reading_rows(store.readings(ids(0), *EVER)) == [(0, now_us, 1.0)]


def test_what_influxd_hands_back_is_found_in_the_batches_whatever_its_device_is_called(real):
    store, url, name = real
    store.ping()
    post(url, "/query", q=f'create database "{name}" with duration 52w')
    now_us = time.time_ns() // 1000
    old_us = now_us - 3 * 365 * 86_400_000_000
    devices = range(len(DEVICES))
    times = [old_us if device % 2 else now_us for device in devices]
    batch = readings(*((5 * device + k, times[device], k, now_us) for device in devices for k in range(2)))
    fixes = positions(*((device, times[device], 30.0, now_us) for device in devices))
    with pytest.raises(RowsRefused) as caught:
        store.append(batch, fixes)
    assert caught.value.readings.tolist() == [bool(device % 2) for device in devices for _ in range(2)]
    assert caught.value.positions.tolist() == [bool(device % 2) for device in devices]
    assert store.readings(ids(*range(30)), *EVER).register.tolist() == [0, 1, 10, 11, 20, 21]


def test_what_line_protocol_cannot_hold_is_left_out(real):
    store, _, _ = real
    store.append(readings((0, NOON_US, np.nan), (1, NOON_US, 1.0), (2, NOON_US, np.inf)), NO_POSITIONS)
    store.append(readings((0, NOON_US + 1, np.nan)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(0, 1, 2), *EVER)) == [(1, NOON_US, 1.0)]


def test_a_dropped_database_is_made_again(real):
    store, url, name = real
    store.append(readings((0, NOON_US, 1.0)), NO_POSITIONS)
    post(url, "/query", q=f'drop database "{name}"')
    with pytest.raises(StoreError, match="is there a database") as caught:
        store.append(readings((0, NOON_US, 2.0)), NO_POSITIONS)
    assert caught.value.retryable
    store.append(readings((0, NOON_US, 3.0)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(0), *EVER)) == [(0, NOON_US, 3.0)]


def test_what_a_batch_scattered_over_years_is_found_again_by_receipt(real, monkeypatch):
    store, _, _ = real
    monkeypatch.setattr(influx_journal, "_REPLAY_ROWS", 150)
    day_us = 86_400_000_000
    for batch in range(4):
        rows = [(n % 3, NOON_US - n * 3 * day_us - batch, n, NOON_US + batch) for n in range(100)]
        store.append(readings(*rows), NO_POSITIONS)
    pairs = [batch.received_at_us.tolist() for batch, _ in store.received_after(NOON_US)]
    assert pairs == [[NOON_US + 1] * 100 + [NOON_US + 2] * 100, [NOON_US + 3] * 100]


def test_many_devices_take_more_than_one_question(influxd, monkeypatch):
    monkeypatch.setattr(influx_queries, "_DEVICES", 2)
    with store_of(influxd.url, "many devices") as store:
        store.append(some_readings(30), NO_POSITIONS)
        store.put_intervals(intervals(*((5 * n, 0, n) for n in range(6))))
        registers = ids(*range(0, 30, 5))
        assert len(store.readings(registers, *EVER)) == 30
        assert store.intervals(registers, *EVER).amount.tolist() == [0, 1, 2, 3, 4, 5]
