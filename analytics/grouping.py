"""Groups of a place's consumption: every kWh in exactly one, so that they add up to the total.

A meter's own part is its amount less that of the meters right below it. The own part belongs
to one group, by place, organisation, circuit item or device; what a charger behind a
building's meter uses is thus in the charger's group and not in the building's. `gross` is
what a group's own account says: all that its topmost meters counted, the charger included.
The overlap of a group is gross less amount: what it shares with the accounts of others.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.membership import Members, Stretch
from analytics.rollup import Periods
from analytics.shares import Shares
from core.batch import F64, I32, I64, U16, Mask
from core.catalog import Catalog
from core.model import PlaceKind
from core.sums import IntervalSums


class GroupBy(StrEnum):
    """What a group has in common."""

    PLACE = "place"
    ORGANISATION = "organisation"
    ITEM = "item"
    ENERGY = "energy"
    DEVICE = "device"


UNASSIGNED = ""
"""Group of what has no organisation above it, or no circuit item."""

GroupOf = Callable[[Stretch], str]
SourcesOf = Callable[[str], Iterable[int]]
"""Ids of a meter's registers (or of the virtual meter itself) that count the asked energy."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """A place's groups: whose own parts (net) and whose accounts (gross) the sources are.

    names: id of each group, in order. overlaps: by group, the groups right below it whose
    amounts are in its gross too.
    """

    names: tuple[str, ...]
    net: Shares
    gross: Shares
    overlaps: Mapping[str, tuple[str, ...]]


def totals(members: Members, sources_of: SourcesOf) -> Shares:
    """The place's consumption as one group."""
    return Shares.of(
        (source, one.start_us, one.end_us, 0, 1.0)
        for one in members.counted()
        for source in sources_of(one.device_id)
    )


def below(members: Members, device_id: str, sources_of: SourcesOf) -> dict[str, Shares]:
    """By meter right below one, what it contributes while it stands there."""
    rows: dict[str, list[tuple[int, int, int, int, float]]] = defaultdict(list)
    for one in members.stretches:
        if one.upstream == device_id:
            rows[one.device_id] += (
                (source, one.start_us, one.end_us, 0, 1.0) for source in sources_of(one.device_id)
            )
    return {name: Shares.of(found) for name, found in rows.items() if found}


def grouping(members: Members, group_of: GroupOf, sources_of: SourcesOf) -> Grouping:
    """Sort the meters that belong to a place into groups."""
    stretches = _Lookup(members)
    names = tuple(sorted({group_of(one) for one in members.stretches}))
    number = {name: at for at, name in enumerate(names)}
    net: list[tuple[int, int, int, int, float]] = []
    gross: list[tuple[int, int, int, int, float]] = []
    overlaps: dict[str, set[str]] = defaultdict(set)
    for one in members.stretches:
        group = group_of(one)
        above = stretches.above(one)
        inside = bool(above) and group_of(above[0]) == group
        for source in sources_of(one.device_id):
            if not inside:
                net.append((source, one.start_us, one.end_us, number[group], 1.0))
            if above and not inside:
                net.append((source, one.start_us, one.end_us, number[group_of(above[0])], -1.0))
                overlaps[group_of(above[0])].add(group)
            if all(group_of(upstream) != group for upstream in above):
                gross.append((source, one.start_us, one.end_us, number[group], 1.0))
    listed = {name: tuple(sorted(below)) for name, below in overlaps.items()}
    return Grouping(names, Shares.of(net), Shares.of(gross), listed)


def by(catalog: Catalog, how: GroupBy, place_id: str, members: Members) -> GroupOf:
    """The group of a meter; how is anything but ENERGY.

    place: the place right below the asked one, or the asked one itself for a meter that
    stands there. organisation: on whose account it is. item: its own circuit item, or that
    of the nearest meter above it that has one.
    """
    stretches = _Lookup(members)

    def place(one: Stretch) -> str:
        organisation = catalog.devices[one.device_id].organisation_id
        for start in (one.place_id, organisation):
            chain = catalog.ancestors(start) if start is not None else []
            if place_id in chain:
                return chain[max(chain.index(place_id) - 1, 0)]
        return place_id

    def organisation(one: Stretch) -> str:
        device = catalog.devices[one.device_id]
        above = catalog.ancestors(one.place_id)
        mine = (each for each in above if catalog.places[each].kind is PlaceKind.ORGANISATION)
        return device.organisation_id or next(mine, UNASSIGNED)

    def item(one: Stretch) -> str:
        chain = (catalog.devices[each.device_id].item for each in (one, *stretches.above(one)))
        return next((found for found in chain if found is not None), UNASSIGNED)

    def device(one: Stretch) -> str:
        return one.device_id

    return {
        GroupBy.PLACE: place,
        GroupBy.ORGANISATION: organisation,
        GroupBy.ITEM: item,
        GroupBy.DEVICE: device,
    }[how]


@dataclass(frozen=True, slots=True)
class Amounts:
    """Groups (rows) by period (columns); all arrays but edges_us are [g, p].

    amount: NaN where nothing is known. coverage: measured share, 0 to 1, of the time up to
    now. due: whether any time should have been measured. quality: flags of all intervals.
    """

    edges_us: I64
    amount: F64
    coverage: F64
    due: Mask
    quality: U16


def _put_each(how: np.ufunc, sums: NDArray[Any], group: I32, rows: NDArray[Any]) -> None:
    """Put rows to those of their groups, none of which has two: without the slow way that any would need."""
    sums[group] = how(sums[group], rows)


def _put_all(how: np.ufunc, sums: NDArray[Any], group: I32, rows: NDArray[Any]) -> None:
    how.at(sums, group, rows)


def _distinct(group: I32) -> bool:
    return len(np.unique(group)) == len(group)


class Tally:
    """Sums of sources put together to groups, a piece of the sources at a time."""

    def __init__(self, shares: Shares, groups: int, edges_us: I64) -> None:
        self._shares, self._edges_us = shares, edges_us
        shape = groups, len(edges_us) - 1
        self._amount, self._known = np.zeros(shape), np.zeros(shape, np.int64)
        self._covered_us, self._quality = np.zeros(shape, np.int64), np.zeros(shape, np.uint16)

    @property
    def cuts(self) -> Mapping[int, tuple[int, ...]]:
        """By source that is wanted, the times at which what it counts for changes."""
        return self._shares.cuts()

    def add(self, sums: IntervalSums) -> None:
        """Add sources; sums.edges_us has every edge of the tally, and every cut of these sources."""
        shares, order = self._shares, np.argsort(sums.register)
        at = np.searchsorted(sums.register, shares.source, sorter=order)
        row = order[np.minimum(at, len(order) - 1)] if len(order) else at
        mine = np.flatnonzero(sums.register[row] == shares.source) if len(order) else np.empty(0, np.int64)
        if not len(mine):
            return
        row, group, weight = row[mine], shares.group[mine], shares.weight[mine, None]
        begin_us = sums.edges_us[:-1]
        holds = (begin_us >= shares.start_us[mine, None]) & (begin_us < shares.end_us[mine, None])
        to = np.searchsorted(sums.edges_us, self._edges_us)[:-1]
        amount = np.where(holds, sums.amount[row] * weight, 0.0)
        known = np.where(holds & (weight > 0), sums.known[row], 0)
        put = _put_each if _distinct(group) else _put_all
        put(np.add, self._amount, group, np.add.reduceat(amount, to, axis=1))
        put(np.add, self._known, group, np.add.reduceat(known, to, axis=1))
        covered_us = np.where(holds, sums.covered_us[row], 0)
        put(np.add, self._covered_us, group, np.add.reduceat(covered_us, to, axis=1))
        quality = np.where(holds, sums.quality[row], np.uint16(0)).astype(np.uint16)
        put(np.bitwise_or, self._quality, group, np.bitwise_or.reduceat(quality, to, axis=1))

    def periods(self, group: int = 0) -> Periods:
        """What is known of a group."""
        return Periods(
            self._edges_us,
            self._amount[group],
            self._known[group],
            self._covered_us[group],
            self._quality[group],
        )

    def amounts(self, now_us: int) -> "Amounts":
        """What is known of all groups up to a time."""
        group, due_us = self._shares.group, np.zeros(self._amount.shape, np.int64)
        inside_us, which = self._inside_us(slice(None), now_us)
        put = _put_each if _distinct(group) else _put_all
        put(np.add, due_us, group, inside_us[which])
        coverage = self._covered_us / np.maximum(due_us, 1)
        np.minimum(coverage, 1.0, out=coverage)
        coverage[due_us == 0] = 0.0
        amount = np.where(self._known > 0, self._amount, np.nan)
        return Amounts(self._edges_us, amount, coverage, due_us > 0, self._quality)

    def due_us(self, now_us: int, group: int = 0) -> I64:
        """Time up to now that should have been measured in each period, summed over sources."""
        inside_us, which = self._inside_us(self._shares.group == group, now_us)
        due_us: I64 = np.bincount(which, minlength=len(inside_us)) @ inside_us
        return due_us

    def _inside_us(self, mine: Mask | slice, now_us: int) -> tuple[I64, I64]:
        """How much of each period up to now lies in the spans of some sources, and the row of each.

        int64[spans, periods], a row for all sources of a span: most have always counted.
        """
        spans_us = np.stack([self._shares.start_us[mine], self._shares.end_us[mine]])
        (start_us, end_us), which = np.unique(spans_us, axis=1, return_inverse=True)
        low = np.maximum(self._edges_us[:-1], start_us[:, None])
        high = np.minimum(np.minimum(self._edges_us[1:], now_us), end_us[:, None])
        return np.clip(high - low, 0, None), which


class _Lookup:
    """Stretches by meter, to walk upstream."""

    def __init__(self, members: Members) -> None:
        self._of: dict[str, list[Stretch]] = defaultdict(list)
        for one in members.stretches:
            self._of[one.device_id].append(one)

    def above(self, one: Stretch) -> list[Stretch]:
        """The stretches of the meters above one, nearest first."""
        found: list[Stretch] = []
        current = one
        while current.upstream is not None:
            current = next(
                each for each in self._of[current.upstream] if each.start_us <= one.start_us < each.end_us
            )
            if current in found:
                break
            found.append(current)
        return found
