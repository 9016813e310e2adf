"""A rule on silence over a long history: looks at the times at which the present would have seen news.

In: times of receipt, a stretch at a time. What is seen at each look is analytics.silence's, what
alerts do of it is analytics.alerts'. Where nobody listened there is no look, and silence counts
from when somebody did again.
"""

from dataclasses import dataclass, field, fields, replace

import numpy as np

from analytics.alerts import STATES
from analytics.counters import NEVER_US
from analytics.gateways import Gateways
from analytics.replay import Episodes, Held, Replay, never_held
from analytics.silence import SilenceWatches, observe_silence
from analytics.silence_looks import Gaps, looks
from analytics.silence_moments import Moments, Stretch, edges_us
from core.alerts import AlertState
from core.batch import F64, I32, I64, Mask
from core.receipts import Receipts

_FIRING, _RESOLVED = STATES.index(AlertState.FIRING), STATES.index(AlertState.RESOLVED)


@dataclass(slots=True)
class SilenceReplay:
    """The watches of one rule, from start_us to to_us; what is told and counted is from counted_from_us on.

    heard_us: by device number, the last receipt before start_us, 0 for never. held: whether watches
    may not fire, and held_edges_us when that changes. deaf: (n, 2), when nobody listened, ascending.
    looked: how often it has looked.
    """

    watches: SilenceWatches
    start_us: int
    to_us: int
    counted_from_us: int
    heard_us: I64
    held: Held = never_held
    held_edges_us: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    deaf: I64 = field(default_factory=lambda: np.empty((0, 2), np.int64))
    replay: Replay = field(init=False)
    looked: int = 0
    _gateways: Gateways = field(init=False)
    _moments: Moments = field(init=False)
    _line: I32 = field(init=False)
    _later_us: I64 = field(init=False)
    _silent_since: dict[tuple[int, int], int] = field(default_factory=dict)
    _heard_again: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        behind = self.watches.behind
        self.replay = Replay(self.watches.terms(), self.start_us, self.held)
        self.replay.seen.highest[:] = 0.0
        self._moments = Moments.of(self.watches)
        self._line = np.full(len(self.heard_us), -1, np.int32)
        self._line[behind.device] = behind.at
        self._gateways = Gateways.of(behind)
        self._gateways.heard_us = self._newest_us()
        edges = edges_us(self.watches, self.start_us, self.to_us)
        self._later_us = np.concatenate([[self.start_us], self.held_edges_us, edges])

    def hear(self, received: Receipts, start_us: int, end_us: int) -> None:
        """Look at a stretch, given all that was received in it."""
        gaps = Gaps.of(received.device, received.at_us, self.heard_us, end_us)
        behind = self._line[received.device] >= 0
        # What is behind a gateway is one line, on which nothing comes twice at one time.
        together = Receipts.of(self._line[received.device[behind]], received.at_us[behind])
        union = Gaps.of(together.device, together.at_us, self._newest_us(), end_us)
        self._count(gaps, union, start_us)

        stretch = Stretch(start_us, end_us, gaps, union, self.heard_us, self._gateways, self.deaf)
        wanted = self._moments.of_stretch(stretch)
        single_us = np.concatenate([*wanted.single_us, self._later_us])
        at_us = looks(np.concatenate(wanted.spans), single_us, start_us, end_us)
        for begin_us, until_us in self.deaf.tolist():
            at_us = at_us[(at_us <= begin_us) | (at_us >= until_us)]
        self._look(at_us, received, union)

        self._later_us = np.unique(single_us[single_us >= end_us])
        self.heard_us[received.device] = received.at_us
        self._gateways.heard_us = np.maximum(self._gateways.heard_us, self._newest_us())

    def end(self) -> Episodes:
        """Alerts, by watch, then time; what was open before counted_from_us begins there.

        peak: how long nothing was heard, in seconds; silent_us: how much of that was after it fired.
        """
        self._count_end()
        found = self.replay.end(self.to_us)
        keys = list(zip(found.watch.tolist(), found.since_us.tolist(), strict=True))
        last_us = np.array([self._silent_since[key] for key in keys], np.int64)
        clear_us = np.array([self._heard_again.get(key, NEVER_US) for key in keys], np.int64)
        going = found.ended_us == NEVER_US
        clear_us[going] = self.replay.state.clear_us[found.watch[going]]
        until_us = np.where(clear_us == NEVER_US, self.to_us, clear_us)
        first_us = self.counted_from_us
        found = replace(
            found,
            since_us=np.maximum(found.since_us, first_us),
            fired_us=np.maximum(found.fired_us, first_us),
            live_us=np.maximum(found.live_us, first_us),
            silent_us=np.maximum(until_us - np.maximum(found.fired_us, first_us), 0),
            peak=(until_us - last_us) / 1e6,
        )
        rows = np.flatnonzero(going | (found.ended_us > first_us))
        return Episodes(*(getattr(found, column.name)[rows] for column in fields(Episodes)))

    def _look(self, at_us: I64, received: Receipts, union: Gaps) -> None:
        """Look at each of the times, having heard what was received until then."""
        heard = np.searchsorted(received.at_us, at_us, "right").tolist()
        steps = union.take(union.ends)
        steps = steps.take(np.argsort(steps.to_us, kind="stable"))
        stepped = np.searchsorted(steps.to_us, at_us, "right").tolist()
        before_us = np.zeros(len(self._gateways.heard_us), np.int64)
        i = k = 0
        for now_us, j, m in zip(at_us.tolist(), heard, stepped, strict=True):
            self.heard_us[received.device[i:j]] = received.at_us[i:j]
            # Between two looks a gateway's last pause alone can be a long one.
            before_us[steps.line[k:m]] = steps.from_us[k:m]
            self._gateways.heard_us = np.maximum(self._gateways.heard_us, before_us)
            i, k = j, m
            self._see(now_us)
        self.looked += len(at_us)

    def _see(self, now_us: int) -> None:
        deaf_until_us = self.deaf[self.deaf[:, 1] <= now_us, 1]
        seen = observe_silence(
            self.watches,
            self._gateways,
            self.heard_us,
            self.replay.state,
            listening_since_us=int(deaf_until_us.max(initial=0)),
            now_us=now_us,
        )
        if not len(seen.watch):
            return
        # What was silent before we began is so from the beginning.
        moved = self.replay.move(replace(seen, event_time_us=np.maximum(seen.event_time_us, self.start_us)))
        for row in np.flatnonzero((moved.after == _FIRING) | (moved.after == _RESOLVED)).tolist():
            key = int(moved.watch[row]), int(moved.since_us[row])
            if moved.after[row] == _RESOLVED:
                self._heard_again[key] = int(moved.clear_us[row])
            else:
                self._silent_since[key] = now_us - round(float(moved.value[row]) * 1e6)

    def _newest_us(self) -> I64:
        """When anything behind each gateway was heard last."""
        behind = self.watches.behind
        if not len(behind.gateways):
            return np.empty(0, np.int64)
        newest: I64 = np.maximum.reduceat(self.heard_us[behind.device], behind.first_of[:-1])
        return newest

    def _count(self, gaps: Gaps, union: Gaps, start_us: int) -> None:
        """What was seen of each watch: of a gateway, all that is behind it."""
        watch = self._moments.watch_of[gaps.line]
        mine = (watch >= 0) & ~self._moments.is_gateway[gaps.line]
        self._note(watch[mine], gaps.take(mine), start_us)
        self._note(self._moments.watch_of[self.watches.behind.gateways][union.line], union, start_us)

    def _note(self, watch: I32, gaps: Gaps, start_us: int) -> None:
        seen, size = self.replay.seen, len(self.watches)
        received = gaps.from_us >= max(start_us, self.counted_from_us)
        seen.count[:] += np.bincount(watch[received], minlength=size)
        counted = gaps.ends & (gaps.to_us >= self.counted_from_us)
        watch = watch[counted]
        gap_us, covered_us = self._heard(watch, gaps.from_us[counted], gaps.to_us[counted])
        np.add.at(seen.covered_us, watch, covered_us)
        np.maximum.at(seen.highest, watch, gap_us / 1e6)

    def _count_end(self) -> None:
        """What is seen from the last receipt of each watch to the end."""
        device = self.watches.device
        last_us = self.heard_us[device].copy()
        itself = self._line[device[self._moments.is_gateway[device]]]
        last_us[self._moments.is_gateway[device]] = self._newest_us()[itself]
        watch = np.flatnonzero(last_us > 0).astype(np.int32)
        gap_us, covered_us = self._heard(watch, last_us[watch], np.full(len(watch), self.to_us))
        self.replay.seen.covered_us[watch] += covered_us
        self.replay.seen.highest[watch] = np.maximum(self.replay.seen.highest[watch], gap_us / 1e6)

    def _heard(self, watch: I32, from_us: I64, to_us: I64) -> tuple[F64, I64]:
        """Of each gap its length and how much of it counts as heard; what nobody listened to is left out."""
        if len(self.deaf):
            at = np.searchsorted(self.deaf[:, 1], to_us, "right") - 1
            from_us = np.maximum(from_us, np.where(at >= 0, self.deaf[at, 1], 0))
        gap_us = to_us - from_us
        short: Mask = gap_us <= self._moments.usual_limit_us[watch]
        covered_us = np.where(short, to_us - np.maximum(from_us, self.counted_from_us), 0)
        return gap_us.astype(np.float64), np.maximum(covered_us, 0)
