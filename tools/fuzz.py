"""Fuzz campaigns: `python -m tools.fuzz NAME SECONDS`, all of them without a name (`make fuzz`).

decoders: any bytes as topics and payloads, each decoder by itself. shapes: JSON that almost fits, drawn from
the strategies of the property tests. stream: any bytes from a broker. Found inputs and grown corpora are kept
in data/fuzz, so that the next campaign goes on from them; the last lines are one JSON object a campaign.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

from ingest.decoders import DECODERS
from tools.step import cause, run, say, stop

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "requirements" / "fuzz.txt"
KEPT = ROOT / "data" / "fuzz"
KINDS = {
    "decoders": [f"decoders-{name}" for name in DECODERS],
    "shapes": [f"shapes-{name}" for name in DECODERS],
    "stream": ["stream"],
}


def main(name: str, seconds: str) -> int:
    """Run the campaigns of that name, all without one; returns how many broke something."""
    if name and name not in KINDS:
        stop(f"no campaign named {name}; there are: {', '.join(KINDS)}")
    if not seconds.isdecimal() or int(seconds) < 1:
        stop(f"SECONDS={seconds}: say how many seconds each campaign takes, such as SECONDS=300")
    _install()
    targets = [target for kind in ([name] if name else KINDS) for target in KINDS[kind]]
    results = [_campaign(target, seconds) for target in targets]
    for result in results:
        print(json.dumps(result))
    return sum(bool(result.get("broken") or result.get("error")) for result in results)


def _install() -> None:
    """Put what campaigns need beside what tests need."""
    command = [
        sys.executable,
        "-I",
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
        "--quiet",
    ]
    command += ["--require-hashes", "--only-binary", ":all:", "-r", str(PINNED)]
    code, output = run("installing atheris", command, cwd=ROOT)
    if code:
        stop(f"cannot install atheris, which fuzzes on Linux alone: {cause(output) or output.strip()[-300:]}")


def _campaign(target: str, seconds: str) -> dict[str, object]:
    """What one campaign counted; an error if it was ended before its time, as by a hang."""
    say(f"fuzz {target} for {seconds} s")
    folder = KEPT / target
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.run", target, seconds, str(folder)],
        cwd=ROOT,
        env=os.environ | {"RUST_BACKTRACE": "0"},
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    told: deque[str] = deque(maxlen=30)
    reader = threading.Thread(target=told.extend, args=[process.stderr])
    reader.start()
    last = ""
    for line in process.stdout or ():
        print(line, end="", flush=True)
        last = line
    code = process.wait()
    reader.join()
    try:
        found: dict[str, object] = json.loads(last)
    except ValueError:
        print("".join(told))
        return {
            "fuzz": target,
            "error": f"ended with exit code {code}; its input is in {folder.relative_to(ROOT)}",
        }
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
