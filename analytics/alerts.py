"""Observations to alerts, in event time. The transition table is all there is to it."""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from analytics.counters import NEVER_US
from analytics.rules import Observations, Watches
from analytics.segments import GAP_FACTOR
from core.batch import I64, U8
from core.columns import RegisterColumns
from core.model import Alert, AlertState
from core.ports import AlertChange


class Seen(Enum):
    """What a reading says about a rule."""

    BREACH = auto()  # past the threshold, but not yet for as long as the rule wants
    HELD = auto()  # past it for at least for_s
    BETWEEN = auto()  # back past the threshold, not yet past the clear threshold
    CLEAR = auto()


_INACTIVE, _PENDING, _FIRING = AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING

TRANSITIONS: dict[tuple[AlertState, Seen], AlertState] = {
    (_INACTIVE, Seen.BREACH): _PENDING,
    (_INACTIVE, Seen.HELD): _FIRING,
    (_INACTIVE, Seen.BETWEEN): _INACTIVE,
    (_INACTIVE, Seen.CLEAR): _INACTIVE,
    (_PENDING, Seen.BREACH): _PENDING,
    (_PENDING, Seen.HELD): _FIRING,
    (_PENDING, Seen.BETWEEN): _INACTIVE,
    (_PENDING, Seen.CLEAR): _INACTIVE,
    (_FIRING, Seen.BREACH): _FIRING,
    (_FIRING, Seen.HELD): _FIRING,
    (_FIRING, Seen.BETWEEN): _FIRING,
    (_FIRING, Seen.CLEAR): _INACTIVE,
}

_STATES = [_INACTIVE, _PENDING, _FIRING]


@dataclass(slots=True)
class AlertsState:
    """State of every watch, by its number: index into _STATES and times of the episode."""

    state: U8
    since_us: I64
    fired_us: I64
    seen_us: I64

    @classmethod
    def empty(cls, size: int) -> "AlertsState":
        """Watches that have seen nothing."""
        return cls(
            np.zeros(size, np.uint8),
            np.zeros(size, np.int64),
            np.zeros(size, np.int64),
            np.full(size, NEVER_US, np.int64),
        )

    def grow(self, size: int) -> None:
        """Make room for watches up to size - 1."""
        more = AlertsState.empty(max(0, size - len(self.state)))
        for name in ("state", "since_us", "fired_us", "seen_us"):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)]))

    def chosen(self, numbers: list[int]) -> "AlertsState":
        """State of another set of watches: of each its number here, or -1 if it is new."""
        fresh = AlertsState.empty(len(numbers))
        source = np.array(numbers, np.int64)
        known = source >= 0
        for name in ("state", "since_us", "fired_us", "seen_us"):
            getattr(fresh, name)[known] = getattr(self, name)[source[known]]
        return fresh


def step(
    state: AlertsState, seen: Observations, watches: Watches, columns: RegisterColumns
) -> tuple[AlertsState, list[AlertChange]]:
    """Act on observations; returns alerts that began to fire or were resolved, in order.

    Observations older than what their watch has seen change nothing.
    """
    news = seen.event_time_us > state.seen_us[seen.watch]
    # A watch at rest that sees no breach stays at rest: by far the most common case.
    eventful = np.zeros(len(state.state), np.bool_)
    eventful[seen.watch[seen.breach]] = True
    eventful |= state.state != 0
    changes: list[AlertChange] = []
    for row in np.flatnonzero(news & eventful[seen.watch]):
        change = _act(state, seen, int(row), watches, columns)
        if change is not None:
            changes.append(change)
    np.maximum.at(state.seen_us, seen.watch, seen.event_time_us)
    changes.sort(key=lambda change: change.at_us)
    return state, changes


def _act(
    state: AlertsState, seen: Observations, row: int, watches: Watches, columns: RegisterColumns
) -> AlertChange | None:
    watch, at_us = int(seen.watch[row]), int(seen.event_time_us[row])
    rule, register = watches.rules[watches.rule[watch]], int(watches.register[watch])
    before = _STATES[state.state[watch]]
    # Across a silence nobody knows that the breach lasted: it begins anew.
    silent_us = at_us - int(state.seen_us[watch]) if state.seen_us[watch] != NEVER_US else 0
    if before is _INACTIVE or (
        before is _PENDING and silent_us > GAP_FACTOR * int(columns.expected_us[register])
    ):
        state.since_us[watch] = at_us
    since_us = int(state.since_us[watch])
    if seen.breach[row]:
        what = Seen.HELD if at_us - since_us >= rule.for_s * 1e6 else Seen.BREACH
    else:
        what = Seen.CLEAR if seen.clear[row] else Seen.BETWEEN
    after = TRANSITIONS[before, what]
    state.state[watch] = _STATES.index(after)
    state.seen_us[watch] = at_us
    if after is before or _FIRING not in (before, after):
        return None
    if after is _FIRING:
        state.fired_us[watch] = at_us
    fired_us = int(state.fired_us[watch])
    resolved_us = at_us if before is _FIRING else None
    alert = Alert(
        f"{rule.id}:{register}:{since_us}",
        rule.id,
        register,
        AlertState.RESOLVED if resolved_us is not None else _FIRING,
        float(seen.value[row]),
        since_us,
        fired_us,
        resolved_us,
    )
    return AlertChange(alert, before, at_us)
