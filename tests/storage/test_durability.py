"""What was acknowledged is there after kill -9."""

import numpy as np
import pytest

from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from tests.storage.batches import NOON_US, ids, interval_rows, position_rows
from tests.storage.children import killed_after

EVER = (0, 4_000_000_000_000_000)


@pytest.mark.parametrize("acknowledged", [1, 30])
def test_duckdb_loses_nothing_that_append_had_returned(tmp_path, acknowledged):
    path = tmp_path / "wattline.duckdb"
    done = killed_after("duckdb", path, acknowledged=acknowledged)
    store = DuckDBStore(path)
    assert store.incidents() == ()
    found = store.readings(np.arange(100, dtype=np.int32), *EVER)
    kept = np.unique(found.event_time_us) - NOON_US
    # One more may have become durable before its acknowledgement was written.
    assert kept.tolist() == list(range(len(kept)))
    assert len(kept) in (done, done + 1)
    assert len(found) == 100 * len(kept)
    assert len(position_rows(store.positions(ids(5), *EVER))) == len(kept)
    slots = {slot for _, slot, _ in interval_rows(store.intervals(ids(3), *EVER))}
    assert slots >= set(range(done))
    store.close()


def test_the_registry_loses_nothing_that_had_returned(tmp_path):
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    done = killed_after("registry", url, acknowledged=30)
    registry = open_registry(url)
    assert registry.load_checkpoint("c").watermark_us in (done - 1, done)
    assert [letter.received_at_us for letter in registry.dead_letters()][-done:] == list(range(done))[::-1]
    registry.close()


def test_work_goes_on_after_each_of_several_kills(tmp_path):
    path = tmp_path / "wattline.duckdb"
    done = max(killed_after("duckdb", path, acknowledged=5) for _ in range(3))
    store = DuckDBStore(path)
    found = store.readings(ids(7), *EVER)
    assert len(found) in (done, done + 1)
    store.close()
