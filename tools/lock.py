"""Pin every dependency, with hashes for every platform and Python: `python -m tools.lock [--upgrade]`.

Versions that are pinned already stay unless `--upgrade` is given. The files name no index, so that they
install from whatever registry or mirror a machine is set up for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "requirements"

# dev.txt holds run.txt at the same versions, so that one .venv serves both
LOCKS = (
    ("run.in", "run.txt", ()),
    ("dev.in", "dev.txt", ("--constraints", "run.txt")),
    ("fuzz.in", "fuzz.txt", ()),
)

OPTIONS = (
    "--universal",
    "--python-version=3.11",  # the oldest
    "--fork-strategy=fewest",  # one version for all Pythons: what is tested is what runs
    "--generate-hashes",
    "--no-emit-index-url",
    "--quiet",
)


def main(extra: list[str]) -> None:
    """Remake the lock files."""
    environment = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    for source, target, constraints in LOCKS:
        command = [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS, *constraints, *extra]
        command += [source, "--output-file", target]
        subprocess.run(command, cwd=FOLDER, env=environment, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
