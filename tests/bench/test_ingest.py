"""The ingest benchmark in small: every client takes everything, and the result says so."""

import pytest

from tests.bench.ends import last_line

MESSAGES, USUAL, DEVICES = 600, 300, 40
CLIENTS = {"null", "duckdb", "influx", "influx_apart", "raw_lines", "raw_same_lines", "usual"}


@pytest.fixture(scope="module")
def result():
    """Each client counts what it has stored and fails if it is not all."""
    options = ("--messages", MESSAGES, "--usual-messages", USUAL, "--devices", DEVICES)
    return last_line("ingest", *options, servers=("mosquitto", "influxd"))


def test_each_client_has_a_rate_and_a_cost(result):
    for client in CLIENTS:
        assert result[f"{client}_per_s"] > 0
        assert result[f"{client}_cpu_s_per_million"] > 0


def test_ratios_are_of_the_same_run(result):
    assert result["duckdb_of_null"] == pytest.approx(result["duckdb_per_s"] / result["null_per_s"], abs=0.001)
    assert {"duckdb_of_usual", "influx_of_raw", "influx_apart_of_raw_same"} <= result.keys()


def test_it_says_what_was_measured_and_where(result):
    assert (result["messages"], result["devices"], result["runs"]) == (MESSAGES, DEVICES, 1)
    assert result["cores"] >= 1
