"""The demand window that runs: energy so far from the ledger, live power for the rest."""

from typing import Literal

import numpy as np

from analytics.counters import NEVER_US
from analytics.demand import WARN_SHARE, WINDOW_US, Projection, project
from analytics.demand_window import live_power_w, so_far, window_start_us
from api import times
from api.estate import Estate
from api.figures import number, quality_of
from api.schemas.base import Names
from api.schemas.demand import DemandNow
from api.services import Services
from core.batch import F64, I64, IntervalBatch
from core.model import Place, Register
from core.quantities import Energy

State = Literal["within", "near", "exceeding", "no_contract", "unknown"]


def running_window(services: Services, estate: Estate, place: Place) -> DemandNow:
    """The window at this moment, by every real meter that counts for the place as it stands."""
    registers = estate.counted(place.id, Energy.ELECTRICITY)
    ids = np.array([one.id for one in registers], np.int32)
    now_us = services.clock()
    begin_us = window_start_us(now_us)
    end_us = begin_us + WINDOW_US
    rows = services.store.intervals(ids, begin_us - WINDOW_US, end_us)
    used_kwh, until_us, quality = so_far(ids, rows, begin_us)
    power_w = _power(services, estate, registers, rows, now_us)
    contract_w = float("nan") if place.contract_demand_w is None else place.contract_demand_w
    found = project(used_kwh, until_us, power_w, end_us=end_us, now_us=now_us, contract_w=contract_w)
    meters = len(registers)
    state = _state(found.projected_w, place.contract_demand_w)
    share = found.projected_w / contract_w
    known = ~np.isnan(power_w)
    return DemandNow(
        place=place.id,
        at=times.rfc3339(now_us, place.timezone),
        start=times.rfc3339(begin_us, place.timezone),
        end=times.rfc3339(end_us, place.timezone),
        remaining_s=round((end_us - now_us) / 1e6, 3),
        used_kwh=round(found.used_kwh, 6),
        power_w=number(float(power_w[known].sum()), 3) if known.any() else None,
        projected_w=number(found.projected_w, 3),
        contract_demand_w=place.contract_demand_w,
        share=number(share),
        allowed_w=number(found.allowed_w, 3),
        state=state,
        meters=meters,
        reporting=meters - found.missing,
        coverage=(meters - found.missing) / meters,
        quality=quality_of(quality, len(rows)),
        next_action=_action(state, found, meters, times.rfc3339(end_us, place.timezone)[11:16]),
    )


def _power(
    services: Services, estate: Estate, registers: list[Register], rows: IntervalBatch, now_us: int
) -> F64:
    """Power of each meter now, from the newest readings of its power and its counter."""
    catalog, feed = estate.catalog, services.feed
    gauges = [catalog.register_of.get((one.device_id, "power_active")) for one in registers]
    ids = np.array([one.id for one in registers], np.int32)
    expected_s = [catalog.devices[one.device_id].expected_interval_s for one in registers]
    shown = _columns(feed.last_readings([-1 if gauge is None else gauge.id for gauge in gauges]))
    shown[0][[gauge is None for gauge in gauges]] = NEVER_US
    counted_us, _ = _columns(feed.last_readings(ids.tolist()))
    expected_us = (np.array(expected_s) * 1e6).astype(np.int64)
    return live_power_w(ids, rows, expected_us, gauge=shown, counted_us=counted_us, now_us=now_us)


def _columns(readings: list[tuple[int, float] | None]) -> tuple[I64, F64]:
    found = [(NEVER_US, np.nan) if one is None else one for one in readings]
    return np.array([one[0] for one in found], np.int64), np.array([one[1] for one in found], np.float64)


def _state(projected_w: float, contract_w: float | None) -> State:
    if contract_w is None:
        return "no_contract"
    if np.isnan(projected_w):
        return "unknown"
    if projected_w > contract_w:
        return "exceeding"
    return "near" if projected_w >= WARN_SHARE * contract_w else "within"


def _action(state: State, found: Projection, meters: int, until: str) -> Names | None:
    """What keeps the window at its contract, or makes it known."""
    if state in {"exceeding", "near"}:
        kw = f"{found.allowed_w / 1000:.1f} kW"
        return Names(
            zh=f"在 {until} 之前将负荷控制在 {kw} 以内,否则本需量周期将超过合同需量"
            if state == "exceeding"
            else f"接近合同需量:在 {until} 之前负荷不要超过 {kw}",
            en=f"Keep the load below {kw} until {until}, or this window exceeds the contract"
            if state == "exceeding"
            else f"Near the contract: stay below {kw} until {until}",
        )
    if found.missing:
        return Names(
            zh=f"{meters} 块表中有 {found.missing} 块没有实时数据,预测偏低:检查其通信",
            en=f"{found.missing} of {meters} meters are silent, so this is too low: check their connection",
        )
    return None
