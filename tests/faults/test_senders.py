"""Short form of the campaign in which the process that tells people is killed."""

from tests.faults.senders import sender_killed
from tests.faults.world import Options


def test_a_sender_killed_loses_nothing_and_repeats_with_the_same_id(tmp_path):
    report = sender_killed(Options(trials=3), tmp_path)
    assert report.valid, report
    assert report.recovered == 3
    assert report.stored == report.attempted == 18
