"""What every time-series store promises of sums of ledger intervals: those of its intervals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.batch import BASE_US
from core.quality import Quality
from core.sums import IntervalSums
from storage import duckdb_sums
from storage.duckdb import DuckDBStore
from storage.interval_sums import summed
from tests.storage.batches import NOON_US, ids, intervals

DAY = 96


def edges(*slots):
    return NOON_US + BASE_US * np.array(slots, np.int64)


def assert_same(left: IntervalSums, right: IntervalSums):
    for name in ("register", "edges_us", "known", "covered_us", "quality", "revised"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), name)
    np.testing.assert_allclose(left.amount, right.amount, rtol=1e-12, atol=1e-12)


def test_sums_are_by_register_and_period(store):
    store.put_intervals(intervals(*((r, slot, 10.0**r) for r in (0, 2) for slot in range(3 * DAY))))
    sums = store.interval_sums(ids(2, 1, 0), edges(0, DAY, 3 * DAY))
    assert sums.register.tolist() == [0, 1, 2]
    assert sums.amount.tolist() == [[96.0, 192.0], [0.0, 0.0], [9600.0, 19200.0]]
    assert sums.known.tolist() == [[96, 192], [0, 0], [96, 192]]
    assert sums.covered_us.tolist() == [[96 * BASE_US, 192 * BASE_US], [0, 0], [96 * BASE_US, 192 * BASE_US]]


def test_a_row_written_again_is_summed_once_as_it_was_written_last(store):
    store.put_intervals(intervals(*((0, slot, 1.0, Quality.GAP_SPREAD) for slot in range(DAY))))
    store.put_intervals(intervals((0, 7, 5.0, Quality.LATE, 1), (0, 8, 6.0, Quality.LATE, 1)))
    store.put_intervals(intervals((0, 8, 7.0, Quality.LATE, 2)))
    sums = store.interval_sums(ids(0), edges(0, 7, 9, DAY))
    assert sums.amount.tolist() == [[7.0, 12.0, 87.0]]
    assert sums.known.tolist() == [[7, 2, 87]]
    assert sums.revised.tolist() == [[0, 3, 0]]
    assert [Quality(flags) for flags in sums.quality[0].tolist()] == [
        Quality.GAP_SPREAD,
        Quality.LATE,
        Quality.GAP_SPREAD,
    ]


def test_an_open_interval_counts_instead_of_the_stored_one(store):
    store.put_intervals(intervals(*((0, slot, 1.0) for slot in range(DAY))))
    store.put_intervals(intervals((0, 3, 0.5, Quality.OPEN), (0, DAY, 0.25, Quality.OPEN)))
    sums = store.interval_sums(ids(0), edges(0, DAY, 2 * DAY))
    assert sums.amount.tolist() == [[95.5, 0.25]]
    assert sums.known.tolist() == [[96, 1]]
    assert sums.quality[0].tolist() == [Quality.OPEN, Quality.OPEN]


def test_an_amount_that_became_unknown_is_not_in_the_sum(store):
    store.put_intervals(intervals(*((0, slot, 1.0) for slot in range(DAY))))
    unknown = replace(intervals((0, 3, np.nan, 0, 1)), covered_us=np.array([0]))
    store.put_intervals(unknown)
    sums = store.interval_sums(ids(0), edges(0, DAY))
    assert (sums.amount[0, 0], sums.known[0, 0], sums.covered_us[0, 0]) == (95.0, 95, 95 * BASE_US)


def test_interpolation_counts_only_at_the_edges_of_a_period(store):
    flags = [Quality.END_INTERPOLATED] * 10 + [Quality.START_INTERPOLATED] * 10
    store.put_intervals(intervals(*((0, slot, 1.0, flag) for slot, flag in enumerate(flags))))
    sums = store.interval_sums(ids(0), edges(0, 10, 20))
    assert sums.quality[0].tolist() == [Quality.END_INTERPOLATED, Quality.START_INTERPOLATED]
    assert store.interval_sums(ids(0), edges(0, 20)).quality[0].tolist() == [0]


def test_what_lies_outside_the_edges_is_left_out(store):
    store.put_intervals(intervals(*((0, slot, 1.0) for slot in range(40))))
    assert store.interval_sums(ids(0), edges(10, 30)).amount.tolist() == [[20.0]]


def test_sums_are_those_of_the_rows_whatever_the_periods(store):
    rows = [(r, slot, slot / 7 + r) for r in range(3) for slot in range(2 * DAY) if (slot + r) % 11]
    store.put_intervals(intervals(*rows))
    store.put_intervals(intervals(*((r, slot, -1.0, Quality.LATE, 1) for r, slot, _ in rows[::13])))
    for cut in (edges(0, 2 * DAY), edges(0, 50, 95, 2 * DAY), edges(*range(0, 2 * DAY + 1, 4))):
        expected = summed(store.intervals, ids(0, 1, 2), cut, most_rows=1)
        assert_same(store.interval_sums(ids(0, 1, 2), cut), expected)


@pytest.fixture(scope="module")
def duckdb_store(tmp_path_factory):
    store = DuckDBStore(tmp_path_factory.mktemp("sums") / "wattline.duckdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb_sums, "_MANY_ROWS", 0)  # short periods are summed in place as well
        yield store
    store.close()


written = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 2 * DAY - 1),
            st.one_of(st.just(float("nan")), st.integers(-5, 1000).map(float)),
            st.integers(0, 511).map(lambda flags: flags & ~int(Quality.OPEN)),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=60,
    ),
    min_size=1,
    max_size=4,
)


@given(batches=written, cuts=st.lists(st.integers(1, 2 * DAY - 1), unique=True, max_size=40))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_often_rows_are_repeated_sums_in_place_are_those_of_the_rows(duckdb_store, batches, cuts):
    duckdb_store.put_intervals(intervals(*((r, slot, 0.0, 0, 0) for r in range(4) for slot in range(50))))
    for rows in batches:
        duckdb_store.put_intervals(intervals(*rows))
    at = edges(0, *sorted(cuts), 2 * DAY)
    assert_same(
        duckdb_store.interval_sums(ids(0, 1, 2, 3), at), summed(duckdb_store.intervals, ids(0, 1, 2, 3), at)
    )
