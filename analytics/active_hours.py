"""In which hours the rules of watches hold, by the calendar of the place.

A place without a calendar, its own or inherited, is taken to work Monday to Friday.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.calendars import working_slots
from core.batch import BASE_US, I32, I64, U8, Mask
from core.calendars import Calendar, WorkingHours
from core.catalog import Catalog
from core.model import Name
from core.rules import Active, Rule

STAND_IN = Calendar(
    "", Name("周一至周五", "Monday to Friday"), source="stand-in", hours=(WorkingHours("08:30", "17:30"),)
)
"""Calendar of places that have none."""

_CODES = {Active.ALWAYS: 0, Active.WORKING_HOURS: 1, Active.OFF_HOURS: 2}


@dataclass(frozen=True, slots=True)
class ActiveHours:
    """Of each watch its code in _CODES and which of the schedules (calendar, timezone) it goes by."""

    active: U8
    schedule: I32
    schedules: tuple[tuple[Calendar, str], ...]

    @classmethod
    def of(
        cls,
        rules: Sequence[Rule],
        rule: I32,
        place_of: Callable[[int], str],
        catalog: Catalog,
        calendars: Mapping[str, Calendar],
    ) -> "ActiveHours":
        """Of watches: of each the number of its rule, and its place."""
        found: dict[tuple[str, str], int] = {}
        at_place: dict[str, int] = {}
        active = np.array([_CODES[one.active] for one in rules], np.uint8)[rule]
        schedule = np.zeros(len(rule), np.int32)
        for watch in np.flatnonzero(active).tolist():
            place = place_of(watch)
            if place not in at_place:
                key = (catalog.inherited(place, "calendar_id") or "", catalog.places[place].timezone)
                at_place[place] = found.setdefault(key, len(found))
            schedule[watch] = at_place[place]
        schedules = tuple((calendars.get(id_, STAND_IN), timezone) for id_, timezone in found)
        return cls(active, schedule, schedules)

    def joined(self, more: "ActiveHours") -> "ActiveHours":
        """These watches and then more."""
        schedule = np.append(self.schedule, more.schedule + len(self.schedules)).astype(np.int32)
        return ActiveHours(np.append(self.active, more.active), schedule, self.schedules + more.schedules)

    def hold(self, watch: I32, at_us: I64) -> Mask:
        """Whether the rule of each watch holds at that time."""
        holds = np.ones(len(watch), np.bool_)
        if not self.schedules:
            return holds
        active = self.active[watch]
        rows = np.flatnonzero(active)
        slots_us, slot = np.unique(at_us[rows] // BASE_US * BASE_US, return_inverse=True)
        schedule = self.schedule[watch[rows]]
        for number in np.unique(schedule).tolist():
            calendar, timezone = self.schedules[number]
            mine = np.flatnonzero(schedule == number)
            worked = working_slots(calendar, slots_us, timezone)[slot[mine]]
            holds[rows[mine]] = worked == (active[rows[mine]] == _CODES[Active.WORKING_HOURS])
        return holds
