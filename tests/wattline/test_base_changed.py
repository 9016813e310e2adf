"""A base of 5 minutes instead of 15 or back: the ledger is derived again, and nothing counts twice."""

from dataclasses import replace

import numpy as np
import pytest

from core.batch import BASE_US, MINUTE_US, ReadingBatch
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.sums import merged
from tests.line import Line

NAME = Name("名", "name")
ENERGY = "energy_active_import_total"
START_US = 1_772_409_600_000_000
SITE = Place("site", PlaceKind.SITE, NAME, "UTC")
DAY = 288


@pytest.fixture
def line(tmp_path):
    made = Line(tmp_path)
    hall = Place("hall", PlaceKind.BUILDING, NAME, "UTC", "site")
    other = Place("other", PlaceKind.BUILDING, NAME, "UTC", "site", base_minutes=15)
    meters = tuple(
        Device(place.id, DeviceKind.METER, place.id, NAME, expected_interval_s=300.0)
        for place in (hall, other)
    )
    made.registry.put_estate(Estate((SITE, hall, other), meters))
    made.registry.add_registers([("hall", ENERGY), ("other", ENERGY)])
    made.begin()
    yield made
    made.close()


def hear(line, first, end):
    """Both meters show their reading numbers from first to end, one each 5 minutes, 40 seconds past."""
    at = np.repeat(np.arange(first, end), 2)
    register = np.tile(np.arange(2, dtype=np.int32), end - first)
    time_us = START_US + at * 5 * MINUTE_US + 40_000_000
    flags = np.zeros(len(at), np.uint8)
    line.receive(ReadingBatch(register, time_us, at * 0.5, flags, np.full(len(at), START_US + end)))
    line.settle()


def base(line, minutes):
    """Register another base and let the line see it."""
    line.registry.put_place(replace(SITE, base_minutes=minutes))
    line.take_up()


def sums(line, *edges):
    edges_us = START_US + BASE_US * np.array(edges, np.int64)
    return line.store.interval_sums(np.array([0, 1], np.int32), edges_us)


def assert_counts_once(line, heard):
    """Totals by hour and in all are what the readings say, of both meters alike."""
    quarters = -(-heard // 3)
    found = sums(line, *range(0, quarters + 4, 4))
    np.testing.assert_allclose(found.amount[0], found.amount[1], atol=1e-9)
    np.testing.assert_array_equal(found.covered_us[0], found.covered_us[1])
    whole = sums(line, 0, quarters + 4)
    np.testing.assert_allclose(whole.amount[:, 0], (heard - 1) * 0.5)
    rows = [merged(line.intervals(device, ENERGY)) for device in ("hall", "other")]
    rows = [one.take(~np.isnan(one.amount)) for one in rows]
    np.testing.assert_array_equal(rows[0].start_us, rows[1].start_us)
    np.testing.assert_allclose(rows[0].amount, rows[1].amount, atol=1e-9)


def lengths(line):
    """Spaces between the starts of the first meter's intervals with an amount, in minutes."""
    rows = line.intervals("hall", ENERGY)
    starts = rows.start_us[~np.isnan(rows.amount)]
    return set((np.diff(starts) // MINUTE_US).tolist())


def test_a_base_is_inherited_until_a_place_has_its_own(line):
    hear(line, 0, DAY)
    base(line, 5)
    catalog = line.catalogs.current
    assert [catalog.base_us(place) // MINUTE_US for place in ("site", "hall", "other")] == [5, 5, 15]
    assert lengths(line) == {5}
    assert_counts_once(line, DAY)


def test_finer_and_coarser_again_leaves_no_row_that_counts_twice(line):
    heard = DAY
    hear(line, 0, heard)
    for minutes in (5, 15, 1, 5, None):
        base(line, minutes)
        assert lengths(line) == {minutes or 15}
        assert_counts_once(line, heard)
        hear(line, heard, heard + 7)
        heard += 7
        assert_counts_once(line, heard)


def test_a_base_that_changes_while_ingest_is_stopped_holds_for_all(line):
    hear(line, 0, DAY)
    line.registry.put_place(replace(SITE, base_minutes=5))
    line.restart()
    assert list(line.derivation.state.late) == [0]
    line.settle()
    assert lengths(line) == {5}
    hear(line, DAY, DAY + 10)
    line.registry.put_place(SITE)
    line.restart()
    line.settle()
    assert lengths(line) == {15}
    assert_counts_once(line, DAY + 10)


def test_late_readings_revise_short_intervals_only_where_they_lie(line):
    base(line, 5)
    hear(line, 0, DAY)
    before = line.intervals("hall", ENERGY)
    at = START_US + 100 * 5 * MINUTE_US + 160_000_000
    late = ReadingBatch(
        *(
            np.array([one], kind)
            for one, kind in (
                (0, np.int32),
                (at, np.int64),
                (50.4, float),
                (0, np.uint8),
                (START_US + 10**9, np.int64),
            )
        )
    )
    line.receive(late)
    line.settle()
    after = line.intervals("hall", ENERGY)
    np.testing.assert_array_equal(after.start_us, before.start_us)
    assert np.flatnonzero(after.revision).tolist() == [100, 101]
    assert after.amount.sum() == pytest.approx(before.amount.sum())
