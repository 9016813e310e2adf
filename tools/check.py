"""What `make check` looks at: format, lint, types, import contracts, the page. Shows what fails in full."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tools.step import say

ROOT = Path(__file__).resolve().parent.parent

# import-linter has no __main__, and its script in .venv/bin breaks when the checkout moves
LINT_IMPORTS = "import importlinter.cli; importlinter.cli.lint_imports_command()"

CHECKS = {
    "format": ["-m", "ruff", "format", "--check", "."],
    "lint": ["-m", "ruff", "check", "."],
    "types": ["-m", "mypy"],
    "import contracts": ["-c", LINT_IMPORTS, "--no-cache", "--no-logo"],
    "page": ["-m", "tools.page", "check"],
}


def main() -> int:
    """Run every check, whatever the others say; return the number that failed."""
    failed = []
    for name, arguments in CHECKS.items():
        started_s = time.monotonic()
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        say(f"{name}: {'failed' if done.returncode else 'ok'} ({time.monotonic() - started_s:.0f} s)")
        if done.returncode:
            failed.append(name)
        if done.returncode or "left out" in done.stdout:
            print(done.stdout, flush=True)
    if failed:
        say(f"check failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
