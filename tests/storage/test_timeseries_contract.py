"""What every TimeSeriesStore promises, on the real stores."""

from datetime import UTC, datetime

import numpy as np
import pytest

from core.batch import BASE_US, IntervalBatch, PositionBatch, ReadingBatch
from core.quality import Quality, ReadingQuality
from tests.storage.batches import (
    DEVICES,
    NO_POSITIONS,
    NO_READINGS,
    NOON_US,
    ids,
    interval_rows,
    intervals,
    position_rows,
    positions,
    reading_rows,
    readings,
)

YEAR_1970_US = 1
YEAR_2100_US = int(datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC).timestamp()) * 1_000_000 + 999_999
EVER = (0, YEAR_2100_US + 1)


def received(store, watermark_us=0):
    pairs = list(store.received_after(watermark_us))
    return [time for batch, _ in pairs for time in batch.received_at_us.tolist()]


def test_an_empty_store_answers_with_empty_batches(store):
    assert len(store.readings(ids(0, 1), *EVER)) == 0
    assert len(store.positions(ids(0, 1), *EVER)) == 0
    assert len(store.intervals(ids(0, 1), *EVER)) == 0
    assert [len(side) for side in store.neighbours(0, NOON_US, NOON_US + 1)] == [0, 0]
    assert list(store.received_after(0)) == []
    assert store.last_received_us() == 0
    store.ping()


def test_empty_answers_have_the_columns_types(store):
    store.append(readings((0, NOON_US, 1.0)), positions((5, NOON_US, 30.0)))
    store.put_intervals(intervals((0, 0, 1.0)))
    for answer, kind in (
        (store.readings(ids(3), *EVER), ReadingBatch),
        (store.readings(ids(), *EVER), ReadingBatch),
        (store.positions(ids(3), *EVER), PositionBatch),
        (store.intervals(ids(3), *EVER), IntervalBatch),
    ):
        types = {name: column.dtype for name, column in answer.columns().items()}
        assert types == {name: column.dtype for name, column in kind.empty().columns().items()}
        assert len(answer) == 0


def test_nothing_to_append_is_not_an_error(store):
    store.append(NO_READINGS, NO_POSITIONS)
    store.put_intervals(IntervalBatch.empty())
    assert store.last_received_us() == 0


def test_what_is_prepared_is_stored_when_it_is_called(store):
    first = store.prepare(
        readings((0, NOON_US, 1.0, NOON_US + 1)), positions((5, NOON_US, 30.0, NOON_US + 1))
    )
    second = store.prepare(readings((0, NOON_US, 2.0, NOON_US + 2)), NO_POSITIONS)
    assert received(store) == []
    assert store.last_received_us() == 0
    first()
    assert reading_rows(store.readings(ids(0), *EVER)) == [(0, NOON_US, 1.0)]
    assert position_rows(store.positions(ids(5), *EVER)) == [(5, NOON_US, 30.0)]
    assert store.last_received_us() == NOON_US + 1
    second()
    assert reading_rows(store.readings(ids(0), *EVER)) == [(0, NOON_US, 2.0)]
    assert received(store, NOON_US + 1) == [NOON_US + 2]


def test_what_is_prepared_may_be_stored_twice(store):
    again = store.prepare(readings((0, NOON_US, 1.0, NOON_US + 1)), positions((5, NOON_US, 30.0)))
    for _ in range(2):
        again()
    assert reading_rows(store.readings(ids(0), *EVER)) == [(0, NOON_US, 1.0)]
    assert len(store.positions(ids(5), *EVER)) == 1
    store.prepare(NO_READINGS, NO_POSITIONS)()


def test_what_is_prepared_and_never_stored_does_no_harm(store):
    store.prepare(readings((0, NOON_US - 10**12, 9.0, NOON_US + 1)), NO_POSITIONS)
    store.append(readings((0, NOON_US, 1.0, NOON_US + 1), (5, NOON_US, 5.0, NOON_US + 2)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(0, 5), *EVER)) == [(0, NOON_US, 1.0), (5, NOON_US, 5.0)]
    assert received(store) == [NOON_US + 1, NOON_US + 2]


def test_a_correction_that_was_prepared_before_its_reading_was_stored_takes_the_flags_with_it(store):
    manual = readings((0, NOON_US, 1.0, NOON_US + 1, ReadingQuality.MANUAL))
    first = store.prepare(manual, NO_POSITIONS)
    second = store.prepare(readings((0, NOON_US, 2.0, NOON_US + 2, ReadingQuality.GOOD)), NO_POSITIONS)
    first()
    assert store.readings(ids(0), *EVER).quality.tolist() == [ReadingQuality.MANUAL]
    second()
    assert store.readings(ids(0), *EVER).quality.tolist() == [0]


def test_readings_come_by_register_then_time(store):
    store.append(readings((3, NOON_US + 2, 1.0), (1, NOON_US + 5, 2.0), (3, NOON_US, 3.0)), NO_POSITIONS)
    store.append(readings((1, NOON_US + 1, 4.0), (20, NOON_US + 2, 5.0)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(20, 3, 1), *EVER)) == [
        (1, NOON_US + 1, 4.0),
        (1, NOON_US + 5, 2.0),
        (3, NOON_US, 3.0),
        (3, NOON_US + 2, 1.0),
        (20, NOON_US + 2, 5.0),
    ]


def test_a_reading_comes_back_as_it_was(store):
    written = readings((7, NOON_US + 123_456, 0.1 + 0.2, NOON_US + 999_999, ReadingQuality.RECEIVE_TIME))
    store.append(written, NO_POSITIONS)
    read = store.readings(ids(7), *EVER)
    for name, column in written.columns().items():
        assert read.columns()[name].tolist() == column.tolist(), name
        assert read.columns()[name].dtype == column.dtype, name


@pytest.mark.parametrize(
    "value", [0.1, -1e-9, 1e-308, 1.7976931348623157e308, 123456789.12345679, 2.0**53 + 2]
)
def test_a_value_is_exact_to_its_last_bit(store, value):
    store.append(readings((0, NOON_US, value)), NO_POSITIONS)
    assert store.readings(ids(0), *EVER).value.tobytes() == np.float64(value).tobytes()


def test_a_range_holds_its_start_and_not_its_end(store):
    store.append(readings(*((0, NOON_US + second, second) for second in range(5))), NO_POSITIONS)
    assert reading_rows(store.readings(ids(0), NOON_US + 1, NOON_US + 3)) == [
        (0, NOON_US + 1, 1.0),
        (0, NOON_US + 2, 2.0),
    ]
    assert len(store.readings(ids(0), NOON_US + 3, NOON_US + 3)) == 0


def test_the_same_reading_twice_is_there_once(store):
    for _ in range(2):
        store.append(readings((0, NOON_US, 1.0), (0, NOON_US + 1, 2.0)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(0), *EVER)) == [(0, NOON_US, 1.0), (0, NOON_US + 1, 2.0)]


def test_the_reading_written_last_wins(store):
    store.append(readings((0, NOON_US, 1.0, NOON_US)), NO_POSITIONS)
    store.append(readings((0, NOON_US, 2.0, NOON_US + 5)), NO_POSITIONS)
    read = store.readings(ids(0), *EVER)
    assert reading_rows(read) == [(0, NOON_US, 2.0)]
    assert read.received_at_us.tolist() == [NOON_US + 5]


def test_the_last_of_a_repeated_reading_in_one_batch_wins(store):
    store.append(readings((0, NOON_US, 1.0), (1, NOON_US, 7.0), (0, NOON_US, 2.0)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(0, 1), *EVER)) == [(0, NOON_US, 2.0), (1, NOON_US, 7.0)]


def test_a_correction_of_one_quantity_leaves_the_others(store):
    store.append(readings((0, NOON_US, 1.0), (1, NOON_US, 2.0)), NO_POSITIONS)
    store.append(readings((1, NOON_US, 3.0, NOON_US + 1)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(0, 1), *EVER)) == [(0, NOON_US, 1.0), (1, NOON_US, 3.0)]


def test_a_correction_takes_the_quality_flags_with_it(store):
    store.append(readings((0, NOON_US, 1.0, NOON_US, ReadingQuality.MANUAL), (1, NOON_US, 1.0)), NO_POSITIONS)
    store.append(readings((0, NOON_US, 2.0, NOON_US + 1, ReadingQuality.GOOD)), NO_POSITIONS)
    read = store.readings(ids(0, 1), *EVER)
    assert read.quality.tolist() == [0, 0]
    assert read.value.tolist() == [2.0, 1.0]


def test_a_limit_counts_identities_not_rows(store):
    for revision in range(4):
        rows = [(register, NOON_US + t, revision) for register in (0, 1) for t in range(3)]
        store.append(readings(*((*row, NOON_US + revision) for row in rows)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(0, 1), *EVER, limit=4)) == [
        (0, NOON_US, 3.0),
        (0, NOON_US + 1, 3.0),
        (0, NOON_US + 2, 3.0),
        (1, NOON_US, 3.0),
    ]
    assert reading_rows(store.readings(ids(0, 1), *EVER, limit=2)) == [
        (0, NOON_US, 3.0),
        (0, NOON_US + 1, 3.0),
    ]
    assert len(store.readings(ids(0, 1), *EVER, limit=100)) == 6
    assert len(store.readings(ids(0, 1), *EVER, limit=0)) == 0


def test_other_quantities_of_the_device_do_not_use_up_a_limit(store):
    store.append(readings((0, NOON_US, 1.0), (0, NOON_US + 1, 2.0)), NO_POSITIONS)
    store.append(readings((1, NOON_US + 2, 3.0), (1, NOON_US + 3, 4.0)), NO_POSITIONS)
    assert reading_rows(store.readings(ids(1), *EVER, limit=1)) == [(1, NOON_US + 2, 3.0)]


@pytest.mark.parametrize("event_us", [YEAR_1970_US, 0, YEAR_2100_US])
def test_times_far_from_now_are_kept(store, event_us):
    store.append(readings((0, event_us, 4.0)), positions((5, event_us, 30.0)))
    assert reading_rows(store.readings(ids(0), event_us, event_us + 1)) == [(0, event_us, 4.0)]
    assert position_rows(store.positions(ids(5), event_us, event_us + 1)) == [(5, event_us, 30.0)]
    before, after = store.neighbours(0, event_us + 1, event_us + 2)
    assert reading_rows(before) == [(0, event_us, 4.0)]
    assert len(after) == 0


def test_a_range_may_reach_the_ends_of_int64(store):
    store.append(readings((0, NOON_US, 4.0)), positions((5, NOON_US, 30.0)))
    store.put_intervals(intervals((0, 0, 1.0)))
    least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    assert len(store.readings(ids(0), int(least), int(most))) == 1
    assert len(store.positions(ids(5), int(least), int(most))) == 1
    assert len(store.intervals(ids(0), int(least), int(most))) == 1
    assert [len(side) for side in store.neighbours(0, int(least), int(most))] == [0, 0]


def test_every_device_name_keeps_its_readings_apart(store):
    rows = [(device * 5 + 1, NOON_US, float(device)) for device in range(len(DEVICES))]
    store.append(readings(*rows), positions(*((device, NOON_US, device) for device in range(len(DEVICES)))))
    assert reading_rows(store.readings(ids(*range(len(DEVICES) * 5)), *EVER)) == rows
    for register, time, value in rows:
        assert reading_rows(store.readings(ids(register), *EVER)) == [(register, time, value)]
    everyone = store.positions(ids(*range(len(DEVICES))), *EVER)
    assert everyone.device.tolist() == list(range(len(DEVICES)))
    assert everyone.latitude_deg.tolist() == list(range(len(DEVICES)))


def test_neighbours_are_the_nearest_outside_the_range(store):
    times = [NOON_US - 10, NOON_US - 1, NOON_US, NOON_US + 4, NOON_US + 5, NOON_US + 9]
    store.append(readings(*((0, time, n) for n, time in enumerate(times))), NO_POSITIONS)
    store.append(readings((1, NOON_US - 1, 70.0), (1, NOON_US + 6, 80.0)), NO_POSITIONS)
    before, after = store.neighbours(0, NOON_US, NOON_US + 5)
    assert reading_rows(before) == [(0, NOON_US - 1, 1.0)]
    assert reading_rows(after) == [(0, NOON_US + 5, 4.0)]


@pytest.mark.parametrize("distance_us", [1, 10**9, 10**11, 10**13, 5 * 10**13, 10**15])
def test_neighbours_are_found_however_far_away(store, distance_us):
    rows = [(0, NOON_US - distance_us, 1.0), (0, NOON_US + distance_us, 2.0)]
    store.append(readings(*rows, (0, NOON_US - 2 * distance_us, 0.0)), NO_POSITIONS)
    before, after = store.neighbours(0, NOON_US, NOON_US)
    assert reading_rows(before) + reading_rows(after) == rows


def test_a_neighbour_is_the_last_written_of_its_identity(store):
    store.append(readings((0, NOON_US - 1, 1.0), (0, NOON_US + 1, 1.0)), NO_POSITIONS)
    store.append(
        readings((0, NOON_US - 1, 2.0, NOON_US + 1), (0, NOON_US + 1, 3.0, NOON_US + 1)), NO_POSITIONS
    )
    before, after = store.neighbours(0, NOON_US, NOON_US + 1)
    assert reading_rows(before) == [(0, NOON_US - 1, 2.0)]
    assert reading_rows(after) == [(0, NOON_US + 1, 3.0)]


def test_received_after_is_complete_and_in_the_order_of_receipt(store):
    for step in (0, 2, 1, 3):
        event_us = NOON_US - step * 10**9
        rows = [(register, event_us, step, NOON_US + step) for register in range(3)]
        store.append(readings(*rows), positions((5, event_us, step, NOON_US + step)))
    assert received(store) == sorted(NOON_US + step for step in range(4) for _ in range(3))
    assert received(store, NOON_US + 1) == [NOON_US + 2] * 3 + [NOON_US + 3] * 3
    assert received(store, NOON_US + 3) == []
    fixes = [row for _, batch in store.received_after(NOON_US) for row in position_rows(batch)]
    assert [fix[2] for fix in fixes] == [1.0, 2.0, 3.0]


def test_what_was_received_together_comes_together(store):
    for day in range(3):
        event_us = NOON_US - day * 86_400_000_000
        rows = [(register, event_us, 1.0, NOON_US) for register in range(5)]
        store.append(readings(*rows), positions((5, event_us, 1.0, NOON_US)))
    store.append(readings((0, NOON_US - 1, 1.0, NOON_US - 1)), NO_POSITIONS)
    pairs = list(store.received_after(0))
    holding = [pair for pair in pairs if NOON_US in pair[0].received_at_us]
    assert len(holding) == 1
    assert np.count_nonzero(holding[0][0].received_at_us == NOON_US) == 15
    assert np.count_nonzero(holding[0][1].received_at_us == NOON_US) == 3


def test_positions_alone_are_received_too(store):
    store.append(NO_READINGS, positions((5, NOON_US, 30.0, NOON_US + 7)))
    ((found, fixes),) = store.received_after(0)
    assert len(found) == 0
    assert position_rows(fixes) == [(5, NOON_US, 30.0)]
    assert store.last_received_us() == NOON_US + 7


def test_last_received_is_the_highest_ever_stored(site):
    store = site.open()
    store.append(readings((0, NOON_US, 1.0, NOON_US + 9)), NO_POSITIONS)
    store.append(readings((0, NOON_US + 1, 1.0, NOON_US + 4)), positions((5, NOON_US, 30.0, NOON_US + 5)))
    assert store.last_received_us() == NOON_US + 9
    assert site.open().last_received_us() == NOON_US + 9


def test_opening_again_keeps_everything_but_open_intervals(site):
    store = site.open()
    store.append(readings((0, NOON_US, 1.0), (6, NOON_US, 2.0)), positions((5, NOON_US, 30.0)))
    store.put_intervals(intervals((0, 0, 7.0), (0, 1, 0.5, Quality.OPEN)))
    store = site.open()
    assert reading_rows(store.readings(ids(0, 6), *EVER)) == [(0, NOON_US, 1.0), (6, NOON_US, 2.0)]
    assert position_rows(store.positions(ids(5), *EVER)) == [(5, NOON_US, 30.0)]
    assert interval_rows(store.intervals(ids(0), *EVER))[0] == (0, 0, 7.0)


def test_many_registers_over_many_days_are_each_there_once(store):
    registers, slots = np.arange(30, dtype=np.int32), np.arange(96 * 3)
    for revision in range(2):
        store.put_intervals(
            intervals(*((r, s, revision) for s in slots.tolist() for r in registers.tolist()))
        )
    found = store.intervals(registers, *EVER)
    assert interval_rows(found) == [(r, s, 1.0) for r in registers.tolist() for s in slots.tolist()]
    some = registers[registers % 3 == 1]
    assert interval_rows(store.intervals(some, NOON_US, NOON_US + 2 * BASE_US)) == [
        (r, s, 1.0) for r in some.tolist() for s in range(2)
    ]
