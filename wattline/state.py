"""Everything the analytics remember between batches, sized to the catalog and saved as one."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import msgspec
import numpy as np

from analytics import late
from analytics.alerts import AlertsState
from analytics.counters import BY_REGISTER, CounterState
from analytics.hierarchy import PlaceMembers
from analytics.late import Spans
from analytics.ledger import LedgerState
from analytics.rules import Watches
from core.batch import F64, PositionBatch, ReadingBatch
from core.catalog import Catalog
from core.columns import Counting, RegisterColumns
from core.model import Replacement, Rule

_Replacements = dict[int, tuple[Replacement, ...]]
_Part = TypeVar("_Part", LedgerState, AlertsState, PositionBatch, ReadingBatch)

VERSION = 3
"""Of the saved form; a checkpoint of another version is not used and all is derived again."""

ALWAYS_US = 0
"""From before any reading on."""


@dataclass(slots=True)
class Known:
    """What is registered, in the forms that the steps need."""

    catalog: Catalog
    columns: RegisterColumns
    members: PlaceMembers
    watches: Watches
    members_fresh: bool = True

    @classmethod
    def of(cls, catalog: Catalog, rules: list[Rule]) -> "Known":
        """Derive every form from the catalog and the rules."""
        return cls(catalog, RegisterColumns.of(catalog), PlaceMembers.of(catalog), Watches.of(rules, catalog))

    def extended(self, catalog: Catalog) -> "Known":
        """The same for a catalog that extends this one; members are those of before, see refresh."""
        columns, watches = self.columns.extended(catalog), self.watches.extended(catalog)
        return Known(catalog, columns, self.members, watches, members_fresh=False)

    def refresh(self) -> None:
        """Let registers that were added count for their places: the slow part, left for a quiet moment."""
        if not self.members_fresh:
            self.members, self.members_fresh = PlaceMembers.of(self.catalog), True


@dataclass(slots=True)
class State:
    """State of every analytics step, by register id, watch number or vehicle number."""

    newest: CounterState
    ledger: LedgerState
    slope_w: F64
    alerts: AlertsState
    fixes: PositionBatch
    late: Spans

    @classmethod
    def empty(cls, known: Known) -> "State":
        """Nothing heard yet."""
        size = len(known.catalog.registers)
        return cls(
            CounterState.empty(size),
            LedgerState.empty(size),
            np.full(size, np.nan),
            AlertsState.empty(len(known.watches.rule)),
            PositionBatch.empty(),
            {},
        )

    def fit(self, watched: list[tuple[str, int]], known: Known) -> None:
        """Make room for what is registered now; what was known before keeps its state.

        watched: keys of the watches that the alert state is for.
        """
        self.grow(known)
        at = {key: number for number, key in enumerate(watched)}
        self.alerts = self.alerts.chosen([at.get(key, -1) for key in known.watches.watched()])

    def grow(self, known: Known) -> None:
        """Make room for registers and watches that were added."""
        size = len(known.catalog.registers)
        self.newest.grow(size)
        self.ledger.grow(size)
        self.slope_w = np.append(self.slope_w, np.full(size - len(self.slope_w), np.nan))
        self.alerts.grow(len(known.watches.rule))

    def doubt(self, changed: Mapping[int, int | None]) -> None:
        """Put in doubt what registers say from a time on (None: always), as they count otherwise now."""
        for register, from_us in changed.items():
            newest_us = int(self.newest.last_us[register])
            first_us = ALWAYS_US if from_us is None else from_us
            if first_us <= newest_us:
                late.add(self.late, register, (first_us, newest_us))

    def save(self, known: Known) -> bytes:
        """All of it, with the watches that the alert state belongs to and what registers count with."""
        watches, counting = known.watches, known.columns.counting()
        arrays: dict[str, Any] = {"version": np.array(VERSION), "slope_w": self.slope_w}
        arrays |= {f"newest.{name}": getattr(self.newest, name) for name in BY_REGISTER}
        parts = (
            ("waiting", self.newest.waiting),
            ("ledger", self.ledger),
            ("alerts", self.alerts),
            ("fixes", self.fixes),
        )
        for name, part in parts:
            arrays |= {f"{name}.{column.name}": getattr(part, column.name) for column in fields(part)}
        spans = [(register, *span) for register, spans in self.late.items() for span in spans]
        arrays["late"] = np.array(spans, np.int64).reshape(-1, 3)
        arrays["counting.digest"] = counting.digest
        arrays["counting.replacements"] = np.frombuffer(msgspec.json.encode(counting.replacements), np.uint8)
        arrays["watch_rule"] = np.array([rule for rule, _ in watches.watched()], np.str_)
        arrays["watch_register"] = np.array([register for _, register in watches.watched()], np.int64)
        out = io.BytesIO()
        np.savez(out, **arrays)
        return out.getvalue()

    @classmethod
    def load(cls, saved: bytes, known: Known) -> "State | None":
        """Read what save wrote and fit it to what is registered now; None for another version.

        What registers say that counted with something else then is in doubt.
        """
        arrays = np.load(io.BytesIO(saved), allow_pickle=False)
        if int(arrays["version"]) != VERSION:
            return None

        def part(kind: type[_Part], name: str) -> _Part:
            return kind(*(arrays[f"{name}.{column.name}"] for column in fields(kind)))

        state = cls(
            CounterState(
                **{name: arrays[f"newest.{name}"] for name in BY_REGISTER},
                waiting=part(ReadingBatch, "waiting"),
            ),
            part(LedgerState, "ledger"),
            arrays["slope_w"],
            part(AlertsState, "alerts"),
            part(PositionBatch, "fixes"),
            {},
        )
        for register, first, last in arrays["late"].tolist():
            state.late.setdefault(register, []).append((first, last))
        watched = zip(arrays["watch_rule"].tolist(), arrays["watch_register"].tolist(), strict=True)
        state.fit(list(watched), known)
        replacements = arrays["counting.replacements"].tobytes()
        counting = Counting(arrays["counting.digest"], msgspec.json.decode(replacements, type=_Replacements))
        state.doubt(known.columns.changed(counting))
        return state
