"""Which registers rules watch, and thresholds on single readings."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.rules import RuleWindows, Watches, observe
from core.alerts import Target, TargetKind
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.model import Comparator
from core.quantities import Energy
from core.rules import ClockSkew, Consumption, Frozen, NoData, Period, Selector, Threshold
from tests.analytics.watched import OVER, S, Watched, batch, catalog, register, rule


def watched(select, known=None):
    return Watches.of([rule(select=select)], known or catalog(4)).register.tolist()


def look(watches, readings):
    columns = RegisterColumns.of(watches.catalog)
    return observe(watches, readings, columns, RuleWindows.empty(watches))


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (Selector(), [0, 1, 2, 3]),
        (Selector(places=("hall",)), [0, 2]),
        (Selector(places=("city",)), [0, 1, 2, 3]),
        (Selector(places=("hall", "school")), [0, 1, 2, 3]),
        (Selector(places=("gym",)), []),
        (Selector(devices=("m1", "m3")), [1, 3]),
        (Selector(categories=("office",)), [0, 2]),
        (Selector(categories=("school",)), [1, 3]),
        (Selector(places=("city",), categories=("school",)), [1, 3]),
        (Selector(places=("hall",), devices=("m0", "m1")), [0]),
        (Selector(places=("nowhere",)), []),
        (Selector(devices=("nobody",)), []),
    ],
)
def test_a_rule_selects_by_place_tree_device_and_category(select, expected):
    assert watched(select) == expected


def test_a_rule_selects_devices_that_have_all_its_tags():
    known = catalog(3)
    tags = {"m0": ("chiller",), "m1": ("chiller", "night"), "m2": ()}
    devices = [(n, replace(known.devices[d], tags=tags[d])) for d, n in known.device_number.items()]
    known = Catalog(known.places.values(), devices, known.registers)
    assert watched(Selector(tags=("chiller",)), known) == [0, 1]
    assert watched(Selector(tags=("chiller", "night")), known) == [1]
    assert watched(Selector(tags=("chiller", "night"), places=("hall",)), known) == []
    assert watched(Selector(tags=("boiler",)), known) == []


def test_only_enabled_rules_about_readings_are_watched():
    figure = Consumption(Energy.ELECTRICITY, Period.DAY, Comparator.ABOVE, 1.0)
    rules = [rule(id="a", enabled=False), rule(figure, id="b"), rule(NoData(), id="c"), rule(id="d")]
    watches = Watches.of(rules, catalog())
    assert watches.watched() == [("d", 0), ("d", 1)]
    assert watches.rules == rules


def test_a_rule_about_clocks_is_about_devices():
    watches = Watches.of([rule(ClockSkew())], catalog(2, ("voltage_l1", "power_active")))
    assert [watches.target(n)[1] for n in range(len(watches))] == [
        Target(TargetKind.DEVICE, "m0"),
        Target(TargetKind.DEVICE, "m1"),
    ]


def test_a_rule_about_a_quantity_is_about_registers():
    watches = Watches.of([rule()], catalog(1))
    assert watches.target(0) == (rule(), Target(TargetKind.REGISTER, "m0/power_active"))


def test_registers_that_are_added_are_watched_as_if_they_had_been_there():
    quantities = ("voltage_l1", "power_active")
    rules = [
        rule(id="a"),
        rule(ClockSkew(), id="b"),
        rule(id="c", select=Selector(devices=("m1",))),
        rule(Frozen("voltage_l1"), id="d"),
    ]
    whole = catalog(3, quantities)
    for first in range(len(whole.registers)):
        part = Catalog(whole.places.values(), [], [])
        part.places, part.devices, part.device_number = whole.places, whole.devices, whole.device_number
        part = part.extended(whole.registers[:first])
        grown = Watches.of(rules, part).extended(part.extended(whole.registers[first:]))
        expected = Watches.of(rules, whole)
        assert grown.watched() == expected.watched()
        for column in ("first_of", "way", "threshold", "silent_us", "for_us"):
            np.testing.assert_array_equal(getattr(grown, column), getattr(expected, column))


def test_a_register_is_silent_after_three_of_its_intervals_and_a_minute_at_least():
    for expected_s, silent_s in ((300.0, 900), (1.0, 60)):
        watches = Watches.of([rule()], catalog(1, expected_s=expected_s))
        assert watches.terms().silent_us.tolist() == [silent_s * S]


def test_watches_take_the_times_of_their_rule():
    terms = Watches.of([rule(for_s=1.5, keep_firing_for_s=90)], catalog(1)).terms()
    assert (terms.for_us.tolist(), terms.keep_us.tolist()) == ([1_500_000], [90 * S])
    assert not terms.held_back.any()


def test_below_rules_mirror_above_rules():
    low = rule(Threshold("power_active", Comparator.BELOW, 10.0, 20.0))
    assert Watched([low]).feed((0, 0, 5.0), (0, 60, 15.0), (0, 120, 25.0)) == [
        ("over-power", "m0/power_active", "firing", 0),
        ("over-power", "m0/power_active", "resolved", 120),
    ]


def test_without_a_clear_threshold_it_is_over_at_the_threshold():
    zero = rule(Threshold("power_active", Comparator.ABOVE, 0.0))
    states = [state for _, _, state, _ in Watched([zero]).feed((0, 0, 5.0), (0, 60, 0.0))]
    assert states == ["firing", "resolved"]


def test_several_rules_see_the_same_reading():
    higher = Threshold("power_active", Comparator.ABOVE, 200.0)
    watched = Watched([rule(id="a"), rule(higher, id="b")])
    assert [told[0] for told in watched.feed((0, 0, 150.0), (1, 0, 250.0))] == ["a", "a", "b"]


def test_observations_are_ordered_by_watch_and_time():
    watches = Watches.of([rule(id="a"), rule(id="b")], catalog())
    seen = look(watches, batch((0, 0, 1.0), (0, 1, 2.0), (1, 0, 3.0)))
    assert seen.watch.tolist() == [0, 0, 1, 1, 2, 3]
    assert seen.value.tolist() == [1.0, 2.0, 1.0, 2.0, 3.0, 3.0]
    assert seen.limit.tolist() == [100.0] * 6


def test_what_was_received_a_quarter_of_an_hour_later_is_history():
    watches = Watches.of([rule()], catalog(1))
    for received_s, late in ((900, False), (901, True)):
        assert look(watches, batch((0, 0, 1.0), received_s=received_s)).late.tolist() == [late]


def test_no_rules_see_nothing():
    watches = Watches.of([], catalog())
    assert len(look(watches, batch((0, 0, 1.0))).watch) == 0
    assert len(Watches.of([rule()], Catalog([], [], []))) == 0


def test_ten_rules_of_one_place_are_resolved_once():
    known = catalog(2)
    asked = []
    known.subtree = lambda place: asked.append(place) or Catalog.subtree(known, place)
    Watches.of([rule(id=f"r{n}", select=Selector(places=("hall",))) for n in range(10)], known)
    assert asked == ["hall"]


def test_registers_of_a_quantity_no_rule_is_about_are_not_watched():
    known = catalog(1).extended([register(1, "m0", "voltage_l1")])
    assert Watches.of([rule(OVER)], known).register.tolist() == [0]
