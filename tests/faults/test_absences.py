"""Short forms of the campaigns in which a part is away or slow."""

import pytest

from tests.faults.absences import consumer_away, store_away, store_outage
from tests.faults.world import Options


def test_a_store_that_is_stopped_or_stands_still_loses_nothing(tmp_path):
    report = store_away(Options(trials=2, seconds=1, store="influx"), tmp_path)
    assert report.valid, report
    assert report.recovered == 2
    assert report.more["backlog_peak"] > 500


def test_what_comes_while_wattline_is_away_waits(tmp_path):
    """2,500 messages: mosquitto's own limit is 1,000, and it drops the rest without a word."""
    report = consumer_away(Options(trials=1, rate=1000, seconds=2.5), tmp_path)
    assert report.valid, report
    assert report.more["queued"] == 2500


@pytest.mark.parametrize("kind", ["absent", "slow"])
def test_a_store_that_was_away_is_caught_up_with(tmp_path, kind):
    report = store_outage(Options(rate=2000, seconds=3, store="influx", kind=kind), tmp_path)
    assert report.valid, report
    assert report.recovered == 1
