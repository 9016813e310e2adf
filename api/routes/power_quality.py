"""GET /api/v1/reports/power-quality: power factor and phase unbalance by hour or day."""

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query

from analytics import phase_figures as phases
from analytics import power_quality as quality
from analytics.periods import Interval, edges
from api import pages, problems, times
from api.depends import EstateOf, ServicesOf
from api.estate import Estate
from api.figures import number
from api.openapi import refusals
from api.routes.spans import From, To, quarter_span
from api.schemas.base import Names
from api.schemas.quality import Limit, MeterPower, PowerPeriod, PowerQuality
from api.services import Services
from core.batch import F64, I64, ReadingBatch
from core.model import Device, DeviceKind
from core.quality import THINNED, ReadingQuality

router = APIRouter(prefix="/api/v1/reports/power-quality", tags=["figures"])

_LONGEST_US = 32 * 86_400_000_000

LIMITS = [
    Limit(
        quantity="power_factor",
        value=quality.FACTOR_TARGET,
        definition="active over apparent energy; not below",
        source="(83)水电财字第215号 功率因数调整电费办法",
    ),
    Limit(
        quantity="current_unbalance",
        value=quality.CURRENT_LIMIT,
        definition="(largest - smallest) / largest of the phase currents, idle times left out",
        source="Q/GDW 519-2010, Yyn0 transformers",
    ),
    Limit(
        quantity="voltage_unbalance",
        value=quality.VOLTAGE_LIMIT,
        definition="largest deviation from the mean over the mean of the phase voltages (IEEE Std 112), "
        "beside the limit of the negative-sequence ratio",
        source="GB/T 15543-2008",
    ),
]

_ACTIONS = {
    "power_factor": Names(
        zh="功率因数偏低:检查无功补偿装置是否投入",
        en="Power factor is low: check that the compensation is switched in",
    ),
    "current_unbalance": Names(
        zh="三相电流不平衡:调整单相负荷分配",
        en="Currents are unbalanced: spread single-phase loads over the phases",
    ),
    "voltage_unbalance": Names(
        zh="三相电压不平衡:联系供电部门并检查零线",
        en="Voltages are unbalanced: ask the supplier and check the neutral",
    ),
}


@router.get("", summary="Get power factor and unbalance", responses=refusals(404, 422, 503))
def power_quality(
    services: ServicesOf,
    estate: EstateOf,
    *,
    place: Annotated[str | None, Query(description="Meters at or below this place.", examples=["b0"])] = None,
    device: Annotated[str | None, Query(description="One meter instead of a place.")] = None,
    from_: From = None,
    to: To = None,
    interval: Annotated[Literal["1h", "1d"], Query()] = "1h",
    limit: Annotated[int, Query(ge=1, le=50, description="Meters.")] = 10,
    cursor: pages.Cursor = None,
) -> PowerQuality:
    """Of each electricity meter that reports them; today's where no span is given."""
    if (place is None) == (device is None):
        raise problems.invalid(
            "place", place, "one of place and device is needed", "give exactly one of the two"
        )
    meters, timezone = _meters(estate, place, device)
    start_us, end_us = quarter_span(from_, to, timezone, services.clock())
    if end_us - start_us > _LONGEST_US:
        at = times.rfc3339(end_us, timezone)
        raise problems.invalid("to", at, "is more than 32 days after from", "ask by the month")
    after = pages.after_id(cursor)
    left = [one for one in meters if one.id > after]
    edges_us = edges(start_us, end_us, Interval(interval), timezone)
    items = [_meter(services, estate, one, edges_us, timezone) for one in left[:limit]]
    return PowerQuality(
        place=place,
        timezone=timezone,
        from_=times.rfc3339(start_us, timezone),
        to=times.rfc3339(end_us, timezone),
        interval=interval,
        limits=LIMITS,
        items=items,
        next=pages.encode(left[limit - 1].id) if len(left) > limit else None,
        next_action=next((one.next_action for one in items if one.next_action is not None), None),
    )


def _meters(estate: Estate, place: str | None, device: str | None) -> tuple[list[Device], str]:
    if device is not None:
        one = estate.device(device)
        return [one], estate.timezone(one)
    found = estate.place(place or "")
    inside = set(estate.catalog.subtree(found.id))
    reporting = {phases.REACTIVE, *phases.GAUGES} - {"power_active"}  # alone it says nothing here
    return [
        one
        for identity in estate.device_ids
        if (one := estate.catalog.devices[identity]).kind is DeviceKind.METER
        and one.place_id in inside
        and any(register.quantity in reporting for register in estate.catalog.registers_of(identity))
    ], found.timezone


def _meter(services: Services, estate: Estate, device: Device, edges_us: I64, timezone: str) -> MeterPower:
    start_us, end_us = int(edges_us[0]), int(edges_us[-1])
    registers = {one.quantity: one.id for one in estate.catalog.registers_of(device.id)}
    ids = np.array(sorted(registers[one] for one in phases.GAUGES & registers.keys()), np.int32)
    batch = services.store.readings(ids, start_us, end_us)
    read, periods = phases.Readings(batch, registers), len(edges_us) - 1
    active, reactive = (
        _energy(services, registers.get(one), edges_us) for one in (phases.ACTIVE, phases.REACTIVE)
    )
    factor = phases.power_factor(read, active, reactive, edges_us)
    unbalance = {kind: phases.unbalance(read, kind) for kind in phases.PHASES}
    means = {
        kind: phases.mean_by_period(at_us, values, edges_us) for kind, (at_us, values) in unbalance.items()
    }
    moments = times.rfc3339s(edges_us, timezone)
    seen = np.unique(batch.event_time_us)
    count = np.histogram(seen, edges_us)[0]
    expected = max((min(end_us, services.clock()) - start_us) / (device.expected_interval_s * 1e6), 1.0)
    above = quality.share_above(unbalance["current"][1], quality.CURRENT_LIMIT)
    p95 = quality.quantile95(unbalance["voltage"][1])
    current = _mean(unbalance["current"][1])
    return MeterPower(
        device=device.id,
        place=device.place_id,
        power_factor=number(factor.whole),
        basis=factor.basis,
        active_kwh=number(_sum(active)),
        reactive_kvarh=number(_sum(reactive)),
        current_unbalance=number(current),
        current_unbalance_above_share=number(above),
        voltage_unbalance=number(_mean(unbalance["voltage"][1])),
        voltage_unbalance_p95=number(p95),
        readings=len(seen),
        coverage=min(len(seen) / expected, 1.0),
        quality=_flags(batch),
        next_action=_action(factor.whole, current, p95),
        items=[
            PowerPeriod(
                start=moments[row],
                end=moments[row + 1],
                readings=int(count[row]),
                power_factor=number(factor.by_period[row]),
                current_unbalance=number(means["current"][row]),
                voltage_unbalance=number(means["voltage"][row]),
            )
            for row in range(periods)
        ],
    )


def _energy(services: Services, register: int | None, edges_us: I64) -> F64:
    """What a counter's ledger booked by period; NaN where nothing is known."""
    if register is None:
        return np.full(len(edges_us) - 1, np.nan)
    sums = services.store.interval_sums(np.array([register], np.int32), edges_us)
    return np.where(sums.known[0] > 0, sums.amount[0], np.nan)


def _mean(values: F64) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _sum(values: F64) -> float:
    return float(np.nansum(values)) if not np.isnan(values).all() else float("nan")


def _flags(batch: ReadingBatch) -> list[Literal["good", "manual", "receive_time", "thinned"]]:
    flags = int(np.bitwise_or.reduce(batch.quality, initial=0))
    names: dict[int, Literal["manual", "receive_time", "thinned"]] = {
        int(ReadingQuality.MANUAL): "manual",
        int(ReadingQuality.RECEIVE_TIME): "receive_time",
        int(THINNED): "thinned",
    }
    found: list[Literal["good", "manual", "receive_time", "thinned"]] = [
        name for flag, name in names.items() if flags & flag
    ]
    return found or (["good"] if len(batch) else [])


def _action(factor: float, current: float, voltage: float) -> Names | None:
    if factor < quality.FACTOR_TARGET:
        return _ACTIONS["power_factor"]
    if current > quality.CURRENT_LIMIT:
        return _ACTIONS["current_unbalance"]
    return _ACTIONS["voltage_unbalance"] if voltage > quality.VOLTAGE_LIMIT else None
