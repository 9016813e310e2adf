"""`rederive` finds what the ledger should be, and writes nothing where it is so."""

import asyncio

import duckdb
import numpy as np
import pytest

from core.batch import PositionBatch, ReadingBatch
from core.errors import StartError
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.rederive import Rederived, rederive
from wattline.stated.settings import Settings

NAME = Name("名", "name")
ENERGY = "energy_active_import_total"
QUARTER_US = 900_000_000
START_US = 1_760_000_400_000_000
METERS = 3


@pytest.fixture
def settings(tmp_path):
    """Three meters that have reported for a day, and nothing derived from it yet."""
    settings = Settings(data_dir=tmp_path)
    registry = open_registry(settings.registry_url)
    devices = tuple(Device(f"m{at}", DeviceKind.METER, "hall", NAME) for at in range(METERS))
    registry.put_estate(Estate((Place("hall", PlaceKind.BUILDING, NAME, "UTC"),), devices))
    registry.add_registers([(device.id, ENERGY) for device in devices])
    registry.close()
    store = DuckDBStore(settings.duckdb_path)
    at = np.arange(97)
    for register in range(METERS):
        readings = ReadingBatch(
            np.full(97, register, np.int32),
            START_US + at * QUARTER_US,
            at * 1.5,
            np.zeros(97, np.uint8),
            np.full(97, START_US + register),
        )
        store.append(readings, PositionBatch.empty())
    store.close()
    return settings


def again(settings, *devices):
    return asyncio.run(rederive(settings, devices))


def amounts(settings):
    with duckdb.connect(str(settings.duckdb_path), read_only=True) as connection:
        rows = connection.execute(
            "select register, slot, arg_max(amount, rowid) from interval group by all order by all"
        )
        return rows.fetchall()


def test_nothing_changes_where_the_ledger_is_right(settings):
    assert again(settings) == Rederived(METERS, 0)
    before = amounts(settings)
    assert len(before) == METERS * 96
    assert again(settings) == Rederived(METERS, 0)
    assert amounts(settings) == before


def test_what_is_wrong_is_put_right_and_counted(settings):
    again(settings)
    before = amounts(settings)
    with duckdb.connect(str(settings.duckdb_path)) as connection:
        connection.execute("update interval set amount = amount + 1 where register = 1 and slot % 10 = 0")
        (wrong,) = connection.execute(
            "select count(*) from interval where register = 1 and slot % 10 = 0"
        ).fetchone()
    assert again(settings, "m0") == Rederived(1, 0)
    assert again(settings, "m1") == Rederived(1, wrong)
    assert amounts(settings) == before


def test_a_device_that_does_not_exist_is_named(settings):
    with pytest.raises(StartError, match="'m7'"):
        again(settings, "m7")
