"""What the meters of a case say, point by point."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.quantities import QUANTITIES, RegisterKind
from wattline.rules.shapes import SeriesShape
from wattline.rules.times import Clock, names, span_us, values

_FIRST_SHOWN = 1000.0
"""By a counter, before the first of its series that state amounts; the next goes on from there."""


@dataclass(frozen=True, slots=True)
class Point:
    """One reading, in the canonical unit of its quantity."""

    received_us: int
    event_time_us: int
    device: str
    quantity: str
    value: float


def points(series: Sequence[SeriesShape], clock: Clock, mistakes: list[str]) -> list[Point]:
    """Every reading of a case in order of receipt, then of event time; adds what is wrong."""
    found: list[Point] = []
    shown: dict[str, float] = {}
    for number, one in enumerate(series):
        try:
            found += _points(one, clock, shown)
        except _WrongError as error:
            mistakes.append(f"series[{number}].{error.key} = {error}")
    return sorted(found, key=lambda point: (point.received_us, point.event_time_us))


class _WrongError(ValueError):
    """What is wrong with a key of a series."""

    def __init__(self, key: str, message: object) -> None:
        super().__init__(str(message))
        self.key = key


def _points(series: SeriesShape, clock: Clock, shown: dict[str, float]) -> list[Point]:
    """Points of one series; shown: what each counter, as series name it, shows so far."""
    devices, quantity = _registers(series.of)
    rows = list(_lines(series, clock) if series.points else _row(series, clock, quantity, shown))
    return [
        Point(received_us, time_us, device, quantity, value)
        for device in devices
        for time_us, value, received_us in rows
    ]


def _registers(text: str) -> tuple[list[str], str]:
    device, _, quantity = text.rpartition("/")
    if not device:
        raise _WrongError("of", f"{text!r}: names no register: write device/quantity, as in m1/power_active")
    if quantity not in QUANTITIES:
        raise _WrongError("of", f"{text!r}: no such quantity: use one of {', '.join(QUANTITIES)}")
    try:
        return names(device), quantity
    except ValueError as error:
        raise _WrongError("of", error) from None


def _lines(series: SeriesShape, clock: Clock) -> Iterator[tuple[int, float, int]]:
    """(event time, value, receipt) of lines "time value" and "time value received time"."""
    for key in ("values", "amounts", "start", "every"):
        if getattr(series, key):
            name = "from" if key == "start" else key
            raise _WrongError(name, f"{getattr(series, key)!r}: stands beside points: write one of them")
    for line in series.points.strip().splitlines():
        said, _, came = line.strip().partition(" received ")
        text, _, value = said.strip().rpartition(" ")
        try:
            number = float(value)
        except ValueError:
            raise _WrongError("points", f"{line.strip()!r}: write a time and a value: 10:00 150") from None
        time_us = _time(clock, "points", text)
        yield time_us, number, _time(clock, "points", came) if came else _receipt(series, clock, time_us)


def _row(
    series: SeriesShape, clock: Clock, quantity: str, shown: dict[str, float]
) -> Iterator[tuple[int, float, int]]:
    """(event time, value, receipt) of evenly spaced values, or of what a counter rises by."""
    if bool(series.values) == bool(series.amounts):
        raise _WrongError("values", f"{series.values!r}: write values, amounts or points, one of them")
    for name, text in (("from", series.start), ("every", series.every)):
        if not text:
            raise _WrongError(name, "'': is missing: add it")
    start_us = _time(clock, "from", series.start)
    try:
        every_us = span_us(series.every)
    except ValueError as error:
        raise _WrongError("every", error) from None
    key = "amounts" if series.amounts else "values"
    try:
        steps = values(series.amounts or series.values) * series.repeat
    except ValueError as error:
        raise _WrongError(key, error) from None
    if key == "amounts":
        if QUANTITIES[quantity].kind is not RegisterKind.COUNTER:
            raise _WrongError(key, f"{series.amounts!r:.60}: {quantity} is no counter: write values")
        steps = _counted(steps, shown.get(series.of, _FIRST_SHOWN))
        shown[series.of] = next(value for value in reversed(steps) if value is not None)
    for number, value in enumerate(steps):
        if value is not None:
            time_us = start_us + number * every_us
            yield time_us, value, _receipt(series, clock, time_us)


def _counted(amounts: list[float | None], shown: float) -> list[float | None]:
    """What the counter shows, first at the beginning, then after each step.

    Where an amount is missing the counter says nothing, and does not rise.
    """
    found: list[float | None] = [shown]
    for amount in amounts:
        shown = round(shown + (amount or 0.0), 6)
        found.append(None if amount is None else shown)
    return found


def _receipt(series: SeriesShape, clock: Clock, time_us: int) -> int:
    if series.received:
        if series.delay:
            raise _WrongError("delay", f"{series.delay!r}: stands beside received: write one of them")
        return _time(clock, "received", series.received)
    if not series.delay:
        return time_us
    try:
        return time_us + span_us(series.delay)
    except ValueError as error:
        raise _WrongError("delay", error) from None


def _time(clock: Clock, key: str, text: str) -> int:
    try:
        return clock.time_us(text)
    except ValueError as error:
        raise _WrongError(key, error) from None
