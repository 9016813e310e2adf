"""The latency benchmark in small: every marker is seen in all three ways at every rate."""

from tests.bench.ends import last_line


def test_every_marker_is_seen_everywhere():
    result = last_line("latency", "--rates", 50, 100, "--devices", 10, "--seconds", 2)
    assert result["round_50_per_s"]["missed"] == 0
    for rate in ("at_50_per_s", "at_100_per_s"):
        found = result[rate]
        assert (found["markers"], found["missed"]) == (40, 0)
        for seen in ("alert", "power", "readable"):
            assert 0 < found[seen]["p50"] <= found[seen]["p99"] <= found[seen]["max"]
        assert found["sent"] > 0
