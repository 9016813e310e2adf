"""Rules over windows of event time: aggregates and rates, whatever the batches."""

from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import rule_windows
from analytics.rules import RuleWindows, Watches
from core.model import Comparator
from core.rules import Aggregate, RateOfChange, Selector, Threshold
from tests.analytics.watched import Watched, catalog, register, rule

ENERGY = "energy_active_import_total"


def window(aggregate=Aggregate.MEAN, window_s=300.0, **changes):
    given = {"threshold": 100.0, "clear_threshold": 90.0, "comparator": Comparator.ABOVE} | changes
    id_ = given.pop("id", "over-power")
    return rule(Threshold("power_active", window_s=window_s, aggregate=aggregate, **given), id=id_)


def rate(quantity="power_active", window_s=0.0, threshold=100.0, comparator=Comparator.ABOVE):
    return rule(RateOfChange(quantity, comparator, threshold, window_s=window_s))


def minutes(*values, first=0):
    return [(0, (first + at) * 60, value) for at, value in enumerate(values)]


def values(seen):
    return [value for _, value, _, _ in seen]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [(Aggregate.MEAN, 6.0), (Aggregate.MINIMUM, 2.0), (Aggregate.MAXIMUM, 10.0), (Aggregate.SPREAD, 8.0)],
)
def test_a_window_is_what_was_read_since_it_began(aggregate, expected):
    seen = Watched([window(aggregate)]).look(*minutes(99.0, 2.0, 4.0, 6.0, 8.0, 10.0))
    assert seen == [(300, expected, False, True)]


def test_a_window_says_nothing_before_it_has_been_heard_in_full():
    watched = Watched([window()])
    assert watched.look(*minutes(500.0, 500.0, 500.0, 500.0, 500.0)) == []
    assert watched.look((0, 300, 500.0)) == [(300, 500.0, True, False)]


def test_a_window_in_which_a_silence_lies_says_nothing():
    watched = Watched([window()])
    watched.look(*minutes(*[1.0] * 6))
    assert watched.look((0, 600, 1.0), (0, 660, 1.0), (0, 840, 1.0)) == []
    assert values(watched.look((0, 900, 4.0))) == [2.0]


def test_one_high_reading_is_no_high_mean():
    watched = Watched([window()])
    assert watched.feed(*minutes(50.0, 50.0, 50.0, 50.0, 50.0, 250.0)) == []
    told = watched.feed(*minutes(250.0, first=6))
    assert [state for _, _, state, _ in told] == ["firing"]


def test_a_late_reading_counts_in_the_windows_that_it_belongs_to():
    watched = Watched([window(Aggregate.MAXIMUM)])
    watched.look(*minutes(*[1.0] * 6))
    assert watched.look((0, 290, 70.0)) == []  # the window up to then has spoken
    assert values(watched.look(*minutes(1.0, first=6))) == [70.0]
    watched.look((0, 30, 99.0))  # older than any window to come
    assert values(watched.look(*minutes(1.0, 1.0, 1.0, 1.0, first=7))) == [70.0, 70.0, 70.0, 1.0]


def test_the_newest_reading_again_is_no_second_one():
    watched = Watched([window()])
    watched.look(*minutes(0.0, 0.0, 0.0, 0.0, 0.0, 50.0))
    assert watched.look((0, 300, 50.0)) == []
    assert values(watched.look(*minutes(0.0, first=6))) == [10.0]


def test_a_late_reading_that_comes_again_counts_once():
    watched = Watched([window()])
    watched.look(*minutes(0.0, 0.0, 60.0, 0.0, 0.0, 0.0))
    for _ in range(3):
        assert watched.look((0, 120, 60.0), (0, 290, 50.0)) == []
    assert values(watched.look(*minutes(0.0, first=6))) == [pytest.approx(110 / 6)]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [(Aggregate.MEAN, 4.0), (Aggregate.MINIMUM, 2.0), (Aggregate.MAXIMUM, 6.0), (Aggregate.SPREAD, 4.0)],
)
@pytest.mark.parametrize("at", [4, 5], ids=["late", "newest"])
def test_a_corrected_reading_takes_the_place_of_what_it_corrects(aggregate, expected, at):
    watched = Watched([window(aggregate)])
    right = [9.0, 9.0, 2.0, 3.0, 4.0, 6.0]
    watched.look(*minutes(*right[:at], 5000.0, *right[at + 1 :]))
    watched.look((0, at * 60, -5000.0))
    watched.look((0, at * 60, right[at]))
    assert values(watched.look(*minutes(5.0, first=6))) == [expected]


def test_a_corrected_newest_reading_is_where_the_next_rate_begins():
    watched = Watched([rate()])
    watched.look(*minutes(10.0, 500.0))
    assert watched.look((0, 60, 11.0)) == []
    assert values(watched.look(*minutes(12.0, first=2))) == [pytest.approx(60.0)]


def test_a_window_shorter_than_the_interval_is_the_reading_itself():
    assert values(Watched([window(window_s=10.0)]).look(*minutes(1.0, 2.0, 3.0))) == [2.0, 3.0]


def test_a_rate_is_per_hour_from_the_reading_before():
    assert Watched([rate()]).look(*minutes(10.0, 11.0, 14.0)) == [
        (60, pytest.approx(60.0), False, True),
        (120, pytest.approx(180.0), True, False),
    ]


def test_a_rate_over_a_window_starts_at_least_so_far_back():
    seen = Watched([rate(window_s=180.0)]).look(*minutes(0.0, 1.0, 3.0, 6.0, 10.0))
    assert seen[0] == (180, pytest.approx(120.0), True, False)
    assert seen[1] == (240, pytest.approx(180.0), True, False)


def test_a_rate_over_a_window_shorter_than_the_interval_is_that_of_the_interval():
    assert values(Watched([rate(window_s=10.0)]).look(*minutes(0.0, 1.0))) == [pytest.approx(60.0)]


def test_a_rate_that_falls_is_below():
    falling = rate(threshold=-100.0, comparator=Comparator.BELOW)
    assert [breach for _, _, breach, _ in Watched([falling]).look(*minutes(9.0, 6.0, 5.5))] == [True, False]


def counters(ratio=1.0):
    return catalog(1, ()).extended([register(0, "m0", ENERGY, ratio)])


def test_the_rate_of_a_counter_is_what_was_used():
    assert values(Watched([rate(ENERGY)], counters(40.0)).look(*minutes(7.0, 7.5))) == [pytest.approx(1200.0)]


def test_a_reset_of_a_counter_is_no_rate():
    watched = Watched([rate(ENERGY, window_s=120.0)], counters())
    assert values(watched.look(*minutes(500.0, 500.5, 501.0))) == [pytest.approx(30.0)]
    assert watched.look(*minutes(0.0, 0.5, first=3)) == []
    assert values(watched.look(*minutes(1.0, first=5))) == [pytest.approx(30.0)]


def test_a_jump_that_nothing_could_have_used_is_no_rate():
    watched = Watched([rate(ENERGY)], counters())
    assert watched.look(*minutes(500.0, 900_000.0)) == []
    assert values(watched.look(*minutes(900_000.5, first=2))) == [pytest.approx(30.0)]


RULES = [
    window(),
    rule(Threshold("power_active", Comparator.BELOW, 20.0, 30.0, 120.0, Aggregate.MINIMUM), id="b"),
    rule(Threshold("power_active", Comparator.ABOVE, 70.0, None, 700.0, Aggregate.SPREAD), id="c"),
    rule(RateOfChange("power_active", Comparator.ABOVE, 500.0, window_s=90.0), id="d"),
    rule(select=Selector(devices=("m1",)), id="e"),
]

STREAM = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from([1, 20, 60, 61, 400]), st.sampled_from([0.0, 10.0, 95.0, 150.0])
    ),
    min_size=1,
    max_size=60,
)


@given(STREAM, st.sets(st.integers(1, 59)))
def test_any_split_of_a_stream_is_seen_the_same(stream, cuts):
    now, rows = 0, []
    for number, pause, value in stream:
        now += pause
        rows.append((number, now, value))
    edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]

    def seen(batches):
        watched = Watched(RULES)
        return sorted(one for part in batches for one in watched.feed(*part))

    whole = seen([rows])
    assert seen([rows[a:b] for a, b in pairwise(edges)]) == whole
    assert seen([[row] for row in rows]) == whole


REGISTERS = catalog(2).extended([register(2, "m0", ENERGY), register(3, "m1", ENERGY)])
WINDOWS = [
    *(window(aggregate, id=f"a{at}") for at, aggregate in enumerate(Aggregate)),
    *RULES[1:4],
    rate(window_s=0.0),
    rule(RateOfChange(ENERGY, Comparator.ABOVE, 500.0, window_s=150.0), id="counter"),
]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=40, max_size=40),
    st.integers(0, 12),
    st.randoms(use_true_random=False),
    st.sampled_from([2, 8, 64]),
)
def test_what_is_delivered_again_changes_nothing(shape, behind, random, known):
    """Readings of every 20 s, each late by so many or less; each batch brings again any of what has come."""
    rows = []
    for number in range(4):
        for at, step in enumerate(shape):
            # A counter that goes on, stands, falls or leaps.
            value = step * 50.0 if number < 2 else at * 0.1 * (step > 0) + (step == 3) * 900.0
            rows.append((at + random.randint(0, behind), (number, at * 20, value)))
    in_order = [row for _, row in sorted(rows, key=lambda row: (row[0], random.random()))]
    with mock.patch.object(rule_windows, "KNOWN", known):
        once, again = Watched(WINDOWS, REGISTERS), Watched(WINDOWS, REGISTERS)
        came, said = [], 0
        while in_order:
            size = random.randint(1, 40)
            new, in_order = in_order[:size], in_order[size:]
            seen = once.look(*new)
            said += len(seen)
            assert again.look(*new, *random.sample(came, random.randint(0, len(came)))) == seen
            came += new
            assert again.look(*random.sample(came, random.randint(1, len(came)))) == []
        assert said > 0


@given(STREAM, st.integers(0, 60))
def test_what_is_saved_and_loaded_goes_on_as_if_nothing_had_been(stream, cut):
    now, rows = 0, []
    for number, pause, value in stream:
        now += pause
        rows.append((number, now, value))
    watched, restarted = Watched(RULES), Watched(RULES)
    for part in filter(None, (rows[:cut],)):
        assert watched.look(*part) == restarted.look(*part)
    arrays = {f"w.{name}": array.copy() for name, array in restarted.windows.arrays().items()}
    numbers = list(range(len(restarted.watches)))
    restarted.windows = RuleWindows.loaded(arrays, "w.", numbers, restarted.watches)
    if rows[cut:]:
        assert watched.look(*rows[cut:]) == restarted.look(*rows[cut:])


def test_windows_are_carried_over_to_other_rules_unless_theirs_has_changed():
    watched = Watched([window()])
    watched.look(*minutes(*[6.0] * 6))
    old = {key: number for number, key in enumerate(watched.watches.watched())}

    def under(rules):
        fresh = Watched(rules, catalog(3))
        numbers = [old.get(key, -1) for key in fresh.watches.watched()]
        fresh.windows = watched.windows.fitted(numbers, fresh.watches)
        return values(fresh.look((0, 360, 12.0)))

    assert under([rule(id="a-first", enabled=False), window()]) == [pytest.approx(7.2)]
    assert under([window(Aggregate.MAXIMUM)]) == []
    assert under([window(window_s=600.0)]) == []


def test_windows_grow_with_the_registers():
    watched = Watched([window()], catalog(1))
    watched.look(*minutes(*[6.0] * 6))
    more = watched.catalog.extended([register(1, "m0", "power_active")])
    grown = watched.watches.extended(more)
    windows = watched.windows.grown(grown)
    assert windows.rings.watch.tolist() == [0, 1]
    np.testing.assert_array_equal(windows.rings.x[0], watched.windows.rings.x[0])
    assert RuleWindows.empty(Watches.of([], more)).rings.watch.tolist() == []
