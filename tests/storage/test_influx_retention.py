"""What is past its time goes from a real InfluxDB; nothing else does."""

from dataclasses import replace
from itertools import takewhile

import pytest

from core.retention import Retention
from tests.storage.batches import NO_READINGS, NOON_US, ids, interval_rows, intervals, positions, readings
from tests.storage.influx_stores import EVER, store_of

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
KEEP_ALL = Retention(None, None, None, quiet_from_us=EVER[1], thin=lambda batch: batch)
DAYS = range(5)


@pytest.fixture
def store(influxd, request):
    with store_of(influxd.url, request.node.name) as made:
        for day in DAYS:
            times = [NOON_US + day * DAY_US + hour * HOUR_US for hour in range(6)]
            rows = [(register, time, 1.0, time) for time in times for register in (0, 6)]
            made.append(readings(*rows), positions(*((5, time, 30.0, time) for time in times)))
        made.put_intervals(intervals(*((0, slot, slot) for slot in range(20))))
        yield made


def retain_all(store, retention):
    return list(takewhile(bool, (store.retain(retention, 1000) for _ in range(100))))


def test_without_limits_everything_stays(store):
    assert retain_all(store, replace(KEEP_ALL, full_from_us=EVER[1])) == []
    assert len(store.readings(ids(0, 6), *EVER)) == 60


def test_positions_past_their_time_go_a_day_at_a_time(store):
    limit_us = NOON_US + 2 * DAY_US + 2 * HOUR_US
    assert retain_all(store, replace(KEEP_ALL, positions_from_us=limit_us)) == [6, 6, 2]
    found = store.positions(ids(5), *EVER).fix_time_us
    assert len(found) == 5 * 6 - 14
    assert found[0] == limit_us
    assert len(store.readings(ids(0, 6), *EVER)) == 60
    assert store.last_received_us() == NOON_US + 4 * DAY_US + 5 * HOUR_US


def test_readings_past_their_time_go_and_the_ledger_stays(store):
    limit_us = NOON_US + 3 * DAY_US
    retain_all(store, replace(KEEP_ALL, readings_from_us=limit_us))
    assert store.readings(ids(0, 6), *EVER).event_time_us.min() == limit_us
    assert len(store.readings(ids(0, 6), *EVER)) == 2 * 2 * 6
    assert len(interval_rows(store.intervals(ids(0), *EVER))) == 20
    assert len(store.positions(ids(5), *EVER)) == 30


def test_what_comes_late_and_past_its_time_goes_within_the_hour(store):
    policy = replace(KEEP_ALL, positions_from_us=NOON_US + DAY_US)
    retain_all(store, policy)
    store.append(NO_READINGS, positions((5, NOON_US, 31.0, NOON_US + 9 * DAY_US)))
    assert retain_all(store, replace(policy, positions_from_us=NOON_US + DAY_US + HOUR_US)) == [1, 1]
    assert store.positions(ids(5), *EVER).fix_time_us[0] == NOON_US + DAY_US + HOUR_US
