"""What is past its time goes, a step at a time; what must be kept never does."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from core.batch import BASE_US, ReadingBatch
from core.quality import ReadingQuality
from core.retention import Retention
from storage.columns import latest_readings
from storage.duckdb import DuckDBStore
from tests.storage.batches import (
    NO_POSITIONS,
    NO_READINGS,
    NOON_US,
    ids,
    intervals,
    position_rows,
    positions,
    reading_rows,
    readings,
)
from tests.storage.children import start

EVER = (0, 4_000_000_000_000_000)
MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
REGISTERS = np.arange(20, dtype=np.int32)


def ends_of_intervals(batch):
    """The last reading of each register and ledger interval: a stand-in for the analytics' rule."""
    batch = latest_readings(batch)
    slot = (batch.event_time_us - 1) // BASE_US
    last = np.append((slot[1:] != slot[:-1]) | (batch.register[1:] != batch.register[:-1]), True)
    kept = batch.take(last)
    kept.quality[:] |= np.uint8(ReadingQuality.THINNED_BEFORE)
    return kept


KEEP_ALL = Retention(None, None, None, quiet_from_us=EVER[1], thin=ends_of_intervals)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "wattline.duckdb"


@pytest.fixture
def store(path):
    made = DuckDBStore(path)
    yield made
    made.close()


def fill(store, *, hours=6, registers=4):
    """A reading a minute and a fix every ten, from noon on."""
    for hour in range(hours):
        times = [NOON_US + hour * HOUR_US + n * MINUTE_US for n in range(60)]
        rows = [(r, time, r + (time - NOON_US) / 1e9, time) for time in times for r in range(registers)]
        fixes = [(5, time, 30.0, time) for time in times[::10]]
        store.append(readings(*rows), positions(*fixes))
    store.put_intervals(intervals(*((r, slot, slot) for r in range(registers) for slot in range(4 * hours))))


def retain_all(store, retention, max_rows=500):
    return sum(itertools.takewhile(bool, (store.retain(retention, max_rows) for _ in range(1000))))


def times(batch):
    return [(time - NOON_US) / HOUR_US for time in batch.event_time_us.tolist()]


def test_without_limits_everything_stays(store):
    fill(store)
    assert retain_all(store, KEEP_ALL) == 0
    assert len(store.readings(REGISTERS, *EVER)) == 6 * 60 * 4


def test_positions_past_their_time_go_and_the_others_stay(store):
    fill(store)
    limit_us = NOON_US + 2 * HOUR_US + 25 * MINUTE_US
    assert retain_all(store, replace(KEEP_ALL, positions_from_us=limit_us)) > 0
    found = store.positions(ids(5), *EVER)
    assert found.fix_time_us.tolist() == [
        time for time in range(NOON_US, NOON_US + 6 * HOUR_US, 10 * MINUTE_US) if time >= limit_us
    ]
    assert len(store.readings(REGISTERS, *EVER)) == 6 * 60 * 4


def test_readings_past_their_time_go_but_for_the_one_that_the_next_counts_on(store):
    fill(store)
    store.append(readings((9, NOON_US - 300 * DAY_US, 7.0), (9, NOON_US - 200 * DAY_US, 8.0)), NO_POSITIONS)
    limit_us = NOON_US + 3 * HOUR_US
    assert retain_all(store, replace(KEEP_ALL, readings_from_us=limit_us)) > 0
    for register in range(4):
        found = store.readings(ids(register), *EVER).event_time_us
        assert found.tolist() == list(range(limit_us - MINUTE_US, NOON_US + 6 * HOUR_US, MINUTE_US))
    assert reading_rows(store.readings(ids(9), *EVER)) == [(9, NOON_US - 200 * DAY_US, 8.0)]
    later = replace(KEEP_ALL, readings_from_us=limit_us + HOUR_US)
    assert retain_all(store, later) > 0
    assert retain_all(store, replace(later, readings_from_us=limit_us + HOUR_US + 1)) == 0
    assert times(store.readings(ids(0), *EVER))[0] == pytest.approx(4 - 1 / 60)


def test_ledger_intervals_outlive_everything(store):
    fill(store)
    before = store.intervals(REGISTERS, *EVER).columns()
    end_us = EVER[1]
    retain_all(
        store, replace(KEEP_ALL, full_from_us=end_us, readings_from_us=end_us, positions_from_us=end_us)
    )
    after = store.intervals(REGISTERS, *EVER).columns()
    assert {name: column.tolist() for name, column in after.items()} == {
        name: column.tolist() for name, column in before.items()
    }


@pytest.mark.parametrize("max_rows", [100, 500, 100_000])
def test_old_readings_are_thinned_and_newer_ones_are_not(store, max_rows):
    fill(store)
    limit_us = NOON_US + 3 * HOUR_US + 30 * MINUTE_US
    retain_all(store, replace(KEEP_ALL, full_from_us=limit_us), max_rows)
    quarters = list(range(NOON_US, NOON_US + 3 * HOUR_US + 1, BASE_US))
    full = list(range(NOON_US + 3 * HOUR_US + MINUTE_US, NOON_US + 6 * HOUR_US, MINUTE_US))
    for register in range(4):
        found = store.readings(ids(register), *EVER)
        assert found.event_time_us.tolist() == quarters + full
        assert found.value.tolist() == [register + (time - NOON_US) / 1e9 for time in quarters + full]
        assert set(found.quality[1 : len(quarters)].tolist()) == {ReadingQuality.THINNED_BEFORE}
        assert set(found.quality[len(quarters) :].tolist()) == {0}


def test_thinning_gives_whole_intervals_to_the_rule(store):
    fill(store, hours=3)
    given = []

    def thin(batch):
        given.append(batch)
        return batch

    retain_all(store, replace(KEEP_ALL, full_from_us=EVER[1], thin=thin), 100)
    slots = [
        set(zip(b.register.tolist(), ((b.event_time_us - 1) // BASE_US).tolist(), strict=True)) for b in given
    ]
    assert len(slots) > 3
    assert sum(map(len, slots)) == len(set.union(*slots))
    for batch in given:
        assert len(latest_readings(batch)) == len(batch)


def test_a_thinned_window_is_looked_at_again_only_when_something_has_come(store):
    fill(store)
    policy = replace(KEEP_ALL, full_from_us=NOON_US + 3 * HOUR_US)
    assert retain_all(store, policy) > 0
    an_hour_later = replace(policy, full_from_us=NOON_US + 4 * HOUR_US)
    assert retain_all(store, an_hour_later, 10_000) == 60 * 4
    late = [(2, NOON_US + HOUR_US + n * MINUTE_US, 99.0, NOON_US + 9 * HOUR_US) for n in range(1, 15)]
    store.append(readings(*late), NO_POSITIONS)
    assert len(store.readings(ids(2), NOON_US + HOUR_US + 1, NOON_US + HOUR_US + BASE_US)) == 14
    later = replace(policy, full_from_us=NOON_US + 5 * HOUR_US)
    assert retain_all(store, later, 10_000) > 60 * 4
    assert len(store.readings(ids(2), NOON_US + HOUR_US + 1, NOON_US + HOUR_US + BASE_US)) == 0


def test_a_window_that_still_receives_waits(store):
    fill(store)
    policy = replace(KEEP_ALL, full_from_us=NOON_US + 3 * HOUR_US, quiet_from_us=NOON_US + HOUR_US + 1)
    retain_all(store, policy)
    found = [time for time in times(store.readings(ids(0), *EVER)) if time <= 3]
    assert [time for time in found if time <= 1] == [0, 0.25, 0.5, 0.75, 1]
    assert len([time for time in found if 1 < time <= 3]) == 120


def test_a_window_of_which_little_would_go_is_left_as_it_is(store):
    store.append(
        readings(*((r, NOON_US + n * BASE_US, n) for n in range(96) for r in range(4))), NO_POSITIONS
    )
    policy = replace(KEEP_ALL, full_from_us=EVER[1])
    assert retain_all(store, policy) > 0
    assert set(store.readings(REGISTERS, *EVER).quality.tolist()) == {0}
    assert retain_all(store, replace(policy, full_from_us=EVER[1] - HOUR_US)) == 0


def test_superseded_readings_go_with_the_thinning(store):
    fill(store, hours=2)
    store.append(readings((0, NOON_US + BASE_US, 5.0, NOON_US + 5 * HOUR_US)), NO_POSITIONS)
    retain_all(store, replace(KEEP_ALL, full_from_us=NOON_US + 5 * HOUR_US))
    assert store.readings(ids(0), NOON_US + BASE_US, NOON_US + BASE_US + 1).value.tolist() == [5.0]
    with store._file.read() as cursor:
        (rows,) = cursor.execute("select count(*) from reading where register = 0").fetchone()
    assert rows == len(store.readings(ids(0), *EVER))


def test_a_correction_keeps_the_flag_of_what_it_corrects(store):
    fill(store, hours=2)
    retain_all(store, replace(KEEP_ALL, full_from_us=NOON_US + 5 * HOUR_US))
    store.append(readings((0, NOON_US + BASE_US, 5.0, NOON_US + 5 * HOUR_US)), NO_POSITIONS)
    found = store.readings(ids(0), NOON_US, NOON_US + HOUR_US)
    assert found.value[1] == 5.0
    assert found.quality[1] == ReadingQuality.THINNED_BEFORE


def test_the_newest_time_of_receipt_outlives_its_row(store, path):
    fill(store)
    store.append(NO_READINGS, positions((5, NOON_US - DAY_US, 30.0, NOON_US + DAY_US)))
    retain_all(store, replace(KEEP_ALL, positions_from_us=NOON_US))
    assert store.last_received_us() == NOON_US + DAY_US
    store.close()
    again = DuckDBStore(path)
    assert again.last_received_us() == NOON_US + DAY_US
    assert again.incidents() == ()
    again.close()


def test_what_was_let_go_makes_room_in_the_file(store, path):
    random = np.random.default_rng(1)
    sizes = []
    for round_ in range(6):
        start_us = NOON_US + round_ * HOUR_US
        time_us = np.repeat(start_us + np.arange(1, 1801) * 2_000_000, 100)
        size = len(time_us)
        registers = np.tile(np.arange(100, dtype=np.int32), 1800)
        store.append(
            ReadingBatch(registers, time_us, random.random(size), np.zeros(size, np.uint8), time_us),
            NO_POSITIONS,
        )
        retain_all(store, replace(KEEP_ALL, full_from_us=start_us + HOUR_US), 250_000)
        sizes.append(path.stat().st_size)
    assert sizes[-1] < 2.5 * sizes[0]


_RETAINING = """
import sys
from dataclasses import replace
from pathlib import Path
from storage.duckdb import DuckDBStore
from tests.storage.test_duckdb_retention import EVER, HOUR_US, KEEP_ALL, NOON_US
store = DuckDBStore(Path(sys.argv[1]))
print("open", flush=True)
policy = replace(KEEP_ALL, full_from_us=EVER[1], positions_from_us=NOON_US + 3 * HOUR_US)
while store.retain(policy, 200):
    print("step", flush=True)
print("end", flush=True)
"""


@pytest.mark.parametrize("steps", [0, 1, 3, 6])
def test_a_kill_during_a_step_loses_nothing_that_must_be_kept(path, steps):
    store = DuckDBStore(path)
    fill(store)
    every = store.readings(REGISTERS, *EVER)
    store.close()
    with start(_RETAINING, path) as child:
        for _ in range(1 + steps):
            assert child.stdout.readline() in ("open\n", "step\n")
        child.kill()
    store = DuckDBStore(path)
    assert store.incidents() == ()
    found = set(reading_rows(store.readings(REGISTERS, *EVER)))
    assert set(reading_rows(ends_of_intervals(every))) <= found <= set(reading_rows(every))
    kept = position_rows(store.positions(ids(5), NOON_US + 3 * HOUR_US, EVER[1]))
    assert len(kept) == 3 * 6
    policy = replace(KEEP_ALL, full_from_us=EVER[1], positions_from_us=NOON_US + 3 * HOUR_US)
    retain_all(store, policy)
    assert reading_rows(store.readings(REGISTERS, *EVER)) == reading_rows(ends_of_intervals(every))
    store.close()
