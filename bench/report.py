"""Figures of docs/benchmarks.md as Markdown tables, from the JSON lines that `make bench` ends with.

In the document a table stands between `<!-- ingest -->` and `<!-- end -->`.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from bench.chart import CLIENTS

Result = dict[str, Any]
_RATIOS = {
    "duckdb_of_null": "DuckDB of the null consumer",
    "duckdb_of_usual": "DuckDB of the usual script",
    "influx_of_raw": "InfluxDB of raw lines",
    "influx_of_raw_same": "InfluxDB of Wattline's lines, raw",
    "influx_apart_of_raw": "InfluxDB apart of raw lines",
    "influx_apart_of_raw_same": "InfluxDB apart of Wattline's lines, raw",
    "raw_same_of_raw": "Wattline's lines, raw, of raw lines",
    "influx_of_usual": "InfluxDB of the usual script",
}
_ASKED = {
    "day": "day of a building by 15 minutes",
    "day_busy": "the same, while 1,000 messages/s come in",
    "month": "month of a building by day",
    "district_year": "year of 25 buildings by month",
    "region_year": "year of everything in one figure",
}


def fill(document: str, results: Iterable[Result]) -> str:
    """The document with the tables of these results; other tables stay as they are."""
    for result in results:
        name = result["bench"]
        if name in _TABLES:
            table = "\n".join(_TABLES[name](result))
            between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            if found := between.search(document):
                place = f"{found[1]}\n{table}\n\n{found[2]}"
                document = document[: found.start()] + place + document[found.end() :]
    return document


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _with_range(result: Result, key: str, form: str) -> str:
    said = format(result[key], form)
    if f"{key}_range" in result:
        least, most = (format(value, form) for value in result[f"{key}_range"])
        said += f" ({least}–{most})"  # noqa: RUF001 a range
    return said


def _ingest(result: Result) -> list[str]:
    head = ["", "messages/s", "CPU-s per million", "share of its core"]
    rows = [
        [
            label,
            _with_range(result, f"{name}_per_s", ",.0f"),
            _with_range(result, f"{name}_cpu_s_per_million", ".2f"),
            _with_range(result, f"{name}_busy", ".0%"),
        ]
        for name, label in CLIENTS.items()
        if f"{name}_per_s" in result
    ]
    ratios = [[label, _with_range(result, key, ".2f")] for key, label in _RATIOS.items() if key in result]
    runs, count = result["runs"], result["messages"]
    said = f"{count:,} messages of {result['devices']:,} meters; runs: {runs}."
    return [*_table(head, rows), "", *_table(["ratio in one run", ""], ratios), "", said]


def _latency(result: Result) -> list[str]:
    rows = []
    for key, found in result.items():
        if key.startswith(("at_", "round_")):
            seen = [found[name] for name in ("alert", "power", "readable")]
            cells = [f"{one['p50']:.0f} / {one['p99']:.0f} / {one['max']:.0f}" for one in seen]
            late = f"{found['publisher_late_p99_ms']:.0f}"
            rate = f"{int(key.split('_')[1]):,}"
            label = f"{rate}, in the first round of rules on figures" if key.startswith("round_") else rate
            rows.append([label, *cells, str(found["missed"]), late])
    head = ["messages/s", "alert, p50 / p99 / max", "power", "readable", "missed", "publisher late, p99"]
    said = f"In ms, {result['devices']:,} meters, {result['seconds']} s at each rate."
    return [*_table(head, rows), "", said]


def _query(result: Result) -> list[str]:
    rows = [
        [
            label,
            str(result[kind]["n"]),
            *(f"{result[kind][share]:,.0f}" for share in ("p50", "p95", "max")),
            f"{result[kind]['cold_ms']:,.0f}" if "cold_ms" in result[kind] else "",
        ]
        for kind, label in _ASKED.items()
        if kind in result
    ]
    said = (
        f"In ms; {result['meters']:,} meters, {result['intervals']:,} intervals in a file of "
        f"{result['file_gb']:.1f} GB."
    )
    return [*_table(["", "asked", "p50", "p95", "max", "cold"], rows), "", said]


def _memory(result: Result) -> list[str]:
    steps = ("empty", "reported", "checkpoint", "asked", "restarted", "asked_again", "peak")
    rows = [
        [
            f"{int(key.split('_')[1]):,}",
            *(f"{found[step]:,.0f}" for step in steps),
            f"{found['start_s']:.1f} s",
        ]
        for key, found in result.items()
        if key.startswith("with_")
    ]
    return _table(["registers", *(step.replace("_", " ") for step in steps), "start"], rows)


def _scale(result: Result) -> list[str]:
    columns = {
        "cpu_s_per_million": ("CPU-s per million", ".2f"),
        "per_s": ("messages/s", ",.0f"),
        "register_cpu_s": ("registering, CPU-s", ".1f"),
        "start_cpu_s": ("start, CPU-s", ".1f"),
        "checkpoint_s": ("checkpoint, s", ".2f"),
        "checkpoint_mb": ("checkpoint, MB", ".1f"),
        "peak_mb": ("peak MB", ",.0f"),
    }
    rows = [
        [f"{int(key.split('_')[1]):,}", *(format(found[name], form) for name, (_, form) in columns.items())]
        for key, found in result.items()
        if key.startswith("with_")
    ]
    return _table(["devices", *(label for label, _ in columns.values())], rows)


def _ledger(result: Result) -> list[str]:
    ways = {
        "read_s": "reading the readings, and nothing else",
        "first_s": "deriving and writing everything, in order of receipt",
        "unchanged_s": "deriving again where nothing differs",
        "ratio_s": "deriving again where everything differs",
    }
    rows = [[label, f"{result[key]:,.1f} s"] for key, label in ways.items()]
    late = result["late_ms"]
    rows.append(["one late reading", f"p50 {late['p50']:.0f}, p95 {late['p95']:.0f} ms (N = {late['n']})"])
    meters, days, readings = (f"{result[key]:,}" for key in ("meters", "days", "readings"))
    said = f"{meters} meters, {days} days, {readings} readings and as many intervals."
    return [*_table(["", ""], rows), "", said]


def _alerts(result: Result) -> list[str]:
    ways = {
        "null": "putting the batch in order, and nothing else",
        "calm": "no reading in breach",
        "some": "one in a hundred",
        "all": "all",
    }
    rows = [
        [
            label,
            f"{result[f'{name}_ms']:.1f}",
            *(
                f"{result[f'{name}_{key}']:.1f}" if f"{name}_{key}" in result else ""
                for key in ("most_ms", "wall_ms", "of_null")
            ),
        ]
        for name, label in ways.items()
    ]
    rules, registers, watches = (f"{result[key]:,}" for key in ("rules", "registers", "watches"))
    said = (
        f"CPU-ms a batch of {result['values']:,} values, median of {result['batches']} batches each; "
        f"{rules} rules over {registers} registers are {watches} watches, found in "
        f"{result['build_s']:.1f} s. A look at the silence of all meters takes {result['silence_ms']:.1f} ms."
    )
    head = ["in breach", "median", "most", "wall clock, median ms", "of putting in order"]
    return [*_table(head, rows), "", said]


def _preview(result: Result) -> list[str]:
    kinds = {kind: found for kind, found in result.items() if isinstance(found, dict)}
    rows = [
        [
            kind,
            str(found["n"]),
            *(f"{found[key]:.1f}" for key in ("cold_s", "median_s", "most_s")),
            f"{found['alerts']:,}",
            f"{found['peak_mb']:,}",
        ]
        for kind, found in kinds.items()
    ]
    meters, readings = f"{result['meters']:,}", f"{result['readings']:,}"
    said = f"In s; {result['days']} days of {meters} meters, of {readings} stored readings."
    head = ["rule", "runs", "first", "median", "most", "alerts found", "memory, MB"]
    return [*_table(head, rows), "", said]


_TABLES: dict[str, Callable[[Result], list[str]]] = {
    "ingest": _ingest,
    "latency": _latency,
    "query": _query,
    "memory": _memory,
    "scale": _scale,
    "ledger": _ledger,
    "alerts": _alerts,
    "preview": _preview,
}
