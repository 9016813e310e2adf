"""Cost of intervals by a calendar tariff: which version, band and price each one has.

In: 15-minute intervals of an account as columns. Out: cost in the tariff's currency, a row
an interval. Demand, capacity and power-factor charges belong to a month and are in
`analytics.bill`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analytics.calendars import Days, day_kinds, local_clock, provisional, within
from core.batch import BASE_US, F64, I64, U8, Mask
from core.calendars import CODE_OF_KIND, Calendar, DayKind
from core.model import Name
from core.tariff_rules import QUARTERS, quarters
from core.tariffs import BANDS, Band, Schedule, Tariff, TariffVersion, TierPeriod, Tiers

WEEKDAYS = Calendar("weekdays", Name("周一至周五", "Monday to Friday"))
"""Stands in for a place without a calendar: weekends rest, no holidays."""

_CODE = {band: np.uint8(code) for code, band in enumerate(BANDS)}


@dataclass(frozen=True, slots=True)
class Slots:
    """What a tariff says of intervals, row i of each being interval i.

    version: index into the tariff's versions; -1 before the first. band: index into
    core.tariffs.BANDS. price: of one unit, levies included and tiers not; NaN before the
    first version. provisional: the price depends on the kind of a day in a year whose
    official holidays are not known.
    """

    version: NDArray[np.int32]
    band: U8
    price: F64
    provisional: Mask


@dataclass(frozen=True, slots=True)
class Costed:
    """Cost of each interval, in currency; NaN where its amount is unknown or nothing has a price.

    cost: as long as the amounts (rows as there). tier: the highest tier that each interval
    reached, 0 being the first.
    versions: those that apply, in order. provisional: as in Slots.
    """

    cost: F64
    slots: Slots
    tier: NDArray[np.int32]
    versions: tuple[TariffVersion, ...]

    @property
    def provisional(self) -> bool:
        """Whether any price rests on holidays that are not officially known."""
        return bool(self.slots.provisional.any())


def costed(
    start_us: I64,
    amount: F64,
    tariff: Tariff,
    calendar: Calendar | None,
    timezone: str,
) -> Costed:
    """What an account's intervals cost: energy, tiers and levies.

    start_us: int64[n], strictly ascending, on 15-minute marks. amount: float64[n] in the
    tariff's unit, or float64[rows, n] for meters that share the account; NaN unknown.

    Tiers are filled in order of time: an interval pays the steps that the account's amount
    crosses in it, and meters share that by their amounts. An unknown amount fills nothing.
    So with tiers the intervals must begin at `tier_start_us`, however few are asked for.
    """
    slots = priced(start_us, tariff, calendar, timezone)
    price = slots.price.copy()
    tier = np.zeros(len(start_us), np.int32)
    used = np.unique(slots.version)
    for number in used[used >= 0]:
        tiers = tariff.versions[number].tiers
        if tiers is None:
            continue
        from_, to = filled(start_us, _account(amount), tiers.period, timezone)
        rows = np.flatnonzero((slots.version == number) & (to > from_))
        added, reached = _steps(from_[rows], to[rows], tiers)
        tier[rows] = reached
        price[rows] += added / (to[rows] - from_[rows])
    return Costed(amount * price, slots, tier, tuple(tariff.versions[number] for number in used[used >= 0]))


def credited(start_us: I64, exported: F64, tariff: Tariff, timezone: str) -> F64:
    """What is paid for amounts fed in, float64[n]: 0 where the version pays nothing, NaN as in costed."""
    version = _version(local_clock(start_us, timezone)[0], tariff)
    prices = np.array([one.export_price or 0.0 for one in tariff.versions] + [np.nan])
    credit: F64 = exported * prices[version]
    return credit


def priced(start_us: I64, tariff: Tariff, calendar: Calendar | None, timezone: str) -> Slots:
    """Version, band and price of intervals that begin at start_us (int64[n], any order).

    A day has the bands of its local date: on the days when the clocks change the hour that
    is missing has no band and the hour that comes twice has the same one twice.
    """
    grid_us = _grid(start_us)
    if len(grid_us) < len(start_us):
        slots = priced(grid_us, tariff, calendar, timezone)
        at = (start_us - grid_us[0]) // BASE_US
        return Slots(slots.version[at], slots.band[at], slots.price[at], slots.provisional[at])
    days, minute = local_clock(start_us, timezone)
    version = _version(days, tariff)
    slots = Slots(
        version,
        np.full(len(start_us), _CODE[Band.FLAT], np.uint8),
        np.full(len(start_us), np.nan),
        np.zeros(len(start_us), np.bool_),
    )
    if not len(start_us):
        return slots
    first = days.min()
    every_day = np.arange(first, days.max() + 1)
    day = (days - first).astype(np.int64)
    calendar = calendar or WEEKDAYS
    kinds, unsure = day_kinds(calendar, every_day), provisional(calendar, every_day)
    for number in np.unique(version[version >= 0]):
        rows = np.flatnonzero(version == number)
        held = tariff.versions[number]
        if held.schedules:
            tables, depends = _bands(held.schedules, every_day, kinds)
            slots.band[rows] = tables[day[rows], minute[rows] // 15]
            slots.provisional[rows] = (unsure & depends)[day[rows]]
        slots.price[rows] = _prices(held)[slots.band[rows]]
    return slots


def filled(start_us: I64, amount: F64, period: TierPeriod, timezone: str) -> tuple[F64, F64]:
    """How much of its tier period's amount an account had used before and after each interval.

    start_us: int64[n], ascending. amount: float64[n], NaN counts as nothing. Returns two
    float64[n], which begin again at 0 with the local month or year.
    """
    days, _ = local_clock(start_us, timezone)
    unit = "datetime64[M]" if period is TierPeriod.MONTH else "datetime64[Y]"
    label = days.astype(unit).astype(np.int64)
    used = np.where(np.isnan(amount), 0.0, amount)
    after = np.cumsum(used)
    begins = np.flatnonzero(np.diff(label, prepend=label[:1] - 1))
    base = np.where(begins > 0, after[begins - 1], 0.0)
    after -= np.repeat(base, np.diff(np.append(begins, len(label))))
    return after - used, after


def tier_start_us(tariff: Tariff, start_us: int, end_us: int, timezone: str) -> int:
    """From when an account's amounts decide the cost of [start_us, end_us); start_us without tiers."""
    days, _ = local_clock(np.array([start_us, end_us - 1], np.int64), timezone)
    first, last = _version(days, tariff).tolist()
    periods = {one.tiers.period for one in tariff.versions[max(first, 0) : last + 1] if one.tiers is not None}
    if not periods:
        return start_us
    unit = "datetime64[Y]" if TierPeriod.YEAR in periods else "datetime64[M]"
    begin = days[0].astype(unit).astype("datetime64[D]")
    # Local midnight lies within a day of the same moment in UTC.
    near_us = int(begin.astype(np.int64)) * QUARTERS * BASE_US
    around_us = near_us + np.arange(-QUARTERS, QUARTERS) * BASE_US
    local, _ = local_clock(around_us, timezone)
    return int(around_us[np.searchsorted(local, begin)])


def in_steps(from_: F64, to: F64, tiers: Tiers) -> Iterator[F64]:
    """How much of each interval lies in each step, lowest step first; float64[n] each."""
    low = 0.0
    for step in tiers.steps:
        high = np.inf if step.up_to is None else step.up_to
        yield np.clip(to, low, high) - np.clip(from_, low, high)
        low = high


def _steps(from_: F64, to: F64, tiers: Tiers) -> tuple[F64, NDArray[np.int32]]:
    """What the steps add to each interval's cost, and the highest step that it reached."""
    added, reached = np.zeros(len(to)), np.zeros(len(to), np.int32)
    for number, (step, inside) in enumerate(zip(tiers.steps, in_steps(from_, to, tiers), strict=True)):
        added += step.add * inside
        reached[inside > 0] = number
    return added, reached


def _version(days: Days, tariff: Tariff) -> NDArray[np.int32]:
    """Index of the version that holds on each local date; -1 before the first."""
    since = np.array([version.since for version in tariff.versions], "datetime64[D]")
    return (np.searchsorted(since, days, "right") - 1).astype(np.int32)


def _grid(start_us: I64) -> I64:
    """Every mark from the first to the last time, if those are fewer; else the times themselves."""
    if not len(start_us):
        return start_us
    first, last = int(start_us.min()), int(start_us.max())
    if (last - first) // BASE_US + 1 >= len(start_us):
        return start_us
    return np.arange(first, last + 1, BASE_US, dtype=np.int64)


def _account(amount: F64) -> F64:
    """The account's amount: the sum of its meters, each NaN counting as nothing."""
    return amount if amount.ndim == 1 else np.nansum(amount, axis=0)


def _prices(version: TariffVersion) -> F64:
    """Price of a unit by band code, levies included; NaN for bands that the version does not have."""
    prices = np.full(len(BANDS), np.nan)
    for one in version.prices:
        prices[_CODE[one.band]] = one.price
    return prices + sum(levy.price for levy in version.levies)


def _bands(schedules: tuple[Schedule, ...], days: Days, kinds: U8) -> tuple[U8, Mask]:
    """Band codes uint8[day, quarter hour], and of which days they depend on the kind of day."""
    table = np.empty((len(days), QUARTERS), np.uint8)
    month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    depends = np.zeros(len(days), np.bool_)
    for schedule in sorted(schedules, key=lambda one: bool(one.dates)):  # dated ones last: they win
        if schedule.dates:
            holds = within(schedule.dates, days)
            depends &= ~holds
        else:
            season = np.isin(month, schedule.months)
            holds = season & np.isin(kinds, [CODE_OF_KIND[DayKind(kind)] for kind in schedule.days])
            if len(set(schedule.days)) < len(DayKind):
                depends |= season
        table[holds] = _day(schedule)
    return table, depends


@lru_cache(maxsize=256)
def _day(schedule: Schedule) -> U8:
    """Band codes of the 96 quarter hours of a day."""
    codes = np.empty(QUARTERS, np.uint8)
    for hours in schedule.hours:
        codes[quarters(hours)] = _CODE[hours.band]
    return codes
