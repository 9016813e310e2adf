"""Put measured figures into the documentation: `make bench | python -m bench`.

Takes the JSON lines with which `make bench` ends; keeps them in docs/benchmarks.jsonl, in place
of the line that each benchmark had there, and makes the tables and the chart anew from all.
"""

import json
import sys
from pathlib import Path

from bench.chart import draw
from bench.report import fill

_DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Read standard input and write the three files."""
    kept = _DOCS / "benchmarks.jsonl"
    results = {one["bench"]: one for one in map(json.loads, kept.read_text("utf-8").splitlines())}
    for line in sys.stdin:
        if line.startswith('{"bench"'):
            result = json.loads(line)
            if "error" not in result:
                results[result["bench"]] = result
    in_order = [results[name] for name in sorted(results)]
    kept.write_text("".join(f"{json.dumps(result)}\n" for result in in_order), "utf-8")
    (_DOCS / "benchmarks.svg").write_text(draw(in_order), "utf-8")
    document = _DOCS / "benchmarks.md"
    document.write_text(fill(document.read_text("utf-8"), in_order), "utf-8")


main()
