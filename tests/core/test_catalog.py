"""What holds at a place or for a device, although it was registered further up or earlier."""

from core.catalog import Catalog
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Placement, Register, Replacement
from core.quantities import RegisterKind

NAME = Name("名", "name")
COUNTER = "energy_active_import_total"


def place(id_, kind=PlaceKind.BUILDING, parent=None, **more):
    return Place(id_, kind, NAME, "UTC", parent, **more)


PLACES = (
    place(
        "city",
        PlaceKind.REGION,
        calendar_id="office",
        region_code="CN-CQ",
        contract_demand_w=1.0,
        tariffs=(("electricity", "dear"), ("water", "wet")),
    ),
    place("org", PlaceKind.ORGANISATION, "city"),
    place("school", parent="org", calendar_id="terms", tariffs=(("electricity", "cheap"),)),
    place("canteen", PlaceKind.ORGANISATION, "school"),
    place("kitchen", parent="canteen"),
    place("lonely"),
)


def meter(id_, place_id, **more):
    return Device(id_, DeviceKind.METER, place_id, NAME, **more)


def catalog(*devices, **more):
    return Catalog(PLACES, list(enumerate(devices)), more.pop("registers", ()), **more)


def test_what_a_place_has_not_it_has_from_the_nearest_above():
    known = catalog()
    assert known.inherited("kitchen", "calendar_id") == "terms"
    assert known.inherited("org", "calendar_id") == "office"
    assert known.inherited("kitchen", "region_code") == "CN-CQ"
    assert known.inherited("kitchen", "tariffs") == (("electricity", "cheap"),)
    assert known.inherited("kitchen", "climate_zone") is None
    assert known.inherited("lonely", "tariffs") == ()


def test_each_energy_has_the_tariff_of_the_nearest_place_that_names_one_for_it():
    known = catalog()
    assert known.tariff_id("kitchen", "electricity") == "cheap"
    assert known.tariff_id("kitchen", "water") == "wet"
    assert known.tariff_id("org", "electricity") == "dear"
    assert known.tariff_id("kitchen", "heat") is None


def test_a_device_is_on_the_account_of_the_nearest_organisation_unless_it_names_one():
    known = catalog(meter("a", "kitchen"), meter("b", "kitchen", organisation_id="org"), meter("c", "lonely"))
    assert [known.organisation_id(one) for one in "abc"] == ["canteen", "org", None]


def test_a_device_was_on_the_account_of_where_it_stood():
    moves = [Placement("a", 0, "school"), Placement("a", 50, "kitchen")]
    known = catalog(meter("a", "kitchen"), placements=reversed(moves))
    assert [known.organisation_id("a", at_us) for at_us in (0, 49, 50)] == ["org", "org", "canteen"]
    assert known.organisation_id("a") == "canteen"


def test_a_catalog_that_grows_keeps_moves_and_replacements():
    swap = Replacement("r", "a", COUNTER, 5, ratio=2.0)
    known = catalog(meter("a", "kitchen"), placements=[Placement("a", 0, "school")], replacements=[swap])
    register = Register(0, "a", COUNTER, RegisterKind.COUNTER, "kWh")
    longer = known.extended([register])
    assert longer.extends(known)
    assert longer.placed("a", 9) == ("school", None)
    assert [longer.ratio(register, at_us) for at_us in (4, 5)] == [1.0, 2.0]
