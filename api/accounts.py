"""Figures of a place or a meter from the ledger: in total and by group, as they stood at the time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics import grouping as groups
from analytics.grouping import GroupBy, Grouping, Tally
from analytics.membership import FIRST_US, LAST_US, Members
from analytics.rollup import Periods
from analytics.shares import Shares
from api.estate import Estate
from api.ledger import Ledger
from core.batch import F64, I64
from core.quantities import Energy

EXPORTED = ("energy_active_export_total",)
"""What a meter counts of energy fed in."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One account's consumption by period.

    due_us: time up to now that its meters should have measured, in each period.
    """

    periods: Periods
    due_us: I64

    def coverage(self) -> F64:
        """Measured share of each period's time so far."""
        return self.periods.share(self.due_us)

    def total(self) -> "Figure":
        """All periods as one."""
        return Figure(self.periods.total(), self.due_us.sum(keepdims=True))


@dataclass(frozen=True, slots=True)
class GroupFigure:
    """A group's own part (net), its account (gross), and the groups that are in it as well."""

    name: str
    net: Figure
    gross: Figure
    shared_with: tuple[str, ...]


class Accounts:
    """Asks one ledger about one estate, up to now_us."""

    def __init__(self, estate: Estate, ledger: Ledger, now_us: int) -> None:
        self.estate, self.ledger, self.now_us = estate, ledger, now_us

    def shares(self, place_id: str, energy: Energy, unit: str) -> Shares:
        """What makes up a place's consumption, and when."""
        members = self.estate.members(place_id, energy)
        return groups.totals(members, self.estate.sources_of(energy, unit))

    def shares_of_device(self, device_id: str, energy: Energy, unit: str) -> Shares:
        """The same of one meter."""
        sources = self.estate.sources_of(energy, unit)(device_id)
        return Shares.of((source, FIRST_US, LAST_US, 0, 1.0) for source in sources)

    def virtual_only(self, shares: Shares) -> Shares:
        """The shares of virtual meters alone."""
        return shares.of_sources(self.estate.virtual_of_source)

    def beside(self, shares: Shares, quantities: tuple[str, ...]) -> Shares:
        """What other counters of the same meters add up to, when and as these count."""
        rows = []
        for source, start_us, end_us, _, weight in shares.rows():
            for quantity in quantities:
                register = self.estate.catalog.register_of.get((self.device_of(source), quantity))
                if register is not None:
                    rows.append((register.id, start_us, end_us, 0, weight))
        return Shares.of(rows)

    def figure(self, shares: Shares, edges_us: I64) -> Figure:
        """The consumption that shares make up (one group)."""
        tally = Tally(shares, 1, edges_us)
        self.ledger.tally([tally], edges_us, self.estate.virtual_of_source)
        return self._figure(tally, 0)

    def figures(self, shares: Sequence[Shares], edges_us: I64) -> list[Figure]:
        """Several accounts over the same periods, each source read once."""
        tallies = [Tally(one, 1, edges_us) for one in shares]
        self.ledger.tally(tallies, edges_us, self.estate.virtual_of_source)
        return [self._figure(tally, 0) for tally in tallies]

    def grouped(
        self, place_id: str, energy: Energy, unit: str, how: GroupBy, edges_us: I64
    ) -> tuple[Figure, list[GroupFigure]]:
        """A place's consumption, and its groups, which add up to it."""
        members = self.estate.members(place_id, energy).within(int(edges_us[0]), int(edges_us[-1]))
        sources = self.estate.sources_of(energy, unit)
        sorted_ = self.grouping(place_id, members, energy, unit, how)
        count = len(sorted_.names)
        total = Tally(groups.totals(members, sources), 1, edges_us)
        net, gross = Tally(sorted_.net, count, edges_us), Tally(sorted_.gross, count, edges_us)
        self.ledger.tally([total, net, gross], edges_us, self.estate.virtual_of_source)
        return self._figure(total, 0), [
            GroupFigure(
                name,
                self._figure(net, at),
                self._figure(gross, at),
                sorted_.overlaps.get(name, ()),
            )
            for at, name in enumerate(sorted_.names)
        ]

    def grouping(self, place_id: str, members: Members, energy: Energy, unit: str, how: GroupBy) -> Grouping:
        """How meters are sorted into groups; how is anything but energy."""
        group_of = groups.by(self.estate.catalog, how, place_id, members)
        return groups.grouping(members, group_of, self.estate.sources_of(energy, unit))

    def meters(self, shares: Shares, start_us: int, end_us: int) -> list[str]:
        """Ids of the devices whose sources count somewhere in a span."""
        inside = (shares.start_us < end_us) & (shares.end_us > start_us)
        return sorted({self.device_of(source) for source in np.unique(shares.source[inside]).tolist()})

    def device_of(self, source: int) -> str:
        """The meter of a source."""
        meter = self.estate.virtual_of_source.get(source)
        return meter.device_id if meter is not None else self.estate.catalog.registers[source].device_id

    def _figure(self, tally: Tally, group: int) -> Figure:
        return Figure(tally.periods(group), tally.due_us(self.now_us, group))
