"""Properties of every register as columns indexed by register id, for vectorised steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache

import numpy as np

from core.batch import F64, I64, U64, Mask
from core.catalog import Catalog
from core.model import Register, Replacement
from core.policies import CounterPolicy, policy_of
from core.quantities import QUANTITIES, Energy, RegisterKind


@dataclass(frozen=True, slots=True)
class Counting:
    """What registers count with, as much of it as tells whether that is another now.

    digest: u64[n], of the columns; the same in every process, release of Python and machine.
    replacements: by register.
    """

    digest: U64
    replacements: Mapping[int, tuple[Replacement, ...]]


@dataclass(frozen=True, slots=True)
class RegisterColumns:
    """One row a register, row i being register i.

    expected_us: how often it reports. base_us: length of its ledger intervals.
    minimum, maximum: bounds of a believable value.
    gauge_ratio: what its values are multiplied with when they come in; 1 for a counter.

    The rest is of counters and comes from the register and its policy (core.policies), in
    values that the meter shows, before ratio; rollover_at and max_rate (an hour) are NaN
    where not known; sign is -1 for one that counts down. replaced: something happened to
    the meter that replacements, by register and in order of time, tell.
    """

    is_counter: Mask
    is_electricity: Mask
    minimum: F64
    maximum: F64
    expected_us: I64
    base_us: I64
    gauge_ratio: F64
    ratio: F64
    rollover_at: F64
    max_rate: F64
    step: F64
    jitter: F64
    confirm: I64
    sign: F64
    replaced: Mask
    replacements: Mapping[int, tuple[Replacement, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, catalog: Catalog) -> "RegisterColumns":
        """Columns of every register in the catalog."""
        return cls._of(catalog, catalog.registers)

    def extended(self, catalog: Catalog) -> "RegisterColumns":
        """Columns of a catalog that extends the one which these are of."""
        more = self._of(catalog, catalog.registers[len(self.ratio) :])
        longer = {name: np.concatenate([getattr(self, name), getattr(more, name)]) for name in ARRAYS}
        return RegisterColumns(**longer, replacements={**self.replacements, **more.replacements})

    def counting(self) -> Counting:
        """What the amounts of each register depend on besides its readings."""
        digest = np.zeros(len(self.ratio), np.uint64)
        for name in _COUNTING:
            column = getattr(self, name)
            if column.dtype == np.float64:
                column = column + 0.0  # no -0
                column[np.isnan(column)] = np.nan  # and one NaN
            digest ^= column.view(np.uint64)
            digest *= _MIX
            digest ^= digest >> np.uint64(29)
        return Counting(digest, self.replacements)

    def changed(self, before: Counting) -> dict[int, int | None]:
        """Registers of before whose amounts are others now, and from when (µs; None: always)."""
        size = len(before.digest)
        other = (self.counting().digest[:size] != before.digest) & self.is_counter[:size]
        found: dict[int, int | None] = {}
        for register in {*self.replacements, *before.replacements}:
            differ = set(self.replacements.get(register, ())) ^ set(before.replacements.get(register, ()))
            if differ and register < size:
                found[register] = min(one.at_us for one in differ)
        return found | dict.fromkeys(np.flatnonzero(other).tolist())

    @classmethod
    def _of(cls, catalog: Catalog, registers: Sequence[Register]) -> "RegisterColumns":
        quantities = [QUANTITIES[register.quantity] for register in registers]
        devices = [catalog.devices[register.device_id] for register in registers]
        policies = _policies(catalog, registers)
        counts = np.array([r.kind is RegisterKind.COUNTER for r in registers], np.bool_)
        ratio = np.array([r.ratio for r in registers], np.float64)
        events = {
            register.id: catalog.replacements[register.device_id, register.quantity]
            for register in (registers if catalog.replacements else ())
            if (register.device_id, register.quantity) in catalog.replacements
        }
        return cls(
            # An odometer counts up as well, but distance has its own ledger: trips.
            counts & np.array([r.quantity != "odometer" for r in registers], np.bool_),
            np.array([r.energy is Energy.ELECTRICITY for r in registers], np.bool_),
            np.array([q.minimum for q in quantities], np.float64),
            np.array([q.maximum for q in quantities], np.float64),
            (np.array([d.expected_interval_s for d in devices], np.float64) * 1e6).astype(np.int64),
            np.array(list(map(cache(catalog.base_us), (d.place_id for d in devices))), np.int64),
            np.where(counts, 1.0, ratio),
            ratio,
            _known([r.rollover_at or p.rollover_at for r, p in zip(registers, policies, strict=True)]),
            _known(_rates(catalog, registers, policies)) / ratio,
            np.array([p.step for p in policies], np.float64),
            np.array([p.jitter for p in policies], np.float64),
            np.array([p.confirm_readings for p in policies], np.int64),
            np.array([-1.0 if p.counts_down else 1.0 for p in policies], np.float64),
            np.array([r.id in events for r in registers], np.bool_),
            events,
        )


ARRAYS = [column.name for column in fields(RegisterColumns) if column.name != "replacements"]
"""Columns of RegisterColumns that have a row a register."""

_COUNTING = (
    "expected_us",
    "base_us",
    "ratio",
    "rollover_at",
    "max_rate",
    "step",
    "jitter",
    "confirm",
    "sign",
)
"""Columns that amounts depend on, each of 8 bytes a row; a digest is of them in this order."""

_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: odd, its bits without a pattern


def _policies(catalog: Catalog, registers: Sequence[Register]) -> list[CounterPolicy]:
    policies, devices = catalog.policies, catalog.devices

    @cache
    def of(policy: str | None, quantity: str, meter_type: str | None) -> CounterPolicy:
        return policy_of(policy, quantity, meter_type, policies)

    return [of(r.policy, r.quantity, devices[r.device_id].meter_type) for r in registers]


def _rates(
    catalog: Catalog, registers: Sequence[Register], policies: Sequence[CounterPolicy]
) -> list[float | None]:
    """Highest plausible rise an hour after ratio: as stated, else from the rating, else from the policy."""
    rates: list[float | None] = []
    for register, policy in zip(registers, policies, strict=True):
        rated = register.rated_rate
        power_w = catalog.devices[register.device_id].rated_power_w
        if rated is None and power_w is not None and register.energy is Energy.ELECTRICITY:
            rated = power_w / 1000
        if register.max_rate is not None:
            rates.append(register.max_rate)
        else:
            rates.append(policy.max_rate if rated is None else rated * policy.rate_margin)
    return rates


def _known(values: list[float | None]) -> F64:
    return np.array([np.nan if value is None else value for value in values], np.float64)
