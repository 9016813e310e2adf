"""A rule's watches over a long history: the same table as ever, and the episodes that it gives.

In: observations in order of time, a stretch at a time. Out: every alert that would have been,
as columns. What falls silent between two observations goes stale as it would have then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

import numpy as np

from analytics.alerts import STATES, AlertsState, Observations, Terms, Transitions, step, tick
from analytics.counters import NEVER_US
from core.alerts import AlertState
from core.batch import F64, I32, I64, U8, Mask

_SPAN_BITS = 45
LONGEST_US = 1 << _SPAN_BITS
"""407 days: a watch and a time within the history are one key of 63 bits."""

_PENDING, _FIRING, _STALE, _RESOLVED = (
    STATES.index(state)
    for state in (AlertState.PENDING, AlertState.FIRING, AlertState.STALE, AlertState.RESOLVED)
)
_NEVER_SILENT_US = np.iinfo(np.int64).max // 2


@dataclass(frozen=True, slots=True)
class Episodes:
    """Alerts, by watch, then time. ended_us: NEVER_US if open; state: index into STATES at the end.

    silent_us: how long of it the watch was stale. peak, limit: the value in breach that was
    farthest from the limit of its time. history: it fired on late observations and never reached the present.
    live_us: since when it has been in the present; NEVER_US if never.
    """

    watch: I32
    since_us: I64
    fired_us: I64
    ended_us: I64
    state: U8
    silent_us: I64
    peak: F64
    limit: F64
    waste: F64
    history: Mask
    live_us: I64

    def __len__(self) -> int:
        return len(self.watch)


@dataclass(slots=True)
class Seen:
    """What was seen of each watch: how often, how long without a silence, and its extremes."""

    count: I64
    covered_us: I64
    lowest: F64
    highest: F64


Held = Callable[[I32, I64], Mask]
"""Whether watches may not fire at times: inhibited."""


def never_held(watch: I32, _: I64) -> Mask:
    """Nothing is inhibited."""
    return np.zeros(len(watch), np.bool_)


@dataclass(slots=True)
class Replay:
    """State of watches that began with nothing at from_us."""

    terms: Terms
    from_us: int
    held: Held = never_held
    state: AlertsState = field(init=False)
    seen: Seen = field(init=False)
    _moves: list[Transitions] = field(default_factory=list)
    _peaks: list[tuple[I64, F64, F64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = len(self.terms.for_us)
        self.state = AlertsState.empty(size)
        self.seen = Seen(
            np.zeros(size, np.int64), np.zeros(size, np.int64), np.full(size, np.inf), np.full(size, -np.inf)
        )

    def see(self, seen: Observations) -> None:
        """Act on a stretch of observations, all of them later than those before."""
        if not len(seen.watch):
            return
        self._note(seen)
        held = self.held(seen.watch, seen.event_time_us)
        after, silent = self._parts(seen, held)
        open_before = self._open()
        moves = []
        for number in range(int(after.max()) + 1):
            rows = np.flatnonzero(after == number)
            part = _taken(seen, rows)
            if silent[rows].any():
                moves.append(self._notice(_taken(seen, rows[silent[rows]])))
            moves.append(self._step(_taken(part, _eventful(part, self.terms)), part.watch[held[rows]]))
            last = np.flatnonzero(_begins(part.watch[::-1])[::-1])
            self.state.seen_us[part.watch[last]] = part.event_time_us[last]
        self._moves += moves
        self._peak(seen, open_before, moves)

    def move(self, seen: Observations) -> Transitions:
        """Act on one look at watches that are never stale, and note nothing else of it."""
        held = self.held(seen.watch, seen.event_time_us)
        if held.any():
            after, _ = self._parts(seen, held)
            parts = [np.flatnonzero(after == number) for number in range(int(after.max()) + 1)]
            moved = _joined([self._step(_taken(seen, rows), seen.watch[rows][held[rows]]) for rows in parts])
        else:
            self.state, moved = step(self.state, seen, self.terms)
        self._moves.append(moved)
        fires = (moved.after == _FIRING) & (moved.before <= _PENDING)
        key = self._key(moved.watch[fires], moved.since_us[fires])
        self._peaks.append((key, moved.value[fires], moved.limit[fires]))
        return moved

    def end(self, to_us: int) -> Episodes:
        """What became of everything until to_us."""
        self.state, moved = tick(self.state, to_us, self.terms)
        self._moves.append(moved)
        return self._episodes(to_us)

    def _step(self, seen: Observations, held: I32) -> Transitions:
        """Act on observations, while these watches are held back."""
        terms = self.terms
        if len(held):
            held_back = np.zeros(len(terms.for_us), np.bool_)
            held_back[held] = True
            terms = replace(terms, held_back=held_back)
        self.state, moved = step(self.state, seen, terms)
        return moved

    def _parts(self, seen: Observations, held: Mask) -> tuple[I64, Mask]:
        """What may be one step, by its number in each watch: no silence in it, all held back or nothing.

        And which observations come after a silence.
        """
        silent = _silent(seen, self.state, self.terms)
        begins = _begins(seen.watch)
        breaks = silent | (~begins & np.append(np.False_, held[1:] != held[:-1]))
        so_far = np.cumsum(breaks)
        first = np.flatnonzero(begins)
        # The first observation of a watch breaks with what was before, if it comes after a silence.
        part: I64 = so_far - np.repeat((so_far - breaks)[first], np.diff(np.append(first, len(seen.watch))))
        return part, silent

    def _notice(self, back: Observations) -> Transitions:
        """Notice the silence of watches that are heard again now, as it would have been; of no others."""
        silent_us = np.full(len(self.terms.silent_us), _NEVER_SILENT_US)
        silent_us[back.watch] = self.terms.silent_us[back.watch]
        self.state, moved = tick(
            self.state, int(back.event_time_us.max()), replace(self.terms, silent_us=silent_us)
        )
        return moved

    def _note(self, seen: Observations) -> None:
        begins = np.flatnonzero(_begins(seen.watch))
        watch = seen.watch[begins]
        self.seen.count[watch] += np.diff(np.append(begins, len(seen.watch)))
        gap_us = seen.event_time_us - _before(seen, self.state)
        heard = np.where((gap_us > 0) & (gap_us <= self.terms.silent_us[seen.watch]), gap_us, 0)
        self.seen.covered_us[watch] += np.add.reduceat(heard, begins)
        lowest, highest = np.fmin.reduceat(seen.value, begins), np.fmax.reduceat(seen.value, begins)
        self.seen.lowest[watch] = np.fmin(self.seen.lowest[watch], lowest)
        self.seen.highest[watch] = np.fmax(self.seen.highest[watch], highest)

    def _key(self, watch: I32, time_us: I64) -> I64:
        key: I64 = (watch.astype(np.int64) << _SPAN_BITS) + (time_us - self.from_us)
        return key

    def _open(self) -> I64:
        """Keys of breaches that have begun and are not over."""
        watch = np.flatnonzero(self.state.state >= _PENDING).astype(np.int32)
        return self._key(watch, self.state.since_us[watch])

    def _peak(self, seen: Observations, open_before: I64, moves: list[Transitions]) -> None:
        """Of each breach of this stretch the value that is farthest from its limit."""
        fired = [self._key(one.watch, one.since_us) for one in moves]
        begun = np.unique(np.concatenate([open_before, self._open(), *fired]))
        row = np.flatnonzero(seen.breach)
        at = np.searchsorted(begun, self._key(seen.watch[row], seen.event_time_us[row]), "right") - 1
        mine = (at >= 0) & (begun[at] >> _SPAN_BITS == seen.watch[row])
        row, at = row[mine], at[mine]
        last = _farthest(at, seen.value[row], seen.limit[row])
        self._peaks.append((begun[at[last]], seen.value[row[last]], seen.limit[row[last]]))

    def _episodes(self, to_us: int) -> Episodes:
        moves = _joined(self._moves)
        key = self._key(moves.watch, moves.since_us)
        fires = (moves.after == _FIRING) & (moves.before != _FIRING) & (moves.before != _STALE)
        order = np.flatnonzero(fires)[np.argsort(key[fires], kind="stable")]
        of = key[order]
        size = len(of)
        ended_us, state = np.full(size, NEVER_US, np.int64), np.full(size, _FIRING, np.uint8)
        at = np.searchsorted(of, key)
        history, waste = moves.history[order].copy(), moves.waste[order].copy()
        silent_us = np.zeros(size, np.int64)
        begins, returns = moves.after == _STALE, moves.before == _STALE
        np.subtract.at(silent_us, at[begins], moves.at_us[begins])
        np.add.at(silent_us, at[returns], moves.at_us[returns])
        state[at[begins]] = _STALE
        state[at[returns]] = _FIRING
        # Stale and back come in turns: whoever is stale at the end has begun once more than come back.
        still = np.bincount(at[begins], minlength=size) > np.bincount(at[returns], minlength=size)
        state[still] = _STALE
        silent_us[still] += to_us
        over = moves.after == _RESOLVED
        ended_us[at[over]], state[at[over]], waste[at[over]] = moves.at_us[over], _RESOLVED, moves.waste[over]
        going = state != _RESOLVED
        waste[going] = self.state.waste[moves.watch[order][going]]
        live = (moves.before == _FIRING) & (moves.after == _FIRING)
        live_us = np.where(history, NEVER_US, moves.at_us[order])
        history[at[live]], live_us[at[live]] = False, moves.at_us[live]
        peak, limit = self._peaks_of(of) if size else (np.empty(0), np.empty(0))
        return Episodes(
            moves.watch[order],
            moves.since_us[order],
            moves.fired_us[order],
            ended_us,
            state,
            silent_us,
            peak,
            limit,
            waste,
            history,
            live_us,
        )

    def _peaks_of(self, key: I64) -> tuple[F64, F64]:
        """Peak and its limit of each episode; all of them have one, having fired on a breach."""
        of, value, limit = (np.concatenate(column) for column in zip(*self._peaks, strict=True))
        rows = _farthest(of, value, limit)
        rows = rows[np.searchsorted(of[rows], key)]
        return value[rows], limit[rows]


def _before(seen: Observations, state: AlertsState) -> I64:
    """When the watch of each observation saw the one before."""
    before_us = np.append(0, seen.event_time_us[:-1])
    return np.where(_begins(seen.watch), state.seen_us[seen.watch], before_us)


def _silent(seen: Observations, state: AlertsState, terms: Terms) -> Mask:
    """Which observations come after a silence of their watch."""
    before_us = _before(seen, state)
    silent: Mask = (before_us != NEVER_US) & (seen.event_time_us - before_us > terms.silent_us[seen.watch])
    return silent


def _eventful(seen: Observations, terms: Terms) -> I64:
    """Rows that can move their watch: all but those after it has been clear for as long as it is kept."""
    clear = seen.clear & ~seen.breach
    rows = np.arange(len(clear))
    begins = _begins(seen.watch) | ~np.append(np.False_, clear[:-1])
    run = np.maximum.accumulate(np.where(begins, rows, 0))
    kept_us = seen.event_time_us[run] + terms.keep_us[seen.watch]
    before_us = np.append(0, seen.event_time_us[:-1])
    return np.flatnonzero(seen.breach | (rows == run) | (before_us < kept_us))


def _begins(watch: I32 | I64) -> Mask:
    """The first row of each run."""
    return np.append(np.True_, watch[1:] != watch[:-1])[: len(watch)]


def _farthest(of: I64, value: F64, limit: F64) -> I64:
    """Of each key the row whose value is farthest from its limit, by key."""
    order = np.lexsort((np.abs(value - limit), of))
    last: I64 = order[np.append(of[order][1:] != of[order][:-1], np.True_)[: len(order)]]
    return last


def _taken(seen: Observations, rows: I64) -> Observations:
    return Observations(*(getattr(seen, column.name)[rows] for column in fields(Observations)))


def _joined(moves: list[Transitions]) -> Transitions:
    columns = (column.name for column in fields(Transitions))
    return Transitions(*(np.concatenate([getattr(one, name) for one in moves]) for name in columns))
