"""Dated membership: a moved meter counts where it stood, every kWh once at every moment."""

from analytics.membership import FIRST_US, LAST_US, Metering, mark_after
from core.model import PlaceKind
from core.quantities import Energy
from tests.analytics.meters import at, catalog, formula, meter, place

MARCH, JUNE = at("2026-03-01"), at("2026-06-01")
PLACES = [
    place("city", kind=PlaceKind.REGION),
    place("org-a", "city", PlaceKind.ORGANISATION),
    place("org-b", "city", PlaceKind.ORGANISATION),
    place("hall", "org-a"),
    place("school", "org-b"),
]


def counted(estate, where, made_of=None):
    """(device, from, to) of what counts for a place."""
    found = Metering(estate, Energy.ELECTRICITY, made_of or {}).members(where)
    return [(one.device_id, one.start_us, one.end_us) for one in found.counted()]


def test_a_meter_that_was_never_moved_counts_always():
    estate = catalog(PLACES, [meter("main", "hall"), meter("sub", "hall", "main")])
    assert counted(estate, "hall") == [("main", FIRST_US, LAST_US)]


def test_a_moved_meter_counts_where_it_stood():
    estate = catalog(
        PLACES, [meter("m", "school")], placements=[("m", 0, "hall", None), ("m", MARCH, "school", None)]
    )
    assert counted(estate, "hall") == [("m", FIRST_US, MARCH)]
    assert counted(estate, "school") == [("m", MARCH, LAST_US)]
    assert counted(estate, "city") == [("m", FIRST_US, MARCH), ("m", MARCH, LAST_US)]


def test_a_move_inside_a_quarter_of_an_hour_holds_from_the_next_mark():
    moved_us = MARCH + 7 * 60_000_000
    estate = catalog(
        PLACES, [meter("m", "school")], placements=[("m", 0, "hall", None), ("m", moved_us, "school", None)]
    )
    assert counted(estate, "hall") == [("m", FIRST_US, mark_after(moved_us))]
    assert counted(estate, "school") == [("m", mark_after(moved_us), LAST_US)]


def test_sub_meters_count_until_the_main_meter_comes_into_use_and_after_it_is_gone():
    estate = catalog(
        PLACES,
        [
            meter("main", "hall", valid_from_us=MARCH, valid_to_us=JUNE),
            meter("floor-1", "hall", "main"),
            meter("floor-2", "hall", "main"),
        ],
    )
    assert counted(estate, "hall") == [
        ("floor-1", FIRST_US, MARCH),
        ("floor-1", JUNE, LAST_US),
        ("floor-2", FIRST_US, MARCH),
        ("floor-2", JUNE, LAST_US),
        ("main", MARCH, JUNE),
    ]


def test_a_meter_that_got_another_parent_counts_only_while_it_had_none_here():
    estate = catalog(
        PLACES,
        [meter("main", "hall"), meter("m", "hall", "main")],
        placements=[("m", 0, "hall", None), ("m", MARCH, "hall", "main")],
    )
    assert counted(estate, "hall") == [("m", FIRST_US, MARCH), ("main", FIRST_US, LAST_US)]


def test_a_charger_on_anothers_account_is_in_both_accounts_and_once_in_the_sum():
    estate = catalog(PLACES, [meter("main", "hall"), meter("ev", "hall", "main", organisation_id="org-b")])
    assert [one[0] for one in counted(estate, "org-a")] == ["main"]
    assert [one[0] for one in counted(estate, "org-b")] == ["ev"]
    assert [one[0] for one in counted(estate, "city")] == ["main"]


def test_a_loop_in_the_registration_ends_the_walk_and_counts_nobody_twice():
    estate = catalog(PLACES, [meter("a", "hall", "b"), meter("b", "hall", "a"), meter("c", "school")])
    assert [one[0] for one in counted(estate, "city")] == ["c"]


def test_a_virtual_meter_counts_instead_of_what_names_it_as_parent():
    estate = catalog(
        PLACES,
        [formula("all", "hall", "1.02 * [a]"), meter("a", "hall", "all"), meter("b", "school")],
    )
    made_of = {"all": frozenset({"a"})}
    assert [one[0] for one in counted(estate, "hall", made_of)] == ["all"]
    assert [one[0] for one in counted(estate, "city", made_of)] == ["all", "b"]


def test_a_virtual_meter_beside_what_it_is_made_of_is_information_only():
    rest = formula("rest", "school", "[main] - [ev]")
    estate = catalog(PLACES, [meter("main", "hall"), meter("ev", "hall", "main"), rest])
    made_of = {"rest": frozenset({"main", "ev"})}
    assert [one[0] for one in counted(estate, "school", made_of)] == ["rest"]
    assert [one[0] for one in counted(estate, "city", made_of)] == ["main"]
