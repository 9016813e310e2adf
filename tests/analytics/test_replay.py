"""A replay tells what the engine tells of the same observations, and when it would have noticed silence."""

from itertools import pairwise

import numpy as np
import pytest

from analytics.alerts import STATES, AlertsState, Observations, Terms, step, tick
from analytics.counters import NEVER_US
from analytics.replay import Replay

S = 1_000_000
SILENT_S = 180


def terms(watches=1, for_s=0, keep_s=0):
    columns = [np.full(watches, one * S, np.int64) for one in (for_s, keep_s, SILENT_S)]
    return Terms(*columns, np.zeros(watches, np.bool_))


def observations(*rows, limit=100.0, clear=90.0):
    """Rows (watch, second, value), ordered by watch and time."""
    watch, second, value = zip(*sorted(rows), strict=True)
    value = np.array(value, np.float64)
    size = len(value)
    return Observations(
        np.array(watch, np.int32),
        np.array(second, np.int64) * S,
        value,
        np.full(size, limit),
        value > limit,
        value <= clear,
        np.zeros(size, np.bool_),
        np.where(value > limit, value - limit, np.nan),
    )


def told(found):
    """(watch, since, fired, ended, state, silent) in seconds; ended None if open."""
    return [
        (
            int(found.watch[row]),
            int(found.since_us[row]) // S,
            int(found.fired_us[row]) // S,
            None if found.ended_us[row] == NEVER_US else int(found.ended_us[row]) // S,
            STATES[found.state[row]].value,
            int(found.silent_us[row]) // S,
        )
        for row in range(len(found))
    ]


def replayed(given, *stretches, to_s=10_000):
    replay = Replay(given, 0)
    for one in stretches:
        replay.see(one)
    return replay, replay.end(to_s * S)


def every_minute(watch, first_s, values):
    return [(watch, first_s + 60 * at, value) for at, value in enumerate(values)]


def test_an_episode_is_told_with_its_peak_its_limit_and_its_waste():
    rows = every_minute(0, 0, [50, 110, 170, 120, 95, 90, 50])
    _, found = replayed(terms(for_s=60), observations(*rows), to_s=360)
    assert told(found) == [(0, 60, 120, 300, "resolved", 0)]
    assert (found.peak[0], found.limit[0], found.waste[0]) == (170, 100, 100)


def test_what_falls_silent_goes_stale_when_it_would_have_and_comes_back():
    rows = [*every_minute(0, 0, [150, 150]), *every_minute(0, 1060, [150, 50])]
    _, found = replayed(terms(), observations(*rows), to_s=1150)
    assert told(found) == [(0, 0, 0, 1120, "resolved", 1060 - 60 - SILENT_S)]


def test_what_is_silent_at_the_end_is_stale_and_open():
    _, found = replayed(terms(), observations(*every_minute(0, 0, [150, 150])), to_s=1000)
    assert told(found) == [(0, 0, 0, None, "stale", 1000 - 60 - SILENT_S)]


def test_what_fires_at_the_end_is_open_and_not_stale():
    _, found = replayed(terms(), observations(*every_minute(0, 0, [150, 150])), to_s=120)
    assert told(found) == [(0, 0, 0, None, "firing", 0)]
    assert found.waste[0] == 100


def test_a_breach_does_not_last_across_a_silence():
    rows = [(0, 0, 150), (0, 600, 150), (0, 660, 150), (0, 720, 50)]
    _, found = replayed(terms(for_s=60), observations(*rows))
    assert told(found) == [(0, 600, 660, 720, "resolved", 0)]


def test_a_silence_of_one_is_none_of_another():
    steady = every_minute(1, 0, [150] * 20 + [50])
    rows = [*every_minute(0, 0, [150, 150]), *every_minute(0, 1060, [150, 50]), *steady]
    _, found = replayed(terms(2), observations(*rows), to_s=1300)
    assert told(found) == [
        (0, 0, 0, 1120, "resolved", 1060 - 60 - SILENT_S),
        (1, 0, 0, 1200, "resolved", 0),
    ]


def test_the_highest_and_lowest_of_each_watch_and_how_long_it_was_heard_are_kept():
    rows = [*every_minute(0, 0, [10, 30, 20]), *every_minute(0, 1000, [5]), *every_minute(1, 0, [7])]
    replay, _ = replayed(terms(3), observations(*rows))
    assert replay.seen.count.tolist() == [4, 1, 0]
    assert replay.seen.covered_us.tolist() == [120 * S, 0, 0]
    assert replay.seen.highest[:2].tolist() == [30, 7]
    assert replay.seen.lowest[:2].tolist() == [5, 7]


@pytest.mark.parametrize("seed", range(8))
def test_stretches_of_any_length_tell_what_the_engine_tells_step_by_step(seed):
    """The engine, given one time after the other and asked for silence every ten seconds, is the judge."""
    rng = np.random.default_rng(seed)
    watches, size = 3, 60
    given = terms(watches, for_s=int(rng.choice([0, 90])), keep_s=int(rng.choice([0, 100, 300])))
    rows = []
    for watch in range(watches):
        second = np.cumsum(rng.choice([30, 60, 60, 60, 400], size))
        values = np.repeat(rng.choice([50, 95, 150], size), rng.integers(1, 5, size))[:size]
        rows += [(watch, int(at), float(value)) for at, value in zip(second, values, strict=True)]
    end_s = max(second for _, second, _ in rows) + 1000
    cuts = sorted(rng.integers(0, end_s, 3).tolist())
    bounds = [0, *cuts, end_s]
    stretches = [
        observations(*part)
        for low, high in pairwise(bounds)
        if (part := [row for row in rows if low <= row[1] < high])
    ]
    _, found = replayed(given, *stretches, to_s=end_s)
    assert told(found) == by_the_second(given, rows, end_s)


def by_the_second(given, rows, end_s):
    state, moves = AlertsState.empty(len(given.for_us)), []
    at = {}
    for row in rows:
        at.setdefault(row[1], []).append(row)
    for second in range(0, end_s + 1, 10):
        state, moved = tick(state, second * S, given)
        moves.append(moved)
        if second in at:
            state, moved = step(state, observations(*at[second]), given)
            moves.append(moved)
    episodes = {}
    for moved in moves:
        for row in range(len(moved)):
            key = int(moved.watch[row]), int(moved.since_us[row]) // S
            second, after = int(moved.at_us[row]) // S, STATES[moved.after[row]].value
            one = episodes.setdefault(key, [*key, second, None, "firing", 0])
            if STATES[moved.before[row]].value == "stale":
                one[5] += second
            if after == "stale":
                one[5] -= second
            one[4] = after
            if after == "resolved":
                one[3] = second
    for one in episodes.values():
        one[5] += end_s if one[4] == "stale" else 0
    return [tuple(episodes[key]) for key in sorted(episodes)]
