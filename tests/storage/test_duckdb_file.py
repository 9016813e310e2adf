"""The DuckDB store when its file, its disk or its neighbours misbehave."""

import shutil
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from core.errors import StoreError
from storage import duckdb as store_module
from storage.duckdb import DuckDBStore
from tests.storage.batches import NO_POSITIONS, NOON_US, ids, intervals, readings
from tests.storage.children import CHECKOUT, SCRIPTS, crashed, start

EVER = (0, 4_000_000_000_000_000)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "wattline.duckdb"


def wal(path):
    return path.with_name(path.name + ".wal")


def test_a_second_process_is_refused_and_told_whom_to_stop(path):
    with start(SCRIPTS["duckdb"], path, 1_000_000) as child:
        assert child.stdout.readline()
        with pytest.raises(StoreError, match=f"in use by process {child.pid}: stop it") as caught:
            DuckDBStore(path)
        child.kill()
    assert not caught.value.retryable


def test_a_log_of_another_file_is_put_aside(path, tmp_path):
    crashed(path, appends=2)
    other = tmp_path / "other.duckdb"
    DuckDBStore(other).close()
    shutil.copy(wal(path), wal(other))
    store = DuckDBStore(other)
    assert len(store.readings(ids(0), *EVER)) == 0
    assert "nothing of it is in the store" in store.incidents()[0]
    store.close()


def test_a_file_that_is_no_database_is_named_and_left_alone(path):
    path.parent.mkdir()
    path.write_bytes(b"somebody's letters" * 1000)
    with pytest.raises(StoreError, match="not a valid DuckDB") as caught:
        DuckDBStore(path)
    assert not caught.value.retryable
    assert path.read_bytes().startswith(b"somebody's")


# A checkpoint that finds the disk full ends DuckDB's instance, a commit does not.
@pytest.mark.parametrize(("checkpoint_at_bytes", "fatal"), [(400_000, True), (1 << 30, False)])
def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_room(path, checkpoint_at_bytes, fatal):
    # A limit of the file size fails a write as a full disk does, without a disk to fill.
    script = """
import resource, sys
from pathlib import Path
import numpy as np
from core.batch import ReadingBatch
from core.errors import StoreError
from storage import duckdb as module
from tests.storage.batches import NO_POSITIONS, NOON_US
module._CHECKPOINT_WAL_BYTES = int(sys.argv[2])
store = module.DuckDBStore(Path(sys.argv[1]))
random = np.random.default_rng(1)
def batch(n):
    return ReadingBatch(np.arange(5000, dtype=np.int32), np.full(5000, NOON_US + n), random.random(5000),
        np.zeros(5000, np.uint8), np.full(5000, NOON_US + n))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
done, refused = 0, 0
while refused < 3:
    try:
        store.append(batch(done), NO_POSITIONS)
        done += 1
    except StoreError as error:
        assert error.retryable and error.retry_after_s and "make room" in str(error), error
        refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for _ in range(5):
    store.append(batch(done), NO_POSITIONS)
    done += 1
ever = (0, 4_000_000_000_000_000)
found = store.readings(np.arange(5000, dtype=np.int32), *ever)
assert len(found) == 5000 * done, (len(found), done)
print(done > 10, sum("opened again" in incident for incident in store.incidents()) > 0)
store.close()
store = module.DuckDBStore(Path(sys.argv[1]))
assert len(store.readings(np.arange(5000, dtype=np.int32), *ever)) == 5000 * done
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(checkpoint_at_bytes)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True", str(fatal)], done.stderr


def test_the_log_is_folded_into_the_file_when_it_is_large(path, monkeypatch):
    monkeypatch.setattr(store_module, "_CHECKPOINT_WAL_BYTES", 50_000)
    store = DuckDBStore(path)
    sizes = []
    for n in range(20):
        store.append(readings(*((r, NOON_US + n, n + 0.1) for r in range(500))), NO_POSITIONS)
        sizes.append(wal(path).stat().st_size if wal(path).exists() else 0)
    assert max(sizes) < 100_000
    assert len(store.readings(np.arange(500, dtype=np.int32), *EVER)) == 10_000
    store.close()


def test_readers_in_many_threads_see_whole_batches_while_one_writes(path):
    store = DuckDBStore(path)
    everyone = np.arange(200, dtype=np.int32)
    stop = threading.Event()
    failures = []

    def read():
        try:
            while not stop.is_set():
                assert len(store.readings(everyone, *EVER)) % 200 == 0
                assert len(store.intervals(everyone, *EVER)) % 200 == 0
                store.neighbours(3, NOON_US, NOON_US + 10)
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(30):
        store.append(readings(*((r, NOON_US + n, n) for r in range(200))), NO_POSITIONS)
        store.put_intervals(intervals(*((r, n, n) for r in range(200))))
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    store.close()


def test_a_closed_store_says_so(path):
    store = DuckDBStore(path)
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.ping()
    store.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="choose another data directory") as caught:
        DuckDBStore(tmp_path / "file" / "wattline.duckdb")
    assert not caught.value.retryable


def test_a_file_of_another_release_is_refused_and_left_as_it_is(path):
    store = DuckDBStore(path)
    with store._file.write() as connection:
        connection.execute("update version set number = 99")
    store.close()
    for _ in range(2):
        with pytest.raises(StoreError, match="another release of Wattline") as caught:
            DuckDBStore(path)
        assert not caught.value.retryable


def test_an_interval_off_the_grid_is_a_mistake_of_the_caller(path):
    store = DuckDBStore(path)
    wrong = replace(intervals((0, 0, 1.0)), start_us=np.array([NOON_US + 1]))
    with pytest.raises(ValueError, match="start at a minute"):
        store.put_intervals(wrong)
    store.close()
