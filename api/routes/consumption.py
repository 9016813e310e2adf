"""GET /api/v1/consumption: what a place or a meter has used, from the interval ledger."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from analytics.periods import SHORTEST_US, Interval, edges, marks_around
from analytics.rollup import Periods
from api import problems, times
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.estate import Estate
from api.items import interval_quality
from api.openapi import refusals
from api.routes.spans import From, To, span
from api.schemas.problem import FieldProblem
from api.schemas.series import Consumption, ConsumptionItem, QualityName
from core.model import Register
from core.quantities import Energy

router = APIRouter(prefix="/api/v1/consumption", tags=["series"])


@router.get("", summary="Get consumption by period", responses=refusals(404, 422, 503))
def consumption(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: Annotated[str | None, Query(description="This place with all below it.", examples=["b0"])] = None,
    device: Annotated[str | None, Query(description="One meter instead of a place.")] = None,
    energy: Annotated[
        Energy | None, Query(description="May be left out where only one kind is metered.")
    ] = None,
    from_: From = None,
    to: To = None,
    interval: Annotated[
        Interval, Query(description="Length of a period of the local calendar.")
    ] = Interval.HOUR,
    unit: Annotated[
        str | None, Query(max_length=16, description="Needed where meters count in different units.")
    ] = None,
) -> Consumption:
    """Consumption of a place or a meter; today's by hour where no span is given.

    Each meter counts once, however deep the tree below it. Days and months are those of the
    place's time zone; `from` and `to` are on 15-minute marks and cut the first and the last
    period. Coverage is the measured share of the time that has passed.
    """
    if (place is None) == (device is None):
        raise problems.invalid(
            "place", place, "one of place and device is needed", "give exactly one of the two"
        )
    if device is not None:
        timezone = estate.timezone(estate.device(device))
    else:
        timezone = estate.place(place or "").timezone
    registers = _registers(estate, place, device, energy, unit)
    start_us, end_us = span(from_, to, timezone, services.clock())
    _check_marks(start_us, end_us, timezone)
    _check_points(start_us, end_us, interval, services.limits.points)
    ids = np.array([register.id for register in registers], np.int32)
    periods = ledger.periods(ids, edges(start_us, end_us, interval, timezone))
    now_us = services.clock()
    total = periods.total()
    return Consumption(
        place=place,
        device=device,
        energy=registers[0].energy or Energy.ELECTRICITY,
        unit=registers[0].unit,
        timezone=timezone,
        from_=times.rfc3339(start_us, timezone),
        to=times.rfc3339(end_us, timezone),
        interval=interval,
        total=_amounts(total)[0],
        coverage=float(total.coverage(len(ids), now_us)[0]),
        quality=_qualities(total)[0],
        meters=sorted({register.device_id for register in registers}),
        pending=services.feed.ledger_pending(),
        items=_items(periods, len(ids), now_us, timezone),
    )


def _registers(
    estate: Estate, place: str | None, device: str | None, energy: Energy | None, unit: str | None
) -> list[Register]:
    """At least one register, all of one energy and unit; else a problem that says what there is."""
    if device is not None:
        mine = estate.catalog.registers_of(device)
        importing = [one for one in mine if one.energy is not None and not one.exported]
        kinds = [kind for kind in Energy if any(one.energy is kind for one in importing)]
    else:
        importing, kinds = [], estate.energies(place or "")
    if energy is None and len(kinds) == 1:
        energy = kinds[0]
    if energy not in kinds:
        why = "is needed" if energy is None else "is not metered here"
        raise problems.invalid("energy", energy, why, problems.choice(kinds))
    if device is None:
        importing = estate.counted(place or "", energy)
    found = [one for one in importing if one.energy is energy and (unit is None or one.unit == unit)]
    units = sorted({one.unit for one in found})
    if len(units) != 1:
        exists = sorted({one.unit for one in importing if one.energy is energy})
        why = "meters here count in different units" if unit is None else "no meter here counts in it"
        raise problems.invalid("unit", unit and problems.shown(unit), why, f"unit={' or unit='.join(exists)}")
    return found


def _check_marks(start_us: int, end_us: int, timezone: str) -> None:
    errors = []
    for field, time_us in (("from", start_us), ("to", end_us)):
        before_us, after_us = marks_around(time_us)
        if before_us != after_us:
            fix = f"{times.rfc3339(before_us, timezone)} or {times.rfc3339(after_us, timezone)}"
            value = times.rfc3339(time_us, timezone)
            errors.append(FieldProblem(field=field, value=value, fix=fix))
    if errors:
        fields = " and ".join(error.field for error in errors)
        raise problems.ProblemError(422, f"{fields}: must lie on a 15-minute mark", errors)


def _check_points(start_us: int, end_us: int, interval: Interval, most: int) -> None:
    points = -(-(end_us - start_us) // SHORTEST_US[interval])
    if points <= most:
        return
    coarser = [other for other in Interval if (end_us - start_us) // SHORTEST_US[other] < most]
    days = most * SHORTEST_US[interval] // 86_400_000_000
    fix = f"ask for at most {days} days at a time"
    if coarser:
        fix = f"interval={coarser[0]}, or {fix}"
    raise problems.invalid("interval", interval, f"{points} periods are more than {most}", fix)


def _items(periods: Periods, registers: int, now_us: int, timezone: str) -> list[ConsumptionItem]:
    moments = times.rfc3339s(periods.edges_us, timezone)
    return [
        ConsumptionItem(start=start, end=end, amount=amount, coverage=coverage, quality=quality)
        for start, end, amount, coverage, quality in zip(
            moments,
            moments[1:],
            _amounts(periods),
            periods.coverage(registers, now_us).tolist(),
            _qualities(periods),
            strict=False,
        )
    ]


def _amounts(periods: Periods) -> list[float | None]:
    """Amounts to the millionth (a mWh, a mL): what is below is noise of floating-point sums."""
    sums = np.round(periods.sums, 6).tolist()
    return [amount if known else None for amount, known in zip(sums, periods.intervals.tolist(), strict=True)]


def _qualities(periods: Periods) -> list[list[QualityName]]:
    """Names of the flags; none where nothing is known, rather than "measured"."""
    silent = ((periods.intervals == 0) & (periods.quality == 0)).tolist()
    return [
        [] if is_silent else interval_quality(flags)
        for flags, is_silent in zip(periods.quality.tolist(), silent, strict=True)
    ]
