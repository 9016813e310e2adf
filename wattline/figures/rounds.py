"""Rules on figures held against the store: many at once, reading what they share once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from analytics.active_hours import STAND_IN
from analytics.alerts import Observations
from analytics.calendars import working_slots
from analytics.figure_rules.found import Found
from analytics.figure_rules.spans import Spans
from core.batch import BASE_US, I32, I64, Mask
from core.rules import Active, FigureCondition
from wattline.figures.looks import READINGS
from wattline.figures.reads import Ask, Looking, Reading, tally
from wattline.figures.targets import Group


@dataclass(frozen=True, slots=True)
class Question:
    """One rule's condition on one group of targets over some periods."""

    condition: FigureCondition
    look: Looking


def judged(questions: Sequence[Question]) -> list[Found]:
    """What each rule says of its targets and periods; raises StoreError.

    Amounts over the same edges are read together, each register once.
    """
    found: dict[int, Found] = {}
    waiting: dict[bytes, list[tuple[int, Reading, Ask]]] = defaultdict(list)
    for number, question in enumerate(questions):
        reading = READINGS[type(question.condition)](question.condition, question.look)
        try:
            ask = next(reading)
        except StopIteration as done:
            found[number] = done.value
        else:
            waiting[ask.edges_us.tobytes()].append((number, reading, ask))
    for together in waiting.values():
        accounts = questions[together[0][0]].look.accounts
        amounts = tally(accounts, [ask for _, _, ask in together])
        for (number, reading, _), mine in zip(together, amounts, strict=True):
            try:
                reading.send(mine)
            except StopIteration as done:
                found[number] = done.value
    return [found[number] for number in range(len(questions))]


def observations(found: Found, watch: I32, at_us: I64, late: Mask, active: Mask) -> Observations:
    """What is known, ordered by watch, then time.

    watch: int32[targets], ascending. at_us: int64[periods] or [targets, periods], the time each is
    about; late, active (the rule holds then): bool[periods].
    """
    target, period = np.nonzero(found.known)
    times_us = np.broadcast_to(at_us, found.known.shape)[target, period]
    breach = found.breach[target, period] & active[period]
    return Observations(
        watch[target],
        times_us,
        found.value[target, period],
        found.limit[target, period],
        breach,
        found.clear[target, period],
        late[period],
        np.where(breach, found.waste[target, period], np.nan),
    )


def joined(parts: Sequence[Observations]) -> Observations:
    """All of them, ordered by watch, then time."""
    if not parts:
        return Observations.empty()
    columns = [
        np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Observations)
    ]
    order = np.lexsort((columns[1], columns[0]))
    return Observations(*(column[order] for column in columns))


def holds(active: Active, group: Group, spans: Spans) -> Mask:
    """Of each period whether any of it lies in the hours in which the rule holds."""
    if active is Active.ALWAYS or not len(spans):
        return np.ones(len(spans), np.bool_)
    marks_us = np.arange(spans.start_us[0], spans.end_us[-1], BASE_US, dtype=np.int64)
    worked = working_slots(group.calendar or STAND_IN, marks_us, group.timezone)
    inside = np.append(0, np.cumsum(worked == (active is Active.WORKING_HOURS)))
    begin, end = ((one - marks_us[0]) // BASE_US for one in (spans.start_us, spans.end_us))
    some: Mask = inside[end] > inside[begin]
    return some
