"""What watches remember between batches, by watch: carried over when rules and registers change."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np

from core.batch import I32, I64, Mask


class Memory:
    """Base of dataclasses of arrays, a row a watch, ordered by watch.

    The columns of `kind` say what a row is for: of a rule that has changed in one of them
    nothing is carried over. The others are what is remembered.
    """

    __slots__ = ()
    kind: ClassVar[tuple[str, ...]]
    watch: I32

    def row(self, watch: I32) -> I64:
        """Rows of watches that have one."""
        return np.searchsorted(self.watch, watch)

    def carried(self, fresh: Self, numbers: I64) -> Self:
        """Fill in a fresh memory of other watches, of each its number here, or -1 if it is new."""
        if not len(self.watch):
            return fresh
        number = numbers[fresh.watch]
        row = np.minimum(np.searchsorted(self.watch, number), len(self.watch) - 1)
        known = self.watch[row] == number
        for name in self.kind:
            known &= getattr(self, name)[row] == getattr(fresh, name)
        for name in _columns(self):
            if name not in ("watch", *self.kind):
                getattr(fresh, name)[known] = getattr(self, name)[row[known]]
        return fresh

    def adopt(self, other: Self, watches: Mask) -> None:
        """Take over what another memory of the same watches remembers of some."""
        rows = watches[self.watch]
        for name in _columns(self):
            getattr(self, name)[rows] = getattr(other, name)[rows]

    def arrays(self) -> dict[str, Any]:
        """Columns by name, to be saved."""
        return {name: getattr(self, name) for name in _columns(self)}

    @classmethod
    def loaded(cls, arrays: Mapping[str, Any], prefix: str) -> Self:
        """Read what arrays gave, saved under a prefix."""
        return cls(**{name: arrays[prefix + name] for name in _columns(cls)})


def _columns(of: Any) -> list[str]:  # noqa: ANN401 a dataclass or one of it
    return [column.name for column in fields(of)]


def rounds(watch: I32) -> list[I64]:
    """Rows of ordered watches as rounds: all first rows, all second ones; in a round a watch comes once."""
    if not len(watch):
        return []
    begins = np.flatnonzero(np.append(np.True_, watch[1:] != watch[:-1]))
    if len(begins) == len(watch):
        return [begins]
    nth = np.arange(len(watch)) - np.repeat(begins, np.diff(np.append(begins, len(watch))))
    return np.split(np.argsort(nth, kind="stable"), np.cumsum(np.bincount(nth))[:-1])
