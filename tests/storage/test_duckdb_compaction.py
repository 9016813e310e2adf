"""Compaction changes where rows lie and how many there are, never what readers see."""

import itertools
import random

import numpy as np
import pytest

from core.batch import ReadingBatch
from core.quality import Quality
from storage import duckdb_compaction
from storage.duckdb import DuckDBStore
from tests.storage.batches import NO_POSITIONS, NOON_US, intervals, positions, readings
from tests.storage.children import start

EVER = (0, 4_000_000_000_000_000)
HOUR_US = 3_600_000_000
REGISTERS = np.arange(20, dtype=np.int32)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb_compaction, "_LEAST_ROWS", 50)
    made = DuckDBStore(tmp_path / "wattline.duckdb")
    yield made
    made.close()


def rows_in(store, table):
    with store._file.read() as cursor:
        return cursor.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608


def compact_all(store):
    return sum(itertools.takewhile(bool, (store.compact(500) for _ in range(10_000))))


def seen(store):
    """All columns that readers see, as comparable lists."""
    batches = (
        store.intervals(REGISTERS, *EVER),
        store.readings(REGISTERS, *EVER),
        store.positions(REGISTERS, *EVER),
    )
    return [{name: column.tolist() for name, column in batch.columns().items()} for batch in batches]


def fill(store, *, revisions):
    """Five days of intervals, hours of readings and fixes, each written so many times, shuffled."""
    shuffle = random.Random(7).shuffle
    for revision in range(revisions):
        slots = list(range(5 * 96))
        shuffle(slots)
        for part in range(0, len(slots), 120):
            rows = [(r, s, s + revision) for s in slots[part : part + 120] for r in range(20)]
            store.put_intervals(intervals(*rows))
        for step in range(40):
            event_us = NOON_US + step * HOUR_US // 4
            rows = [(r, event_us, step + revision, NOON_US + revision * 100 + step) for r in range(20)]
            store.append(readings(*rows), without_nan(positions(*rows)))


def without_nan(batch):
    """The same with 0 for NaN, which would not equal itself."""
    return type(batch)(**{name: np.nan_to_num(column) for name, column in batch.columns().items()})


def test_an_empty_store_has_nothing_to_compact(store):
    assert store.compact() == 0


def test_windows_that_may_still_fill_are_left_alone(store):
    for revision in range(3):
        rows = [(r, s, revision) for s in range(90) for r in range(20)]  # today and tomorrow, in UTC
        store.put_intervals(intervals(*rows))
        store.append(readings(*((r, NOON_US + r, r, NOON_US + revision) for r in range(20))), NO_POSITIONS)
    assert store.compact() == 0


def test_superseded_rows_go_and_what_is_seen_stays(store):
    fill(store, revisions=3)
    before, rows = seen(store), {name: rows_in(store, name) for name in ("interval", "reading", "position")}
    assert compact_all(store) > 0
    assert seen(store) == before
    for name, count in rows.items():
        # all windows but the newest two, which may still be filling
        assert count / 3 <= rows_in(store, name) < 0.8 * count, name
    assert compact_all(store) == 0


def test_intervals_lie_by_register_afterwards(store):
    fill(store, revisions=1)
    compact_all(store)
    with store._file.read() as cursor:
        found = cursor.execute("select register, slot from interval order by rowid").fetchnumpy()
    steps = np.count_nonzero(np.diff(found["register"]) < 0)
    assert steps < 200  # by time it would be one for every slot


def test_readings_that_nothing_supersedes_are_not_touched(store):
    fill(store, revisions=1)
    with store._file.read() as cursor:
        before = cursor.execute("select max(rowid) from reading").fetchone()
    compact_all(store)
    with store._file.read() as cursor:
        assert cursor.execute("select max(rowid) from reading").fetchone() == before


def test_what_came_since_a_watermark_is_still_there(store):
    fill(store, revisions=2)
    newest = {}
    for batch, _ in store.received_after(0):
        newest |= {
            (r, t): v
            for r, t, v in zip(
                batch.register.tolist(), batch.event_time_us.tolist(), batch.value.tolist(), strict=True
            )
        }
    compact_all(store)
    again = ReadingBatch.concat([batch for batch, _ in store.received_after(0)])
    latest = dict(
        zip(
            zip(again.register.tolist(), again.event_time_us.tolist(), strict=True),
            again.value.tolist(),
            strict=True,
        )
    )
    assert latest == newest


def test_new_revisions_win_over_compacted_rows(store):
    fill(store, revisions=2)
    compact_all(store)
    store.put_intervals(intervals((3, 7, 1234.5), (3, 8, 0.25, Quality.OPEN)))
    store.append(readings((3, NOON_US, 77.0, NOON_US + 5000)), NO_POSITIONS)
    found = store.intervals(np.array([3], np.int32), *EVER)
    assert found.amount[7:9].tolist() == [1234.5, 0.25]
    assert store.readings(np.array([3], np.int32), *EVER).value[0] == 77.0


def test_what_was_looked_at_is_remembered_over_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb_compaction, "_LEAST_ROWS", 50)
    store = DuckDBStore(tmp_path / "wattline.duckdb")
    fill(store, revisions=2)
    compact_all(store)
    store.close()
    store = DuckDBStore(tmp_path / "wattline.duckdb")
    assert store.compact() == 0
    store.close()


_COMPACTING = """
import sys
from pathlib import Path
from storage import duckdb_compaction
duckdb_compaction._LEAST_ROWS = 50
from storage.duckdb import DuckDBStore
store = DuckDBStore(Path(sys.argv[1]))
print("open", flush=True)
while store.compact(400):
    print("step", flush=True)
print("end", flush=True)
"""


@pytest.mark.parametrize("steps", [0, 3])
def test_a_kill_during_compaction_changes_nothing_that_is_seen(tmp_path, steps):
    store = DuckDBStore(tmp_path / "wattline.duckdb")
    fill(store, revisions=2)
    before = seen(store)
    store.close()
    with start(_COMPACTING, tmp_path / "wattline.duckdb") as child:
        for _ in range(1 + steps):
            assert child.stdout.readline() in ("open\n", "step\n")
        child.kill()
    store = DuckDBStore(tmp_path / "wattline.duckdb")
    assert store.incidents() == ()
    assert seen(store) == before
    store.close()
