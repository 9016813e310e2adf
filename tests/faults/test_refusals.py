"""Short forms of the campaigns in which something is refused."""

from tests.faults.refusals import bad_reading, refused_lines, refused_writes
from tests.faults.world import Options


def test_one_bad_reading_costs_itself_alone(tmp_path):
    report = bad_reading(Options(trials=1), tmp_path)
    assert report.valid, report
    assert report.more["good_kept"] == report.more["good_sent"]


def test_a_line_that_the_store_refuses_costs_itself_alone(tmp_path):
    report = refused_lines(Options(trials=2, seconds=0.5, store="influx"), tmp_path)
    assert report.valid, report
    assert report.more["dead_letters"] == {"store_refused": 2}
    # Found by halving, without asking for the whole batch again and again.
    assert report.more["refused_writes_a_bad_line"] < 20


def test_a_store_that_refuses_is_asked_again_and_gets_everything(tmp_path):
    """429 and 413, with their meaning; 401, which somebody puts right; no answer at all."""
    report = refused_writes(Options(trials=4, store="influx"), tmp_path)
    assert report.valid, report
    assert report.recovered == 4
    assert report.more["refusals"]["429"]["early_ms"] == 0
