import numpy as np
import pytest

from analytics.alerts import TRANSITIONS, AlertsState, Seen, step
from analytics.rules import Watches, observe
from core.batch import ReadingBatch
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.model import (
    AlertState,
    Comparator,
    Device,
    DeviceKind,
    Name,
    Place,
    PlaceKind,
    Register,
    Rule,
    Severity,
)
from core.quantities import RegisterKind

NAME = Name("名", "name")
SECOND_US = 1_000_000


def rule(**changes):
    given = {
        "id": "over-power",
        "name": NAME,
        "quantity": "power_active",
        "comparator": Comparator.ABOVE,
        "threshold": 100.0,
        "clear_threshold": 90.0,
        "for_s": 60.0,
        "severity": Severity.WARNING,
        "action": NAME,
    }
    return Rule(**(given | changes))


def catalog(devices=2, expected_s=60.0):
    places = [
        Place("city", PlaceKind.REGION, NAME, "UTC"),
        Place("hall", PlaceKind.BUILDING, NAME, "UTC", "city"),
        Place("school", PlaceKind.BUILDING, NAME, "UTC", "city"),
    ]
    where = ["hall", "school"]
    meters = [
        (at, Device(f"m{at}", DeviceKind.METER, where[at % 2], NAME, expected_interval_s=expected_s))
        for at in range(devices)
    ]
    registers = [Register(at, f"m{at}", "power_active", RegisterKind.GAUGE, "W") for at in range(devices)]
    return Catalog(places, meters, registers)


class Watched:
    """One rule set over a catalog, fed with (register, seconds, value) rows."""

    def __init__(self, rules, known=None):
        self.catalog = known or catalog()
        self.watches = Watches.of(rules, self.catalog)
        self.columns = RegisterColumns.of(self.catalog)
        self.state = AlertsState.empty(len(self.watches.rule))

    def feed(self, *rows):
        register, seconds, value = zip(*rows, strict=True)
        size = len(rows)
        batch = ReadingBatch(
            np.array(register, np.int32),
            np.array(seconds, np.int64) * SECOND_US,
            np.array(value, np.float64),
            np.zeros(size, np.uint8),
            np.zeros(size, np.int64),
        )
        batch = batch.take(np.lexsort((batch.event_time_us, batch.register)))
        self.state, changes = step(self.state, observe(self.watches, batch), self.watches, self.columns)
        return changes


def story(changes):
    return [
        (change.alert.register, change.alert.state.value, change.at_us // SECOND_US) for change in changes
    ]


def test_every_state_knows_every_sight():
    states = (AlertState.INACTIVE, AlertState.PENDING, AlertState.FIRING)
    assert set(TRANSITIONS) == {(state, seen) for state in states for seen in Seen}


def test_a_breach_fires_only_after_it_has_lasted():
    watched = Watched([rule()])
    assert story(watched.feed((0, 0, 150.0), (0, 30, 150.0))) == []
    changes = watched.feed((0, 60, 150.0))
    assert story(changes) == [(0, "firing", 60)]
    assert changes[0].alert.active_at_us == 0


def test_a_rule_without_duration_fires_at_once():
    assert story(Watched([rule(for_s=0.0)]).feed((0, 5, 101.0))) == [(0, "firing", 5)]


def test_an_alert_resolves_only_past_the_clear_threshold():
    watched = Watched([rule(for_s=0.0)])
    watched.feed((0, 0, 150.0))
    assert story(watched.feed((0, 60, 95.0))) == []
    changes = watched.feed((0, 120, 80.0))
    assert story(changes) == [(0, "resolved", 120)]
    assert changes[0].alert.resolved_at_us == 120 * SECOND_US


def test_a_dip_below_the_threshold_starts_the_wait_again():
    watched = Watched([rule()])
    assert story(watched.feed((0, 0, 150.0), (0, 30, 95.0), (0, 60, 150.0), (0, 90, 150.0))) == []
    assert story(watched.feed((0, 120, 150.0))) == [(0, "firing", 120)]


def test_a_breach_across_a_silence_is_not_known_to_have_lasted():
    watched = Watched([rule()])
    watched.feed((0, 0, 150.0))
    assert story(watched.feed((0, 600, 150.0))) == []


def test_older_readings_change_nothing():
    watched = Watched([rule(for_s=0.0)])
    watched.feed((0, 100, 50.0))
    assert story(watched.feed((0, 50, 150.0))) == []


def test_below_rules_mirror_above_rules():
    low = rule(comparator=Comparator.BELOW, threshold=10.0, clear_threshold=20.0, for_s=0.0)
    watched = Watched([low])
    assert story(watched.feed((0, 0, 5.0), (0, 60, 15.0), (0, 120, 25.0))) == [
        (0, "firing", 0),
        (0, "resolved", 120),
    ]


def test_one_batch_and_many_batches_tell_the_same_story():
    rows = [(0, at * 30, value) for at, value in enumerate([150, 150, 150, 95, 80, 150, 150, 150.0])]
    whole = story(Watched([rule()]).feed(*rows))
    watched = Watched([rule()])
    assert [part for row in rows for part in story(watched.feed(row))] == whole
    assert whole == [(0, "firing", 60), (0, "resolved", 120), (0, "firing", 210)]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, [0, 1]),
        ({"places": ("hall",)}, [0]),
        ({"places": ("city",)}, [0, 1]),
        ({"devices": ("m1",)}, [1]),
    ],
)
def test_a_rule_selects_by_place_tree_and_device(chosen, expected):
    assert Watches.of([rule(**chosen)], catalog()).register.tolist() == expected


def test_state_is_carried_over_to_another_set_of_watches():
    watched = Watched([rule(for_s=0.0)])
    watched.feed((1, 0, 150.0))
    old, more = watched.watches, Watches.of([rule(id="other"), rule(for_s=0.0)], catalog(3))
    at = {key: number for number, key in enumerate(old.watched())}
    fresh = watched.state.chosen([at.get(key, -1) for key in more.watched()])
    assert [key for key, state in zip(more.watched(), fresh.state, strict=True) if state] == [
        ("over-power", 1)
    ]
