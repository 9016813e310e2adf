"""Whether a virtual meter can be registered: its formula reads, and leads to real meters.

What a meter has counted so far plays no part: it may be registered before its first message.
"""

from collections.abc import Mapping

from analytics.formulas import FormulaError, meters, parse


def check(device_id: str, formula: str, formulas: Mapping[str, str | None]) -> None:
    """Raise FormulaError unless the formula can be used once its meters count.

    formulas: of all other devices by id; None for those that are real.
    """
    _check(formula, formulas, (device_id,), set())


def _check(formula: str, formulas: Mapping[str, str | None], path: tuple[str, ...], seen: set[str]) -> None:
    for name in sorted(meters(parse(formula))):
        position = formula.find(f"[{name}") + 1
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            raise FormulaError(f"it is made of itself ({circle})", position, f"take [{name}] out")
        if name not in formulas:
            raise FormulaError(f"there is no meter “{name}”", position, "name a registered meter by its id")
        below = formulas[name]
        if below is not None and name not in seen:
            seen.add(name)
            try:
                _check(below, formulas, (*path, name), seen)
            except FormulaError as error:
                raise FormulaError(f"[{name}] can't be used ({error})", position, error.fix) from None
