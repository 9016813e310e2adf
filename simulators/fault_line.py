"""Run a message stream through faults: samples in as they happen, samples out as they are sent."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Protocol

from core.quantities import QUANTITIES, RegisterKind
from simulators.faults import (
    DropOut,
    Duplicate,
    Fault,
    Offline,
    Reorder,
    Reset,
    Rollover,
    Skew,
    Spike,
    Stuck,
)
from simulators.stream import Sample

_COUNTERS = {name for name, q in QUANTITIES.items() if q.kind is RegisterKind.COUNTER}
_CURRENTS = ("current_l1", "current_l2", "current_l3")

Item = tuple[float, Sample]
"""A sample and when it was truly made, in seconds after the stream's start."""


class _Stage(Protocol):
    """One fault at work."""

    def step(self, now_s: float, items: Sequence[Item]) -> list[Item]: ...

    def flush(self) -> list[Item]: ...


class FaultLine:
    """Faults in the order given; each sees what the one before it lets through.

    origin_us: event time at which the stream starts.
    """

    def __init__(self, faults: Iterable[Fault], *, origin_us: int, seed: int) -> None:
        self._origin_us = origin_us
        self._stages = [_stage(fault, seed) for fault in faults]

    def step(self, now_us: int, samples: Iterable[Sample]) -> list[Sample]:
        """What is sent at now_us, given what the devices made since the last step."""
        now_s = (now_us - self._origin_us) / 1e6
        items = [((sample.event_time_us - self._origin_us) / 1e6, sample) for sample in samples]
        for stage in self._stages:
            items = stage.step(now_s, items)
        return [sample for _, sample in items]

    def flush(self) -> list[Sample]:
        """What is still held back, when the stream ends."""
        items: list[Item] = []
        for stage in self._stages:
            items = stage.step(float("inf"), items) + stage.flush()
        return [sample for _, sample in items]


def _stage(fault: Fault, seed: int) -> _Stage:
    match fault:
        case Offline() | Reorder():
            return _Holding(fault, seed)
        case _:
            return _Changing(fault, seed)


class _Holding:
    """Keeps samples back until their time to be sent comes."""

    def __init__(self, fault: Offline | Reorder, seed: int) -> None:
        self._fault = fault
        self._seed = seed
        self._held: list[tuple[float, Item]] = []

    def step(self, now_s: float, items: Sequence[Item]) -> list[Item]:
        passing = []
        for item in items:
            release_s = self._release_s(item)
            if release_s is None or release_s <= now_s:
                passing.append(item)
            else:
                self._held.append((release_s, item))
        return self._released(now_s) + passing

    def flush(self) -> list[Item]:
        return self._released(float("inf"))

    def _release_s(self, item: Item) -> float | None:
        at_s, sample = item
        window = self._fault.window(at_s) if self._fault.hits(sample) else None
        if window is None:
            return None
        if isinstance(self._fault, Reorder):
            return at_s + self._fault.span * _chance(self._seed, self._fault, sample)
        return window[1]

    def _released(self, now_s: float) -> list[Item]:
        due = sorted((entry for entry in self._held if entry[0] <= now_s), key=lambda entry: entry[0])
        self._held = [entry for entry in self._held if entry[0] > now_s]
        if isinstance(self._fault, Offline):  # an upload sends one device's buffer after the other's
            due.sort(key=lambda entry: entry[1][1].device)
        return [item for _, item in due]


class _Changing:
    """Changes, drops or repeats samples as they pass."""

    def __init__(self, fault: Fault, seed: int) -> None:
        self._fault = fault
        self._seed = seed
        self._last: dict[str, Sample] = {}
        self._base: dict[str, tuple[float, dict[str, float | bool]]] = {}

    def step(self, now_s: float, items: Sequence[Item]) -> list[Item]:  # noqa: ARG002 - has no part in it
        out = []
        for at_s, sample in items:
            hit = self._fault.hits(sample)
            window = self._fault.window(at_s) if hit else None
            if window is None:
                out.append((at_s, sample))
            else:
                out += [(at_s, changed) for changed in self._changed(at_s, window[0], sample)]
            if hit:
                self._last[sample.device] = sample
        return out

    def flush(self) -> list[Item]:
        return []

    def _changed(self, at_s: float, start_s: float, sample: Sample) -> list[Sample]:
        match self._fault:
            case DropOut(probability=p):
                return [] if _chance(self._seed, self._fault, sample) < p else [sample]
            case Duplicate(probability=p, copies=copies):
                again = _chance(self._seed, self._fault, sample) < p
                return [sample] * (1 + copies if again else 1)
            case Skew(offset=offset, drift_ppm=ppm):
                off_ms = round((offset + at_s * ppm / 1e6) * 1000)
                return [replace(sample, event_time_us=sample.event_time_us + off_ms * 1000)]
            case _:
                return [replace(sample, values=self._values(start_s, sample))]

    def _values(self, start_s: float, sample: Sample) -> dict[str, float | bool]:
        match self._fault:
            case Reset():
                base = self._before(start_s, sample)
                return _counting(sample, {quantity: -value for quantity, value in base.items()}, None)
            case Rollover(modulus=modulus, headroom=None):
                return _counting(sample, {}, modulus)
            case Rollover(modulus=modulus, headroom=float() | int() as headroom):
                first = self._before(start_s, sample)
                shift = {quantity: modulus - headroom - value for quantity, value in first.items()}
                return _counting(sample, shift, modulus)
            case Stuck(quantity=quantity):
                before = self._before(start_s, sample)
                frozen = {q: before.get(q, v) for q, v in sample.values.items() if quantity in {None, q}}
                return {**sample.values, **frozen}
            case Spike() as spike:
                return _spiked(spike, sample)
            case _:
                return sample.values

    def _before(self, start_s: float, sample: Sample) -> dict[str, float | bool]:
        """The device's values just before the window; its first ones if it said nothing before."""
        known = self._base.get(sample.device)
        if known is None or known[0] != start_s:
            known = (start_s, self._last.get(sample.device, sample).values)
            self._base[sample.device] = known
        return known[1]


def _counting(sample: Sample, shift: dict[str, float], modulus: float | None) -> dict[str, float | bool]:
    """Values with the counters shifted, and wrapped at modulus."""
    values = dict(sample.values)
    for quantity in _COUNTERS & values.keys():
        value = values[quantity] + shift.get(quantity, 0.0)
        values[quantity] = round(value if modulus is None else value % modulus, 6)
    return values


def _spiked(spike: Spike, sample: Sample) -> dict[str, float | bool]:
    old = sample.values.get(spike.quantity)
    if old is None:
        return sample.values
    new = spike.value if spike.value is not None else old * (spike.factor or 0.0)
    values: dict[str, float | bool] = {**sample.values, spike.quantity: round(new, 6)}
    if spike.quantity == "power_active" and old:
        for current in _CURRENTS:
            if current in values:
                values[current] = round(values[current] * new / old, 3)
    return values


def _chance(seed: int, fault: Fault, sample: Sample) -> float:
    """A number in [0, 1) that depends on nothing but seed, fault and sample."""
    return Random(f"{seed}/{fault.name}/{sample.device}/{sample.event_time_us}").random()
