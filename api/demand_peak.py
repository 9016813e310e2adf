"""A month's maximum demand: who made it, and how much higher it is where the window slides."""

from itertools import pairwise

import numpy as np

from analytics.demand import DENSE_US, WINDOW_US, Peak, block_demand_w, own_amounts, sliding_maximum
from analytics.grouping import GroupBy
from analytics.periods import Interval, edges
from analytics.rollup import Periods
from api import times
from api.accounts import Accounts, Figure
from api.estate import Estate
from api.figures import KWH, meters, quality_of
from api.schemas.base import Names
from api.schemas.demand import Contributor, DemandMaximum, Sliding, Window
from api.services import Services
from core.batch import F64, I64
from core.catalog import Catalog
from core.model import Place, Register
from core.quality import Quality
from core.quantities import Energy

_MOST_COUNTERS = 50
"""Of more meters the sliding maximum is not looked for: it takes every reading of the month."""

_BROKEN = np.uint16(Quality.RESET | Quality.ROLLOVER | Quality.REPLACED | Quality.DOUBTED | Quality.JUMP)
_DAY_S = 86_400


def month_maximum(
    services: Services,
    accounts: Accounts,
    place: Place,
    *,
    month: str,
    windows: Figure,
    highest: Window | None,
) -> DemandMaximum:
    """The answer for a month whose windows are known."""
    estate, whole = accounts.estate, windows.total()
    start_us, end_us = int(windows.periods.edges_us[0]), int(windows.periods.edges_us[-1])
    contributors: list[Contributor] = []
    silent: list[str] = []
    if highest is not None:
        at_us = times.parse(highest.start, place.timezone, "start")
        contributors, silent = _contributors(accounts, place, at_us, highest.demand_w)
    share = None
    if highest is not None and place.contract_demand_w:
        share = round(highest.demand_w / place.contract_demand_w, 6)
    return DemandMaximum(
        place=place.id,
        month=month,
        timezone=place.timezone,
        maximum=highest,
        sliding=_sliding(services, estate, place, windows.periods),
        contract_demand_w=place.contract_demand_w,
        share=share,
        coverage=float(whole.coverage()[0]),
        quality=quality_of(int(whole.periods.quality[0]), int(whole.periods.intervals[0])),
        meters=meters(accounts, place.id, start_us, end_us),
        contributors=contributors,
        silent=silent,
        next_action=_action(share, contributors),
    )


def _contributors(
    accounts: Accounts, place: Place, at_us: int, demand_w: float
) -> tuple[list[Contributor], list[str]]:
    """Every meter's own part of the window, largest first, and the meters that were silent."""
    window_us = np.array([at_us, at_us + WINDOW_US], np.int64)
    _, groups = accounts.grouped(place.id, Energy.ELECTRICITY, KWH, GroupBy.DEVICE, window_us)
    gross = {one.name: float(one.gross.periods.amount[0]) for one in groups}
    members = accounts.estate.members(place.id, Energy.ELECTRICITY)
    meters = [one for one in members.stretches if one.start_us <= at_us < one.end_us]
    row_of = {one.device_id: row for row, one in enumerate(meters)}
    amount = np.array([gross.get(one.device_id, np.nan) for one in meters])
    own, split = own_amounts(
        amount, np.array([row_of.get(one.upstream or "", -1) for one in meters], np.int32)
    )
    own_w = block_demand_w(own)
    order = np.argsort(-np.nan_to_num(own_w), kind="stable").tolist()
    return [
        Contributor(
            device=meters[row].device_id,
            place=meters[row].place_id,
            demand_w=round(float(own_w[row]), 3),
            share=round(float(own_w[row]) / demand_w, 6) if demand_w else 0.0,
            part="remainder" if split[row] else "meter",
        )
        for row in order
        if not np.isnan(own_w[row]) and own_w[row] != 0
    ], sorted(meters[row].device_id for row in np.flatnonzero(np.isnan(amount)).tolist())


def _sliding(services: Services, estate: Estate, place: Place, windows: Periods) -> Sliding | None:
    """The highest 15 minutes wherever they begin, day by day so that memory stays bounded.

    Each day is read with 15 minutes before it, so that a window across midnight is seen.
    """
    catalog, registers = estate.catalog, estate.counted(place.id, Energy.ELECTRICITY)
    expected_s = [catalog.devices[one.device_id].expected_interval_s for one in registers]
    a_day = sum(_DAY_S / one for one in expected_s)
    if len(registers) > _MOST_COUNTERS or a_day > services.limits.ledger_rows:
        return None
    counting = {one.device_id for one in estate.members(place.id, Energy.ELECTRICITY).counted()}
    moved = counting != {one.device_id for one in registers} or counting & catalog.placements.keys()
    if not registers or moved or max(expected_s) > DENSE_US / 1e6:
        return None
    end_us = min(int(windows.edges_us[-1]), services.clock() // WINDOW_US * WINDOW_US)
    start_us = int(windows.edges_us[0])
    if end_us <= start_us:
        return None
    days_us = edges(start_us, end_us, Interval.DAY, place.timezone).tolist()
    peaks = [
        _peak_of(services, catalog, registers, windows, (max(begin - WINDOW_US, start_us), end))
        for begin, end in pairwise(days_us)
    ]
    found = [one for one in peaks if one is not None]
    if not found:
        return None
    best = max(found, key=lambda one: one.demand_w)
    return Sliding(
        demand_w=round(best.demand_w, 3), end=times.rfc3339(best.end_us, place.timezone), days=len(found)
    )


def _peak_of(
    services: Services,
    catalog: Catalog,
    registers: list[Register],
    windows: Periods,
    span_us: tuple[int, int],
) -> Peak | None:
    start_us, end_us = span_us
    slots = slice(*np.searchsorted(windows.edges_us, [start_us, end_us]).tolist())
    if not windows.intervals[slots].all() or (windows.quality[slots] & _BROKEN).any():
        return None
    margin_us = WINDOW_US // 3
    ids = np.array([one.id for one in registers], np.int32)
    batch = services.store.readings(ids, start_us - margin_us, end_us + margin_us + 1)
    counters: list[tuple[I64, F64]] = []
    for register in registers:
        mine = batch.take(batch.register == register.id)
        if len(mine) < 2:
            return None
        # A jitter backwards is no consumption; larger falls have been left out above.
        rises = np.maximum(np.diff(mine.value), 0.0) * catalog.ratio(register, start_us)
        counters.append((mine.event_time_us, np.concatenate([[0.0], np.cumsum(rises)])))
    return sliding_maximum(counters, start_us, end_us)


def _action(share: float | None, contributors: list[Contributor]) -> Names | None:
    if share is None or share <= 1 or not contributors:
        return None
    most = contributors[0]
    return Names(
        zh=f"超过合同需量 {100 * (share - 1):.1f}%:最大负荷为 {most.device}"
        f"({most.demand_w / 1000:.1f} kW),错峰运行或申请调整合同需量",
        en=f"{100 * (share - 1):.1f} % above the contract: the largest load is {most.device} "
        f"({most.demand_w / 1000:.1f} kW); shift it or have the contract changed",
    )
