"""What is behind a figure: each register with its readings, ratio, events, flags and revisions."""

from dataclasses import dataclass, field

import numpy as np

from analytics.shares import Shares
from api import problems, times
from api.accounts import Accounts
from api.items import names
from api.schemas.accounts import Behind, Event, Explanation, Flag, ReadingAt, VirtualBehind
from core.batch import F64, I64, IntervalBatch
from core.model import Name, Register, Replacement
from core.quality import Quality, quality_names

MOST_REGISTERS = 200

MEANINGS = {
    "interpolated": Name(
        "区间边界处于相隔较远的两次读数之间,按直线插值",
        "an edge lies between two readings far apart: interpolated",
    ),
    "gap_spread": Name(
        "通信中断期间的用量按时间平均分摊", "what was used in a silence, spread evenly over it"
    ),
    "reset": Name("表计清零,从零重新计数", "the counter began again from 0"),
    "rollover": Name(
        "表计翻转,超过量程后从零继续", "the counter passed its highest value and went on from 0"
    ),
    "replaced": Name("区间内更换了表计或倍率", "the meter or its ratio was replaced in it"),
    "manual": Name("人工抄录或补录的读数", "a person read or entered it"),
    "late": Name(
        "迟到或更正的读数到达后重新计算", "recomputed after readings that came late or were corrected"
    ),
    "open": Name("区间尚未结束", "still filling: not final"),
    "doubted": Name("其中或相邻的读数不可信,未采用", "a reading in or beside it was not believed"),
    "jump": Name("表计跳变,跳变量未计入", "the counter jumped; nothing is booked for the jump"),
}
"""What each flag of an interval means."""


@dataclass(slots=True)
class _Found:
    """Readings and flags of one register in a span, gathered a piece at a time."""

    first: tuple[int, float] | None = None
    last: tuple[int, float] | None = None
    revision: int = 0
    recomputed: int = 0
    flagged: dict[str, int] = field(default_factory=dict)
    amount: float = 0.0
    known: int = 0
    covered_us: int = 0

    def add(self, rows: IntervalBatch) -> None:
        """Add rows of the register that are later than those before."""
        first = np.flatnonzero(~np.isnan(rows.first_value))
        if len(first) and self.first is None:
            self.first = int(rows.first_us[first[0]]), float(rows.first_value[first[0]])
        last = np.flatnonzero(~np.isnan(rows.last_value))
        if len(last):
            self.last = int(rows.last_us[last[-1]]), float(rows.last_value[last[-1]])
        self.revision = max(self.revision, int(rows.revision.max()))
        self.recomputed += int(((rows.revision > 0) | (rows.quality & np.uint16(Quality.LATE) > 0)).sum())
        self.amount += float(np.nansum(rows.amount))
        self.known += int((~np.isnan(rows.amount)).sum())
        self.covered_us += int(rows.covered_us.sum())
        flags, counts = np.unique(rows.quality, return_counts=True)
        for flag, count in zip(flags.tolist(), counts.tolist(), strict=True):
            if flag:
                for name in quality_names(flag):
                    self.flagged[name] = self.flagged.get(name, 0) + count


def explanation(
    accounts: Accounts, shares: Shares, edges_us: I64, timezone: str, pending: int
) -> Explanation:
    """All registers that a total of shares rests on, each with when it counts in the span."""
    start_us, end_us = int(edges_us[0]), int(edges_us[-1])
    inside = (shares.start_us < end_us) & (shares.end_us > start_us)
    count = int(inside.sum())
    if count > MOST_REGISTERS:
        raise problems.invalid(
            "explain",
            True,
            f"{count} registers are behind this figure, more than {MOST_REGISTERS} can be shown",
            "ask for a place below, for device=, or with group_by to see which place matters",
        )
    registers: list[Behind] = []
    virtual: list[VirtualBehind] = []
    for source, from_us, to_us in zip(
        shares.source[inside].tolist(),
        np.maximum(shares.start_us[inside], start_us).tolist(),
        np.minimum(shares.end_us[inside], end_us).tolist(),
        strict=True,
    ):
        meter = accounts.estate.virtual_of_source.get(source)
        if meter is None:
            registers.append(_behind(accounts, source, from_us, to_us, timezone))
            continue
        registers += [_behind(accounts, one, from_us, to_us, timezone) for one in meter.registers]
        figure = accounts.figure(shares.of_sources([source]), np.array([from_us, to_us], np.int64))
        virtual.append(
            VirtualBehind(
                device=meter.device_id,
                formula=accounts.estate.catalog.devices[meter.device_id].formula or "",
                amount=amount(figure.periods.amount),
                coverage=float(figure.coverage()[0]),
                made_of=sorted(meter.devices),
            )
        )
    return Explanation(registers=registers, virtual=virtual, pending=pending)


def amount(values: F64) -> float | None:
    """The first of amounts, to the millionth; None if it is not known."""
    value = float(values[0])
    return None if np.isnan(value) else round(value, 6)


def _behind(accounts: Accounts, register_id: int, start_us: int, end_us: int, timezone: str) -> Behind:
    catalog = accounts.estate.catalog
    register = catalog.registers[register_id]
    found = _Found()
    for rows in accounts.ledger.rows(np.array([register_id], np.int32), start_us, end_us):
        if len(rows):
            found.add(rows)
    due_us = max(min(end_us, accounts.now_us) - start_us, 0)
    return Behind(
        device=register.device_id,
        place=catalog.placed(register.device_id, start_us)[0],
        quantity=register.quantity,
        unit=register.unit,
        start=times.rfc3339(start_us, timezone),
        end=times.rfc3339(end_us, timezone),
        amount=round(found.amount, 6) if found.known else None,
        coverage=min(found.covered_us / due_us, 1.0) if due_us else 0.0,
        first=_reading(found.first, timezone),
        last=_reading(found.last, timezone),
        ratio=catalog.ratio(register, start_us),
        events=[_event(one, timezone) for one in _events(accounts, register, start_us, end_us)],
        flags=[
            Flag(name=name, intervals=n, meaning=names(MEANINGS[name]))  # type: ignore[arg-type]
            for name, n in found.flagged.items()
        ],
        revision=found.revision,
        recomputed=found.recomputed,
    )


def _events(accounts: Accounts, register: Register, start_us: int, end_us: int) -> list[Replacement]:
    all_ = accounts.estate.catalog.replacements.get((register.device_id, register.quantity), ())
    return [one for one in all_ if start_us <= one.at_us < end_us]


def _event(one: Replacement, timezone: str) -> Event:
    return Event(
        id=one.id,
        time=times.rfc3339(one.at_us, timezone),
        final_value=one.final_value,
        initial_value=one.initial_value,
        ratio=one.ratio,
        note=one.note,
    )


def _reading(found: tuple[int, float] | None, timezone: str) -> ReadingAt | None:
    return None if found is None else ReadingAt(time=times.rfc3339(found[0], timezone), value=found[1])
