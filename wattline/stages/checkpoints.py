"""Whose checkpoint is whose, and how a new layout of shards goes on from the one before.

A shard saves its state under a name of its own. One that has left hands its state down:
the row is renamed. A shard that starts without state waits until every shard of every other
layout has left, then takes over the state of the registers that are its own. So at any
moment one process derives a register, and nothing is derived again from the beginning.
"""

from dataclasses import dataclass, fields

import numpy as np

from core.batch import I64, Mask, PositionBatch, ReadingBatch
from core.ports import Checkpoint, Registry
from wattline.shards import WHOLE, Shard
from wattline.stages.heard_elsewhere import drop_heard
from wattline.stages.state import Known, State

_ACTIVE, _LEFT = "pipeline", "left"


@dataclass(slots=True)
class Restored:
    """State to go on from.

    after_us: of each register, received up to when its readings are in the state; those of
    devices likewise. since_us: the least of them. until_us: received up to when all is in
    the state once what came after has been derived.
    """

    state: State
    since_us: int
    until_us: int
    readings_after_us: I64
    positions_after_us: I64

    def new(self, readings: ReadingBatch, positions: PositionBatch) -> tuple[ReadingBatch, PositionBatch]:
        """The rows that are not in the state yet."""
        return (
            readings.take(readings.received_at_us > self.readings_after_us[readings.register]),
            positions.take(positions.received_at_us > self.positions_after_us[positions.device]),
        )


class Checkpoints:
    """The checkpoints of one registry, as one shard sees them."""

    def __init__(self, registry: Registry, shard: Shard = WHOLE) -> None:
        self.shard = shard
        self._registry = registry
        self._own = _name(_ACTIVE, shard)
        self._saved = False

    def not_left(self) -> list[Shard]:
        """Shards of other layouts that may hold messages or state that we need; none once we have our own."""
        names = set(self._names())
        if self._own in names:
            return []
        counts = {_shard(name).count for name in names} - {self.shard.count}
        others = [Shard(index, count) for count in sorted(counts) for index in range(count)]
        return [one for one in others if _name(_LEFT, one) not in names or _name(_ACTIVE, one) in names]

    def has_own(self) -> bool:
        """Whether we have run before and not left."""
        return self._own in self._registry.checkpoint_names()

    def exist(self) -> bool:
        """Whether any shard has saved its state."""
        return bool(self._names())

    def restore(self, known: Known) -> Restored:
        """Our own state, or what those that left hand down to us, or nothing yet."""
        if self.has_own():
            return self._merged([self._own], known)
        return self._merged([name for name in self._names() if name.startswith(_LEFT)], known)

    def everything(self, known: Known) -> Restored:
        """The state of all shards as one."""
        return self._merged(self._names(), known)

    def save(self, checkpoint: Checkpoint) -> None:
        """Make this our state."""
        self._registry.save_checkpoint(self._own, checkpoint)
        if not self._saved:  # what we handed down once is out of date
            self._registry.drop_checkpoint(_name(_LEFT, self.shard))
            self._saved = True

    def leave(self) -> None:
        """Hand our state down to another layout."""
        checkpoint = self._registry.load_checkpoint(self._own)
        if checkpoint is not None:
            self._registry.save_checkpoint(_name(_LEFT, self.shard), checkpoint)
            self._registry.drop_checkpoint(self._own)
        drop_heard(self._registry, self.shard)

    def _names(self) -> list[str]:
        return [name for name in self._registry.checkpoint_names() if name.split()[0] in {_ACTIVE, _LEFT}]

    def _merged(self, names: list[str], known: Known) -> Restored:
        """Of each register that is ours the state that its owners in these rows knew last."""
        found = []
        for name in names:
            checkpoint = self._registry.load_checkpoint(name)
            state = State.load(checkpoint.state, known) if checkpoint else None
            if checkpoint and state:
                found.append((checkpoint.watermark_us, _shard(name), state))
        ours = _Owned.of(self.shard, known)
        merged = Restored(State.empty(known), 0, 0, ours.never(ours.registers), ours.never(ours.devices))
        for watermark_us, shard, state in sorted(found, key=lambda row: row[:2]):
            _adopt(merged, state, watermark_us, ours.and_of(shard, known), known)
            merged.until_us = watermark_us
        after = np.concatenate(
            [merged.readings_after_us[ours.registers], merged.positions_after_us[ours.devices]]
        )
        merged.since_us = int(after.min()) if len(after) else merged.until_us
        return merged


@dataclass(slots=True)
class _Owned:
    """Which registers and devices, by number."""

    registers: Mask
    devices: Mask

    @classmethod
    def of(cls, shard: Shard, known: Known) -> "_Owned":
        ids, size = known.catalog.device_ids, max(known.catalog.device_ids, default=-1) + 1
        devices = np.zeros(size, np.bool_)
        devices[[number for number, id_ in ids.items() if shard.owns(id_)]] = True
        number_of = known.catalog.device_number
        device = np.array([number_of[r.device_id] for r in known.catalog.registers], np.int64)
        return cls(devices[device], devices)

    def and_of(self, shard: Shard, known: Known) -> "_Owned":
        other = _Owned.of(shard, known)
        return _Owned(self.registers & other.registers, self.devices & other.devices)

    @staticmethod
    def never(mask: Mask) -> I64:
        """Nothing is known of what is ours; of the rest we want to know nothing."""
        return np.where(mask, 0, np.iinfo(np.int64).max)


def _adopt(merged: Restored, state: State, watermark_us: int, theirs: _Owned, known: Known) -> None:
    into, registers = merged.state, theirs.registers
    into.newest.adopt(state.newest, registers)
    for column in fields(into.ledger):
        getattr(into.ledger, column.name)[registers] = getattr(state.ledger, column.name)[registers]
    into.slope_w[registers] = state.slope_w[registers]
    watches = registers[known.watches.register]
    for column in fields(into.alerts):
        getattr(into.alerts, column.name)[watches] = getattr(state.alerts, column.name)[watches]
    into.windows.adopt(state.windows, watches)
    silent = theirs.devices[known.silence.device]
    for column in fields(into.silent):
        getattr(into.silent, column.name)[silent] = getattr(state.silent, column.name)[silent]
    kept = {register: spans for register, spans in into.late.items() if not registers[register]}
    into.late = kept | {register: spans for register, spans in state.late.items() if registers[register]}
    fixes = [
        into.fixes.take(~theirs.devices[into.fixes.device]),
        state.fixes.take(theirs.devices[state.fixes.device]),
    ]
    into.fixes = PositionBatch.concat(fixes)
    into.fixes = into.fixes.take(np.argsort(into.fixes.device))
    into.heard_us[theirs.devices] = state.heard_us[theirs.devices]
    merged.readings_after_us[registers] = watermark_us
    merged.positions_after_us[theirs.devices] = watermark_us


def _name(prefix: str, shard: Shard) -> str:
    return prefix if shard == WHOLE else f"{prefix} {shard}"


def _shard(name: str) -> Shard:
    _, _, text = name.partition(" ")
    return Shard.parse(text) if text else WHOLE
