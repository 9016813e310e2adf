"""The alert engine: its table, its times, and that nothing depends on how a stream is cut into batches."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alerts import (
    STATES,
    TRANSITIONS,
    AlertsState,
    Observations,
    Seen,
    Terms,
    Transitions,
    step,
    tick,
)
from analytics.counters import NEVER_US
from core.alerts import AlertState

S = 1_000_000
LIMIT, CLEAR = 100.0, 90.0
INACTIVE, RESOLVED, PENDING, FIRING, STALE = STATES


class Engine:
    """One watch or several over values above LIMIT, fed with (seconds, value) or (watch, seconds, value)."""

    def __init__(self, for_s=60, keep_s=60, silent_s=180, watches=1):
        def columns(seconds):
            return np.full(watches, seconds * S, np.int64)

        self.terms = Terms(columns(for_s), columns(keep_s), columns(silent_s), np.zeros(watches, np.bool_))
        self.state = AlertsState.empty(watches)

    def feed(self, *rows, late=False):
        rows = sorted((row if len(row) == 3 else (0, *row)) for row in rows)
        watch, seconds, value = zip(*rows, strict=True)
        value, size = np.array(value, np.float64), len(rows)
        seen = Observations(
            np.array(watch, np.int32),
            np.array(seconds, np.int64) * S,
            value,
            np.full(size, LIMIT),
            value > LIMIT,
            value < CLEAR,
            np.full(size, late) if isinstance(late, bool) else np.array(late),
            np.where(value > LIMIT, value - LIMIT, np.nan),
        )
        self.state, found = step(self.state, seen, self.terms)
        return found

    def wait(self, seconds, listening_since_s=0):
        self.state, found = tick(self.state, seconds * S, self.terms, listening_since_s * S)
        return found

    def stands(self, watch=0):
        return STATES[self.state.state[watch]]


def story(found):
    return [
        (STATES[before].value, STATES[after].value, int(at_us) // S)
        for before, after, at_us in zip(found.before, found.after, found.at_us, strict=True)
    ]


def rows(found):
    columns = [getattr(found, column.name).tolist() for column in fields(Transitions)]
    return [repr(row) for row in zip(*columns, strict=True)]


HIGH, MIDDLE, LOW = 150.0, 95.0, 80.0

# How a watch gets into each state, with for_s=60 and keep_s=60; all end at second 200.
INTO = {
    INACTIVE: [(200, LOW)],
    RESOLVED: [(20, HIGH), (80, HIGH), (140, LOW), (200, LOW)],
    PENDING: [(200, HIGH)],
    FIRING: [(80, HIGH), (140, HIGH), (200, HIGH)],
    STALE: [(80, HIGH), (140, HIGH), (200, HIGH), None],
}

# What makes an observation be seen as such, in each state: rows that follow, the last being the one.
# A breach that is HELD has lasted for for_s; CLEAR is meant of a rule that keeps nothing.
THEN = {
    Seen.BREACH: [(210, HIGH)],
    Seen.HELD: [(270, HIGH)],
    Seen.BETWEEN: [(210, MIDDLE)],
    Seen.KEPT: [(210, LOW)],
    Seen.CLEAR: [(210, LOW)],
}


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("seen", list(Seen))
def test_every_cell_of_the_table_is_what_the_engine_does(before, seen):
    at_rest = before in (INACTIVE, RESOLVED)
    engine = Engine(for_s=60, keep_s=60)
    for row in INTO[before]:
        if row is None:
            engine.wait(500)
        else:
            engine.feed(row)
    assert engine.stands() is before
    if at_rest and seen is Seen.HELD:  # no breach of theirs has lasted yet
        engine.terms.for_us[:] = 0
    if seen is Seen.BREACH and before in (FIRING, STALE):
        engine.terms.held_back[:] = True
    if seen is Seen.CLEAR:
        engine.terms.keep_us[:] = 0
    if seen is Seen.SILENT:
        engine.wait(1_000)
    else:
        for row in THEN[seen]:
            engine.feed(row)
    assert engine.stands() is TRANSITIONS[before][seen]


def test_every_state_has_a_row_and_every_sight_a_column():
    assert list(TRANSITIONS) == list(STATES)
    assert set(STATES) == set(AlertState)
    assert {len(row) for row in TRANSITIONS.values()} == {len(Seen)}


def test_a_breach_fires_only_after_it_has_lasted():
    engine = Engine()
    assert story(engine.feed((0, HIGH), (30, HIGH))) == []
    found = engine.feed((60, HIGH))
    assert story(found) == [("pending", "firing", 60)]
    assert found.since_us.tolist() == [0]


def test_a_rule_without_duration_fires_at_once():
    assert story(Engine(for_s=0).feed((5, 101.0))) == [("inactive", "firing", 5)]


def test_an_alert_resolves_only_past_the_clear_threshold():
    engine = Engine(for_s=0, keep_s=0)
    engine.feed((0, HIGH))
    assert story(engine.feed((60, MIDDLE))) == []
    found = engine.feed((120, LOW))
    assert story(found) == [("firing", "resolved", 120)]
    assert found.clear_value.tolist() == [LOW]


def test_an_alert_goes_on_for_as_long_as_the_rule_keeps_it():
    engine = Engine(for_s=0, keep_s=60)
    engine.feed((0, HIGH))
    assert story(engine.feed((10, LOW), (60, LOW))) == []
    found = engine.feed((70, LOW))
    assert story(found) == [("firing", "resolved", 70)]
    assert found.clear_us.tolist() == [10 * S]


def test_flapping_within_the_kept_time_is_one_alert():
    engine = Engine(for_s=0, keep_s=60)
    flaps = [(at * 30, HIGH if at % 2 == 0 else LOW) for at in range(40)]
    assert story(engine.feed(*flaps)) == [("inactive", "firing", 0)]


def test_a_dip_below_the_threshold_starts_the_wait_again():
    engine = Engine()
    assert story(engine.feed((0, HIGH), (30, MIDDLE), (60, HIGH), (90, HIGH))) == []
    assert story(engine.feed((120, HIGH))) == [("pending", "firing", 120)]


def test_a_breach_across_a_silence_is_not_known_to_have_lasted():
    engine = Engine()
    engine.feed((0, HIGH))
    assert story(engine.feed((600, HIGH))) == []
    assert story(engine.feed((660, HIGH))) == [("pending", "firing", 660)]


def test_silent_while_firing_is_stale_and_never_resolved():
    engine = Engine(for_s=0)
    engine.feed((0, HIGH))
    assert story(engine.wait(180)) == []
    found = engine.wait(181)
    assert story(found) == [("firing", "stale", 180)]
    assert found.value.tolist() == [HIGH]
    assert story(engine.wait(100_000)) == []
    assert engine.stands() is STALE


def test_a_silence_of_ours_is_none_of_theirs():
    engine = Engine(for_s=0)
    engine.feed((0, HIGH))
    assert story(engine.wait(1_000, listening_since_s=900)) == []
    assert story(engine.wait(1_081, listening_since_s=900)) == [("firing", "stale", 180)]


def test_a_stale_alert_that_is_heard_again_goes_on_or_ends():
    for value, after in ((HIGH, "firing"), (LOW, "resolved")):
        engine = Engine(for_s=0, keep_s=0)
        engine.feed((0, HIGH))
        engine.wait(1_000)
        assert story(engine.feed((1_001, value))) == [("stale", after, 1_001)]


def test_older_readings_change_nothing():
    engine = Engine(for_s=0)
    engine.feed((100, LOW))
    assert story(engine.feed((50, HIGH), (100, HIGH))) == []
    assert engine.stands() is INACTIVE


def test_history_fires_an_alert_of_history_and_the_present_makes_it_live():
    engine = Engine(for_s=0)
    found = engine.feed((0, HIGH), (30, HIGH), late=True)
    assert (story(found), found.history.tolist()) == ([("inactive", "firing", 0)], [True])
    live = engine.feed((60, HIGH))
    assert (story(live), live.history.tolist()) == ([("firing", "firing", 60)], [False])
    assert story(engine.feed((90, HIGH))) == []


def test_history_that_ended_stays_history():
    engine = Engine(for_s=0, keep_s=0)
    found = engine.feed((0, HIGH), (60, LOW), late=True)
    assert [after for _, after, _ in story(found)] == ["firing", "resolved"]
    assert found.history.tolist() == [True, True]


def test_what_fired_in_the_present_is_not_made_history_by_late_readings():
    engine = Engine(for_s=0)
    engine.feed((0, HIGH))
    assert story(engine.feed((60, HIGH), late=True)) == []
    assert engine.state.history.tolist() == [False]


def test_a_watch_that_is_held_back_fires_when_it_is_let_go():
    engine = Engine(for_s=0)
    engine.terms.held_back[:] = True
    assert story(engine.feed((0, HIGH), (60, HIGH))) == []
    engine.terms.held_back[:] = False
    found = engine.feed((120, HIGH))
    assert story(found) == [("pending", "firing", 120)]
    assert found.since_us.tolist() == [0]


def test_waste_is_summed_over_the_episode():
    engine = Engine(for_s=60, keep_s=0)
    found = engine.feed((0, 110.0), (30, 120.0), (60, 130.0))
    assert found.waste.tolist() == [60.0]
    assert engine.feed((90, 140.0), (120, LOW)).waste.tolist() == [100.0]
    engine.feed((150, 101.0))
    assert engine.state.waste.tolist() == [1.0]


def test_state_is_carried_over_to_another_set_of_watches():
    engine = Engine(for_s=0, watches=2)
    engine.feed((1, 0, HIGH))
    fresh = engine.state.chosen([-1, 1, -1])
    assert [STATES[code] for code in fresh.state] == [INACTIVE, FIRING, INACTIVE]
    assert fresh.seen_us.tolist() == [NEVER_US, 0, NEVER_US]


READINGS = st.lists(
    st.tuples(
        st.integers(0, 2),  # watch
        st.sampled_from([10, 30, 60, 200]),  # seconds after the one before
        st.sampled_from([HIGH, 101.0, LIMIT, MIDDLE, CLEAR, LOW]),
        st.booleans(),  # late
    ),
    min_size=1,
    max_size=40,
)


@given(
    READINGS,
    st.sets(st.integers(1, 39)),
    st.sampled_from([0, 30, 60, 100]),
    st.sampled_from([0, 30, 100]),
)
def test_any_split_of_a_stream_gives_the_same_transitions(readings, cuts, for_s, keep_s):
    now, stream = 0, []
    for watch, pause, value, late in readings:
        now += pause
        stream.append((watch, now, value, late))

    def told(batches):
        engine, found = Engine(for_s, keep_s, watches=3), []
        for batch in batches:
            ordered = sorted(batch)
            found += rows(engine.feed(*(row[:3] for row in ordered), late=[row[3] for row in ordered]))
        return sorted(found)

    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    parts = [stream[a:b] for a, b in pairwise(edges) if a < b]
    assert told(parts) == told([stream]) == told([[row] for row in stream])


@given(READINGS)
def test_the_same_readings_again_change_nothing(readings):
    engine, now = Engine(for_s=30, keep_s=30, watches=3), 0
    stream = []
    for watch, pause, value, _ in readings:
        now += pause
        stream.append((watch, now, value))
    engine.feed(*stream)
    before = engine.state.chosen([0, 1, 2])
    assert len(engine.feed(*stream)) == 0
    for column in fields(AlertsState):
        np.testing.assert_array_equal(getattr(engine.state, column.name), getattr(before, column.name))


@given(READINGS)
def test_an_alert_that_is_open_is_open_once(readings):
    engine, now = Engine(for_s=0, keep_s=0, watches=1), 0
    open_ = False
    for _, pause, value, late in readings:
        now += pause
        found = engine.wait(now - 1)
        found = [*story(found), *story(engine.feed((now, value), late=late))]
        for before, after, _ in found:
            assert open_ is (before in ("firing", "stale"))
            open_ = after in ("firing", "stale")
