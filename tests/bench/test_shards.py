"""The benchmark of shards in small: each takes its own messages, and the slowest sets the pace."""

from tests.bench.ends import last_line


def test_a_layout_is_as_fast_as_its_slowest_shard():
    options = ("--messages", 600, "--devices", 40)
    result = last_line("shards", *options, servers=("mosquitto", "influxd"))
    assert result["messages"] == 600
    assert result["layout_of_1_per_s"] == result["per_s_0_of_1"]
    assert result["layout_of_2_per_s"] == min(result["per_s_0_of_2"], result["per_s_1_of_2"])
