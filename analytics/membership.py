"""Which meters count for a place, and when: each kWh once, whatever was moved meanwhile.

A meter counts for a place while it stands in the place's subtree, or is on the account of an
organisation in it, and no meter upstream of it does. A span is cut where a meter was moved,
came into use or went out of use; every piece is judged by itself.

A virtual meter is in the tree of meters like a real one: what names it as parent is inside
it. For a place where something that it is made of counts beside it, it is information only.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.batch import BASE_US
from core.catalog import Catalog
from core.quantities import Energy

FIRST_US, LAST_US = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)
"""Edges of a stretch that has always been so and will be."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A meter from start_us until end_us, in which nothing about it or what is upstream changes.

    place_id: where it stands. upstream: the nearest meter above it that belongs to the asked
    place as well; None: none does, so this one counts.
    """

    device_id: str
    start_us: int
    end_us: int
    place_id: str
    upstream: str | None


@dataclass(frozen=True, slots=True)
class Members:
    """Meters of one energy that belong to a place, by device, then time."""

    stretches: tuple[Stretch, ...]

    def counted(self) -> tuple[Stretch, ...]:
        """Those that make up the place's consumption."""
        return tuple(one for one in self.stretches if one.upstream is None)

    def within(self, start_us: int, end_us: int) -> "Members":
        """Those that touch a span; stretches are not cut."""
        return Members(
            tuple(one for one in self.stretches if one.start_us < end_us and one.end_us > start_us)
        )

    @property
    def devices(self) -> list[str]:
        """Ids of the meters, in order."""
        return sorted({one.device_id for one in self.stretches})


def mark_after(time_us: int) -> int:
    """The ledger mark from which a date holds: the interval in which it lies still counts as before."""
    return -(-time_us // BASE_US) * BASE_US


@dataclass(frozen=True, slots=True)
class _Piece:
    """A meter from start_us until end_us: where it stands, and all between it and the grid, nearest first."""

    start_us: int
    end_us: int
    place_id: str
    upstream: tuple[str, ...]


class Metering:
    """The meters of one energy, and what they are to any place.

    made_of: by id of each virtual meter of this energy, the real meters that its formula
    comes down to. What doesn't depend on the place is found once, so that all places of an
    estate take as long as its meters times the depth of its tree.
    """

    def __init__(self, catalog: Catalog, energy: Energy, made_of: Mapping[str, frozenset[str]]) -> None:
        self._catalog = catalog
        self._made_of = made_of
        self._metering = {
            register.device_id
            for register in catalog.registers
            if register.energy is energy and not register.exported
        } | made_of.keys()
        self._pieces: dict[str, tuple[_Piece, ...]] = {}
        self._stood: dict[str, list[str]] = defaultdict(list)
        for device_id in self._metering:
            device = catalog.devices[device_id]
            places = {device.place_id, device.organisation_id}
            places |= {one.place_id for one in catalog.placements.get(device_id, ())}
            for place in places - {None}:
                self._stood[place or ""].append(device_id)

    def members(self, place_id: str) -> Members:
        """Every meter that belongs to the place at some time."""
        inside = set(self._catalog.subtree(place_id))
        found: list[Stretch] = []
        for device_id in sorted({meter for place in inside for meter in self._stood.get(place, ())}):
            for piece in self._pieces_of(device_id):
                if self._counts(device_id, piece.start_us, inside):
                    upstream = next(
                        (one for one in piece.upstream if self._counts(one, piece.start_us, inside)), None
                    )
                    found.append(Stretch(device_id, piece.start_us, piece.end_us, piece.place_id, upstream))
        return Members(tuple(found))

    def _pieces_of(self, device_id: str) -> tuple[_Piece, ...]:
        """Stretches of time in which neither the meter nor anything that it depends on moves."""
        pieces = self._pieces.get(device_id)
        if pieces is None:
            cuts = sorted({cut for one in self._involved(device_id) for cut in self._dates(one)})
            pieces = self._pieces[device_id] = tuple(
                _Piece(
                    start_us,
                    end_us,
                    self._catalog.placed(device_id, start_us)[0],
                    self._upstream(device_id, start_us),
                )
                for start_us, end_us in pairwise([FIRST_US, *cuts, LAST_US])
            )
        return pieces

    def _counts(self, device_id: str, at_us: int, inside: set[str]) -> bool:
        """Whether the meter belongs then to the place with these below it."""
        if device_id not in self._metering or not self._belongs(device_id, at_us, inside):
            return False
        return all(
            device_id in self._upstream(one, at_us) or not self._belongs(one, at_us, inside)
            for one in self._made_of.get(device_id, ())
        )

    def _upstream(self, device_id: str, at_us: int) -> tuple[str, ...]:
        """Everything between the meter and the grid then, nearest first; a loop ends the walk."""
        found: list[str] = []
        current = self._catalog.placed(device_id, at_us)[1]
        while current is not None and current not in found and current in self._catalog.devices:
            found.append(current)
            current = self._catalog.placed(current, at_us)[1]
        return tuple(found)

    def _belongs(self, device_id: str, at_us: int, inside: set[str]) -> bool:
        device = self._catalog.devices[device_id]
        begun = device.valid_from_us is None or mark_after(device.valid_from_us) <= at_us
        ended = device.valid_to_us is not None and mark_after(device.valid_to_us) <= at_us
        if not begun or ended:
            return False
        return self._catalog.placed(device_id, at_us)[0] in inside or device.organisation_id in inside

    def _dates(self, device_id: str) -> list[int]:
        device = self._catalog.devices[device_id]
        dates = [one.from_us for one in self._catalog.placements.get(device_id, ())[1:]]
        dates += [date for date in (device.valid_from_us, device.valid_to_us) if date is not None]
        return [mark_after(date) for date in dates]

    def _involved(self, device_id: str) -> list[str]:
        """The meter, all that was ever upstream of it, and what virtual ones among them are made of."""
        found = [device_id]
        for one in found:
            device = self._catalog.devices[one]
            above = {device.parent_device_id} | {
                placement.parent_device_id for placement in self._catalog.placements.get(one, ())
            }
            more = {parent for parent in above if parent in self._catalog.devices} | self._made_of.get(
                one, set()
            )
            found.extend(sorted(parent for parent in more if parent is not None and parent not in found))
        return found
