"""What every time-series store promises of positions and ledger intervals."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from core.batch import BASE_US
from core.quality import Quality
from tests.storage.batches import (
    NO_READINGS,
    NOON_US,
    ids,
    interval_rows,
    intervals,
    position_rows,
    positions,
)

YEAR_1970_US = 1
YEAR_2100_US = int(datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC).timestamp()) * 1_000_000 + 999_999
EVER = (0, YEAR_2100_US + 1)


def test_a_position_comes_back_as_it_was(store):
    written = replace(
        positions((5, NOON_US + 123, 29.56301)),
        speed_kmh=np.array([62.1], np.float32),
        course_deg=np.array([359.9], np.float32),
        accuracy_m=np.array([0.3], np.float32),
        ignition=np.array([1.0], np.float32),
        odometer_km=np.array([12345.6]),
        fuel_l=np.array([40.2], np.float32),
        soc_pct=np.array([33.3], np.float32),
    )
    store.append(NO_READINGS, written)
    read = store.positions(ids(5), *EVER)
    for name, column in written.columns().items():
        assert read.columns()[name].tolist() == column.tolist(), name


def test_what_a_tracker_does_not_report_stays_unknown(store):
    store.append(NO_READINGS, positions((5, NOON_US, 29.5)))
    read = store.positions(ids(5), *EVER)
    for name in ("speed_kmh", "course_deg", "accuracy_m", "ignition", "odometer_km", "fuel_l", "soc_pct"):
        assert np.isnan(read.columns()[name]).tolist() == [True], name


def test_positions_come_by_device_then_time_and_the_last_written_wins(store):
    store.append(NO_READINGS, positions((5, NOON_US + 1, 1.0), (2, NOON_US, 2.0), (5, NOON_US, 3.0)))
    store.append(NO_READINGS, positions((5, NOON_US + 1, 4.0, NOON_US + 1)))
    rows = [(2, NOON_US, 2.0), (5, NOON_US, 3.0), (5, NOON_US + 1, 4.0)]
    assert position_rows(store.positions(ids(5, 2), *EVER)) == rows
    assert position_rows(store.positions(ids(5, 2), *EVER, limit=2)) == rows[:2]
    assert position_rows(store.positions(ids(5), NOON_US, NOON_US + 1)) == [(5, NOON_US, 3.0)]


def test_an_interval_comes_back_as_it_was(store):
    flags = Quality.START_INTERPOLATED | Quality.GAP_SPREAD | Quality.LATE
    written = replace(intervals((3, 4, 0.1 + 0.2, flags, 6)), covered_us=np.array([BASE_US // 3]))
    store.put_intervals(written)
    read = store.intervals(ids(3), *EVER)
    for name, column in written.columns().items():
        assert read.columns()[name].tolist() == column.tolist(), name
        assert read.columns()[name].dtype == column.dtype, name


def test_an_interval_without_data_keeps_its_nan(store):
    written = replace(
        intervals((0, 0, np.nan)),
        covered_us=np.array([0]),
        first_us=np.array([0]),
        first_value=np.array([np.nan]),
        last_us=np.array([0]),
        last_value=np.array([np.nan]),
    )
    store.put_intervals(written)
    read = store.intervals(ids(0), *EVER)
    assert np.isnan([read.amount[0], read.first_value[0], read.last_value[0]]).all()
    assert (read.covered_us[0], read.first_us[0], read.last_us[0]) == (0, 0, 0)


def test_an_amount_that_became_unknown_is_no_longer_known(store):
    store.put_intervals(intervals((0, 0, 5.0)))
    store.put_intervals(replace(intervals((0, 0, np.nan)), first_value=np.array([np.nan])))
    read = store.intervals(ids(0), *EVER)
    assert np.isnan([read.amount[0], read.first_value[0]]).all()


def test_intervals_come_by_register_then_start(store):
    store.put_intervals(intervals((8, 1, 1.0), (2, 5, 2.0), (8, 0, 3.0)))
    store.put_intervals(intervals((2, 2, 4.0)))
    assert interval_rows(store.intervals(ids(8, 2), *EVER)) == [
        (2, 2, 4.0),
        (2, 5, 2.0),
        (8, 0, 3.0),
        (8, 1, 1.0),
    ]


def test_the_interval_written_last_wins_whatever_its_revision(store):
    store.put_intervals(intervals((0, 0, 1.0, 0, 9), (0, 1, 1.0)))
    store.put_intervals(intervals((0, 0, 2.0, 0, 3)))
    read = store.intervals(ids(0), *EVER)
    assert interval_rows(read) == [(0, 0, 2.0), (0, 1, 1.0)]
    assert read.revision.tolist() == [3, 0]


def test_a_range_of_intervals_is_half_open_on_their_starts(store):
    store.put_intervals(intervals(*((0, slot, slot) for slot in range(4))))
    found = store.intervals(ids(0), NOON_US + BASE_US, NOON_US + 3 * BASE_US)
    assert interval_rows(found) == [(0, 1, 1.0), (0, 2, 2.0)]


def test_an_open_interval_is_seen_and_filled_and_closed(store):
    store.put_intervals(intervals((0, 0, 7.0), (0, 1, 0.5, Quality.OPEN), (1, 0, 0.25, Quality.OPEN)))
    assert interval_rows(store.intervals(ids(0, 1), *EVER)) == [(0, 0, 7.0), (0, 1, 0.5), (1, 0, 0.25)]
    store.put_intervals(intervals((0, 1, 0.75, Quality.OPEN)))
    assert interval_rows(store.intervals(ids(0), *EVER)) == [(0, 0, 7.0), (0, 1, 0.75)]
    store.put_intervals(intervals((0, 1, 1.0), (0, 2, 0.1, Quality.OPEN)))
    read = store.intervals(ids(0), *EVER)
    assert interval_rows(read) == [(0, 0, 7.0), (0, 1, 1.0), (0, 2, 0.1)]
    assert read.quality.tolist() == [0, 0, Quality.OPEN]


def test_of_an_interval_open_and_closed_in_one_batch_the_last_row_counts(store):
    store.put_intervals(
        intervals((0, 0, 1.0, Quality.OPEN), (1, 0, 2.0), (0, 0, 3.0), (1, 0, 4.0, Quality.OPEN))
    )
    assert interval_rows(store.intervals(ids(0, 1), *EVER)) == [(0, 0, 3.0), (1, 0, 4.0)]


def test_a_closed_interval_may_open_again(store):
    store.put_intervals(intervals((0, 0, 1.0)))
    store.put_intervals(intervals((0, 0, 2.0, Quality.OPEN)))
    assert interval_rows(store.intervals(ids(0), *EVER)) == [(0, 0, 2.0)]
