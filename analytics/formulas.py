"""Formulas of virtual meters: `[main] - 0.5 * ([charger-1] + [charger-2])`.

Numbers, meters in brackets, + - * /, parentheses, min(…) and max(…) of two or more. Parsed
by our own small parser: nothing of a formula is ever run as a program. A mistake says where
it is and what to write instead.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np

from core.batch import F64
from core.errors import WattlineError

MOST_CHARACTERS = 1000
MOST_DEPTH = 32

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)|\[(?P<meter>[^\[\]]{1,128})\]"
    r"|(?P<name>[A-Za-z_]+)|(?P<sign>[-+*/(),]))",
    re.ASCII,
)
_SIGNS: dict[str, Callable[[F64, F64], F64]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
_FUNCTIONS: dict[str, Callable[[F64, F64], F64]] = {"min": np.minimum, "max": np.maximum}


class FormulaError(WattlineError):
    """A formula can't be used; position is the character (from 1) at which it goes wrong."""

    def __init__(self, message: str, position: int, fix: str) -> None:
        super().__init__(f"{message} at character {position}")
        self.position = position
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Meter:
    """What a meter counted in the interval."""

    device_id: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A sign or a function between two terms."""

    of: str
    left: "Term"
    right: "Term"


Term = Number | Meter | Operation


@lru_cache(maxsize=1024)
def parse(formula: str) -> Term:
    """The formula as a tree. Raises FormulaError."""
    if len(formula) > MOST_CHARACTERS:
        raise FormulaError(
            f"more than {MOST_CHARACTERS} characters", MOST_CHARACTERS, "make a virtual meter of a part of it"
        )
    return _Parser(formula).formula()


def meters(term: Term) -> frozenset[str]:
    """Ids of the meters in a formula."""
    match term:
        case Meter(device_id):
            return frozenset((device_id,))
        case Operation(_, left, right):
            return meters(left) | meters(right)
    return frozenset()


def evaluate(term: Term, amount_of: Mapping[str, F64]) -> F64:
    """The formula over amounts by meter, each f64[n] and NaN where nothing is known.

    NaN where an input is NaN, and where it divides by zero: not known.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = np.asarray(_value(term, amount_of), np.float64)
    # NaN goes through every operation here; dividing by zero gives infinity or NaN.
    return np.where(np.isfinite(found), found, np.nan)


def _value(term: Term, amount_of: Mapping[str, F64]) -> F64:
    match term:
        case Number(value):
            return np.float64(value)  # type: ignore[return-value]  # a scalar spreads over any array
        case Meter(device_id):
            return amount_of[device_id]
        case Operation(of, left, right):
            return (_SIGNS | _FUNCTIONS)[of](_value(left, amount_of), _value(right, amount_of))


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


class _Parser:
    """Recursive descent: sum → product → signed → atom."""

    def __init__(self, formula: str) -> None:
        self._tokens = _tokens(formula)
        self._at = 0
        self._depth = 0

    def formula(self) -> Term:
        term = self._sum()
        if self._next.kind != "end":
            raise self._unexpected("a sign such as + between two terms")
        if not meters(term):
            raise FormulaError("no meter", 1, "name at least one meter in brackets, such as [main]")
        return term

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, sign: str) -> None:
        if self._next.text != sign or self._next.kind != "sign":
            raise self._unexpected(f"“{sign}”")
        self._at += 1

    def _sum(self) -> Term:
        return self._chain(self._product, "+-")

    def _product(self) -> Term:
        return self._chain(self._signed, "*/")

    def _chain(self, part: Callable[[], Term], signs: str) -> Term:
        term = part()
        while self._next.kind == "sign" and self._next.text in signs:
            term = Operation(self._take().text, term, part())
        return term

    def _signed(self) -> Term:
        if self._next.text != "-":
            return self._atom()
        self._deeper()
        self._at += 1
        term = Operation("-", Number(0.0), self._signed())
        self._depth -= 1
        return term

    def _atom(self) -> Term:
        token = self._next
        if token.kind == "number":
            self._at += 1
            value = float(token.text)
            if not np.isfinite(value):
                raise FormulaError("a number without end", token.position, "write a smaller one")
            return Number(value)
        if token.kind == "meter":
            self._at += 1
            return Meter(token.text.strip())
        if token.kind == "name":
            return self._function()
        if token.text != "(":
            raise self._unexpected("a number, a meter in brackets or “(”")
        self._deeper()
        self._at += 1
        term = self._sum()
        self._expect(")")
        self._depth -= 1
        return term

    def _function(self) -> Term:
        name = self._next
        if name.text not in _FUNCTIONS:
            fix = f"write [{name.text}] for a meter, or min(…) or max(…)"
            raise FormulaError(f"“{name.text}” is no function", name.position, fix)
        self._deeper()
        self._at += 1
        self._expect("(")
        terms = [self._sum()]
        while self._next.text == ",":
            self._at += 1
            terms.append(self._sum())
        self._expect(")")
        self._depth -= 1
        if len(terms) == 1:
            raise FormulaError(f"“{name.text}” of one term", name.position, "give at least two, with a comma")
        return reduce(lambda left, right: Operation(name.text, left, right), terms)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise FormulaError(f"nested more than {MOST_DEPTH} deep", self._next.position, "nest less")

    def _unexpected(self, wanted: str) -> FormulaError:
        token = self._next
        text = f"[{token.text}]" if token.kind == "meter" else token.text
        found = f"“{text}”" if text else "the end"
        return FormulaError(f"{found} where {wanted} should be", token.position, f"write {wanted} there")


def _tokens(formula: str) -> list[_Token]:
    found: list[_Token] = []
    at, end = 0, len(formula.rstrip())
    while at < end:
        match = _TOKEN.match(formula, at)
        if match is None:
            at += len(formula[at:]) - len(formula[at:].lstrip())
            fix = "only numbers, [meters], + - * / ( ) , min and max may be used"
            raise FormulaError(f"“{formula[at]}” means nothing here", at + 1, fix)
        kind = match.lastgroup or ""
        bracket = kind == "meter"
        found.append(_Token(kind, match[kind], match.start(kind) + 1 - bracket))
        at = match.end()
    return [*found, _Token("end", "", end + 1)]
