"""What a case expects: lines of text, and how what was seen reads in the same words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import ndiff

from core.alerts import AlertState, EventKind
from wattline.rules.shapes import ExpectShape
from wattline.rules.times import Clock

_TELEMETRY = ("fired", "live", "stale", "returned", "resolved", "superseded")
WORDS = {kind.value: kind for kind in EventKind if kind.value in _TELEMETRY}
"""What telemetry does to an alert, as its timeline says it."""

_STATES = [state.value for state in AlertState]
_RETROSPECTIVE = "retrospective"


@dataclass(frozen=True, slots=True)
class Line:
    """A transition, a state or a message; rule and target are empty where a case leaves them out."""

    at_us: int
    word: str
    rule: str = ""
    target: str = ""
    retrospective: bool = False

    def text(self, clock: Clock) -> str:
        """As a case writes it."""
        words = (self.word, self.rule, self.target, _RETROSPECTIVE * self.retrospective)
        return " ".join((clock.told(self.at_us), *filter(None, words)))


@dataclass(frozen=True, slots=True)
class Expected:
    """What must hold; None is not looked at."""

    transitions: tuple[Line, ...] | None
    states: tuple[Line, ...]
    open: tuple[tuple[int, int], ...]
    told: tuple[Line, ...] | None

    def times(self) -> list[int]:
        """Every time that something is expected of."""
        lines = (*(self.transitions or ()), *self.states, *(self.told or ()))
        return [*(line.at_us for line in lines), *(at_us for at_us, _ in self.open)]

    def looks_us(self) -> set[int]:
        """When states and open alerts are looked at."""
        return {*(line.at_us for line in self.states), *(at_us for at_us, _ in self.open)}


def expected(shape: ExpectShape, clock: Clock, rules: Sequence[str], mistakes: list[str]) -> Expected:
    """Read what a case expects; adds what is wrong."""

    def lines(key: str, text: str, words: Iterable[str]) -> tuple[Line, ...]:
        found = []
        for written in _written(text):
            try:
                found.append(_line(written, clock, list(words), rules))
            except ValueError as error:
                mistakes.append(f"expect.{key} = {written!r}: {error}")
        return tuple(found)

    if not shape.model_fields_set:
        mistakes.append("expect: is empty: write transitions, states, open or told")
    opened = []
    for written in _written(shape.open):
        text, _, count = written.rpartition(" ")
        try:
            opened.append((clock.time_us(text), int(count)))
        except ValueError:
            mistakes.append(f"expect.open = {written!r}: write a time and a number of alerts: 10:30 1")
    return Expected(
        None if shape.transitions is None else lines("transitions", shape.transitions, WORDS),
        lines("states", shape.states, _STATES),
        tuple(opened),
        None if shape.told is None else lines("told", shape.told, WORDS),
    )


def differences(
    wanted: Sequence[Line], seen: Sequence[Line], clock: Clock, *, ordered: bool = True
) -> list[str]:
    """Lines as of a diff, "- " expected and not seen, "+ " seen and not expected; empty if all is well.

    What no expected line names (rule or target) is not compared.
    """
    chosen = _compared(wanted)
    left, right = list(wanted), [chosen(line) for line in seen]
    if not ordered:
        right = [line for line in right if line.at_us in {one.at_us for one in left}]

    def order(line: Line) -> tuple[int, str, str, str]:
        return line.at_us, line.rule, line.target, line.word

    left, right = sorted(left, key=order), sorted(right, key=order)
    if left == right:
        return []
    found = ndiff([line.text(clock) for line in left], [line.text(clock) for line in right])
    return [line for line in found if not line.startswith("?")]


def _compared(wanted: Sequence[Line]) -> Callable[[Line], Line]:
    names_rule, names_target = any(line.rule for line in wanted), any(line.target for line in wanted)
    if not wanted:
        names_rule = names_target = True

    def chosen(line: Line) -> Line:
        return replace(line, rule=line.rule if names_rule else "", target=line.target if names_target else "")

    return chosen


def _written(text: str) -> list[str]:
    lines = [line.strip() for line in text.strip().splitlines()]
    return [] if lines == ["none"] else [line for line in lines if line and not line.startswith("#")]


def _line(written: str, clock: Clock, words: list[str], rules: Sequence[str]) -> Line:
    parts = written.split()
    at = next((number for number, part in enumerate(parts) if part in words), None)
    if not at:
        raise ValueError(f"write a time and one of {', '.join(words)}")
    at_us = clock.time_us(" ".join(parts[:at]))
    line = Line(at_us, parts[at])
    for part in parts[at + 1 :]:
        if part == _RETROSPECTIVE:
            line = replace(line, retrospective=True)
        elif part in rules and not line.rule:
            line = replace(line, rule=part)
        elif not line.target:
            line = replace(line, target=part)
        else:
            raise ValueError(f"{part!r} is too much: write time, word, rule and target")
    return line
