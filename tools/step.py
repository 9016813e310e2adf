"""One long step of the set-up: run a command, say what it is doing, keep its output in case it fails."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

QUIET_S = 2.0  # anything that takes longer says what it is doing
REPEAT_S = 10.0  # a log gets a line this often, a terminal redraws one line

CAUSES = (
    # (what the tool printed, what to say and what to change); first match wins
    (("No space left on device", "ENOSPC"), "the disk is full: free some space"),
    (("Read-only file system", "EROFS"), "the disk is read-only: use a checkout that can be written to"),
    (("Permission denied", "EACCES"), "a file of this checkout belongs to someone else: check its owner"),
    (
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "EINTEGRITY"),
        "a downloaded package is not the one that was pinned: try again, then suspect the package mirror",
    ),
    (
        (
            "connection error",
            "NewConnectionError",
            "ConnectTimeout",
            "ReadTimeout",
            "Read timed out",
            "ProxyError",
            "SSLError",
            "ENOTFOUND",
            "EAI_AGAIN",
            "ECONNREFUSED",
            "ECONNRESET",
            "ETIMEDOUT",
            "npm error network",
        ),
        "the package registry does not answer: check the network, the proxy and the client's settings",
    ),
    (
        ("No matching distribution found", "No matching version found", "ETARGET", "E404"),
        "the package registry has no such package for this machine: it may be a partial mirror",
    ),
)


def say(line: str) -> None:
    """Print a line of the set-up."""
    print(f"wattline: {line}", flush=True)


def stop(line: str) -> NoReturn:
    """End the set-up with one line that says what to change."""
    print(f"wattline: {line}", file=sys.stderr, flush=True)
    sys.exit(1)


def cause(output: str) -> str | None:
    """Say what to change for a failure that `output` shows, or None if it is not a known one."""
    for signs, advice in CAUSES:
        if any(sign in output for sign in signs):
            return advice
    return None


def run(
    label: str,
    command: Sequence[str],
    *,
    cwd: Path,
    env: dict[str, str] | None = None,
    progress: Callable[[str], str] = lambda _line: "",
) -> tuple[int, str]:
    """Run `command` and return its exit code and what it printed (both streams).

    label: what is being done, shown once it takes longer than two seconds.
    progress: given each line as it comes, returns a short note of how far it got ("" keeps the last one).
    """
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lines: list[str] = []
    note = [""]

    def read() -> None:
        for line in process.stdout or ():
            lines.append(line)
            note[0] = progress(line) or note[0]

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        _watch(label, process, note)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        stop("interrupted; the next make goes on from here")
    reader.join()
    return process.returncode, "".join(lines)


def _watch(label: str, process: subprocess.Popen[str], note: list[str]) -> None:
    """Wait for `process`; redraw one line on a terminal, print one now and then elsewhere."""
    started_s = time.monotonic()
    terminal = sys.stdout.isatty()
    next_s = QUIET_S
    shown = False
    while True:
        try:
            process.wait(0.2)
            break
        except subprocess.TimeoutExpired:
            pass
        elapsed_s = time.monotonic() - started_s
        if elapsed_s < next_s:
            continue
        text = f"wattline: {label} … {elapsed_s:.0f} s {note[0]}".rstrip()
        print(f"\r\x1b[K{text[:110]}" if terminal else text, end="" if terminal else "\n", flush=True)
        shown = True
        next_s = elapsed_s + (0.5 if terminal else REPEAT_S)
    if shown and terminal:
        print(flush=True)
