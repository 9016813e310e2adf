"""The demand window that runs: energy so far from the ledger, live power for the rest."""

from typing import Literal

import numpy as np

from analytics.demand import WARN_SHARE, WINDOW_US, Projection, project
from analytics.power import FRESH_FACTOR
from api import times
from api.estate import Estate
from api.figures import number, quality_of
from api.schemas.base import Names
from api.schemas.demand import DemandNow
from api.services import Services
from core.batch import F64, I32, I64, IntervalBatch
from core.model import Place, Register
from core.quantities import Energy

_W_US_IN_A_KWH = 3.6e12

State = Literal["within", "near", "exceeding", "no_contract", "unknown"]


def running_window(services: Services, estate: Estate, place: Place) -> DemandNow:
    """The window at this moment, by every real meter that counts for the place as it stands."""
    registers = estate.counted(place.id, Energy.ELECTRICITY)
    ids = np.array([one.id for one in registers], np.int32)
    now_us = services.clock()
    begin_us = now_us // WINDOW_US * WINDOW_US
    end_us = begin_us + WINDOW_US
    rows = services.store.intervals(ids, begin_us - WINDOW_US, end_us)
    used_kwh, until_us, quality = _so_far(ids, rows, begin_us)
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


def _so_far(ids: I32, rows: IntervalBatch, begin_us: int) -> tuple[F64, I64, int]:
    """Energy of each register in the window, up to when it was read, and the flags of it."""
    used_kwh = np.zeros(len(ids))
    until_us = np.full(len(ids), begin_us, np.int64)
    inside = rows.take((rows.start_us == begin_us) & ~np.isnan(rows.amount))
    at = np.searchsorted(ids, inside.register)
    used_kwh[at] = inside.amount
    until_us[at] = np.maximum(inside.last_us, begin_us)
    return used_kwh, until_us, int(np.bitwise_or.reduce(inside.quality, initial=0))


def _power(
    services: Services, estate: Estate, registers: list[Register], rows: IntervalBatch, now_us: int
) -> F64:
    """Power of each meter now: as it reports it, else the mean of its last intervals; NaN if silent."""
    catalog, feed = estate.catalog, services.feed
    gauges = [catalog.register_of.get((one.device_id, "power_active")) for one in registers]
    shown = feed.last_readings([-1 if gauge is None else gauge.id for gauge in gauges])
    ids = np.array([one.id for one in registers], np.int32)
    read = feed.last_readings(ids.tolist())
    at = np.searchsorted(ids, rows.register)
    known_kwh = np.bincount(at, weights=np.nan_to_num(rows.amount), minlength=len(registers))
    covered_us = np.bincount(at, weights=rows.covered_us, minlength=len(registers))
    power_w = np.full(len(registers), np.nan)
    for row, register in enumerate(registers):
        expected_us = int(catalog.devices[register.device_id].expected_interval_s * 1e6)
        since_us = now_us - max(FRESH_FACTOR * expected_us, 60_000_000)
        gauge, counter = shown[row] if gauges[row] else None, read[row]
        if gauge is not None and gauge[0] > since_us:
            power_w[row] = gauge[1]
        elif counter is not None and counter[0] > since_us and covered_us[row] > 0:
            power_w[row] = known_kwh[row] * _W_US_IN_A_KWH / covered_us[row]
    return power_w


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
