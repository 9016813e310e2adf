"""When a rule on silence may have something new to say, by what was received and what was not."""

from dataclasses import dataclass, field

import numpy as np

from analytics.gateways import Gateways
from analytics.segments import GAP_FACTOR
from analytics.silence import SilenceWatches
from analytics.silence_looks import Gaps, Times
from core.batch import BASE_US, I32, I64, Mask


def edges_us(watches: SilenceWatches, from_us: int, to_us: int) -> I64:
    """When devices come into use and go out of it, and hours begin and end, and what follows from that."""
    device = watches.device
    used_us = np.concatenate([watches.used_from_us[device], watches.used_to_us[device]])
    used_us = np.unique(used_us[(used_us > from_us) & (used_us < to_us)])
    lasting_us = np.unique(np.concatenate([[0], watches.for_us, watches.keep_us]))
    # What was overdue just before is looked at while it is in use, or stands for itself.
    edges = np.concatenate([used_us - 1, used_us, _hours(watches, from_us, to_us)])
    found: I64 = (edges[:, None] + lasting_us[None, :]).ravel()
    return found


def _hours(watches: SilenceWatches, from_us: int, to_us: int) -> I64:
    """When the hours of any watch begin or end: on quarter hours."""
    hours = watches.hours
    if not hours.schedules:
        return np.empty(0, np.int64)
    kinds = np.stack([hours.active.astype(np.int64), hours.schedule])
    _, examples = np.unique(kinds, axis=1, return_index=True)
    slots_us = np.arange(-(-from_us // BASE_US), -(-to_us // BASE_US), dtype=np.int64) * BASE_US
    found = [np.empty(0, np.int64)]
    for watch in examples.tolist():
        holds = hours.hold(np.full(len(slots_us), watch, np.int32), slots_us)
        found.append(slots_us[1:][holds[1:] != holds[:-1]])
    return np.unique(np.concatenate(found))


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was received from start_us to before end_us, and what was known at its beginning.

    gaps: by device; union: by gateway, of all that is behind it. heard_us: by device number.
    deaf: (n, 2), when nobody listened.
    """

    start_us: int
    end_us: int
    gaps: Gaps
    union: Gaps
    heard_us: I64
    gateways: Gateways
    deaf: I64


@dataclass(slots=True)
class Wanted:
    """Spans with a look in each, and single times to look at; without the times at which nobody listened."""

    deaf: I64
    spans: list[I64] = field(default_factory=lambda: [np.empty((0, 2), np.int64)])
    single_us: list[I64] = field(default_factory=lambda: [np.empty(0, np.int64)])

    def between(self, first_us: I64, last_us: I64) -> None:
        """Look once from first_us to last_us, both inside; not at all where there is nothing between."""
        for begin_us, until_us in self.deaf.tolist():
            last_us = np.where(first_us <= begin_us, np.minimum(last_us, begin_us), last_us)
            first_us = np.where((first_us > begin_us) & (first_us < until_us), until_us, first_us)
        self.spans.append(np.stack([first_us, last_us], axis=1)[first_us <= last_us])

    def once(self, at_us: I64) -> None:
        """Look at these times."""
        self.single_us.append(at_us)


@dataclass(frozen=True, slots=True)
class Moments:
    """Finds when to look at the watches of one rule.

    By device number: watch_of (-1: none), is_gateway. limits_us: by gateway, each of the limits
    that it may have. usual_limit_us: by watch, what it is as a rule.
    """

    watches: SilenceWatches
    watch_of: I32
    is_gateway: Mask
    limits_us: list[I64]
    usual_limit_us: I64

    @classmethod
    def of(cls, watches: SilenceWatches) -> "Moments":
        """Look up what holds for the whole history."""
        behind, size = watches.behind, len(watches.gateway)
        watch_of = np.full(size, -1, np.int32)
        watch_of[watches.device] = np.arange(len(watches), dtype=np.int32)
        is_gateway = np.zeros(size, np.bool_)
        is_gateway[behind.gateways] = True
        own = watch_of[behind.gateways]
        limits_us = [
            np.maximum(np.round(watches.factor[own] * one).astype(np.int64), watches.minimum_us[own])
            for one in np.unique(behind.expected_us[behind.device]).tolist()
        ]
        usual_us = watches.limit_us.copy()
        for at, watch in enumerate(own.tolist()):
            device = behind.device[behind.first_of[at] : behind.first_of[at + 1]]
            middle_us = float(np.median(behind.expected_us[device]))
            usual_us[watch] = max(int(usual_us[watch]), round(watches.factor[watch] * middle_us))
        return cls(watches, watch_of, is_gateway, limits_us, usual_us)

    def of_stretch(self, stretch: Stretch) -> Wanted:
        """When to look in a stretch, and after it."""
        wanted = Wanted(stretch.deaf)
        pauses = self._of_gateways(stretch, wanted)
        self._of_devices(stretch, pauses, wanted)
        return wanted

    def _of_devices(self, stretch: Stretch, pauses: Gaps, wanted: Wanted) -> None:
        """Those of devices that are no gateways; pauses: those of gateways that have ended."""
        union, start_us = stretch.union, stretch.start_us
        inside = union.from_us >= start_us
        spoken = Times.of(union.line[inside], union.from_us[inside], start_us - 1)
        pause_ends = Times.of(pauses.line, pauses.to_us, start_us - 1)
        found = self._long(stretch)
        watch, gateway = self.watch_of[found.line], self._gateway_of(found.line)

        # Silence counts from the last receipt, or when we or its gateway could be heard again.
        row, base_us = _bases(found, stretch.deaf)
        behind = np.flatnonzero(gateway >= 0)
        more, ends_us = pause_ends.between(gateway[behind], found.from_us[behind], found.to_us[behind])
        known = stretch.gateways
        alive_us = np.maximum(known.alive_since_us[gateway[behind]], known.chance_us[found.line[behind]])
        row = np.concatenate([row, behind[more], behind])
        base_us = np.concatenate([base_us, ends_us, np.maximum(alive_us, found.from_us[behind])])
        due_us = base_us + self.watches.limit_us[watch[row]]

        alone = self._stands_alone(gateway[row])
        self._silent(found, row[alone], due_us[alone], due_us[alone] + 1, wanted)
        # What is behind a gateway is silent when something else behind that has spoken.
        row, due_us = row[gateway[row] >= 0], due_us[gateway[row] >= 0]
        proof_us = spoken.after(gateway[row], due_us)
        wanted.between(proof_us, np.minimum(found.to_us[row], pause_ends.after(gateway[row], proof_us)) - 1)
        self._silent(found, row, due_us, proof_us, wanted)

        back = found.take(found.ends)
        watch = self.watch_of[back.line]
        limit_us, keep_us = self.watches.limit_us[watch], self.watches.keep_us[watch]
        wanted.between(back.to_us, np.minimum(back.then_us, back.to_us + limit_us) - 1)
        wanted.once((back.to_us + keep_us)[keep_us > 0])

    def _silent(self, found: Gaps, row: I64, due_us: I64, from_us: I64, wanted: Wanted) -> None:
        """A silence that is due, seen from from_us on, fires then or when it has lasted."""
        to_us = found.to_us[row]
        for_us = self.watches.for_us[self.watch_of[found.line[row]]]
        wanted.between(from_us, to_us - 1)
        wanted.once(np.maximum(from_us, due_us + for_us)[(for_us > 0) & (from_us < to_us)])

    def _of_gateways(self, stretch: Stretch, wanted: Wanted) -> Gaps:
        """Those of gateways themselves; returns the pauses that have ended."""
        behind, end_us = self.watches.behind, stretch.end_us
        used_us = self.watches.used_from_us[behind.gateways]
        begun = np.append(stretch.union.line, np.flatnonzero(stretch.gateways.heard_us > 0))
        never = np.setdiff1d(np.flatnonzero((used_us >= 0) & (used_us < end_us)), begun).astype(np.int32)
        union = _with(stretch.union, never, used_us[never], end_us)
        long = union.take(union.length_us() > behind.shortest_us[union.line])
        shortest_us = behind.shortest_us[long.line]
        watch = self.watch_of[behind.gateways][long.line]
        wanted.between(long.from_us + shortest_us + 1, long.to_us - 1)
        row, base_us = _bases(long, stretch.deaf)
        for_us = self.watches.for_us[watch[row]]
        for limits_us in self.limits_us:
            due_us = base_us + limits_us[long.line[row]]
            wanted.between(due_us + 1, long.to_us[row] - 1)
            wanted.once((due_us + for_us)[(for_us > 0) & (due_us < long.to_us[row])])
        keep_us = self.watches.keep_us[watch]
        until_us = np.minimum(long.then_us, long.to_us + shortest_us) - 1
        wanted.between(long.to_us[long.ends], until_us[long.ends])
        wanted.once((long.to_us + keep_us)[long.ends & (keep_us > 0)])
        return long.take(long.ends & (long.length_us() > GAP_FACTOR * shortest_us))

    def _long(self, stretch: Stretch) -> Gaps:
        """Gaps beyond the limits of devices that are watched, gateways aside; and of those never heard."""
        gaps, end_us = stretch.gaps, stretch.end_us
        watch = self.watch_of[gaps.line]
        mine = (watch >= 0) & ~self.is_gateway[gaps.line]
        mine &= gaps.length_us() > self.watches.limit_us[watch]
        device = self.watches.device
        used_us = self.watches.used_from_us[device]
        unheard = device[(used_us >= 0) & (used_us < end_us) & (stretch.heard_us[device] == 0)]
        unheard = unheard[~self.is_gateway[unheard]].astype(np.int32)
        first = np.full(len(self.watch_of), end_us, np.int64)
        np.minimum.at(first, gaps.line, gaps.from_us)
        waiting = _with(gaps.take(mine), unheard, self.watches.used_from_us[unheard], end_us)
        never = np.arange(len(waiting.line)) >= mine.sum()
        to_us = np.where(never, np.minimum(waiting.to_us, first[waiting.line]), waiting.to_us)
        ends = waiting.ends | (never & (to_us < end_us))
        then_us = np.where(never & ends, to_us + 1, waiting.then_us)
        return Gaps(waiting.line, waiting.from_us, to_us, then_us, ends)

    def _gateway_of(self, device: I32) -> I32:
        """Index of the gateway that each device is behind, -1 for none."""
        gateway = self.watches.gateway[device]
        at = np.searchsorted(self.watches.behind.gateways, gateway)
        found: I32 = np.where(gateway >= 0, at, -1).astype(np.int32)
        return found

    def _stands_alone(self, gateway: I32) -> Mask:
        """Whether devices stand for themselves: behind no gateway, or one that is not always in use."""
        number = self.watches.behind.gateways
        limited = (self.watches.used_from_us[number] >= 0) | (self.watches.used_to_us[number] < 2**61)
        alone: Mask = np.append(limited, np.True_)[gateway]
        return alone


def _bases(gaps: Gaps, deaf: I64) -> tuple[I64, I64]:
    """(row, time) that silence may count from: the last receipt, or when somebody listened again."""
    rows, times = [np.arange(len(gaps.line))], [gaps.from_us]
    for until_us in deaf[:, 1].tolist():
        within = np.flatnonzero((gaps.from_us < until_us) & (gaps.to_us > until_us))
        rows.append(within)
        times.append(np.full(len(within), until_us, np.int64))
    return np.concatenate(rows), np.concatenate(times)


def _with(gaps: Gaps, line: I32, from_us: I64, end_us: int) -> Gaps:
    """Gaps, and more that last to the end of the stretch."""
    end = np.full(len(line), end_us, np.int64)
    return Gaps(
        np.append(gaps.line, line).astype(np.int32),
        np.append(gaps.from_us, from_us),
        np.append(gaps.to_us, end),
        np.append(gaps.then_us, end),
        np.append(gaps.ends, np.zeros(len(line), np.bool_)),
    )
