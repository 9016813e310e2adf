"""Faults to order: transformations of the message stream, deterministic by seed.

A fault is written `name:key=value,key=value`, for example
`offline:device=m-school-teaching-main,start=60,duration=120`. Times are seconds after the
stream's start; `every` repeats the window. `device` may be a pattern (`m-school-*`).

dropout   messages of the window are lost; probability=0.3 loses that share of them
offline   messages of the window are kept and uploaded in one go at its end
duplicate messages are sent `copies` more times; probability=0.1 does so with that share
reorder   each message is held back for up to span seconds
reset     counters start again from 0 at start
rollover  counters show `modulus` as 0, like a display with too few digits; with headroom, the
          first value shown lies that far below modulus
stuck     values (or the one named by quantity) keep what they were before the window
spike     quantity is multiplied with factor, or is value; currents follow power_active
skew      the device's clock is off by offset seconds, and drifts by drift_ppm
"""

from dataclasses import MISSING, dataclass, fields
from fnmatch import fnmatchcase
from math import inf, isfinite, isnan, nan
from typing import ClassVar

from core.errors import WattlineError
from core.quantities import QUANTITIES
from simulators.stream import Sample

_VALUE_NAMES = {*QUANTITIES, "lat", "lon", "speed", "course", "odometer", "accuracy", "fuel", "soc"}


class FaultError(WattlineError):
    """A fault's text or parameters make no sense; the message says which and what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What every fault has: whom it hits and when."""

    name: ClassVar[str] = ""
    device: str
    start: float = 0.0
    duration: float = inf
    every: float = 0.0

    def __post_init__(self) -> None:
        if self.start < 0 or self.duration <= 0 or self.every < 0:
            raise FaultError(f"{self.name}: start and every can't be negative and duration must be above 0")
        if self.every and isfinite(self.duration) and self.duration > self.every:
            raise FaultError(f"{self.name}: duration {self.duration:g} is longer than every {self.every:g}")

    def hits(self, sample: Sample) -> bool:
        """Whether the sample's device is meant."""
        return fnmatchcase(sample.device, self.device)

    def window(self, at_s: float) -> tuple[float, float] | None:
        """(start, end) in seconds of the window that at_s lies in, if it lies in one."""
        if at_s < self.start:
            return None
        start = self.start
        if self.every:
            start += (at_s - self.start) // self.every * self.every
        end = start + self.duration
        return (start, end) if at_s < end else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropOut(Fault):
    """Messages are lost."""

    name: ClassVar[str] = "dropout"
    probability: float = 1.0

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        _check_probability(self.name, self.probability)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline(Fault):
    """Messages wait on the device until the window ends."""

    name: ClassVar[str] = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(Fault):
    """Messages are sent again."""

    name: ClassVar[str] = "duplicate"
    copies: int = 1
    probability: float = 1.0

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        _check_probability(self.name, self.probability)
        if self.copies < 1:
            raise FaultError("duplicate: copies must be 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder(Fault):
    """Messages overtake one another within span seconds."""

    name: ClassVar[str] = "reorder"
    span: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Fault):
    """Counters begin again from 0."""

    name: ClassVar[str] = "reset"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if isfinite(self.duration):
            raise FaultError("reset: a register that was reset stays so: leave out duration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollover(Fault):
    """Counters pass modulus and begin again from 0."""

    name: ClassVar[str] = "rollover"
    modulus: float
    headroom: float | None = None

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.modulus <= 0 or not 0 <= (self.headroom or 0.0) <= self.modulus:
            raise FaultError("rollover: modulus must be above 0 and headroom between 0 and modulus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck(Fault):
    """Values no longer change."""

    name: ClassVar[str] = "stuck"
    quantity: str | None = None

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.quantity is not None:
            _check_quantity(self.name, self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike(Fault):
    """A value jumps for the time of the window."""

    name: ClassVar[str] = "spike"
    quantity: str
    factor: float | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        _check_quantity(self.name, self.quantity)
        if (self.factor is None) == (self.value is None):
            raise FaultError("spike: give either factor or value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew(Fault):
    """The device's clock is wrong."""

    name: ClassVar[str] = "skew"
    offset: float = 0.0
    drift_ppm: float = 0.0


def _check_probability(name: str, probability: float) -> None:
    if not 0 < probability <= 1:
        raise FaultError(f"{name}: probability must be above 0 and at most 1")


def _check_quantity(name: str, quantity: str) -> None:
    if quantity not in _VALUE_NAMES:
        raise FaultError(
            f"{name}: quantity {quantity!r} is unknown: write one of {', '.join(sorted(_VALUE_NAMES))}"
        )


FAULTS: dict[str, type[Fault]] = {
    kind.name: kind for kind in (DropOut, Offline, Duplicate, Reorder, Reset, Rollover, Stuck, Spike, Skew)
}


def parse_fault(text: str) -> Fault:
    """Read `name:key=value,…`; raises FaultError."""
    name, _, rest = text.partition(":")
    kind = FAULTS.get(name.strip())
    if kind is None:
        raise FaultError(f"fault {name.strip()!r} is unknown: write one of {', '.join(FAULTS)}")
    known = {f.name: f for f in fields(kind)}
    values: dict[str, str | float | int] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in known:
            raise FaultError(f"{text!r}: {key!r} is unknown: {kind.name} takes {', '.join(known)}")
        values[key] = value if "str" in str(known[key].type) else _number(text, key, value, known[key].type)
    missing = [f.name for f in known.values() if f.default is MISSING and f.name not in values]
    if missing:
        raise FaultError(f"{text!r}: {' and '.join(missing)} must be given, as in {missing[0]}=…")
    return kind(**values)  # type: ignore[arg-type]  # each value was read by its field's type


def _number(text: str, key: str, value: str, kind: object) -> float | int:
    try:
        number = int(value) if kind is int else float(value)
    except ValueError:
        number = nan
    if isnan(number):
        raise FaultError(f"{text!r}: {key}={value!r} is not a number")
    return number
