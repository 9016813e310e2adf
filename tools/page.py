"""Build, test and check the page in web/ with Node.js: `python -m tools.page build|test|check`.

`build` never stops `make run`: without Node.js, or when npm fails, Wattline runs with its API alone, and one
line says so. `--strict`, and CI=true, make that an error.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.step import cause, run, say, stop

WEB = Path(__file__).resolve().parent.parent / "web"
MODULES = WEB / "node_modules"
NOT_SOURCES = {"node_modules", "dist", "coverage"}

COMMANDS = {
    "test": (["npm", "run", "--silent", "test"],),
    "check": (["npm", "run", "--silent", "lint"], ["npm", "exec", "--no", "--", "vue-tsc", "--noEmit"]),
}


def main(action: str, *, strict: bool) -> None:
    """Carry out one action; end with one line if it cannot be done and `strict` asks for it."""
    missing = _why_no_node()
    if missing is None:
        missing = _install() or (_build() if action == "build" else None)
    if missing is None:
        for command in COMMANDS.get(action, ()):
            _show(command)
    elif strict:
        stop(missing)
    else:
        say(f"the page is left out: {missing}")


def _why_no_node() -> str | None:
    if not (WEB / "package.json").exists():
        return "web/ has no package.json"
    oldest = json.loads((WEB / "package.json").read_text())["engines"]["node"].removeprefix(">=")
    advice = f"install Node.js {oldest} or newer with npm"
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return f"no {'npm' if node else 'Node.js'} on PATH; {advice}"
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if _numbers(answer) < _numbers(oldest):
        return f"Node.js {answer.removeprefix('v') or 'of unknown version'} is too old; {advice}"
    return None


def _numbers(version: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", version)]


def _install() -> str | None:
    """Install the locked packages unless they are there; return why it failed, if it did."""
    stamp = MODULES / ".wattline-installed"
    wanted = _hash([WEB / "package.json", WEB / "package-lock.json"])
    if _read(stamp) == wanted:
        return None
    stamp.unlink(missing_ok=True)
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    code, output = run("installing the page's packages (npm ci)", command, cwd=WEB)
    if code:
        return f"npm ci failed: {cause(output) or _errors(output)}"
    stamp.write_text(wanted)
    return None


def _build() -> str | None:
    """Build web/dist unless it was built from these sources; return why it failed, if it did."""
    stamp = MODULES / ".wattline-built"
    wanted = _hash(_sources())
    if _read(stamp) == wanted and (WEB / "dist" / "index.html").exists():
        return None
    stamp.unlink(missing_ok=True)
    code, output = run("building the page (npm run build)", ["npm", "run", "build"], cwd=WEB)
    if code:
        print(output)
        return f"npm run build failed: {cause(output) or 'its output is above'}"
    stamp.write_text(wanted)
    return None


def _show(command: list[str]) -> None:
    """Run a command in full view and stop if it fails."""
    print(f"wattline: {' '.join(command)}", flush=True)
    if subprocess.run(command, cwd=WEB, check=False).returncode:
        stop(f"{' '.join(command)} failed in web/")


def _sources() -> list[Path]:
    top = [path for path in WEB.iterdir() if path.name not in NOT_SOURCES]
    files = [path for path in top if path.is_file()]
    return sorted(files + [path for folder in top for path in folder.rglob("*") if path.is_file()])


def _hash(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        if path.exists():
            digest.update(f"{path.relative_to(WEB)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _read(stamp: Path) -> str | None:
    return stamp.read_text() if stamp.exists() else None


def _errors(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith("npm error")]
    return lines[0] if lines else "no reason given"


if __name__ == "__main__":
    main(sys.argv[1], strict="--strict" in sys.argv or os.environ.get("CI") == "true")
