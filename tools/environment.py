"""Make .venv hold what a requirements file pins: `python -m tools.environment run` or `… dev`.

Runs on the system's Python before anything is installed. An environment is current when its stamp holds the
hash of the requirement files and of its own path; a stamp is written last and removed first, so that an
interrupted, moved or damaged environment is made again from nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.step import cause, run, say, stop

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = {"run": ("run.txt",), "dev": ("dev.txt", "run.txt")}  # dev.txt holds all of run.txt too


def ensure(wanted: str) -> None:
    """Bring .venv up to requirement set `wanted` ("run" or "dev"); quick when it is there already."""
    lock = os.open(ROOT / "requirements", os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another make is setting up .venv; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if not (is_current(wanted) or (wanted == "run" and is_current("dev"))):
            _make(wanted)
    except OSError as error:
        stop(f"cannot write .venv: {cause(str(error)) or error}")
    finally:
        os.close(lock)


def is_current(wanted: str) -> bool:
    """Tell whether .venv works and was installed from just these requirement files."""
    try:
        stamped = _stamp(wanted).read_text()
    except OSError:
        return False
    return stamped == _fingerprint(wanted) and _answers()


def _make(wanted: str) -> None:
    usable = any(_stamp(name).exists() for name in REQUIREMENTS) and _answers()
    for name in REQUIREMENTS:
        _stamp(name).unlink(missing_ok=True)
    if not usable:
        shutil.rmtree(VENV, ignore_errors=True)
        code, output = run("making .venv", [sys.executable, "-m", "venv", str(VENV)], cwd=ROOT)
        if code:
            stop(f"cannot make .venv: {cause(output) or _last_line(output)}")
    pinned = ROOT / "requirements" / REQUIREMENTS[wanted][0]
    count = len(re.findall(r"^[A-Za-z0-9]", pinned.read_text(), re.MULTILINE))
    say(f"installing {count} Python packages into .venv")
    done = [0]

    def progress(line: str) -> str:
        if line.startswith("Collecting "):
            done[0] += 1
            return f"({done[0]} of {count}, {line.split()[1].partition('=')[0]})"
        return "(writing files)" if line.startswith("Installing ") else ""

    # Wheels only: a source build would download build tools that no hash covers, and needs a compiler.
    command = [str(PYTHON), "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    # Bytecode is written by the first start for what it imports.
    command += ["--no-compile", "--require-hashes", "--only-binary", ":all:", "-r", str(pinned)]
    code, output = run("installing", command, cwd=ROOT, progress=progress)
    if code:
        stop(f"cannot install the Python packages: {cause(output) or _last_line(output)}")
    for name in REQUIREMENTS if wanted == "dev" else (wanted,):
        _stamp(name).write_text(_fingerprint(name))


def _stamp(wanted: str) -> Path:
    return VENV / f".wattline-{wanted}"


def _fingerprint(wanted: str) -> str:
    files = b"".join((ROOT / "requirements" / name).read_bytes() for name in REQUIREMENTS[wanted])
    return hashlib.sha256(files + str(VENV).encode()).hexdigest()


def _answers() -> bool:
    """Tell whether the environment's interpreter still starts (its base may have been upgraded away)."""
    try:
        return subprocess.run([PYTHON, "-I", "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


if __name__ == "__main__":
    ensure(sys.argv[1])
