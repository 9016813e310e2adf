"""Reads what rules on phases, on the running demand window and on quotas are held against.

As in `wattline.figures.reads`, by the functions that the API's own figures come from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics import figure_rules as rules
from analytics import phase_figures as phases
from analytics.counters import NEVER_US
from analytics.demand import WINDOW_US, project
from analytics.demand_window import fresh_us, live_power_w, so_far, window_start_us
from analytics.figure_rules.found import Found
from analytics.power_quality import IDLE_SHARE, period_of
from analytics.quota import SCALE
from analytics.shares import Shares
from api.derived import Derivations
from api.yearly import Year, Yearly
from core.batch import BASE_US, F64, I32, I64, Mask, ReadingBatch
from core.model import Register
from core.ports import TimeSeriesStore
from core.quantities import Energy
from core.reference import Quota
from core.rules import (
    Consumption,
    DemandProjected,
    Deviation,
    Imbalance,
    Implausible,
    NightFlow,
    OffHours,
    PowerFactorLow,
    QuotaBurn,
    Unbalance,
)
from wattline.figures import reads
from wattline.figures.reads import Ask, Looking, Reading

_HEARD, _HEARD_EARLY = 0.5, 0.9
"""Share of the readings of a period that must be there to judge it; while more may come."""

_DAY_US = 86_400_000_000


def power_factor(condition: PowerFactorLow, look: Looking) -> Reading:
    """From counted energy where a meter has it, else from its readings."""
    edges_us, targets = look.edges(), len(look.group.targets)
    shares = _counted(look, phases.ACTIVE, phases.REACTIVE)
    amounts = look.settled((yield Ask(shares, 2 * targets, edges_us)))
    active, reactive = amounts.amount[:targets], amounts.amount[targets:]
    known = amounts.coverage[:targets] >= reads.COVERAGE
    counted = ~np.isnan(active) & ~np.isnan(reactive)
    length_us = np.diff(edges_us)
    mean_w = active * (3.6e12 / length_us)
    factor = np.full(active.shape, np.nan)
    need = np.flatnonzero(~counted.any(axis=1))
    heard, readings = _readings(look, need, ["power_active", "power_reactive", "power_factor"])
    for row in range(targets):
        read = readings.get(row, phases.Readings(ReadingBatch.empty(), {}))
        factor[row] = phases.power_factor(read, active[row], reactive[row], edges_us).by_period
        if row in readings:
            known[row] |= heard[row]
            if np.isnan(mean_w[row]).any():
                shown = read.of(["power_active"])
                if shown is not None:
                    by_reading = phases.mean_by_period(shown[0], shown[1][0], edges_us)
                    mean_w[row] = np.where(np.isnan(mean_w[row]), by_reading, mean_w[row])
    return rules.power_factor_low(condition, factor, mean_w, known)


def unbalance(condition: Unbalance, look: Looking) -> Reading:
    """From phases that were read together, while the meter does not idle beside its day's largest power."""
    edges_us, targets = look.edges(), len(look.group.targets)
    shares = _counted(look, phases.ACTIVE)
    day_us = np.arange(edges_us[0] - _DAY_US, edges_us[0] + 1, BASE_US, dtype=np.int64)
    amounts = yield Ask(shares, targets, np.concatenate([day_us[:-1], edges_us]))
    power_w = amounts.amount * (3.6e12 / np.diff(amounts.edges_us))
    size_w = np.where(np.isnan(power_w), 0.0, np.abs(power_w))
    before = len(day_us) - 1
    largest_w = np.maximum(size_w[:, :before].max(axis=1, initial=0.0), size_w[:, before:].max(axis=1))
    idle = (size_w[:, before:] < IDLE_SHARE * largest_w[:, None]) & ~np.isnan(power_w[:, before:])
    heard, readings = _readings(look, np.arange(targets), phases.PHASES[condition.of])
    share = np.full((targets, len(look.spans)), np.nan)
    for row, read in readings.items():
        share[row] = phases.mean_by_period(*phases.unbalance(read, condition.of), edges_us)
    if condition.of == "current":
        share = np.where(idle, np.nan, share)
    return rules.unbalance(condition, share, heard)


def quota(condition: QuotaBurn, look: Looking) -> Reading:
    """Where the year of each quota will end, as it stood when each day had ended."""
    yield from ()  # it asks for nothing beside what it reads itself
    accounts = look.accounts
    yearly = Yearly(accounts, Derivations(accounts, look.references))
    shape = len(look.group.targets), len(look.spans)
    projected, amount = np.full(shape, np.nan), np.full(shape, np.nan)
    # Only the newest day: those before it say less of the same year.
    column = shape[1] - 1
    for row, target in enumerate(look.group.targets):
        year = Year.of(None, look.group.timezone, int(look.spans.end_us[column]) - 1)
        mine = _quota(look, target.id, condition.energy, year.year)
        usage = None if mine is None else yearly.usage(target.id, mine.energy, year)
        if mine is not None and usage is not None and usage.complete:
            scale = 1.0 if usage.unit == mine.unit else SCALE.get((usage.unit, mine.unit), np.nan)
            projected[row, column] = scale * yearly.projected(target.id, mine.energy, year, usage)[0]
            amount[row, column] = mine.amount
    return rules.quota_burn(condition, projected, amount)


def _quota(look: Looking, place_id: str, energy: str, year: int) -> Quota | None:
    mine = (place_id, energy, year)
    found = (one for _, one in sorted(look.references.quotas.items()))
    return next((one for one in found if (one.place_id, one.energy, one.year) == mine), None)


@dataclass(frozen=True, slots=True)
class Window:
    """The running demand window of each target, and the time of the newest reading behind it (µs)."""

    found: Found
    newest_us: I64


def running_windows(condition: DemandProjected, look: Looking, store: TimeSeriesStore, now_us: int) -> Window:
    """Project the window that runs for every target, from two queries for each rhythm of meters.

    Raises StoreError.
    """
    estate = look.accounts.estate
    members = [estate.counted(target.id, Energy.ELECTRICITY) for target in look.group.targets]
    every = {one.id: one for some in members for one in some}
    registers = [every[id_] for id_ in sorted(every)]
    ids = np.array([one.id for one in registers], np.int32)
    expected_us = np.array(
        [int(estate.catalog.devices[one.device_id].expected_interval_s * 1e6) for one in registers], np.int64
    )
    begin_us = window_start_us(now_us)
    end_us = begin_us + WINDOW_US
    rows = store.intervals(ids, begin_us - WINDOW_US, end_us)
    used_kwh, until_us, _ = so_far(ids, rows, begin_us)
    gauges = [estate.catalog.register_of.get((one.device_id, "power_active")) for one in registers]
    gauge_us, gauge_w = _newest(store, gauges, expected_us, now_us)
    counted_us, _ = _newest(store, registers, expected_us, now_us)
    power_w = live_power_w(
        ids, rows, expected_us, gauge=(gauge_us, gauge_w), counted_us=counted_us, now_us=now_us
    )
    shape = len(members), 1
    projected_w, contract_w = np.full(shape, np.nan), np.full(shape, np.nan)
    complete, newest_us = np.zeros(shape, np.bool_), np.zeros(shape[0], np.int64)
    for row, (target, some) in enumerate(zip(look.group.targets, members, strict=True)):
        at = np.searchsorted(ids, [one.id for one in some])
        contract_w[row] = estate.catalog.places[target.id].contract_demand_w or np.nan
        said = project(
            used_kwh[at],
            until_us[at],
            power_w[at],
            end_us=end_us,
            now_us=now_us,
            contract_w=contract_w[row, 0],
        )
        projected_w[row], complete[row] = said.projected_w, said.missing == 0
        newest_us[row] = max(gauge_us[at].max(initial=begin_us), counted_us[at].max(initial=begin_us))
    elapsed_s = np.clip((newest_us - begin_us) / 1e6, 0, None)[:, None]
    return Window(rules.demand_projected(condition, projected_w, contract_w, elapsed_s, complete), newest_us)


def ended_windows(condition: DemandProjected, look: Looking) -> Reading:
    """Windows that have ended, of which the demand is known: for a look back."""
    amounts = look.settled((yield look.ask(Energy.ELECTRICITY, look.edges())))
    demand_w = np.where(amounts.coverage >= reads.COVERAGE, amounts.amount * (3.6e12 / WINDOW_US), np.nan)
    places = look.accounts.estate.catalog.places
    contract_w = np.array([places[one.id].contract_demand_w or np.nan for one in look.group.targets])
    elapsed_s, complete = np.full(demand_w.shape, WINDOW_US / 1e6), np.ones(demand_w.shape, np.bool_)
    return rules.demand_projected(condition, demand_w, contract_w[:, None], elapsed_s, complete)


READINGS: dict[type, Callable[[Any, Looking], Reading]] = {
    Implausible: reads.implausible,
    Consumption: reads.consumption,
    Deviation: reads.deviation,
    OffHours: reads.off_hours,
    DemandProjected: ended_windows,
    QuotaBurn: quota,
    Imbalance: reads.imbalance,
    PowerFactorLow: power_factor,
    Unbalance: unbalance,
    NightFlow: reads.night_flow,
}
"""How each kind of condition on figures is read and judged."""


def _counted(look: Looking, *quantities: str) -> Shares:
    """Of each quantity each target's own counter as a group, which is empty where there is none."""
    of = look.accounts.estate.catalog.register_of
    found = (of.get((target.id, quantity)) for quantity in quantities for target in look.group.targets)
    return Shares.always([() if one is None else (one.id,) for one in found])


def _readings(look: Looking, rows: I64, quantities: list[str]) -> tuple[Mask, dict[int, phases.Readings]]:
    """Whether enough of each target and period was read (bool[t, p]), and the readings of some targets."""
    catalog, edges_us = look.accounts.estate.catalog, look.edges()
    heard = np.zeros((len(look.group.targets), len(look.spans)), np.bool_)
    registers = {
        row: {
            quantity: catalog.register_of[look.group.targets[row].id, quantity].id
            for quantity in quantities
            if (look.group.targets[row].id, quantity) in catalog.register_of
        }
        for row in rows.tolist()
    }
    ids = np.array(sorted({one for some in registers.values() for one in some.values()}), np.int32)
    if not len(ids):
        return heard, {}
    batch = look.store.readings(ids, int(edges_us[0]), int(edges_us[-1]))
    least = np.where(look.spans.end_us <= look.final_us, _HEARD, _HEARD_EARLY)
    found = {}
    for row, mine in registers.items():
        bounds = np.searchsorted(batch.register, sorted(mine.values()), "left")
        ends = np.searchsorted(batch.register, sorted(mine.values()), "right")
        chosen = np.concatenate([np.arange(a, b) for a, b in zip(bounds, ends, strict=True)]).astype(np.int64)
        found[row] = phases.Readings(batch.take(chosen), mine)
        times = np.unique(found[row].batch.event_time_us)
        count = np.bincount(period_of(times, edges_us)[period_of(times, edges_us) >= 0], minlength=len(least))
        expected_us = catalog.devices[look.group.targets[row].id].expected_interval_s * 1e6
        due = np.maximum(np.diff(edges_us) / expected_us, 1.0)
        heard[row] = count >= least * due
    return heard, found


def _newest(
    store: TimeSeriesStore, registers: Sequence[Register | None], expected_us: I64, now_us: int
) -> tuple[I64, F64]:
    """Time and value of the newest reading of each register, while it is fresh; NEVER_US and NaN."""
    time_us, value = np.full(len(registers), NEVER_US), np.full(len(registers), np.nan)
    for rhythm_us in np.unique(expected_us).tolist():
        rows = [row for row, one in enumerate(registers) if one is not None and expected_us[row] == rhythm_us]
        ids: I32 = np.array([one.id for row in rows if (one := registers[row]) is not None], np.int32)
        if not len(ids):
            continue
        since_us = now_us - int(fresh_us(np.array([rhythm_us]))[0])
        batch = store.readings(np.sort(ids), since_us, now_us + 1)
        last = np.flatnonzero(np.append(batch.register[1:] != batch.register[:-1], len(batch) > 0))
        found = dict(zip(batch.register[last].tolist(), last.tolist(), strict=True))
        for row, id_ in zip(rows, ids.tolist(), strict=True):
            if id_ in found:
                time_us[row] = batch.event_time_us[found[id_]]
                value[row] = batch.value[found[id_]]
    return time_us, value
