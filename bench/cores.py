"""One core for what is measured, the others for the servers that it talks to.

Without this, "on one core" means nothing: a client's threads and its broker share what there
is. Where the system can't pin processes (macOS) or has one core, nothing is pinned, and the
result says so.
"""

import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, ParamSpec, Self, TypeVar

_T = TypeVar("_T")
_P = ParamSpec("_P")


def machine() -> dict[str, Any]:
    """What a result should say of where it was measured; to be asked before leave_one_core."""
    return {"cpu": _cpu_model(), "cores": len(_cores())}


def leave_one_core() -> int | None:
    """Keep this process, and all that it starts from now on, off one core; returns that core."""
    cores = _cores()
    if len(cores) < 2:
        return None
    os.sched_setaffinity(0, cores[:-1])  # interrupts mostly go to the first: the last is quieter
    return cores[-1]


def alone(core: int | None, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What work returns, run in a fresh process of its own, on that core if one is given.

    The memory, the garbage and the threads of one client then don't disturb the next.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_settle, initargs=(core,)) as pool:
        return pool.submit(work, *args, **kwargs).result()


class Meter:
    """Wall and CPU time of the block, of all threads of this process, as rates.

    result: per_s; cpu_s_per_million; busy, the share of one core: below 0.9 or so something
    else (the broker, the server) set the pace.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.result: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.started_s, self.cpu_s = time.perf_counter(), _cpu_s()
        return self

    def __exit__(self, *_: object) -> None:
        took_s, cpu_s = time.perf_counter() - self.started_s, _cpu_s() - self.cpu_s
        self.result = {
            "per_s": round(self.count / took_s, 1),
            "cpu_s_per_million": round(cpu_s / self.count * 1e6, 3),
            "busy": round(cpu_s / took_s, 3),
        }


def medians(runs: list[dict[str, float]], digits: int = 3) -> dict[str, Any]:
    """Median of each key; with several runs, `<key>_range` holds the least and the most."""
    found: dict[str, Any] = {}
    for key in runs[0]:
        values = [run[key] for run in runs]
        found[key] = round(statistics.median(values), digits)
        if len(values) > 1:
            found[f"{key}_range"] = [round(min(values), digits), round(max(values), digits)]
    return found


def percentiles(values: list[float], digits: int = 2) -> dict[str, float]:
    """p50, p95, p99 and max, by nearest rank."""
    ordered = sorted(values)
    picked = {
        f"p{share}": ordered[min(-(-len(ordered) * share // 100), len(ordered)) - 1] for share in (50, 95, 99)
    }
    return {name: round(value, digits) for name, value in {**picked, "max": ordered[-1]}.items()}


def _settle(core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 there is no other file to name
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else "unknown"


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
