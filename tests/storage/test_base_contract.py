"""What every time-series store promises of intervals shorter than 15 minutes, beside those that are not."""

from dataclasses import replace

import duckdb
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.batch import BASE_US, MINUTE_US
from core.quality import Quality
from storage.duckdb import DuckDBStore
from storage.duckdb_compaction import _INTERVAL
from storage.interval_sums import summed
from tests.storage.batches import NOON_US, ids, interval_rows, intervals
from tests.storage.test_interval_sums_contract import DAY, assert_same, duckdb_store, edges, written

__all__ = ["duckdb_store"]
THIRD = 1 / 3
EVER = (0, 2**62)


def fine(register, slots, parts=3, amount=1.0, revision=0):
    """Every slot in so many equal parts."""
    return [(register, slot + part / parts, amount, 0, revision) for slot in slots for part in range(parts)]


def test_parts_of_a_quarter_are_rows_of_their_own(store):
    store.put_intervals(intervals(*fine(0, [0, 1]), (1, 0, 9.0)))
    found = store.intervals(ids(0, 1), *EVER)
    assert (found.start_us - NOON_US).tolist() == [n * 5 * MINUTE_US for n in range(6)] + [0]
    some = store.intervals(ids(0, 1), NOON_US + 5 * MINUTE_US, NOON_US + 20 * MINUTE_US)
    assert (some.start_us - NOON_US).tolist() == [5 * MINUTE_US, 10 * MINUTE_US, 15 * MINUTE_US]
    assert len(store.intervals(ids(0), NOON_US + 11 * MINUTE_US, NOON_US + 15 * MINUTE_US)) == 0


def test_sums_hold_each_part_once_as_it_was_written_last(store):
    store.put_intervals(intervals(*fine(0, range(2 * DAY)), *((1, slot, 3.0) for slot in range(2 * DAY))))
    store.put_intervals(intervals(*fine(0, [7], amount=5.0, revision=1)))
    store.put_intervals(intervals((0, 8 + THIRD, 0.5, Quality.OPEN)))
    sums = store.interval_sums(ids(0, 1), edges(0, DAY, 2 * DAY))
    assert sums.amount.tolist() == [[DAY * 3 + 12 - 0.5, DAY * 3], [DAY * 3, DAY * 3]]
    assert sums.known.tolist() == [[DAY * 3, DAY * 3], [DAY, DAY]]
    assert sums.revised[0].tolist() == [3, 0]
    assert sums.quality[0].tolist() == [Quality.OPEN, 0]
    assert_same(sums, summed(store.intervals, ids(0, 1), edges(0, DAY, 2 * DAY), most_rows=1))


def test_periods_of_the_parts_are_summed_too(store):
    store.put_intervals(intervals(*fine(0, [0, 1], parts=15)))
    at = NOON_US + np.arange(0, 31, 5) * MINUTE_US
    assert store.interval_sums(ids(0), at).amount.tolist() == [[5.0] * 6]
    at = NOON_US + np.arange(31) * MINUTE_US
    assert store.interval_sums(ids(0), at).amount.tolist() == [[1.0] * 30]


def test_a_part_without_an_amount_counts_for_nothing(store):
    store.put_intervals(intervals(*fine(0, range(DAY))))
    nothing = intervals(*fine(0, range(DAY), amount=np.nan, revision=1))
    nothing = replace(nothing, covered_us=np.zeros(len(nothing), np.int64))
    store.put_intervals(nothing.take(nothing.start_us % BASE_US != 0))
    store.put_intervals(intervals(*((0, slot, 4.0) for slot in range(DAY))))
    sums = store.interval_sums(ids(0), edges(0, DAY))
    assert (sums.amount[0, 0], sums.known[0, 0], sums.covered_us[0, 0]) == (4.0 * DAY, DAY, DAY * BASE_US)


parts = st.sampled_from([0, 0, 0, 1 / 15, 5 / 15, 10 / 15])


@given(batches=written, cuts=st.lists(st.integers(1, 2 * DAY - 1), unique=True, max_size=8), data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sums_in_place_are_those_of_the_rows_at_every_base(duckdb_store, batches, cuts, data):
    for rows in batches:
        mixed = [(r, slot + (data.draw(parts) if r < 2 else 0), *rest) for r, slot, *rest in rows]
        duckdb_store.put_intervals(intervals(*mixed))
    at = edges(0, *sorted(cuts), 2 * DAY)
    assert_same(
        duckdb_store.interval_sums(ids(0, 1, 2, 3), at), summed(duckdb_store.intervals, ids(0, 1, 2, 3), at)
    )


_RELEASED = """
create table version (number integer not null);
insert into version values (1);
create table interval (
    register integer not null, slot integer not null, amount double, covered_us bigint not null,
    quality usmallint not null, first_us bigint not null, first_value double, last_us bigint not null,
    last_value double, revision integer not null
);
"""


def test_a_file_of_the_release_before_is_taken_over_with_its_figures(tmp_path):
    path = tmp_path / "w.duckdb"
    rows = intervals(*((r, slot, slot / 7 + r, r) for r in range(3) for slot in range(2 * DAY)))
    with duckdb.connect(str(path)) as connection:
        connection.execute(_RELEASED)
        connection.register("batch", rows.columns())
        names = ", ".join(name if name != "start_us" else f"start_us // {BASE_US}" for name in rows.columns())
        connection.execute(f"insert into interval select {names} from batch")  # noqa: S608
    for _ in range(2):
        store = DuckDBStore(path)
        found = store.intervals(ids(0, 1, 2), *EVER)
        for name, column in rows.columns().items():
            np.testing.assert_array_equal(getattr(found, name), column, err_msg=name)
        total = store.interval_sums(ids(0, 1, 2), edges(0, 2 * DAY))
        np.testing.assert_allclose(total.amount[:, 0], rows.amount.reshape(3, -1).sum(axis=1))
        store.close()
    store = DuckDBStore(path)
    store.put_intervals(intervals((0, 2 * DAY + THIRD, 1.0)))
    assert interval_rows(store.intervals(ids(0), NOON_US + 2 * DAY * BASE_US, 2**62)) == [(0, 2 * DAY, 1.0)]
    store.close()


def test_old_rows_and_parts_are_compacted_together(tmp_path):
    store = DuckDBStore(tmp_path / "w.duckdb")
    store.put_intervals(intervals(*fine(0, range(3 * DAY)), *((1, slot, 1.0) for slot in range(3 * DAY))))
    for _ in range(3):
        store.put_intervals(intervals(*fine(0, range(DAY), amount=2.0, revision=1)))
    before = store.intervals(ids(0, 1), *EVER)
    with store._file.write() as connection:
        (many,) = connection.execute("select count(*) from interval").fetchone()
    store._compaction._rewrite(_INTERVAL, {int(NOON_US // 86_400_000_000) + n: 1 for n in range(2)})
    after = store.intervals(ids(0, 1), *EVER)
    with store._file.write() as connection:
        (few,) = connection.execute("select count(*) from interval").fetchone()
    assert few == len(after) < many
    for name, column in before.columns().items():
        np.testing.assert_array_equal(getattr(after, name), column, err_msg=name)
    store.close()
