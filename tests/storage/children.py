"""Processes that write to a store until they are killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent.parent

_DUCKDB = """
import os, sys
from pathlib import Path
from storage.duckdb import DuckDBStore
from tests.storage.batches import NOON_US, intervals, positions, readings
store = DuckDBStore(Path(sys.argv[1]))
limit = int(sys.argv[2])
for n in range(limit):
    rows = ((r, NOON_US + n, n, NOON_US + n) for r in range(100))
    store.append(readings(*rows), positions((5, NOON_US + n, n)))
    store.put_intervals(intervals(*((r, n, n) for r in range(10))))
    print(n, flush=True)
os.kill(os.getpid(), 9)
"""

_REGISTRY = """
import sys
from core.errors import RejectReason
from core.ports import Checkpoint, DeadLetter
from storage.registry import open_registry
registry = open_registry(sys.argv[1])
for n in range(int(sys.argv[2])):
    registry.save_checkpoint("c", Checkpoint(n, b"x" * 1000))
    registry.put_dead_letters([DeadLetter(n, "t", b"p", RejectReason.BAD_TIME, "")])
    print(n, flush=True)
"""

SCRIPTS = {"duckdb": _DUCKDB, "registry": _REGISTRY}


def start(script, *arguments):
    """A child process; its output is a pipe of text."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_after(kind, target, *, acknowledged):
    """Kill -9 a writer once it has acknowledged so many writes; returns how many it had."""
    with start(SCRIPTS[kind], target, 1_000_000) as child:
        done = 0
        while done < acknowledged:
            assert child.stdout.readline()
            done += 1
        child.send_signal(signal.SIGKILL)
        return done + len(child.stdout.read().split())


def crashed(path, *, appends):
    """A DuckDB file as a writer leaves it that dies right after so many appends."""
    with start(SCRIPTS["duckdb"], path, appends) as child:
        assert len(child.stdout.read().split()) == appends
    assert child.returncode == -signal.SIGKILL
