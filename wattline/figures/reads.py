"""Reads what rules on amounts are held against, by the accounts that the API answers from.

A reading is a generator: it yields which amounts it needs, is sent them, and returns what the
rule says of its targets and periods. So whoever runs many rules reads what they share once.
"""

from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field, replace

import numpy as np

from analytics import figure_rules as rules
from analytics.balance import USUAL_CLASS
from analytics.calendars import local_clock, working_slots
from analytics.deviation import history_days, hour_clock, shared_change
from analytics.figure_rules.found import Found
from analytics.figure_rules.night_flow import least_flow
from analytics.figure_rules.off_hours import Slots
from analytics.figure_rules.spans import DAY_US, Spans, nights
from analytics.grouping import Amounts, Tally, below
from analytics.membership import Members, Stretch
from analytics.periods import Interval, edges
from analytics.profiles import STAND_IN
from analytics.shares import Shares
from analytics.waste import UNITS
from api.accounts import Accounts
from core.alerts import Target, TargetKind
from core.batch import BASE_US, F64, I64
from core.ports import TimeSeriesStore
from core.quantities import Energy
from core.reference import References
from core.rules import (
    Consumption,
    Deviation,
    Imbalance,
    Implausible,
    NightFlow,
    OffHours,
)
from wattline.figures.history import COVERAGE, F32, History, measured
from wattline.figures.targets import Group, counting

WAIT_US = 30 * 60_000_000
"""So long after its end a period is judged by what was measured, if that is enough."""

__all__ = ["COVERAGE"]

_COMPLETE = 0.999
_AT_ONCE = 1000
"""Targets whose months of periods are judged at once: memory for 8-byte numbers of each."""

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Ask:
    """Amounts of so many groups, which shares.group numbers, between edges."""

    shares: Shares
    groups: int
    edges_us: I64


Reading = Generator[Ask, Amounts, Found]


@dataclass(slots=True)
class Looking:
    """A rule's group of targets, the periods asked for, and where to read.

    final_us: what ended up to then is judged by what was measured; later periods are only
    judged where all of it was. history: kept for this rule and group.
    """

    rule_id: str
    group: Group
    spans: Spans
    accounts: Accounts
    store: TimeSeriesStore
    references: References
    final_us: int
    histories: dict[tuple[str, str], History] = field(default_factory=dict)

    def shares(self, energy: Energy) -> Shares:
        """What makes up the amount of each target, target n being group n."""
        targets, unit = self.group.targets, UNITS[energy]
        if any(target.kind is TargetKind.PLACE for target in targets):
            return Shares.numbered([self.accounts.shares(target.id, energy, unit) for target in targets])
        sources = self.accounts.estate.sources_of(energy, unit)
        return Shares.always([sources(target.id) for target in targets])

    def ask(self, energy: Energy, edges_us: I64) -> Ask:
        """For the amount of each target between edges."""
        return Ask(self.shares(energy), len(self.group.targets), edges_us)

    def edges(self) -> I64:
        """Edges of the periods, which follow one another."""
        return np.append(self.spans.start_us, self.spans.end_us[-1:])

    def settled(self, amounts: Amounts) -> Amounts:
        """The same, with nothing covered in what is not final and not complete."""
        final = amounts.edges_us[1:] <= self.final_us
        coverage = np.where(final | (amounts.coverage >= _COMPLETE), amounts.coverage, 0.0)
        return replace(amounts, coverage=coverage)

    def read(self, shares: Shares, groups: int, edges_us: I64) -> Amounts:
        """Amounts at once, beside what is asked for together with others."""
        return tally(self.accounts, [Ask(shares, groups, edges_us)])[0]

    def history(self, interval: Interval, energy: Energy, days: int) -> History:
        """Amounts of the targets from so many local days before the first period until it begins."""
        timezone, start_us = self.group.timezone, int(self.spans.start_us[0])
        # Whole local days, so that all of them count alike; a day may have 25 hours.
        back_us = start_us - (days + 1) * DAY_US - 2 * _HOUR_US
        midnights = edges(back_us // BASE_US * BASE_US, start_us + 2 * DAY_US, Interval.DAY, timezone)
        first = int(np.searchsorted(midnights, start_us, "right")) - 1 - days
        key = (self.rule_id, self.group.key)
        kept = self.histories.get(key)
        if kept is None or (kept.interval, kept.timezone) != (interval, timezone):
            kept = self.histories[key] = History(interval, timezone)
        since_us = int(midnights[max(first, 1)])
        kept.reach(self.group.targets, self.shares(energy), since_us, start_us, self.read)
        return kept


def tally(accounts: Accounts, asks: list[Ask]) -> list[Amounts]:
    """What several ask for over the same edges, each source read once. Raises StoreError."""
    tallies = [Tally(one.shares, one.groups, one.edges_us) for one in asks]
    accounts.ledger.tally(tallies, asks[0].edges_us, accounts.estate.virtual_of_source)
    return [one.amounts(accounts.now_us) for one in tallies]


def consumption(condition: Consumption, look: Looking) -> Reading:
    """The period's amount of each target."""
    amounts = yield look.ask(condition.energy, look.edges())
    area = [_area(look, target) for target in look.group.targets]
    return rules.consumption(condition, look.settled(amounts), np.array(area))


def deviation(condition: Deviation, look: Looking) -> Reading:
    """Hours beside the same hours of the days before."""
    kept = look.history(Interval.HOUR, condition.energy, history_days(condition))
    beside = yield from _beside(kept, condition.energy, look)
    clock = hour_clock(beside.edges_us[:-1], look.group.timezone, look.group.calendar)
    change = None
    if len(beside.now) > _AT_ONCE and condition.peers:
        # A median of a thousand is that of all of them, and has room.
        some = np.linspace(0, len(beside.now) - 1, _AT_ONCE).astype(np.int64)
        change = shared_change(beside.amount(some), clock, condition, beside.before)
    return Found.stacked(
        [
            rules.deviation(condition, beside.amount(rows), clock, beside.before, change)
            for rows in beside.blocks()
        ]
    )


def off_hours(condition: OffHours, look: Looking) -> Reading:
    """Quarter-hours of the hours asked for, and of the weeks before, which tell the base load."""
    kept = look.history(Interval.QUARTER_HOUR, condition.energy, condition.history_days)
    beside = yield from _beside(kept, condition.energy, look)
    start_us, timezone = beside.edges_us[:-1], look.group.timezone
    hour = np.searchsorted(look.spans.start_us, start_us, "right") - 1
    hour[: beside.before] = -1
    day, minute = local_clock(start_us, timezone)
    working = working_slots(look.group.calendar or STAND_IN, start_us, timezone)
    slots = Slots(day.astype(np.int64), minute, working, hour)
    return Found.stacked([rules.off_hours(condition, beside.amount(rows), slots) for rows in beside.blocks()])


@dataclass(frozen=True, slots=True)
class _Beside:
    """Amounts of targets in the periods asked for (now), and in those before.

    edges_us: of all of them. before: how many of these come first.
    """

    past: F32
    now: F64
    edges_us: I64

    @property
    def before(self) -> int:
        return int(self.past.shape[1])

    def blocks(self) -> list[I64]:
        """Rows of the targets, so many at once that months of them have room."""
        count = max(-(-len(self.now) // _AT_ONCE), 1)
        return np.array_split(np.arange(len(self.now)), count)

    def amount(self, rows: I64) -> F64:
        """Of these targets all periods."""
        return np.concatenate([self.past[rows].astype(np.float64), self.now[rows]], axis=1)


def _beside(kept: History, energy: Energy, look: Looking) -> Generator[Ask, Amounts, _Beside]:
    start_us, end_us = int(look.spans.start_us[0]), int(look.spans.end_us[-1])
    edges_us = edges(start_us, end_us, kept.interval, kept.timezone)
    amounts = yield look.ask(energy, edges_us)
    now = measured(look.settled(amounts))
    final = int(np.searchsorted(edges_us, look.final_us, "right")) - 1
    if final > 0 and kept.edges_us[-1] == start_us:
        kept.extend(edges_us[: final + 1], now[:, :final])
    past = kept.until(start_us)  # only now: what is added may move what was there
    past_us = kept.edges_us[: past.shape[1] + 1]
    return _Beside(past, now, np.append(past_us, edges_us[1:]))


def imbalance(condition: Imbalance, look: Looking) -> Reading:
    """Each meter and those right below it."""
    estate, energy = look.accounts.estate, condition.energy
    meters = [target.id for target in look.group.targets]
    families = _families(look, meters, energy)
    shares: list[Shares] = []
    for meter, family in zip(meters, families, strict=True):
        shares += [look.accounts.shares_of_device(meter, energy, UNITS[energy]), *family.values()]
    amounts = look.settled((yield Ask(Shares.numbered(shares), len(shares), look.edges())))
    found, first = [], 0
    for meter, family in zip(meters, families, strict=True):
        rows = slice(first, first + 1 + len(family))
        first = rows.stop
        columns = (getattr(amounts, name)[rows] for name in ("amount", "coverage", "due", "quality"))
        classes = [
            estate.catalog.devices[one].accuracy_class or USUAL_CLASS[energy] for one in (meter, *family)
        ]
        found.append(rules.imbalance(condition, Amounts(amounts.edges_us, *columns), np.array(classes)))
    return Found.stacked(found)


def night_flow(condition: NightFlow, look: Looking) -> Reading:
    """Quarter-hours of the nights asked for, and of those before that count with them."""
    start_us, end_us = int(look.spans.start_us[0]), int(look.spans.end_us[-1])
    all_ = nights(
        condition, start_us - (condition.nights + 1) * DAY_US, end_us + 2 * BASE_US, look.group.timezone
    )
    marks = [np.arange(a, b + 1, BASE_US) for a, b in zip(all_.start_us, all_.end_us, strict=True)]
    edges_us = np.unique(np.concatenate(marks))
    amounts = look.settled((yield look.ask(Energy.WATER, edges_us)))
    night = np.searchsorted(all_.start_us, edges_us[:-1], "right") - 1
    inside = edges_us[:-1] < all_.end_us[night]
    flow = least_flow(measured(amounts)[:, inside], night[inside])
    hours = np.diff(all_.end_us, prepend=all_.end_us[0] - DAY_US) / _HOUR_US
    return rules.night_flow(condition, flow, hours, len(all_) - len(look.spans))


def implausible(condition: Implausible, look: Looking) -> Reading:
    """Flags of every quarter-hour of all counters of each device."""
    estate = look.accounts.estate
    targets = look.group.targets
    shares = Shares.always([counting(estate, target.id) for target in targets])
    edges_us = np.arange(look.spans.start_us[0], look.spans.end_us[-1] + 1, BASE_US, dtype=np.int64)
    amounts = yield Ask(shares, len(targets), edges_us)
    heard = ~np.isnan(amounts.amount) | (amounts.coverage > 0) | (amounts.quality != 0)
    period = np.searchsorted(look.spans.start_us, edges_us[:-1], "right") - 1
    early = look.spans.end_us[period] > look.final_us
    if early.any():  # what is not final is judged once all of it was heard
        starts = np.searchsorted(period, np.arange(len(look.spans)))
        whole = np.logical_and.reduceat(heard, starts, axis=1)[:, period]
        heard = heard & (whole | ~early)
    return rules.implausible(condition, amounts.quality, heard, period, len(look.spans))


def _families(look: Looking, meters: list[str], energy: Energy) -> list[dict[str, Shares]]:
    """Of each meter those right below it, as they stood in the periods asked for."""
    estate = look.accounts.estate
    start_us, end_us = int(look.spans.start_us[0]), int(look.spans.end_us[-1])
    roots = [estate.catalog.ancestors(estate.catalog.devices[meter].place_id)[-1] for meter in meters]
    standing: dict[tuple[str, str], list[Stretch]] = defaultdict(list)
    for root in set(roots):
        for one in estate.members(root, energy).within(start_us, end_us).stretches:
            standing[root, one.upstream or ""].append(one)
    sources = estate.sources_of(energy, UNITS[energy])
    return [
        below(Members(tuple(standing[root, meter])), meter, sources)
        for root, meter in zip(roots, meters, strict=True)
    ]


def _area(look: Looking, target: Target) -> float:
    catalog = look.accounts.estate.catalog
    place_id = target.id if target.kind is TargetKind.PLACE else catalog.devices[target.id].place_id
    area_m2 = catalog.places[place_id].floor_area_m2
    return float("nan") if area_m2 is None else area_m2
