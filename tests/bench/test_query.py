"""The query benchmark in small: every question is answered in full, and the data can be kept."""

import pytest

from tests.bench.ends import last_line

OPTIONS = ("--meters", 100, "--days", 4, "--requests", 3)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """Each answer must have an amount in every item, or the benchmark fails."""
    kept = tmp_path_factory.mktemp("year")
    first = last_line("query", *OPTIONS, "--keep", kept)
    again = last_line("query", *OPTIONS, "--keep", kept, "--ask", "day")
    return first, again


def test_every_question_has_its_figures(result):
    for kind, count in (("day", 3), ("month", 1), ("district_year", 1), ("region_year", 1)):
        found = result[0][kind]
        assert found["n"] == count
        assert 0 < found["p50"] <= found["p95"] <= found["max"]
        assert found["cold_ms"] > 0
    assert result[0]["day_busy"]["n"] == 3


def test_all_intervals_are_there_and_kept(result):
    assert [run["intervals"] for run in result] == [100 * 4 * 96] * 2
