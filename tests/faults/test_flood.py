"""Short form of the flood."""

from tests.faults.flood import flood
from tests.faults.world import Options


def test_a_flood_costs_others_nothing_and_every_message_of_it_is_accounted_for(tmp_path):
    report = flood(Options(trials=1, seconds=0.7), tmp_path)
    assert report.valid, report
    assert report.more["unexplained"] == 0
