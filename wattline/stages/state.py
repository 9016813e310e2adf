"""Everything the analytics remember between batches, sized to the catalog and saved as one."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import msgspec
import numpy as np

from analytics import late
from analytics.alerts import AlertsState
from analytics.counters import BY_REGISTER, CounterState
from analytics.hierarchy import PlaceMembers
from analytics.late import Spans
from analytics.ledger import LedgerState
from analytics.rules import RuleWindows, Watches
from analytics.silence import SilenceWatches
from core.batch import F64, I32, I64, PositionBatch, ReadingBatch
from core.calendars import Calendar
from core.catalog import Catalog
from core.columns import Counting, RegisterColumns
from core.model import Replacement
from core.rules import Rule
from wattline.shards import WHOLE, Shard

_Calendars = Mapping[str, Calendar]
_Replacements = dict[int, tuple[Replacement, ...]]
_Id = TypeVar("_Id", int, str)
_Part = TypeVar("_Part", LedgerState, AlertsState, PositionBatch, ReadingBatch)

VERSION = 7
"""Of the saved form; a checkpoint of another version is not used and all is derived again."""

ALWAYS_US = 0
"""From before any reading on."""


@dataclass(slots=True)
class Known:
    """What is registered, in the forms that the steps need.

    calendars: by id, for rules with hours. shard: whose devices' silence is watched. device_of:
    number of each register's device.
    """

    catalog: Catalog
    rules: list[Rule]
    calendars: _Calendars
    shard: Shard
    columns: RegisterColumns
    members: PlaceMembers
    watches: Watches
    silence: SilenceWatches
    device_of: I32
    members_fresh: bool = True

    @classmethod
    def of(
        cls, catalog: Catalog, rules: list[Rule], calendars: _Calendars | None = None, shard: Shard = WHOLE
    ) -> "Known":
        """Derive every form from the catalog and the rules."""
        calendars = {} if calendars is None else calendars
        return cls(
            catalog,
            rules,
            calendars,
            shard,
            RegisterColumns.of(catalog),
            PlaceMembers.of(catalog),
            Watches.of(rules, catalog, calendars),
            SilenceWatches.of(rules, catalog, calendars, shard.owns),
            _devices(catalog),
        )

    def with_rules(self, rules: list[Rule], calendars: _Calendars) -> "Known":
        """The same with other rules."""
        return replace(
            self,
            rules=rules,
            calendars=calendars,
            watches=Watches.of(rules, self.catalog, calendars),
            silence=SilenceWatches.of(rules, self.catalog, calendars, self.shard.owns),
        )

    def extended(self, catalog: Catalog) -> "Known":
        """The same for a catalog that extends this one; members are those of before, see refresh."""
        columns, watches = self.columns.extended(catalog), self.watches.extended(catalog)
        device_of = np.append(self.device_of, _devices(catalog, len(self.device_of)))
        return replace(
            self, catalog=catalog, columns=columns, watches=watches, device_of=device_of, members_fresh=False
        )

    def refresh(self) -> None:
        """Let registers that were added count for their places: the slow part, left for a quiet moment."""
        if not self.members_fresh:
            self.members, self.members_fresh = PlaceMembers.of(self.catalog), True


def _devices(catalog: Catalog, first: int = 0) -> I32:
    numbers = [catalog.device_number[one.device_id] for one in catalog.registers[first:]]
    return np.array(numbers, np.int32)


@dataclass(slots=True)
class State:
    """State of every analytics step, by register id, watch number or device number.

    alerts: of watches of readings; silent: of watches of silence. heard_us: when the newest
    message of each device was received; 0 for never.
    """

    newest: CounterState
    ledger: LedgerState
    slope_w: F64
    alerts: AlertsState
    windows: RuleWindows
    silent: AlertsState
    fixes: PositionBatch
    late: Spans
    heard_us: I64

    @classmethod
    def empty(cls, known: Known) -> "State":
        """Nothing heard yet."""
        size = len(known.catalog.registers)
        return cls(
            CounterState.empty(size),
            LedgerState.empty(size),
            np.full(size, np.nan),
            AlertsState.empty(len(known.watches)),
            RuleWindows.empty(known.watches),
            AlertsState.empty(len(known.silence)),
            PositionBatch.empty(),
            {},
            np.zeros(max(known.catalog.device_ids, default=-1) + 1, np.int64),
        )

    def heard(self, device: I32, received_at_us: I64) -> None:
        """Note when messages of devices were received."""
        np.maximum.at(self.heard_us, device, received_at_us)

    def fit(self, before: Known, known: Known) -> None:
        """Make room for what is registered now; what was known before keeps its state."""
        numbers = _numbers(before.watches.watched(), known.watches.watched())
        self.silent = self.silent.chosen(_numbers(before.silence.watched(), known.silence.watched()))
        self._make_room(known)
        self.alerts = self.alerts.chosen(numbers)
        self.windows = self.windows.fitted(numbers, known.watches)

    def grow(self, known: Known) -> None:
        """Make room for registers and watches that were added."""
        self._make_room(known)
        self.alerts.grow(len(known.watches))
        self.windows = self.windows.grown(known.watches)

    def _make_room(self, known: Known) -> None:
        size = len(known.catalog.registers)
        self.newest.grow(size)
        self.ledger.grow(size)
        self.slope_w = np.append(self.slope_w, np.full(size - len(self.slope_w), np.nan))
        devices = max(known.catalog.device_ids, default=-1) + 1
        self.heard_us = np.append(self.heard_us, np.zeros(max(devices - len(self.heard_us), 0), np.int64))

    def doubt(self, changed: Mapping[int, int | None]) -> None:
        """Put in doubt what registers say from a time on (None: always), as they count otherwise now."""
        for register, from_us in changed.items():
            newest_us = int(self.newest.last_us[register])
            first_us = ALWAYS_US if from_us is None else from_us
            if first_us <= newest_us:
                late.add(self.late, register, (first_us, newest_us))

    def save(self, known: Known) -> bytes:
        """All of it, with the watches that the alert state belongs to and what registers count with."""
        counting, watched = known.columns.counting(), known.watches.watched()
        arrays: dict[str, Any] = {
            "version": np.array(VERSION),
            "slope_w": self.slope_w,
            "heard_us": self.heard_us,
        }
        arrays |= {f"newest.{name}": getattr(self.newest, name) for name in BY_REGISTER}
        parts = (
            ("waiting", self.newest.waiting),
            ("ledger", self.ledger),
            ("alerts", self.alerts),
            ("silent", self.silent),
            ("fixes", self.fixes),
        )
        for name, part in parts:
            arrays |= {f"{name}.{column.name}": getattr(part, column.name) for column in fields(part)}
        arrays |= {f"windows.{name}": array for name, array in self.windows.arrays().items()}
        spans = [(register, *span) for register, spans in self.late.items() for span in spans]
        arrays["late"] = np.array(spans, np.int64).reshape(-1, 3)
        arrays["counting.digest"] = counting.digest
        arrays["counting.replacements"] = np.frombuffer(msgspec.json.encode(counting.replacements), np.uint8)
        arrays["watch_rule"] = np.array([rule for rule, _ in watched], np.str_)
        arrays["watch_register"] = np.array([register for _, register in watched], np.int64)
        silent = known.silence.watched()
        arrays["silent_rule"] = np.array([rule for rule, _ in silent], np.str_)
        arrays["silent_device"] = np.array([device for _, device in silent], np.str_)
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

        watched = zip(arrays["watch_rule"].tolist(), arrays["watch_register"].tolist(), strict=True)
        numbers = _numbers(list(watched), known.watches.watched())
        silences = zip(arrays["silent_rule"].tolist(), arrays["silent_device"].tolist(), strict=True)
        silent = _numbers(list(silences), known.silence.watched())
        state = cls(
            CounterState(
                **{name: arrays[f"newest.{name}"] for name in BY_REGISTER},
                waiting=part(ReadingBatch, "waiting"),
            ),
            part(LedgerState, "ledger"),
            arrays["slope_w"],
            part(AlertsState, "alerts").chosen(numbers),
            RuleWindows.loaded(arrays, "windows.", numbers, known.watches),
            part(AlertsState, "silent").chosen(silent),
            part(PositionBatch, "fixes"),
            {},
            arrays["heard_us"],
        )
        for register, first, last in arrays["late"].tolist():
            state.late.setdefault(register, []).append((first, last))
        state._make_room(known)
        replacements = arrays["counting.replacements"].tobytes()
        counting = Counting(arrays["counting.digest"], msgspec.json.decode(replacements, type=_Replacements))
        state.doubt(known.columns.changed(counting))
        return state


def _numbers(watched: Sequence[tuple[str, _Id]], now: Sequence[tuple[str, _Id]]) -> list[int]:
    """Of each watch that there is now its number among those before, or -1 if it is new."""
    at = {key: number for number, key in enumerate(watched)}
    return [at.get(key, -1) for key in now]
