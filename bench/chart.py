"""The picture of docs/benchmarks.md, from the JSON lines that `make bench` ends with.

Three panels of horizontal bars as one SVG: messages/s of `ingest`, p50 and p99 of `latency`,
memory of `memory`. Colours follow the reader's light or dark setting; without a setting they
are readable on both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_WIDTH, _LABEL, _VALUE, _BAR, _GAP, _HEAD = 760, 250, 150, 18, 8, 44
_STYLE = """
text { font: 13px system-ui, "Segoe UI", Roboto, sans-serif; fill: #57606a }
.head { font-weight: 600; fill: #24292f }
.ours { fill: #0969da } .other { fill: #8c959f } .tail { fill: #54aeff } .bar { stroke: #cf222e }
@media (prefers-color-scheme: dark) {
  text { fill: #9da7b1 } .head { fill: #e6edf3 }
  .ours { fill: #4493f8 } .other { fill: #6e7681 } .tail { fill: #1f4f8f } .bar { stroke: #f85149 }
}
"""
CLIENTS = {
    "null": "null consumer",
    "duckdb": "Wattline on DuckDB",
    "influx": "Wattline on InfluxDB",
    "influx_apart": "the same, InfluxDB apart",
    "raw_lines": "raw lines into InfluxDB",
    "raw_same_lines": "Wattline's lines, raw",
    "usual": "the usual script",
}


@dataclass(frozen=True)
class Row:
    """A bar: its label, what stands after it, and its length; tail continues it in a lighter shade."""

    label: str
    said: str
    value: float
    tail: float = 0.0
    ours: bool = True


@dataclass(frozen=True)
class Panel:
    """Bars on one scale; limit is drawn as a line across them."""

    title: str
    rows: Sequence[Row]
    limit: float | None = None

    @property
    def height(self) -> int:
        """In pixels."""
        return _HEAD + len(self.rows) * (_BAR + _GAP)


def draw(results: Iterable[dict[str, Any]]) -> str:
    """The SVG of the benchmarks that are among the results."""
    by_name = {result["bench"]: result for result in results}
    panels = [make(by_name[name]) for name, make in _PANELS.items() if name in by_name]
    height = sum(panel.height for panel in panels) + _GAP
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', f"<style>{_STYLE}</style>"]
    top = 0
    for panel in panels:
        parts += _panel(panel, top)
        top += panel.height
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, top: int) -> list[str]:
    most = max([row.value + row.tail for row in panel.rows] + [panel.limit or 0.0])
    scale = (_WIDTH - _LABEL - _VALUE) / most
    parts = [f'<text class="head" x="0" y="{top + 26}">{escape(panel.title)}</text>']
    for number, row in enumerate(panel.rows):
        y = top + _HEAD + number * (_BAR + _GAP)
        length, tail = row.value * scale, row.tail * scale
        kind = "ours" if row.ours else "other"
        parts += [
            f'<text x="{_LABEL - 10}" y="{y + 14}" text-anchor="end">{escape(row.label)}</text>',
            f'<rect class="{kind}" x="{_LABEL}" y="{y}" width="{length:.1f}" height="{_BAR}"/>',
        ]
        if row.tail:
            parts.append(
                f'<rect class="tail" x="{_LABEL + length:.1f}" y="{y}" width="{tail:.1f}" height="{_BAR}"/>'
            )
        # Beyond the limit's line, which would cross it.
        end = max(length + tail, panel.limit * scale if panel.limit else 0.0)
        parts.append(f'<text x="{_LABEL + end + 8:.1f}" y="{y + 14}">{escape(row.said)}</text>')
    if panel.limit:
        x, bottom = _LABEL + panel.limit * scale, top + panel.height - _GAP
        parts.append(
            f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{top + _HEAD - 4}" y2="{bottom + 4}" '
            'stroke-width="1.5" stroke-dasharray="4 3"/>'
        )
    return parts


def _ingest(result: dict[str, Any]) -> Panel:
    rows = [
        Row(
            label,
            f"{result[f'{name}_per_s']:,.0f}",
            result[f"{name}_per_s"],
            ours=name in ("duckdb", "influx", "influx_apart"),
        )
        for name, label in CLIENTS.items()
        if f"{name}_per_s" in result
    ]
    return Panel("Draining a queued session, messages/s on one core", rows)


def _latency(result: dict[str, Any]) -> Panel:
    rows = []
    for key, found in result.items():
        if key.startswith("at_"):
            p50, p99 = found["alert"]["p50"], found["alert"]["p99"]
            label = f"at {int(key.split('_')[1]):,} messages/s"
            rows.append(Row(label, f"p50 {p50:,.0f}, p99 {p99:,.0f}", p50, p99 - p50))
    return Panel(
        "Publish to alert on the live socket, ms; dashed: the limit of p99 at 10,000 messages/s", rows, 500.0
    )


def _memory(result: dict[str, Any]) -> Panel:
    rows = []
    for key, found in result.items():
        if key.startswith("with_"):
            held, peak = found["asked_again"], found["peak"]
            label = f"{int(key.split('_')[1]):,} registers"
            rows.append(Row(label, f"{held:,.0f}, peak {peak:,.0f}", held, max(peak - held, 0.0)))
    return Panel(
        "Resident memory of the whole product, MB; dashed: the limit at 200,000 registers", rows, 600.0
    )


_PANELS = {"ingest": _ingest, "latency": _latency, "memory": _memory}
