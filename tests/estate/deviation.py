"""How often the deviation rule is wrong: `python -m tests.estate.deviation FOLDER` prints the tables.

The rule runs as the product runs it, hour by hour through the alert engine, over a recorded
estate (README.md of simulators/sample says where one is found): on the data as recorded, where
every alert counts as false, and on copies with one fault each. Every second building was
used to tune the rule; the others were not looked at.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from analytics.alerts import STATES, AlertsState, Observations, Terms, step
from analytics.deviation import deviations, history_days, hour_clock, shared_change
from analytics.public_holidays import resolved
from analytics.usual import HourClock, scatter, usual
from core.alerts import AlertState
from core.calendars import Calendar, DatedDay, DayKind
from core.model import Name
from core.quantities import Energy
from core.rules import Deviation
from tests.estate.injected import EACH, KINDS, faults
from tests.estate.recorded import HOUR_US, read

TIMEZONE = "Europe/London"
FILES = {
    Energy.ELECTRICITY: ("electricity_hourly.csv.gz", "energy_active_import_total"),
    Energy.GAS: ("gas_hourly.csv.gz", "gas_energy_total"),
}
WARM_UP_H = 28 * 24
HOURS_OF_MONTH = 8766 / 12
SEEDS = 1, 2  # of the faults in the buildings tuned on, and in those held out
_LEAD_DAYS = 7  # of its past that the engine sees before a fault begins
_CHUNK = 40  # faults judged at once, nearest in time
_NAIVE_DAYS = 84

# Days that are England's alone, and those on which the university is closed: an energy
# manager writes them into the building's calendar.
_ENGLAND = ("2017-04-17", "2017-08-28", "2018-04-02", "2018-08-27", "2019-04-22", "2019-08-26")
_CLOSED = tuple(f"{year}-12-{day}" for year in (2016, 2017, 2018, 2019) for day in range(24, 32))


@dataclass(frozen=True)
class Variant:
    """A rule to be tried. condition None: each hour against the median, factor times the MAD."""

    label: str
    condition: Deviation | None = None
    for_h: int = 0
    keep_h: int = 0
    closed: bool = False
    share: float = 0.0
    days: int = _NAIVE_DAYS

    def judge(self, kwh, clock, first, peers):
        """(value, limit, breach, clear, known), each [meters, hours - first]."""
        if self.condition is not None:
            shared = peers is not None and self.condition.peers
            change = shared_change(peers, clock, self.condition, first) if shared else None
            said = deviations(kwh, clock, self.condition, first, change)
            return said.value, said.limit, said.breach, said.clear, said.known
        middle, _ = usual(kwh, clock, self.days, first)
        by, _ = scatter(kwh, clock, self.days, first)
        value = kwh[:, first:]
        known = ~np.isnan(by)
        far, near = (np.maximum(k * by, k / 5 * self.share * middle) for k in (5, 3))
        apart = np.abs(value - middle)
        return value, middle + far, known & (apart > far), known & (apart <= near), known

    @property
    def reach_days(self):
        """How far back it looks."""
        return self.days if self.condition is None else history_days(self.condition)


RULE = Variant(
    "**the rule**: … 3.7 times above, 2.8 on days of rest, 2.5 below",
    Deviation(),
    for_h=3,
    keep_h=12,
    closed=True,
)


def variants():
    """From the naive rule to the default one, one change a row; two of other strictness; above only."""
    lasting = {"for_h": 3, "keep_h": 12}
    plain = Deviation(
        factor=5, rest_factor=5, lower_factor=5, clear_factor=3, level_days=0, week_ago=False, peers=0
    )
    level = replace(plain, level_days=7)
    week = replace(level, week_ago=True)
    strict = Deviation(factor=4.5, rest_factor=3.5, lower_factor=3, clear_factor=1.8)
    lax = Deviation(factor=3, rest_factor=2.3, lower_factor=2.1, clear_factor=1.3)
    ours = {**lasting, "closed": True}
    return [
        Variant("each hour, 5 times the MAD of twelve weeks from their median"),
        Variant("… four hours in a row; over after twelve", **lasting),
        Variant("… and 15 % of the usual amount", **lasting, share=0.15),
        Variant("… closing days in the calendar", **ours, share=0.15),
        Variant("… six weeks", **ours, share=0.15, days=42),
        Variant("… twelve hours together", plain, **ours),
        Variant("… or as usual at the level of the last week", level, **ours),
        Variant("… or as a week ago", week, **ours),
        Variant("… or as the other meters", replace(week, peers=5), **ours),
        RULE,
        Variant("stricter: 4.5, 3.5, 3", strict, **ours),
        Variant("laxer: 3, 2.3, 2.1", lax, **ours),
        Variant("the rule, above only", Deviation(below=False), **ours),
    ]


class EstateData:
    """Amounts of an estate's meters of one energy, [meters, hours], and its clocks."""

    def __init__(self, recorded, energy=Energy.ELECTRICITY):
        self.kinds = KINDS[energy]
        self.buildings = [one.building for one in recorded]
        self.kwh = np.stack([one.kwh for one in recorded])
        self.start_us = recorded[0].start_us + HOUR_US * np.arange(self.kwh.shape[1], dtype=np.int64)
        self.clocks = {closed: hour_clock(self.start_us, TIMEZONE, _calendar(closed)) for closed in (0, 1)}


def fired(variant, estate):
    """Hours (their index) at whose end an alert begins to fire, by meter, on the data as recorded."""
    clock = estate.clocks[variant.closed]
    said = variant.judge(estate.kwh, clock, 0, estate.kwh)
    return _alerts(variant, said, [0] * len(estate.kwh))


def fired_in(variant, estate, injected):
    """The same for each fault, in the meter that has it."""
    clock = estate.clocks[variant.closed]
    order = sorted(range(len(injected)), key=lambda at: injected[at].begin)
    found = {}
    for chunk in (order[at : at + _CHUNK] for at in range(0, len(order), _CHUNK)):
        some = [injected[at] for at in chunk]
        first_day = clock.day[some[0].begin] - _LEAD_DAYS
        first = int(np.searchsorted(clock.day, first_day))
        start = int(np.searchsorted(clock.day, first_day - variant.reach_days))
        end = max(one.end for one in some)
        kwh = np.stack([estate.kwh[one.row, start:end] for one in some])
        for row, one in enumerate(some):
            kwh[row, one.begin - start : one.end - start] = one.kwh
        part = HourClock(clock.day[start:end], clock.hour[start:end], clock.kind[start:end])
        said = variant.judge(kwh, part, first - start, estate.kwh[:, start:end])
        found |= dict(zip(chunk, _alerts(variant, said, [first] * len(some)), strict=True))
    return [found[at] for at in range(len(injected))]


def _alerts(variant, said, first):
    """Through the engine, as observations of hours that have just ended."""
    value, limit, breach, clear, known = said
    watch, hour = np.nonzero(known)
    seen = Observations(
        watch.astype(np.int32), (hour + 1) * HOUR_US, value[known], limit[known], breach[known], clear[known],
        np.zeros(len(watch), np.bool_), np.full(len(watch), np.nan),
    )  # fmt: skip
    size = len(value)
    each = np.ones(size, np.int64)
    terms = Terms(
        variant.for_h * HOUR_US * each, variant.keep_h * HOUR_US * each, 3 * HOUR_US * each, each == 0
    )
    _, moved = step(AlertsState.empty(size), seen, terms)
    begins = STATES.index(AlertState.FIRING)
    rows = (moved.after == begins) & (moved.before != begins)
    return [
        (moved.at_us[rows & (moved.watch == one)] // HOUR_US - 1 + first[one]).tolist() for one in range(size)
    ]


@dataclass(frozen=True)
class Hits:
    """Of one kind of fault: how many were found of how many, after how long, and how many by chance."""

    hits: int
    faults: int
    delay_h: float
    by_chance: int


@dataclass(frozen=True)
class Score:
    """Of one half of the buildings: alerts per meter and month as recorded, and Hits by Kind."""

    false_alarms: float
    kinds: dict

    @property
    def hits(self):
        """Of all kinds."""
        return sum(one.hits for one in self.kinds.values())


def score(estate, rows, injected, alerts, told):
    """Of one half, from the alerts as recorded (`fired`) and with the faults (`fired_in`).

    A fault is hit if an alert begins to fire within it; by chance, if one does without the fault as well.
    """
    months = (estate.kwh.shape[1] - WARM_UP_H) / HOURS_OF_MONTH
    false = sum(hour >= WARM_UP_H for row in rows for hour in alerts[row])
    kinds = {}
    for kind in dict.fromkeys(one.kind for one in injected):
        some = [(one, hours) for one, hours in zip(injected, told, strict=True) if one.kind is kind]
        within = [[hour for hour in hours if one.begin <= hour < one.end] for one, hours in some]
        delays = [hours[0] + 1 - one.begin for (one, _), hours in zip(some, within, strict=True) if hours]
        chance = sum(any(one.begin <= hour < one.end for hour in alerts[one.row]) for one, _ in some)
        delay_h = float(np.median(delays)) if delays else float("nan")
        kinds[kind] = Hits(len(delays), len(some), delay_h, chance)
    return Score(false / len(rows) / months, kinds)


def run(variant, estate, each):
    """A score for each half of the buildings."""
    alerts = fired(variant, estate)
    halves = [list(range(half, len(estate.kwh), 2)) for half in (0, 1)]
    injected = [
        faults(estate.kwh, estate.clocks[True], rows, seed, each, kinds=estate.kinds)
        for rows, seed in zip(halves, SEEDS, strict=True)
    ]
    told = fired_in(variant, estate, injected[0] + injected[1])
    parts = told[: len(injected[0])], told[len(injected[0]) :]
    return [
        score(estate, rows, some, alerts, part)
        for rows, some, part in zip(halves, injected, parts, strict=True)
    ]


def line(label, scores):
    """A row of the table: tuned / held out."""
    kinds = [" / ".join(str(one.kinds[kind].hits) for one in scores) for kind in scores[0].kinds]
    hits = " / ".join(str(one.hits) for one in scores)
    false = " / ".join(f"{one.false_alarms:.2f}" for one in scores)
    return "| " + " | ".join([label, *kinds, f"**{hits}**", false]) + " |"


def details(scores):
    """By kind of fault, tuned / held out: hits, median hours until the alert, hits by chance."""
    for kind in scores[0].kinds:
        of_kind = [one.kinds[kind] for one in scores]
        hits = " / ".join(f"{one.hits} of {one.faults}" for one in of_kind)
        hours = " / ".join(f"{one.delay_h:.0f}" for one in of_kind)
        chance = " / ".join(str(one.by_chance) for one in of_kind)
        yield f"| {kind.value} | {hits} | {hours} | {chance} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--energy", type=Energy, choices=tuple(FILES), default=Energy.ELECTRICITY)
    parser.add_argument("--each", type=int, default=EACH, help="faults of each kind in each half")
    parser.add_argument("--only", type=int, action="append", help="row of the table, from 0")
    parser.add_argument("--list", action="store_true", help="the rule's alerts on the data as recorded")
    options = parser.parse_args()
    name, quantity = FILES[options.energy]
    estate = EstateData(read(options.folder / name, quantity), options.energy)
    if options.list:
        for said in listed(RULE, estate):
            print(said)  # noqa: T201
        return
    head = [
        "rule",
        *(kind.value for kind in estate.kinds),
        f"of {4 * options.each}",
        "false alarms per meter and month",
    ]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")  # noqa: T201
    kept = iter(())
    for number, variant in enumerate(variants()):
        if options.only is None or number in options.only:
            scores = run(variant, estate, options.each)
            print(line(variant.label, scores), flush=True)  # noqa: T201
            if variant == RULE:
                kept = details(scores)
    print("\n| fault | hits | median hours | by chance |\n|---|---|---|---|", *kept, sep="\n")  # noqa: T201


def listed(variant, estate):
    """The alerts on the data as recorded, with what each was held against and how many hours say 0."""
    clock = estate.clocks[variant.closed]
    said = deviations(estate.kwh, clock, variant.condition)
    for row, hours in enumerate(fired(variant, estate)):
        for hour in (one for one in hours if one >= WARM_UP_H):
            zeros = int((estate.kwh[row, max(0, hour - 11) : hour + 1] == 0).sum())
            value, usually, limit = (one[row, hour] for one in (said.value, said.usual, said.limit))
            day = np.datetime64(int(clock.day[hour]), "D")
            told = f"{value:.1f} kWh, usually {usually:.1f}, limit {limit:.1f}"
            kind = f"{zeros} hours of 0, kind {clock.kind[hour]}"
            yield f"{estate.buildings[row]} {day} {clock.hour[hour]:02}:00 {told}, {kind}"


def _calendar(closed):
    days = _ENGLAND + _CLOSED if closed else ()
    dated = tuple(DatedDay(day, DayKind.HOLIDAY) for day in days)
    name = Name("校园", "campus")
    return resolved(Calendar("campus", name, country="GB", first_year=2016, last_year=2020, days=dated))


if __name__ == "__main__":
    main()
