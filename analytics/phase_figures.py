"""Power factor and phase unbalance of one meter by period, from the best that it reports.

In: readings of its gauges by quantity and what its counters booked. Out: a value a period.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analytics import power_quality as quality
from core.batch import F64, I64, ReadingBatch

ACTIVE, REACTIVE = "energy_active_import_total", "energy_reactive_import_total"
"""Counters that the power factor rests on, if the meter has both."""

PHASES = {kind: [f"{kind}_l{n}" for n in (1, 2, 3)] for kind in ("current", "voltage")}

GAUGES = frozenset({"power_active", "power_reactive", "power_factor", *PHASES["current"], *PHASES["voltage"]})
"""Everything that is read beside the counters."""

Basis = Literal["energy", "power", "readings"]


@dataclass(frozen=True, slots=True)
class Readings:
    """A meter's readings of a span, ordered by register and time; register_of: by quantity."""

    batch: ReadingBatch
    register_of: Mapping[str, int]

    def of(self, quantities: list[str]) -> tuple[I64, quality.F64_2D] | None:
        """Readings of all these quantities at the same times; None if one is not reported."""
        rows = [self.batch.take(self.batch.register == self.register_of.get(one, -1)) for one in quantities]
        if not all(len(one) for one in rows):
            return None
        return quality.aligned([one.event_time_us for one in rows], [one.value for one in rows])


@dataclass(frozen=True, slots=True)
class PowerFactor:
    """by_period: float64[p], NaN where nothing is known; whole: of all of it. basis: what they rest on."""

    by_period: F64
    whole: float
    basis: Basis | None


def power_factor(read: Readings, active_kwh: F64, reactive_kvarh: F64, edges_us: I64) -> PowerFactor:
    """Power factor by period: of counted energy, else of powers read together, else as the meter shows it.

    active_kwh, reactive_kvarh: float64[p], NaN where a counter booked nothing.
    """
    both = ~np.isnan(active_kwh) & ~np.isnan(reactive_kvarh)
    if both.any():
        by_period = quality.factor_of_energy(active_kwh, reactive_kvarh)
        sums = [np.array([one[both].sum()]) for one in (active_kwh, reactive_kvarh)]
        return PowerFactor(by_period, float(quality.factor_of_energy(*sums)[0]), "energy")
    periods, whole = len(edges_us) - 1, np.array([edges_us[0], edges_us[-1]])
    powers = read.of(["power_active", "power_reactive"])
    shown = read.of(["power_active", "power_factor"])
    basis: Basis
    if powers is not None:
        at_us, (watts, vars_) = powers
        factor, basis = quality.factor_of_energy(np.abs(watts), vars_), "power"
        weight = np.hypot(watts, vars_)
    elif shown is not None:
        at_us, (weight, factor) = shown
        basis = "readings"
    else:
        return PowerFactor(np.full(periods, np.nan), float("nan"), None)
    by_period = quality.weighted_mean(factor, weight, quality.period_of(at_us, edges_us), periods)
    in_all = quality.weighted_mean(factor, weight, quality.period_of(at_us, whole), 1)
    return PowerFactor(by_period, float(in_all[0]), basis)


def unbalance(read: Readings, kind: str) -> tuple[I64, F64]:
    """Unbalance of "current" or "voltage" at each time at which all three phases were read."""
    found = read.of(PHASES[kind])
    if found is None:
        return np.empty(0, np.int64), np.empty(0)
    at_us, rows = found
    of = quality.unbalance_of_current if kind == "current" else quality.unbalance_of_voltage
    return at_us, of(rows)


def mean_by_period(at_us: I64, values: F64, edges_us: I64) -> F64:
    """Mean of the known values in each period; NaN where none is known."""
    period = quality.period_of(at_us, edges_us)
    return quality.weighted_mean(values, np.ones(len(values)), period, len(edges_us) - 1)
