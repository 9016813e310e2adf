"""Whatever the order of arrival, the batches and the restarts: the stores hold one ledger."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import ledger
from core.batch import BASE_US, PositionBatch, ReadingBatch
from core.columns import RegisterColumns
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind, RegisterSettings, Replacement
from core.quality import Quality
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.feed import LiveFeed
from wattline.stages.derive import Derivation
from wattline.stages.state import Known

NAME = Name("名", "name")
START_US = 1_700_000_100_000_000 // BASE_US * BASE_US
EVER = (0, 2**62)


class Process:
    """A Derivation over stores on disk; restart leaves nothing but what these hold."""

    def __init__(self, folder, expected_interval_s=900.0):
        self.folder = folder
        self.received_us = START_US
        self.fixed_before_us = ledger.NONE_US
        self._open()
        self.registry.put_estate(
            Estate(
                (Place("hall", PlaceKind.BUILDING, NAME, "UTC"),),
                (Device("m", DeviceKind.METER, "hall", NAME, expected_interval_s=expected_interval_s),),
            )
        )
        self.registry.add_registers([("m", "energy_active_import_total"), ("m", "water_volume_total")])
        self._derivation()

    def _open(self):
        self.store = DuckDBStore(self.folder / "w.duckdb", threads=1)
        self.registry = open_registry(f"sqlite:///{self.folder / 'r.sqlite'}")

    def _derivation(self):
        loop = asyncio.new_event_loop()
        loop.close()
        known = Known.of(self.registry.catalog(), [])
        self.derivation = Derivation(self.store, self.registry, LiveFeed(loop), known)
        self.derivation.fixed_before_us = self.fixed_before_us
        self.derivation.restore()

    def restart(self):
        self.store.close()
        self.registry.close()
        self._open()
        self._derivation()

    def receive(self, rows):
        self.received_us += 1
        register, time_us, value = (np.array(column) for column in zip(*rows, strict=True))
        batch = ReadingBatch(
            register.astype(np.int32),
            time_us.astype(np.int64),
            value.astype(np.float64),
            np.zeros(len(rows), np.uint8),
            np.full(len(rows), self.received_us, np.int64),
        )
        self.store.append(batch, PositionBatch.empty())
        self.derivation.derive(batch, PositionBatch.empty())

    def settle(self):
        while self.derivation.settle_one(now_us=2**62):
            pass
        self.derivation.flush()

    def intervals(self):
        return self.store.intervals(np.array([0, 1], np.int32), *EVER)

    def close(self):
        self.store.close()
        self.registry.close()


def expected(rows, columns):
    """The ledger of a set of readings, straight from the definition."""
    latest = {(register, time_us): value for register, time_us, value in rows}
    parts = []
    for register in (0, 1):
        times = sorted(time_us for of, time_us in latest if of == register)
        if not times:
            continue
        chain = ReadingBatch(
            np.full(len(times), register, np.int32),
            np.array(times, np.int64),
            np.array([latest[register, time_us] for time_us in times]),
            np.zeros(len(times), np.uint8),
            np.zeros(len(times), np.int64),
        )
        parts.append(ledger.recompute(chain, columns, *EVER))
    return parts


def assert_same(process, rows):
    columns = RegisterColumns.of(process.registry.catalog())
    found = process.intervals()
    for want in expected(rows, columns):
        if len(want) == 0:
            continue
        got = found.take(found.register == want.register[0])
        waits = (got.quality & Quality.DOUBTED).astype(bool) & (got.covered_us == 0) & (got.amount == 0)
        got = got.take(~(waits & ~np.isin(got.start_us, want.start_us)))
        np.testing.assert_array_equal(got.start_us, want.start_us)
        np.testing.assert_allclose(got.amount, want.amount, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(got.covered_us, want.covered_us)
        ignored = np.uint16(Quality.LATE | Quality.OPEN)
        np.testing.assert_array_equal(got.quality & ~ignored, want.quality)


@pytest.fixture
def process(tmp_path):
    started = Process(tmp_path)
    yield started
    started.close()


def reading(minute, value, register=0):
    return register, START_US + minute * 60_000_000, float(value)


def test_a_late_reading_moves_energy_to_where_it_was_used(process):
    rows = [reading(0, 0), reading(30, 10), reading(15, 1)]
    process.receive(rows[:2])
    process.settle()
    assert process.intervals().amount.tolist() == [5.0, 5.0]
    process.receive(rows[2:])
    process.settle()
    found = process.intervals()
    assert found.amount.tolist() == [1.0, 9.0]
    assert found.quality[0] & Quality.LATE
    assert found.revision[0] == 1
    assert_same(process, rows)


def test_a_correction_of_the_newest_reading_is_what_counts_from_then_on(process):
    rows = [reading(0, 0), reading(15, 99), reading(15, 9), reading(30, 10)]
    process.receive(rows[:2])
    process.receive(rows[2:3])
    process.receive(rows[3:])
    process.settle()
    assert process.intervals().amount.tolist() == [9.0, 1.0]


def test_a_late_reading_before_the_first_one_extends_the_ledger(process):
    rows = [reading(40, 4), reading(0, 0)]
    process.receive(rows[:1])
    process.receive(rows[1:])
    process.settle()
    assert process.intervals().amount.sum() == pytest.approx(4.0)
    assert_same(process, rows)


def test_redelivery_changes_nothing(process):
    rows = [reading(0, 0), reading(15, 3), reading(30, 7)]
    process.receive(rows)
    process.settle()
    before = process.intervals().columns()
    process.receive(rows)
    process.receive(rows[:1])
    process.settle()
    for name, column in process.intervals().columns().items():
        np.testing.assert_array_equal(column, before[name], err_msg=name)


def test_what_was_received_after_the_checkpoint_is_derived_again(process):
    process.receive([reading(0, 0), reading(10, 4)])
    process.derivation.save()
    process.receive([reading(20, 8)])
    process.receive([reading(5, 3)])
    process.restart()
    process.settle()
    assert_same(process, [reading(0, 0), reading(10, 4), reading(20, 8), reading(5, 3)])


def registered(process, **settings):
    """Register something as the API would, and let the process see it."""
    for name, value in settings.items():
        getattr(process.registry, name)(value)
    process.derivation.refit(process.registry.catalog())


def test_a_meter_swap_that_is_registered_afterwards_moves_energy(process):
    process.receive([reading(0, 1000), reading(15, 1002), reading(30, 5), reading(45, 8), reading(60, 9)])
    process.settle()
    assert process.intervals().amount.sum() == pytest.approx(2 + 5 + 3 + 1)
    swap = Replacement("swap", "m", "energy_active_import_total", reading(20, 0)[1], 1003.0, 4.0)
    registered(process, put_replacement=swap)
    process.settle()
    found = process.intervals()
    assert found.amount.sum() == pytest.approx(2 + 1 + 1 + 3 + 1)
    assert found.quality[1] & Quality.REPLACED
    assert found.revision[1] == 1


def test_a_ratio_that_is_corrected_corrects_every_interval(process):
    process.receive([reading(0, 0), reading(15, 1), reading(30, 3)])
    process.settle()
    registered(process, put_register=RegisterSettings("m", "energy_active_import_total", ratio=40.0))
    process.settle()
    found = process.intervals()
    assert found.amount.tolist() == [40.0, 80.0]
    assert all(flags & Quality.LATE for flags in found.quality)
    process.receive([reading(45, 4)])
    process.settle()
    assert process.intervals().amount.tolist() == [40.0, 80.0, 40.0]


def test_a_fall_that_waits_survives_a_restart_and_is_booked_once(process):
    process.receive([reading(0, 500), reading(15, 501), reading(30, 1)])
    process.derivation.save()
    process.restart()
    process.receive([reading(45, 2), reading(60, 4)])
    process.settle()
    found = process.intervals()
    assert found.amount.tolist() == [1.0, 1.0, 1.0, 2.0]
    assert found.quality[1] & Quality.RESET


values_shown = st.one_of(st.none(), st.integers(0, 500).map(float))


@st.composite
def arrivals(draw):
    """Batches of readings of two registers in any order, some repeated or corrected; meter swaps."""
    count = draw(st.integers(2, 30))
    rows = []
    for register in (0, 1):
        minutes = draw(st.lists(st.integers(0, 600), min_size=1, max_size=count))
        values = draw(st.lists(st.integers(0, 500), min_size=len(minutes), max_size=len(minutes)))
        rows += [reading(minute, value, register) for minute, value in zip(minutes, values, strict=True)]
    rows = draw(st.permutations(rows))
    edges = sorted({0, len(rows), *draw(st.lists(st.integers(0, len(rows)), max_size=6))})
    batches = [rows[a:b] for a, b in pairwise(edges)]
    after = [draw(st.sampled_from(["go on", "settle", "save", "restart", "swap"])) for _ in batches]
    swaps = draw(st.lists(st.tuples(st.integers(0, 600), values_shown, values_shown), max_size=2))
    return batches, after, swaps


@given(arrivals())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_order_of_arrival_gives_the_same_ledger(tmp_path_factory, story):
    batches, after, swaps = story
    process = Process(tmp_path_factory.mktemp("process"))
    try:
        for batch, then in zip(batches, after, strict=True):
            process.receive(batch)
            if then == "settle":
                process.settle()
            elif then == "save":
                process.derivation.save()
            elif then == "restart":
                process.restart()
            elif swaps:
                minute, final, initial = swaps.pop()
                at_us = reading(minute, 0)[1]
                swap = Replacement(f"at {minute}", "m", "energy_active_import_total", at_us, final, initial)
                registered(process, put_replacement=swap)
        process.settle()
        assert_same(process, [row for batch in batches for row in batch])
    finally:
        process.close()
