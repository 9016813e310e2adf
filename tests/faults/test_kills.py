"""Short forms of the campaigns in which something is killed; `make faults` runs the long ones."""

import pytest

from tests.faults.kills import broker_killed, ingest_killed, store_killed
from tests.faults.world import Options


@pytest.mark.parametrize("store", ["duckdb", "influx"])
def test_wattline_killed_loses_and_doubles_nothing(tmp_path, store):
    report = ingest_killed(Options(trials=2, seconds=1, store=store), tmp_path)
    assert report.valid, report
    assert report.recovered == 2


def test_a_broker_killed_loses_nothing_while_wattline_listens(tmp_path):
    report = broker_killed(Options(trials=3, seconds=1), tmp_path)
    assert report.valid, report
    assert report.recovered == 3


def test_the_defaults_of_mosquitto_lose_what_they_had_acknowledged(tmp_path):
    """Why config/mosquitto is as it is; the figure is in docs/reliability.md."""
    report = broker_killed(Options(trials=1, seconds=1, kind="defaults-away"), tmp_path)
    assert report.lost > 100, report
    assert not report.doubled


def test_a_store_killed_has_what_it_had_acknowledged(tmp_path):
    report = store_killed(Options(trials=2, seconds=1, store="influx"), tmp_path)
    assert report.valid, report
    assert report.recovered == 2
