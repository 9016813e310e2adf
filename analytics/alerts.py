"""What watches see to what their alerts do, in event time. The transition table is all there is to it.

A watch is one rule on one target. What it sees comes from readings (analytics.rules), from
silence (analytics.silence) or from figures (analytics.figure_rules); the table does not ask.
"""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from analytics.counters import NEVER_US
from core.alerts import AlertState
from core.batch import F64, I32, I64, U8, Mask


class Seen(IntEnum):
    """What an observation says about a watch."""

    BREACH = 0  # past the threshold, but not yet for as long as the rule wants, or held back
    HELD = 1  # past it for at least for_us
    BETWEEN = 2  # back past the threshold, not yet past the clear threshold
    KEPT = 3  # past the clear threshold, but not yet for keep_us
    CLEAR = 4
    SILENT = 5  # nothing has been heard of the target for silent_us


STATES = (
    AlertState.INACTIVE,
    AlertState.RESOLVED,
    AlertState.PENDING,
    AlertState.FIRING,
    AlertState.STALE,
)
"""By code. A watch at rest has one of the first two."""

_INACTIVE, _RESOLVED, _PENDING, _FIRING, _STALE = range(5)

_inactive, _resolved, _pending, _firing, _stale = STATES

TRANSITIONS: dict[AlertState, tuple[AlertState, ...]] = {
    # seen:     BREACH    HELD     BETWEEN    KEPT       CLEAR      SILENT
    _inactive: (_pending, _firing, _inactive, _inactive, _inactive, _inactive),
    _resolved: (_pending, _firing, _resolved, _resolved, _resolved, _resolved),
    _pending:  (_pending, _firing, _inactive, _inactive, _inactive, _inactive),
    _firing:   (_firing,  _firing, _firing,   _firing,   _resolved, _stale),
    _stale:    (_firing,  _firing, _firing,   _firing,   _resolved, _stale),
}  # fmt: skip

_TABLE: U8 = np.array([[STATES.index(after) for after in TRANSITIONS[before]] for before in STATES], np.uint8)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things must last for each watch, by its number; µs of event time.

    silent_us: a firing watch that sees nothing for longer is stale, and a breach does not
    last across such a silence. held_back: may not fire now (inhibited).
    """

    for_us: I64
    keep_us: I64
    silent_us: I64
    held_back: Mask


@dataclass(frozen=True, slots=True)
class Observations:
    """What watches see: the rows of a watch together, in order of time.

    limit: what value was held against. late: seen so long after it happened that it is history.
    waste: energy or volume above normal that this observation adds; NaN where nobody can say.
    """

    watch: I32
    event_time_us: I64
    value: F64
    limit: F64
    breach: Mask
    clear: Mask
    late: Mask
    waste: F64

    @classmethod
    def empty(cls) -> "Observations":
        """Nothing seen."""
        none, no = np.empty(0), np.empty(0, np.bool_)
        return cls(np.empty(0, np.int32), np.empty(0, np.int64), none, none, no, no, no, none)


@dataclass(slots=True)
class AlertsState:
    """State of every watch, by its number: index into STATES and the episode that it is in.

    since_us: when the breach began. seen_us: newest observation. breach_*: newest one in
    breach and what it was held against; clear_*: first one since that was clear (NEVER_US:
    none). history: the alert fired on late observations and has not been seen in the present.
    waste: sum of the episode.
    """

    state: U8
    since_us: I64
    fired_us: I64
    seen_us: I64
    breach_us: I64
    breach_value: F64
    breach_limit: F64
    clear_us: I64
    clear_value: F64
    history: Mask
    waste: F64

    @classmethod
    def empty(cls, size: int) -> "AlertsState":
        """Watches that have seen nothing."""
        return cls(
            np.zeros(size, np.uint8),
            np.zeros(size, np.int64),
            np.zeros(size, np.int64),
            np.full(size, NEVER_US, np.int64),
            np.full(size, NEVER_US, np.int64),
            np.full(size, np.nan),
            np.full(size, np.nan),
            np.full(size, NEVER_US, np.int64),
            np.full(size, np.nan),
            np.zeros(size, np.bool_),
            np.full(size, np.nan),
        )

    def grow(self, size: int) -> None:
        """Make room for watches up to size - 1."""
        more = AlertsState.empty(max(0, size - len(self.state)))
        for name in _COLUMNS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)]))

    def chosen(self, numbers: list[int]) -> "AlertsState":
        """State of another set of watches: of each its number here, or -1 if it is new."""
        fresh = AlertsState.empty(len(numbers))
        source = np.array(numbers, np.int64)
        known = source >= 0
        for name in _COLUMNS:
            getattr(fresh, name)[known] = getattr(self, name)[source[known]]
        return fresh


_COLUMNS = [column.name for column in fields(AlertsState)]


@dataclass(frozen=True, slots=True)
class Transitions:
    """What changed, in order of time: row i took watch[i] from before[i] to after[i] at at_us[i].

    before, after: index into STATES; firing to firing is an alert of history that goes on now.
    The rest is the episode as it stood then (AlertsState) and the observation that moved it.
    """

    watch: I32
    before: U8
    after: U8
    at_us: I64
    value: F64
    limit: F64
    since_us: I64
    fired_us: I64
    history: Mask
    waste: F64
    breach_us: I64
    breach_value: F64
    breach_limit: F64
    clear_us: I64
    clear_value: F64

    def __len__(self) -> int:
        return len(self.watch)


def step(state: AlertsState, seen: Observations, terms: Terms) -> tuple[AlertsState, Transitions]:
    """Act on observations; state is updated in place.

    Observations older than what their watch has seen change nothing.
    """
    news = seen.event_time_us > state.seen_us[seen.watch]
    # A watch at rest that sees no breach stays at rest: by far the most common case.
    eventful = state.state > _RESOLVED
    eventful[seen.watch[seen.breach]] = True
    rows = np.flatnonzero(news & eventful[seen.watch])
    found: list[Transitions] = []
    if len(rows):
        watch = seen.watch[rows]
        begins = np.flatnonzero(np.append(np.True_, watch[1:] != watch[:-1]))
        lengths = np.diff(np.append(begins, len(rows)))
        nth = np.arange(len(rows)) - np.repeat(begins, lengths)
        # All first observations, then all second ones: within a round each watch comes once.
        rows = rows[np.argsort(nth, kind="stable")]
        rounds = np.split(rows, np.cumsum(np.bincount(nth))[:-1])
        found = [_act(state, seen, some, terms) for some in rounds]
    last = np.flatnonzero(np.append(seen.watch[1:] != seen.watch[:-1], np.True_))[: len(seen.watch)]
    state.seen_us[seen.watch[last]] = np.maximum(state.seen_us[seen.watch[last]], seen.event_time_us[last])
    return state, _in_order(found)


def tick(
    state: AlertsState, now_us: int, terms: Terms, listening_since_us: int = 0
) -> tuple[AlertsState, Transitions]:
    """Notice silence: what fires becomes stale, what pends is forgotten.

    listening_since_us: nobody listened before, so there was no silence before.
    """
    waiting = np.flatnonzero((state.state == _PENDING) | (state.state == _FIRING)).astype(np.int32)
    quiet_us = now_us - np.maximum(state.seen_us[waiting], listening_since_us)
    watch = waiting[quiet_us > terms.silent_us[waiting]]
    before = state.state[watch]
    after = _TABLE[before, Seen.SILENT]
    state.state[watch] = after
    at_us = state.seen_us[watch] + terms.silent_us[watch]
    told = (before == _FIRING) & (after == _STALE)
    value = np.where(state.clear_us[watch] == NEVER_US, state.breach_value[watch], state.clear_value[watch])
    rows = _rows(state, watch, (before, after), at_us, (value, state.breach_limit[watch]))
    return state, _in_order([_chosen(rows, told)])


def _act(state: AlertsState, seen: Observations, rows: I64, terms: Terms) -> Transitions:
    """One observation of each of several watches."""
    watch, at_us, value = seen.watch[rows], seen.event_time_us[rows], seen.value[rows]
    breach, late = seen.breach[rows], seen.late[rows]
    before = state.state[watch]
    seen_us = state.seen_us[watch]
    # Across a silence nobody knows that the breach lasted: it begins anew.
    silent = (seen_us != NEVER_US) & (at_us - seen_us > terms.silent_us[watch])
    begins = (before <= _RESOLVED) | ((before == _PENDING) & silent)
    since_us = np.where(begins, at_us, state.since_us[watch])
    waste = seen.waste[rows]
    so_far = np.where(begins, np.nan, state.waste[watch])
    waste = np.where(np.isnan(waste), so_far, waste + np.where(np.isnan(so_far), 0.0, so_far))

    clear = seen.clear[rows] & ~breach
    first_clear = clear & (state.clear_us[watch] == NEVER_US)
    clear_us = np.where(clear, np.where(first_clear, at_us, state.clear_us[watch]), NEVER_US)
    held = (at_us - since_us >= terms.for_us[watch]) & ~terms.held_back[watch]
    kept = at_us - clear_us < terms.keep_us[watch]
    what = np.where(
        breach,
        np.where(held, Seen.HELD, Seen.BREACH),
        np.where(clear, np.where(kept, Seen.KEPT, Seen.CLEAR), Seen.BETWEEN),
    )
    after = _TABLE[before, what]
    fires = (after == _FIRING) & (before <= _PENDING)
    goes_on = (after == _FIRING) & (what <= Seen.BETWEEN) & ~late & ~fires & state.history[watch]

    state.state[watch], state.since_us[watch], state.seen_us[watch] = after, since_us, at_us
    state.fired_us[watch] = np.where(fires, at_us, state.fired_us[watch])
    state.history[watch] = np.where(fires, late, state.history[watch] & ~goes_on)
    state.breach_us[watch] = np.where(breach, at_us, state.breach_us[watch])
    state.breach_value[watch] = np.where(breach, value, state.breach_value[watch])
    state.breach_limit[watch] = np.where(breach, seen.limit[rows], state.breach_limit[watch])
    state.clear_value[watch] = np.where(clear, np.where(first_clear, value, state.clear_value[watch]), np.nan)
    state.clear_us[watch], state.waste[watch] = clear_us, waste
    told = (after != before) & ((after == _FIRING) | (before == _FIRING) | (before == _STALE)) | goes_on
    return _chosen(_rows(state, watch, (before, after), at_us, (value, seen.limit[rows])), told)


def _rows(
    state: AlertsState, watch: I32, moved: tuple[U8, U8], at_us: I64, seen: tuple[F64, F64]
) -> Transitions:
    return Transitions(
        watch,
        *moved,
        at_us,
        *seen,
        state.since_us[watch],
        state.fired_us[watch],
        state.history[watch],
        state.waste[watch],
        state.breach_us[watch],
        state.breach_value[watch],
        state.breach_limit[watch],
        state.clear_us[watch],
        state.clear_value[watch],
    )


def _chosen(rows: Transitions, which: Mask | I64) -> Transitions:
    return Transitions(*(getattr(rows, column.name)[which] for column in fields(Transitions)))


def _in_order(found: list[Transitions]) -> Transitions:
    if not found:
        nothing, none = AlertsState.empty(0), np.empty(0)
        nobody = np.empty(0, np.int32)
        return _rows(nothing, nobody, (nothing.state, nothing.state), nothing.seen_us, (none, none))
    joined = Transitions(
        *(np.concatenate([getattr(rows, column.name) for rows in found]) for column in fields(Transitions))
    )
    return _chosen(joined, np.argsort(joined.at_us, kind="stable"))
