"""Retention over the whole line: readings go, figures stay, late data still counts."""

import asyncio

import numpy as np
import pytest

from core.batch import BASE_US, PositionBatch, ReadingBatch
from core.columns import RegisterColumns
from core.quality import Quality
from ingest.decoders import native
from tests.wattline.test_derive import EVER, START_US, Process, assert_same
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.pipeline import Pipeline
from wattline.retention import Keeping, fixed_before_us, statement
from wattline.stated.settings import RetentionSettings, Store

MINUTE_US, DAY_US = 60_000_000, 86_400_000_000
HOURS = 6
NOW_US = START_US + 30 * DAY_US
EVERY = [(0, START_US + n * MINUTE_US, 10.0 + n / 7) for n in range(60 * HOURS)]


@pytest.fixture
def process(tmp_path):
    made = Process(tmp_path, expected_interval_s=60.0)
    yield made
    made.close()


def retain(process, now_us=NOW_US, **days):
    columns = RegisterColumns.of(process.registry.catalog())
    may_go = Keeping(**days).as_of(now_us, columns)
    process.derivation.fixed_before_us = fixed_before_us(may_go)
    while process.store.retain(may_go, 100):
        pass
    return may_go


def figures(process):
    found = process.intervals().columns()
    quality = found.pop("quality") & ~np.uint16(Quality.LATE | Quality.OPEN)
    del found["revision"]
    return {name: column.tolist() for name, column in found.items()} | {"quality": quality.tolist()}


def assert_same_figures(found, wanted):
    np.testing.assert_allclose(found.pop("amount"), wanted.pop("amount"), rtol=1e-12)
    assert found == wanted


def derive_again(process):
    """Make all figures again from the readings, as a start without a checkpoint of anything does."""
    checkpoint = process.registry.load_checkpoint("pipeline")
    assert checkpoint is None or checkpoint.watermark_us == 0
    process.restart()
    process.derivation.flush()
    process.settle()


def test_figures_made_again_from_thinned_readings_are_the_same(process):
    process.receive(EVERY)
    process.settle()
    before = figures(process)
    retain(process, full_resolution_days=5)
    assert len(process.store.readings(np.array([0], np.int32), *EVER)) == 1 + 2 * 4 * HOURS
    assert figures(process) == before
    derive_again(process)
    assert_same_figures(figures(process), before)


@pytest.mark.parametrize("again", [False, True])
def test_late_and_corrected_readings_count_in_what_was_thinned(process, again):
    rows = [row for row in EVERY if not 100 < (row[1] - START_US) / MINUTE_US < 140]
    process.receive(rows)
    process.settle()
    retain(process, full_resolution_days=5)
    late = [row for row in EVERY if row not in rows]
    process.receive([*late[10:], (0, START_US + 15 * MINUTE_US, 12.1), (0, START_US + 62 * MINUTE_US, 18.8)])
    process.settle()
    process.receive(late[:10])
    process.settle()
    if again:
        retain(process, NOW_US + 2 * DAY_US, full_resolution_days=5)
        derive_again(process)
    corrected = dict.fromkeys([15, 62])
    wanted = [row for row in EVERY if (row[1] - START_US) / MINUTE_US not in corrected]
    assert_same(
        process, [*wanted, (0, START_US + 15 * MINUTE_US, 12.1), (0, START_US + 62 * MINUTE_US, 18.8)]
    )


def test_figures_outlive_their_readings_whatever_comes_late(process):
    process.receive(EVERY)
    process.settle()
    before = figures(process)
    limit_us = START_US + 3 * 60 * MINUTE_US + 7 * MINUTE_US
    retain(process, limit_us + 5 * DAY_US, readings_days=5)
    left = process.store.readings(np.array([0], np.int32), *EVER).event_time_us
    assert left[0] == limit_us - MINUTE_US
    process.receive([(0, START_US - DAY_US, 1.0), (0, START_US + 30 * MINUTE_US + 1, 14.3)])
    process.settle()
    assert figures(process) == before


def test_figures_made_again_leave_those_whose_readings_are_gone(process):
    process.receive(EVERY)
    process.settle()
    before = figures(process)
    limit_us = START_US + 3 * 60 * MINUTE_US + 7 * MINUTE_US
    may_go = retain(process, limit_us + 5 * DAY_US, readings_days=5)
    process.fixed_before_us = fixed_before_us(may_go)
    assert process.fixed_before_us % BASE_US == 0
    derive_again(process)
    assert_same_figures(figures(process), before)


@pytest.mark.parametrize(
    ("settings", "kind", "line"),
    [
        (
            {},
            "duckdb",
            "every one for 400 days, then those that the figures of each 15 minutes need, for ever",
        ),
        ({}, "influx", "readings: every one for ever"),
        ({"readings_days": 90}, "duckdb", "readings: every one until 90 days old"),
        ({"full_resolution_days": None}, "duckdb", "readings: every one for ever"),
        ({"positions_days": None}, "duckdb", "positions: for ever"),
        ({"positions_days": 30}, "influx", "positions: until 30 days old"),
        ({"readings_days": 2}, "influx", "ledger: for ever"),
    ],
)
def test_what_is_kept_is_said_in_words(settings, kind, line):
    assert line in "\n".join(statement(RetentionSettings(**settings), Store(kind=kind)))


def test_the_pipeline_lets_go_when_it_has_nothing_else_to_do(process):
    fix = PositionBatch.empty().columns() | {"device": np.zeros(2, np.int32)}
    fix = {name: np.zeros(2, column.dtype) for name, column in fix.items()}
    fix["fix_time_us"] = np.array([START_US, NOW_US - MINUTE_US])
    process.store.append(ReadingBatch.empty(), PositionBatch(**fix))
    loop = asyncio.new_event_loop()
    pipeline = Pipeline(
        source=None,
        decoder=native,
        store=process.store,
        registry=process.registry,
        catalogs=Catalogs(process.registry),
        feed=LiveFeed(loop),
        now_us=lambda: NOW_US,
        keeping=Keeping(positions_days=2),
    )
    loop.close()
    assert pipeline._compact()
    assert not pipeline._compact()
    left = process.store.positions(np.array([0], np.int32), *EVER)
    assert left.fix_time_us.tolist() == [NOW_US - MINUTE_US]
    assert pipeline.totals["wattline_retention_rows_total"] == 1
