"""What the Registry promises of settings, replacements, moves and references, on both databases."""

import pytest

from core.errors import Conflict
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Placement, RegisterSettings, Replacement
from core.reference import References
from storage.registry import open_registry
from tests.storage.registries import REFERENCES, device, organisation, place, tariff

COUNTER = "energy_active_import_total"
HOUR_US = 3_600_000_000


def virtual(id_, **more):
    return Device(id_, DeviceKind.VIRTUAL, "p", Name("和", "Sum"), **({"formula": "[d0]"} | more))


def swap(id_, at_us, **more):
    return Replacement(id_, "d0", COUNTER, at_us, **more)


def said(registry, estate):
    with pytest.raises(Conflict) as caught:
        registry.put_estate(estate)
    return str(caught.value).splitlines()


def test_settings_make_a_register_that_is_missing_and_keep_the_id_of_one_that_is_not(estate):
    full = RegisterSettings("d0", COUNTER, 40.0, 1e6, 250.0, None, 200.0)
    estate.put_register(full)
    estate.put_register(RegisterSettings("d0", "power_active", ratio=3))
    catalog = estate.catalog()
    made = catalog.register_of["d0", COUNTER]
    assert (made.id, made.ratio, made.rollover_at, made.max_rate, made.rated_rate) == (2, 40, 1e6, 250, 200)
    assert (made.unit, made.energy) == ("kWh", "electricity")
    assert (catalog.register_of["d0", "power_active"].id, catalog.registers[0].ratio) == (0, 3)
    assert estate.add_registers([("d0", COUNTER)]) == [made]


def test_a_register_names_a_policy_that_ships_or_is_put(estate):
    estate.put_register(RegisterSettings("d0", COUNTER, policy="dlt645"))
    assert "'odd'" in said(estate, Estate(registers=(RegisterSettings("d0", COUNTER, policy="odd"),)))[0]
    estate.put_references(REFERENCES)
    estate.put_register(RegisterSettings("d0", COUNTER, policy="odd"))
    catalog = estate.catalog()
    assert catalog.register_of["d0", COUNTER].policy == "odd"
    assert catalog.policies["odd"] == REFERENCES.policies["odd"]
    assert "dlt645" in catalog.policies


def test_settings_that_are_left_out_are_taken_back(estate):
    estate.put_register(RegisterSettings("d0", "power_active", ratio=3, max_rate=2))
    estate.put_register(RegisterSettings("d0", "power_active", max_rate=2))
    assert estate.catalog().registers[0].ratio == 1.0


def test_every_mistake_of_settings_is_named_and_nothing_is_stored(estate):
    estate.put_device(virtual("sum"))
    wrong = said(
        estate,
        Estate(
            registers=(
                RegisterSettings("d0", COUNTER, ratio=0),
                RegisterSettings("d1", COUNTER, policy="no such"),
                RegisterSettings("d0", "frequency", rollover_at=10),
                RegisterSettings("sum", COUNTER),
                RegisterSettings("ghost", "happiness"),
            )
        ),
    )
    for line, words in zip(
        wrong,
        (
            "ratio = 0",
            "'no such' dlt645",
            "'frequency' rollover_at",
            "'sum' virtual",
            "'ghost' registered",
            "happiness",
        ),
        strict=True,
    ):
        assert all(word in line for word in words.split()), line
    assert len(estate.catalog().registers) == 2


def test_a_changed_setting_makes_a_new_catalog_and_a_new_register_only_a_longer_one(estate):
    before = estate.revision()
    estate.put_register(RegisterSettings("d2", "frequency", ratio=2))
    grown = estate.revision()
    assert (grown.estate, grown.registers > before.registers) == (before.estate, True)
    estate.put_register(RegisterSettings("d2", "frequency", ratio=4))
    assert estate.revision().estate > grown.estate


def test_a_virtual_meter_has_a_formula_and_nothing_else(estate):
    wrong = said(
        estate,
        Estate(
            devices=(
                virtual("v1", formula=None),
                virtual("v2", parent_device_id="d0"),
                device("n", formula="[d0]"),
            )
        ),
    )
    for line, words in zip(wrong, ("'v1' formula", "'v2' upstream", "'n' formula"), strict=True):
        assert all(word in line for word in words.split()), line
    estate.put_device(virtual("v3"))
    estate.put_device(device("m", parent="v3"))
    with pytest.raises(Conflict, match="virtual"):
        estate.add_registers([("v3", COUNTER)])


def test_a_meter_with_registers_cannot_become_virtual(estate):
    assert "'d0'" in said(estate, Estate(devices=(virtual("d0", formula="[d1]"),)))[0]
    estate.put_device(virtual("d2"))
    assert estate.catalog().devices["d2"].formula == "[d0]"


def test_an_account_is_a_place_of_kind_organisation_and_stays_one(estate):
    estate.put_place(organisation("office"))
    assert "'p' is a building" in said(estate, Estate(devices=(device("d0", organisation_id="p"),)))[0]
    assert "'x' is not" in said(estate, Estate(devices=(device("d0", organisation_id="x"),)))[0]
    estate.put_device(device("d0", organisation_id="office"))
    assert "must stay" in said(estate, Estate((place("office"),)))[0]


def test_a_place_names_only_calendars_and_tariffs_that_there_are(estate):
    named = place("p", calendar_id="workdays", tariffs=(("electricity", "flat"), ("water", "flat")))
    assert len(said(estate, Estate((named,)))) == 3
    estate.put_references(REFERENCES)
    (line,) = said(estate, Estate((named,)))
    assert all(word in line for word in ("water", "'flat'", "electricity", "wet")), line


def test_references_come_back_as_they_were(url):
    one, other = open_registry(url), open_registry(url)
    assert other.references() == References()
    one.put_references(REFERENCES)
    assert other.references() == REFERENCES
    assert other.references() is other.references()
    dear = tariff("flat", "electricity")
    one.put_references(References(tariffs={"new": dear}))
    assert other.references().tariffs == {**REFERENCES.tariffs, "new": dear}
    assert other.references().quotas == REFERENCES.quotas
    one.close()
    other.close()


def test_replacements_come_back_in_order_of_time(estate):
    late = swap(
        "late", 9 * HOUR_US, final_value=999.5, initial_value=0.25, ratio=60.0, rollover_at=1e5, note="新表"
    )
    early = swap("early", 3 * HOUR_US)
    other = Replacement("w", "d1", "water_volume_total", 5)
    for one in (late, other, early):
        estate.put_replacement(one)
    assert estate.catalog().replacements == {
        ("d0", COUNTER): (early, late),
        ("d1", "water_volume_total"): (other,),
    }
    assert estate.drop_replacement("early")
    assert not estate.drop_replacement("early")
    assert estate.catalog().replacements["d0", COUNTER] == (late,)


def test_a_replacement_put_again_is_corrected_and_the_same_changes_nothing(estate):
    before = estate.revision()
    estate.put_replacement(swap("a", 5))
    first = estate.revision()
    estate.put_replacement(swap("a", 5))
    assert estate.revision() == first != before
    estate.put_replacement(swap("a", 7, final_value=1.0))
    assert [one.at_us for one in estate.catalog().replacements["d0", COUNTER]] == [7]
    assert estate.revision().estate > first.estate
    estate.drop_replacement("nothing")
    assert estate.revision().estate == first.estate + 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Replacement("x", "ghost", COUNTER, 5), "'ghost' registered"),
        (Replacement("x", "d0", "power_active", 5), "power_active counter"),
        (Replacement("x", "d0", "joy", 5), "'joy' unknown"),
        (swap("x", 0), "1970"),
        (swap("x", 5, ratio=-1.0), "ratio = -1"),
        (swap("x", 9), "'there' same moment"),
        (Replacement("there", "d1", COUNTER, 5), "'there' another register"),
    ],
)
def test_what_is_wrong_with_a_replacement_is_said(estate, wrong, words):
    estate.put_replacement(swap("there", 9))
    with pytest.raises(Conflict) as caught:
        estate.put_replacement(wrong)
    assert all(word in str(caught.value) for word in words.split()), caught.value
    assert len(estate.catalog().replacements) == 1


def test_a_ratio_holds_from_its_replacement_on(estate):
    estate.put_register(RegisterSettings("d0", COUNTER, ratio=40))
    estate.put_replacement(swap("same", 10))
    estate.put_replacement(swap("other", 20, ratio=60.0))
    catalog = estate.catalog()
    register = catalog.register_of["d0", COUNTER]
    assert [catalog.ratio(register, at_us) for at_us in (0, 10, 19, 20, 99)] == [40, 40, 40, 60, 60]


def test_a_move_keeps_where_the_device_was(estate):
    estate.put_place(place("q"))
    estate.put_placement(Placement("d0", 20, "q", "d1"))
    estate.put_placement(Placement("d0", 10, "p", "d2"))
    catalog = estate.catalog()
    assert [catalog.placed("d0", at_us) for at_us in (-5, 9, 10, 19, 20)] == [
        ("p", None),
        ("p", None),
        ("p", "d2"),
        ("p", "d2"),
        ("q", "d1"),
    ]
    assert catalog.placed("d1", 99) == ("p", None)
    moved = catalog.devices["d0"]
    assert (moved.place_id, moved.parent_device_id) == ("q", "d1")


def test_a_move_that_is_undone_never_happened(estate):
    estate.put_place(place("q"))
    before = estate.catalog().devices
    estate.put_placement(Placement("d0", 20, "q"))
    revision = estate.revision()
    estate.put_placement(Placement("d0", 20, "q"))
    assert not estate.drop_placement("d0", 10)
    assert estate.revision() == revision
    assert estate.drop_placement("d0", 20)
    catalog = estate.catalog()
    assert (catalog.devices, catalog.placements) == (before, {})


def test_where_a_device_was_at_first_can_be_corrected(estate):
    estate.put_place(place("q"))
    estate.put_placement(Placement("d0", 20, "q"))
    estate.put_placement(Placement("d0", 0, "p", "d1"))
    assert estate.catalog().placed("d0", 5) == ("p", "d1")
    assert estate.catalog().devices["d0"].place_id == "q"


def test_a_configuration_that_is_out_of_date_does_not_undo_a_move(estate):
    estate.put_place(place("q"))
    estate.put_placement(Placement("d0", 20, "q"))
    revision = estate.revision()
    estate.put_device(device("d0"))
    assert estate.revision() == revision
    estate.put_device(device("d0", decoder="other"))
    after = estate.catalog().devices["d0"]
    assert (after.place_id, after.decoder) == ("q", "other")
    estate.put_place(place("r"))
    assert "placement" in said(estate, Estate(devices=(device("d0", "r"),)))[0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Placement("ghost", 5, "p"), "'ghost' registered"),
        (Placement("d0", 5, "x"), "'x' registered"),
        (Placement("d0", 5, "p", "ghost"), "'ghost' registered"),
        (Placement("d0", 5, "p", "d0"), "d0 -> d0"),
        (Placement("d0", 5, "p", "d2"), "d0 -> d2 -> d1 -> d0"),
        (Placement("sum", 5, "p"), "'sum' virtual"),
    ],
)
def test_what_is_wrong_with_a_move_is_said(estate, wrong, words):
    estate.put_estate(Estate(devices=(device("d1", parent="d0"), device("d2", parent="d1"), virtual("sum"))))
    with pytest.raises(Conflict) as caught:
        estate.put_placement(wrong)
    assert all(word in str(caught.value) for word in words.split()), caught.value
    assert estate.catalog().placements == {}


def test_what_one_process_changes_another_sees_and_a_restart_keeps(url):
    one, other = open_registry(url), open_registry(url)
    one.put_estate(Estate((place("p"), place("q")), (device("d0"), device("d1"))))
    seen = [other.revision()]
    for change in (
        lambda: one.put_register(RegisterSettings("d0", COUNTER, ratio=2)),
        lambda: one.put_register(RegisterSettings("d0", COUNTER, ratio=4)),
        lambda: one.put_replacement(swap("a", 5)),
        lambda: one.drop_replacement("a"),
        lambda: one.put_placement(Placement("d0", 9, "q")),
        lambda: one.drop_placement("d0", 9),
        lambda: one.put_placement(Placement("d0", 9, "q")),
        lambda: one.put_references(REFERENCES),
    ):
        change()
        seen.append(other.revision())
    assert len(set(seen)) == len(seen)
    one.close()
    other.close()
    again = open_registry(url)
    catalog = again.catalog()
    assert catalog.register_of["d0", COUNTER].ratio == 4
    assert catalog.placed("d0", 9) == ("q", None)
    assert again.references() == REFERENCES
    again.close()
