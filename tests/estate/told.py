"""A recorded estate through the line, and how far the ledger is from what it should tell."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from analytics.periods import Interval, edges
from analytics.rollup import roll_up
from core.batch import ReadingBatch
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind, RegisterSettings, Replacement
from core.quality import Quality
from tests.estate.faults import Plan
from tests.estate.recorded import HOUR_US
from tests.line import Line

TIMEZONE = "Europe/London"
NAME = Name("楼", "building")


@dataclass(frozen=True)
class Told:
    """How a meter's ledger differs from its plan: energies in kWh, hours counted."""

    worst_hour_kwh: float
    worst_month_kwh: float
    worst_year_kwh: float
    total_kwh: float
    missing_kwh: float
    never_told_kwh: float
    wrong_coverage: int
    wrong_gaps: int
    uncovered: int
    replaced: list[int]
    rolled_over: list[int]
    other_flags: int


def play(folder, plans: list[Plan], batch_hours=24 * 14) -> Line:
    """Everything arrives, two weeks in a batch; late data is settled after each."""
    line = Line(folder)
    buildings = dict.fromkeys(plan.recorded.building for plan in plans)
    places = tuple(Place(one, PlaceKind.BUILDING, NAME, TIMEZONE) for one in buildings)
    devices = tuple(
        Device(
            plan.recorded.device, DeviceKind.METER, plan.recorded.building, NAME, expected_interval_s=3600.0
        )
        for plan in plans
    )
    line.registry.put_estate(Estate(places, devices))
    for plan in plans:
        key = plan.recorded.device, plan.recorded.quantity
        line.registry.put_register(RegisterSettings(*key, rollover_at=plan.rollover_at))
        if plan.replaced_us is not None:
            event = Replacement(f"{key[0]}-1", *key, plan.replaced_us, plan.final_value, plan.initial_value)
            line.registry.put_replacement(event)
    line.begin()
    for batch in _batches(line, plans, batch_hours * HOUR_US):
        line.receive(batch)
        line.settle()
    return line


def compare(line: Line, plan: Plan) -> Told:
    """The ledger of a meter against its plan."""
    recorded = plan.recorded
    found = line.intervals(recorded.device, recorded.quantity)
    hours = roll_up(found, recorded.edges_us)
    expected = plan.expected_kwh
    known = ~np.isnan(expected)
    covered = hours.covered_us == HOUR_US
    gaps = (hours.quality & Quality.GAP_SPREAD) != 0
    ours = Quality.GAP_SPREAD | Quality.START_INTERPOLATED | Quality.END_INTERPOLATED
    ours |= Quality.REPLACED | Quality.ROLLOVER | Quality.LATE | Quality.OPEN
    worst_month, worst_year = (
        _worst_period(found, plan, interval) for interval in (Interval.MONTH, Interval.YEAR)
    )
    assert np.array_equal(~np.isnan(hours.amount), known)
    return Told(
        worst_hour_kwh=float(np.abs(hours.amount - expected)[known].max()),
        worst_month_kwh=worst_month,
        worst_year_kwh=worst_year,
        total_kwh=float(found.amount.sum()),
        missing_kwh=float(recorded.kwh.sum() - found.amount.sum()),
        never_told_kwh=plan.never_told_kwh,
        wrong_coverage=int((covered != plan.measured).sum()),
        wrong_gaps=int((gaps != plan.gap).sum()),
        uncovered=int((~covered).sum()),
        replaced=np.flatnonzero(hours.quality & Quality.REPLACED).tolist(),
        rolled_over=np.flatnonzero(hours.quality & Quality.ROLLOVER).tolist(),
        other_flags=int((hours.quality & ~np.uint16(ours) != 0).sum()),
    )


def _worst_period(found, plan: Plan, interval: Interval) -> float:
    """How far any local month or year is from the sum of its hours, named without our calendar."""
    zone, recorded = ZoneInfo(TIMEZONE), plan.recorded
    form = "%Y-%m" if interval is Interval.MONTH else "%Y"
    starts_s = (recorded.edges_us[:-1] // 1_000_000).tolist()
    labels = np.array([datetime.fromtimestamp(at, UTC).astimezone(zone).strftime(form) for at in starts_s])
    names, of = np.unique(labels, return_inverse=True)
    sums = np.bincount(of, np.nan_to_num(plan.expected_kwh))
    marks = edges(int(recorded.edges_us[0]), int(recorded.edges_us[-1]), interval, TIMEZONE)
    rolled = roll_up(found, marks)
    assert len(names) == len(rolled.sums)
    return float(np.abs(rolled.sums - sums).max())


def _batches(line: Line, plans: list[Plan], length_us: int):
    """Readings of all plans by the time they arrive, each batch in no order of time."""
    registers = [line.catalogs.current.register_of[p.recorded.device, p.recorded.quantity].id for p in plans]
    register = np.concatenate([np.full(len(p.time_us), of) for p, of in zip(plans, registers, strict=True)])
    time_us, value, arrives_us = (
        np.concatenate([getattr(plan, name) for plan in plans]) for name in ("time_us", "value", "arrives_us")
    )
    order = np.argsort(arrives_us, kind="stable")
    cuts = np.arange(arrives_us.min() + length_us, arrives_us.max() + 1, length_us)
    for rows in np.split(order, np.searchsorted(arrives_us[order], cuts)):
        if len(rows):
            yield ReadingBatch(
                register[rows].astype(np.int32),
                time_us[rows],
                value[rows],
                np.zeros(len(rows), np.uint8),
                np.full(len(rows), arrives_us[rows].max() + 1, np.int64),
            )
