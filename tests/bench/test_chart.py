"""The chart shows what was measured, and the one in the documentation is of the figures beside it."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

from bench.chart import draw
from bench.report import fill

DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def _bars(chart: str, kind: str) -> list[float]:
    bars = ET.fromstring(chart).iter(f"{SVG}rect")  # noqa: S314 our own
    return [float(bar.get("width")) for bar in bars if bar.get("class") == kind]


def test_bars_are_as_long_as_the_figures():
    chart = draw([{"bench": "ingest", "null_per_s": 300.0, "duckdb_per_s": 100.0, "influx_per_s": 50.0}])
    duckdb, influx = _bars(chart, "ours")
    assert _bars(chart, "other") == [3 * duckdb]
    assert duckdb == 2 * influx


def test_a_tail_reaches_from_the_median_to_the_99th_percentile():
    alert = {"p50": 100.0, "p99": 400.0}
    chart = draw([{"bench": "latency", "at_10000_per_s": {"alert": alert}}])
    (median,), (tail,) = _bars(chart, "ours"), _bars(chart, "tail")
    assert abs(tail - 3 * median) < 0.2


def test_other_benchmarks_are_left_out():
    assert "rect" not in draw([{"bench": "scale"}])


def test_the_documentation_shows_the_figures_beside_it():
    results = [json.loads(line) for line in (DOCS / "benchmarks.jsonl").read_text().splitlines()]
    assert (DOCS / "benchmarks.svg").read_text() == draw(results)
    document = (DOCS / "benchmarks.md").read_text()
    assert document == fill(document, results)
    for result in results:
        assert f"<!-- {result['bench']} -->" in document


def test_a_table_has_medians_and_ranges():
    figures = {"duckdb_per_s": 100_000.0, "duckdb_cpu_s_per_million": 8.0, "duckdb_busy": 0.9}
    result = {"bench": "ingest", "messages": 200_000, "devices": 5_000, "runs": 3} | figures
    result["duckdb_per_s_range"] = [90_000.0, 110_000.0]
    filled = fill("before\n<!-- ingest -->\nold\n<!-- end -->\nafter\n", [result])
    assert "| Wattline on DuckDB | 100,000 (90,000–110,000) | 8.00 | 90% |" in filled  # noqa: RUF001
    assert filled.startswith("before\n")
    assert filled.endswith("after\n")
    assert "old" not in filled
