"""Groups add up to the total: every kWh in exactly one of them, whatever the tree of meters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.grouping import GroupBy, Tally, by, grouping, totals
from analytics.membership import Metering
from core.batch import BASE_US
from core.model import CircuitItem, PlaceKind
from core.quantities import Energy
from core.sums import IntervalSums
from tests.analytics.meters import at, catalog, intervals, meter, place

DAY = at("2026-03-01")
PLACES = [
    place("city", kind=PlaceKind.REGION),
    place("org-a", "city", PlaceKind.ORGANISATION),
    place("org-b", "city", PlaceKind.ORGANISATION),
    place("hall", "org-a"),
    place("hall-1f", "hall", PlaceKind.ZONE),
    place("school", "org-b"),
]
AC, LIGHT, POWER = CircuitItem.AIR_CONDITIONING, CircuitItem.LIGHTING, CircuitItem.POWER


def tallied(estate, where, how, amounts, edges_us=None):
    """Total, and by group (amount, gross, shared with), of amounts by register from DAY on."""
    found = Metering(estate, Energy.ELECTRICITY, {}).members(where)

    def sources(device):
        return [register.id for register in estate.registers_of(device)]

    edges_us = np.array([DAY, DAY + 96 * BASE_US]) if edges_us is None else edges_us
    groups = grouping(found, by(estate, how, where, found), sources)
    total = Tally(totals(found, sources), 1, edges_us)
    net = Tally(groups.net, len(groups.names), edges_us)
    gross = Tally(groups.gross, len(groups.names), edges_us)
    cuts = {time for tally in (total, net, gross) for times in tally.cuts.values() for time in times}
    finer = np.union1d(edges_us, [time for time in cuts if edges_us[0] < time < edges_us[-1]]).astype(
        np.int64
    )
    sums = IntervalSums.empty(np.arange(len(estate.registers), dtype=np.int32), finer)
    sums.add(intervals(DAY, amounts))
    for tally in (total, net, gross):
        tally.add(sums)
    return float(total.periods().sums.sum()), {
        name: (
            float(net.periods(n).sums.sum()),
            float(gross.periods(n).sums.sum()),
            groups.overlaps.get(name, ()),
        )
        for n, name in enumerate(groups.names)
    }


def test_a_charger_behind_a_buildings_meter_is_in_both_accounts_and_once_in_the_sum():
    estate = catalog(PLACES, [meter("main", "hall"), meter("ev", "hall", "main", organisation_id="org-b")])
    total, groups = tallied(estate, "city", GroupBy.ORGANISATION, {0: [100.0], 1: [30.0]})
    assert total == 100.0
    # org-a's account says 100, of which 30 are org-b's too; together the accounts say 130.
    assert groups == {"org-a": (70.0, 100.0, ("org-b",)), "org-b": (30.0, 30.0, ())}


def test_circuit_items_and_the_unassigned_rest_add_up():
    estate = catalog(
        PLACES,
        [
            meter("main", "hall"),
            meter("ac", "hall", "main", item=AC),
            meter("lights", "hall", "main", item=LIGHT),
            meter("fan-coils", "hall", "ac"),  # what has no item of its own is its meter's above
            meter("pump", "hall", "ac", item=POWER),
        ],
    )
    amounts = {0: [100.0], 1: [50.0], 2: [20.0], 3: [10.0], 4: [5.0]}
    total, groups = tallied(estate, "hall", GroupBy.ITEM, amounts)
    assert total == 100.0
    assert {name: own for name, (own, _, _) in groups.items()} == {
        "": 30.0,
        AC: 45.0,
        LIGHT: 20.0,
        POWER: 5.0,
    }
    assert groups[AC][1] == 50.0


def test_places_are_those_right_below_and_the_place_itself():
    estate = catalog(PLACES, [meter("main", "hall"), meter("floor", "hall-1f", "main"), meter("s", "school")])
    total, groups = tallied(estate, "city", GroupBy.PLACE, {0: [10.0], 1: [4.0], 2: [7.0]})
    assert (total, groups) == (17.0, {"org-a": (10.0, 10.0, ()), "org-b": (7.0, 7.0, ())})
    total, groups = tallied(estate, "hall", GroupBy.PLACE, {0: [10.0], 1: [4.0], 2: [7.0]})
    assert (total, groups) == (10.0, {"hall": (6.0, 10.0, ("hall-1f",)), "hall-1f": (4.0, 4.0, ())})


def test_a_rest_below_zero_is_shown_and_not_hidden():
    estate = catalog(PLACES, [meter("main", "hall"), meter("sub", "hall", "main")])
    total, groups = tallied(estate, "hall", GroupBy.DEVICE, {0: [10.0], 1: [12.0]})
    assert (total, groups["main"][0], groups["sub"][0]) == (10.0, -2.0, 12.0)


def test_a_meter_moved_at_noon_is_in_each_group_for_half_the_day():
    noon = DAY + 48 * BASE_US
    estate = catalog(
        PLACES, [meter("m", "school")], placements=[("m", 0, "hall", None), ("m", noon, "school", None)]
    )
    total, groups = tallied(estate, "city", GroupBy.ORGANISATION, {0: [1.0] * 48 + [2.0] * 48})
    assert total == 144.0
    assert {name: own for name, (own, _, _) in groups.items()} == {"org-a": 48.0, "org-b": 96.0}


def test_coverage_is_due_only_while_a_meter_counts():
    noon = DAY + 48 * BASE_US
    estate = catalog(PLACES, [meter("m", "hall", valid_from_us=noon)])
    found = Metering(estate, Energy.ELECTRICITY, {}).members("hall")
    tally = Tally(totals(found, lambda _: [0]), 1, np.array([DAY, noon, DAY + 96 * BASE_US]))
    assert tally.due_us(DAY + 96 * BASE_US).tolist() == [0, 48 * BASE_US]
    assert tally.due_us(noon + BASE_US).tolist() == [0, BASE_US]


@st.composite
def estates(draw):
    """Up to eight meters in a random forest, each somewhere, some moved once."""
    count = draw(st.integers(1, 8))
    where = st.sampled_from(["hall", "hall-1f", "school", "org-a"])
    devices, moves = [], []
    for n in range(count):
        parent = draw(st.sampled_from([None, *(f"m{i}" for i in range(n))]))
        device = meter(
            f"m{n}",
            draw(where),
            parent,
            item=draw(st.sampled_from([None, AC, LIGHT, POWER])),
            organisation_id=draw(st.sampled_from([None, None, "org-a", "org-b"])),
            valid_from_us=draw(st.sampled_from([None, None, DAY + 24 * BASE_US])),
        )
        devices.append(device)
        if draw(st.booleans()):
            moves.append((device.id, 0, draw(where), draw(st.sampled_from([None, parent]))))
            moved_us = DAY + BASE_US * draw(st.integers(1, 95))
            moves.append((device.id, moved_us, device.place_id, parent))
    return catalog(PLACES, devices, placements=moves)


@given(
    estate=estates(),
    how=st.sampled_from([one for one in GroupBy if one is not GroupBy.ENERGY]),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_groups_add_up_to_the_total_whatever_the_tree_and_the_moves(estate, how, data):
    amounts = {
        register.id: data.draw(
            st.lists(st.integers(0, 50).map(float), min_size=96, max_size=96), label="amounts"
        )
        for register in estate.registers[:2]
    } | {register.id: [float(register.id)] * 96 for register in estate.registers[2:]}
    total, groups = tallied(estate, "city", how, amounts, DAY + BASE_US * np.array([0, 31, 96]))
    assert sum(own for own, _, _ in groups.values()) == pytest.approx(total)


def test_a_group_of_an_organisation_is_its_own_account():
    estate = catalog(
        PLACES,
        [meter("main", "hall"), meter("ev", "hall", "main", organisation_id="org-b"), meter("s", "school")],
    )
    amounts = {0: [100.0], 1: [30.0], 2: [7.0]}
    _, groups = tallied(estate, "city", GroupBy.ORGANISATION, amounts)
    for name in ("org-a", "org-b"):
        assert tallied(estate, name, GroupBy.DEVICE, amounts)[0] == groups[name][1]


def belongs(estate, device_id, where, at_us):
    device = estate.devices[device_id]
    if device.valid_from_us is not None and at_us < device.valid_from_us:
        return False
    inside = estate.subtree(where)
    return estate.placed(device_id, at_us)[0] in inside or device.organisation_id in inside


def by_hand(estate, where, at_us):
    """Meters that count for a place in one interval, the way a person would go about it."""
    found = set()
    for device_id in estate.devices:
        above, seen = estate.placed(device_id, at_us)[1], {device_id}
        covered = False
        while above is not None and above not in seen:
            covered |= belongs(estate, above, where, at_us)
            seen.add(above)
            above = estate.placed(above, at_us)[1]
        if belongs(estate, device_id, where, at_us) and not covered:
            found.add(device_id)
    return found


@given(estate=estates(), where=st.sampled_from(["city", "org-a", "hall", "school"]))
@settings(max_examples=100, deadline=None)
def test_the_total_is_what_counting_interval_by_interval_gives(estate, where):
    # Meter n uses 2^n kWh in every interval, so that a sum says which meters are in it.
    amounts = {register.id: [2.0**register.id] * 96 for register in estate.registers}
    expected = 0.0
    for slot in range(96):
        expected += sum(2.0 ** int(device[1:]) for device in by_hand(estate, where, DAY + slot * BASE_US))
    assert tallied(estate, where, GroupBy.DEVICE, amounts)[0] == expected
