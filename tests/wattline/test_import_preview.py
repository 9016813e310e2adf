"""What a dry run says is what the ledger then is, whatever was stored and whatever is imported."""

from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.batch import ReadingBatch
from core.estate import Estate
from core.imports import ImportOptions
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.quality import ReadingQuality
from tests.line import Line
from wattline.imports.importer import FileImporter

NAME = Name("名", "name")
ENERGY = "energy_active_import_total"
START_US = 1_772_409_600_000_000  # 2026-03-02
MINUTE_US = 60_000_000
_METERS = 100  # one an example
NOW_US = START_US + 40 * 86_400_000_000

# Mostly rising, with false values, resets and readings of the same time.
READINGS = st.lists(
    st.tuples(
        st.integers(0, 3000), st.one_of(st.integers(0, 400), st.sampled_from([0, 9_000_000]), st.none())
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda reading: reading[0],
)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    made = Line(tmp_path_factory.mktemp("preview"))
    made.registry.put_estate(Estate((Place("hall", PlaceKind.BUILDING, NAME, "Asia/Shanghai"),)))
    meters = [Device(f"m{n}", DeviceKind.METER, "hall", NAME, rated_power_w=60_000.0) for n in range(_METERS)]
    made.registry.put_estate(Estate(devices=tuple(meters)))
    made.registry.add_registers([(meter.id, ENERGY) for meter in meters])
    made.begin()
    made.number, made.received_us = count(), NOW_US
    yield made
    made.close()


def values(readings):
    """(minute, kWh): what is not drawn as another value rises by half a kWh a minute."""
    return [(minute, 1000 + minute / 2 if off is None else float(off)) for minute, off in readings]


def batch(line, register, readings, quality):
    line.received_us += 1000
    n = len(readings)
    rows = ReadingBatch(
        np.full(n, register, np.int32),
        START_US + MINUTE_US * np.array([minute for minute, _ in readings], np.int64),
        np.array([value for _, value in readings], np.float64),
        np.full(n, quality, np.uint8),
        np.full(n, line.received_us, np.int64),
    )
    return rows.take(np.argsort(rows.event_time_us))


@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(READINGS, READINGS)
def test_a_dry_run_tells_what_the_ledger_then_is(line, stored, imported):
    device = f"m{next(line.number)}"
    register = line.catalogs.current.register_of[device, ENERGY].id
    line.receive(batch(line, register, values(stored), ReadingQuality.GOOD))
    line.settle()
    before = line.intervals(device, ENERGY)

    importer = FileImporter(line.store, lambda: line.catalogs.current, "", lambda: NOW_US)
    known = dict(values(stored))
    rows = [(minute, value) for minute, value in values(imported) if known.get(minute) != value]
    lines = [f"{device},{ENERGY},{_time(minute)},{value}" for minute, value in values(imported)]
    table = "\n".join(["device,quantity,time,value", *lines]).encode()
    (told,) = importer.take(table, ImportOptions(), dry_run=True).registers
    assert told.added + told.corrected == len(rows)
    assert told.repeated == len(lines) - len(rows)

    if rows:
        line.receive(batch(line, register, rows, ReadingQuality.MANUAL))
        line.settle()
    after = line.intervals(device, ENERGY)
    for period in told.periods:
        inside = (after.start_us >= period.start_us) & (after.start_us < period.end_us)
        assert (period.then or 0.0) == pytest.approx(after.amount[inside].sum(), abs=2e-6)
    assert told.intervals + told.revised >= _others(before, after)
    total = sum((period.then or 0) - (period.now or 0) for period in told.periods)
    assert total == pytest.approx(after.amount.sum() - before.amount.sum(), abs=1e-4)


def _time(minute):
    return f"{np.datetime64(START_US + minute * MINUTE_US, 'us').astype('datetime64[s]')}Z"


def _others(before, after):
    """How many intervals have another amount now; one that waits to be believed holds nothing."""
    was = dict(zip(before.start_us.tolist(), before.amount.tolist(), strict=True))
    now = dict(zip(after.start_us.tolist(), after.amount.tolist(), strict=True))
    return sum(
        not np.isclose(was.get(at, 0.0), now.get(at, 0.0), atol=1e-9) for at in was.keys() | now.keys()
    )
