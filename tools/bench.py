"""Run benchmarks: `python -m tools.bench [NAME…]`, all of bench/ without a name.

A benchmark is a module of bench/ that can be run; what benchmarks share can only be imported. It prints what
it likes and, as its last line, one JSON object with the ratios that it measured in that one run. These lines
are repeated at the end, one a benchmark.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tools.step import say, stop

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"


def main(names: list[str]) -> int:
    """Run the named benchmarks, print one JSON line each, return how many failed."""
    there = sorted(
        path.stem for path in BENCH.glob("*.py") if '__name__ == "__main__"' in path.read_text("utf-8")
    )
    unknown = sorted(set(names) - set(there))
    if unknown:
        stop(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(there) or 'none yet'}")
    results = [_run(name) for name in names or there]
    for result in results:
        print(json.dumps(result, ensure_ascii=False), flush=True)
    return sum("error" in result for result in results)


def _run(name: str) -> dict[str, object]:
    """Run one benchmark in full view and return its last line as an object, with its name."""
    say(f"bench {name}")
    process = subprocess.Popen(
        [sys.executable, "-m", f"bench.{name}"], cwd=ROOT, text=True, stdout=subprocess.PIPE, bufsize=1
    )
    last = ""
    for line in process.stdout or ():
        print(line, end="", flush=True)
        last = line.strip() or last
    code = process.wait()
    if code:
        return {"bench": name, "error": f"exit code {code}"}
    try:
        result = json.loads(last)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        return {"bench": name, "error": "its last line is no JSON object"}
    return {"bench": name, **result}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
