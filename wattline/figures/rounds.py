"""Rules on figures held against the store: many at once, reading what they share once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from analytics.active_hours import STAND_IN
from analytics.alerts import Observations
from analytics.calendars import working_slots
from analytics.figure_rules.found import Found
from analytics.figure_rules.spans import Spans
from core.batch import BASE_US, I32, I64, Mask
from core.rules import Active, Deviation, FigureCondition, OffHours
from wattline.figures.looks import READINGS
from wattline.figures.reads import Ask, Looking, Reading, tally
from wattline.figures.targets import Group


@dataclass(frozen=True, slots=True)
class Question:
    """One rule's condition on one group of targets over some periods."""

    condition: FigureCondition
    look: Looking


_AT_ONCE = 4000
"""Targets that are looked at at once: memory for their amounts, and time for each call to a database."""

_WHOLE = (Deviation, OffHours)
"""These keep histories of all their targets, and judge so many of them at once."""


def judged(questions: Sequence[Question]) -> list[Found]:
    """What each rule says of its targets and periods; raises StoreError.

    Amounts over the same edges are read together, each register once, for some targets at a time.
    """
    found: list[list[Found]] = [[] for _ in questions]
    parts = [_parts(question) for question in questions]
    for turn in range(max(map(len, parts), default=0)):
        asked = [number for number, some in enumerate(parts) if turn < len(some)]
        for number, mine in zip(asked, _judged([parts[number][turn] for number in asked]), strict=True):
            found[number].append(mine)
    return [Found.stacked(some) for some in found]


def _parts(question: Question) -> list[Question]:
    look = question.look
    if isinstance(question.condition, _WHOLE):
        return [question]
    every = look.group.targets
    blocks = [every[first : first + _AT_ONCE] for first in range(0, len(every), _AT_ONCE)]
    groups = [replace(look.group, targets=some) for some in blocks]
    return [Question(question.condition, replace(look, group=group)) for group in groups]


def _judged(questions: Sequence[Question]) -> list[Found]:
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
