"""Short forms of the campaigns in which a disk is full or a file damaged."""

from tests.faults.disks import damaged_log, disk_full
from tests.faults.world import Options


def test_a_full_disk_is_said_and_waited_out(tmp_path):
    report = disk_full(Options(trials=1, seconds=1), tmp_path)
    assert report.valid, report
    assert report.more["said"] == 1


def test_a_damaged_log_is_reported_and_wattline_goes_on(tmp_path):
    report = damaged_log(Options(trials=1, seconds=1), tmp_path)
    assert report.valid, report
    assert report.recovered == 1
    assert report.more["silent"] == 0
