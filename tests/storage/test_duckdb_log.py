"""A damaged write-ahead log: the store opens with what precedes the damage, and says what is missing."""

import random
import shutil

import numpy as np
import pytest

from storage.duckdb import DuckDBStore
from tests.storage.batches import NO_POSITIONS, NOON_US, ids, reading_rows, readings
from tests.storage.children import crashed

EVER = (0, 4_000_000_000_000_000)
APPENDS = 12
SEEDS = range(20)


@pytest.fixture(scope="module")
def crash(tmp_path_factory):
    """Folder of a store whose writer died after so many acknowledged appends."""
    folder = tmp_path_factory.mktemp("crash")
    crashed(folder / "wattline.duckdb", appends=APPENDS)
    return folder


@pytest.fixture
def path(crash, tmp_path):
    shutil.copytree(crash, tmp_path / "data")
    return tmp_path / "data" / "wattline.duckdb"


def wal(path):
    return path.with_name(path.name + ".wal")


def kept_appends(store):
    """Numbers of the appends of the dead writer that the store has whole."""
    found = store.readings(np.arange(100, dtype=np.int32), *EVER)
    numbers, rows = np.unique(found.event_time_us - NOON_US, return_counts=True)
    assert set(rows.tolist()) <= {100}
    return numbers.tolist()


def missing(store):
    """Rows of the dead writer that are not there, by table."""
    with store._file.read() as cursor:
        counts = {
            table: cursor.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608
            for table in ("reading", "position", "interval")
        }
    per_append = {"reading": 100, "position": 1, "interval": 10}
    return {table: APPENDS * rows - counts[table] for table, rows in per_append.items()}


def assert_opens_and_says_what_is_missing(path):
    store = DuckDBStore(path)
    kept = kept_appends(store)
    assert kept == list(range(len(kept)))
    gone = {table: rows for table, rows in missing(store).items() if rows}
    said = " ".join(store.incidents())
    for table, rows in gone.items():
        assert f"{rows} {table}s" in said
        assert "acknowledged" in said
    store.append(readings((0, NOON_US + 99, 1.0)), NO_POSITIONS)
    store.close()
    again = DuckDBStore(path)
    assert again.incidents() == ()
    assert (0, NOON_US + 99, 1.0) in reading_rows(again.readings(ids(0), *EVER))
    again.close()
    return gone


@pytest.mark.parametrize("seed", SEEDS)
def test_a_log_that_was_cut_is_reported_with_what_it_held(path, seed):
    content = wal(path).read_bytes()
    cut = random.Random(seed).randrange(len(content))
    wal(path).write_bytes(content[:cut])
    assert assert_opens_and_says_what_is_missing(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_flipped_bit_is_reported_if_it_costs_a_row(path, seed):
    content = bytearray(wal(path).read_bytes())
    at = random.Random(seed).randrange(len(content) * 8)
    content[at // 8] ^= 1 << at % 8
    wal(path).write_bytes(content)
    assert_opens_and_says_what_is_missing(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_length_does_not_hide_what_follows_it(path, seed):
    content = bytearray(wal(path).read_bytes())
    random_ = random.Random(seed)
    entry = random_.choice(entries(bytes(content)))
    at = random_.randrange(64)
    content[entry + at // 8] ^= 1 << at % 8
    wal(path).write_bytes(content)
    before = bytes(content)
    assert assert_opens_and_says_what_is_missing(path)
    assert [aside.read_bytes() for aside in path.parent.glob("*.quarantined-*")] == [before]


def entries(log):
    """Where the entries of a log begin: an int64 length, a checksum, and so many bytes."""
    for header in range(16, 80):
        at, found = header, []
        while at + 16 <= len(log):
            found.append(at)
            at += 16 + int.from_bytes(log[at : at + 8], "little")
        if at == len(log) and len(found) > APPENDS:
            return found
    pytest.fail("DuckDB's log has another form by now")


def test_the_end_of_a_log_that_was_never_acknowledged_is_no_incident(path):
    content = wal(path).read_bytes()
    last = entries(content)[-3]
    wal(path).write_bytes(content + content[last : last + 40])
    store = DuckDBStore(path)
    assert kept_appends(store) == list(range(APPENDS))
    assert store.incidents() == ()
    assert list(path.parent.glob("*.quarantined-*")) == []
    store.close()


def test_a_damaged_log_is_put_aside_and_what_precedes_the_damage_is_kept(path, caplog):
    content = bytearray(wal(path).read_bytes())
    content[len(content) // 2] ^= 4
    wal(path).write_bytes(content)
    store = DuckDBStore(path)
    assert 0 < len(kept_appends(store)) < APPENDS
    damage, loss = store.incidents()
    (aside,) = path.parent.glob("*.quarantined-*")
    assert str(aside) in damage
    assert "readings" in loss
    assert damage in caplog.text
    assert loss in caplog.text
    assert aside.read_bytes() == content
    store.close()


def test_a_lost_log_is_reported(path):
    wal(path).unlink()
    store = DuckDBStore(path)
    (incident,) = store.incidents()
    assert "1200 readings, 12 positions, 120 intervals that were acknowledged" in incident
    store.close()


@pytest.mark.parametrize("content", [b"", b"reading 9", b"reading 99999 deadbeef\n", b"\x00" * 60])
def test_a_count_that_is_not_whole_accuses_nobody(path, content):
    path.with_name(path.name + ".rows").write_bytes(content)
    wal(path).unlink()
    store = DuckDBStore(path)
    assert store.incidents() == ()
    store.close()
