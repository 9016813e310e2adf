"""Short forms of the campaigns with a bad network."""

import pytest

from tests.faults.network import TOXICS, bad_network, stale_acks
from tests.faults.world import Options


def test_a_bad_network_delays_and_loses_nothing(tmp_path):
    report = bad_network(Options(trials=len(TOXICS), seconds=0.8, store="influx"), tmp_path)
    assert report.valid, report
    assert report.recovered == len(TOXICS)


@pytest.mark.parametrize("store", ["duckdb", "influx"])
def test_no_message_is_acknowledged_by_mistake(tmp_path, store):
    """Connections end between delivery and acknowledgement; once the session is kept, once it is lost."""
    report = stale_acks(Options(trials=2, store=store), tmp_path)
    assert report.valid, report
    assert report.more["silently_acked"] == 0
