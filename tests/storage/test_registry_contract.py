"""What the Registry promises, on SQLite and on a real PostgreSQL."""

import threading

import pytest

from core.alerting import AlertQuery
from core.errors import Conflict
from core.estate import Estate
from core.model import CircuitItem, Device, DeviceKind, MapLayer, Name, RegisterSettings
from core.ports import Checkpoint
from core.rules import Selector
from storage.registry import open_registry
from tests.storage.registries import (
    FIRING,
    NOW_US,
    REFERENCES,
    change,
    device,
    letter,
    organisation,
    place,
    rule,
)


def test_an_empty_registry_has_nothing(registry):
    catalog = registry.catalog()
    assert (catalog.places, catalog.devices, catalog.registers) == ({}, {}, [])
    assert registry.rules() == []
    assert registry.map_layers() == []
    assert registry.alerts(AlertQuery()) == []
    assert registry.dead_letters() == []
    assert registry.dead_letter_counts() == {}
    assert registry.load_checkpoint("x") is None
    registry.ping()


def test_an_estate_comes_back_as_it_was(registry):
    estate = Estate(
        places=(
            place(
                "b",
                "p",
                floor_area_m2=1234.5,
                headcount=7,
                category="school",
                latitude_deg=29.5,
                longitude_deg=1.0,
                climate_zone="hot_summer_cold_winter",
                calendar_id="workdays",
                tariffs=(("electricity", "flat"), ("water", "wet")),
                contract_demand_w=2.5e5,
                region_code="CN-CQ",
            ),
            place("p"),
            organisation("office"),
        ),
        devices=(
            device("child", "b", "main", decoder="dlt645", coordinate_system="gcj02", valid_from_us=-(2**60)),
            device(
                "main",
                "p",
                expected_interval_s=0.5,
                valid_to_us=2**62,
                meter_type="three_phase",
                rated_power_w=1e5,
                accuracy_class=0.5,
                item=CircuitItem.SPECIAL,
                organisation_id="office",
            ),
            Device("sum", DeviceKind.VIRTUAL, "p", Name("和", "Sum"), formula="[main] + [child]"),
        ),
        rules=(rule("r2", select=Selector(("p", "b"), ("main",))), rule("r1")),
        map_layers=(MapLayer("m2", "roads", '{"features": []}'), MapLayer("m1", "depots", "{}")),
    )
    registry.put_references(REFERENCES)
    registry.put_estate(estate)
    catalog = registry.catalog()
    assert catalog.places == {item.id: item for item in estate.places}
    assert catalog.devices == {item.id: item for item in estate.devices}
    assert registry.rules() == [estate.rules[1], estate.rules[0]]
    assert registry.map_layers() == [estate.map_layers[1], estate.map_layers[0]]


def test_putting_again_updates_and_keeps_the_numbers(registry):
    registry.put_estate(Estate((place("p"),), (device("d0"), device("d1")), (rule("r"),)))
    before = registry.catalog().device_number
    registry.put_estate(
        Estate(
            (place("p", headcount=9),),
            (device("d2"), device("d1", decoder="other")),
            (rule("r", select=Selector(("p",))),),
        )
    )
    catalog = registry.catalog()
    assert catalog.device_number == {**before, "d2": 2}
    assert catalog.devices["d1"].decoder == "other"
    assert catalog.places["p"].headcount == 9
    assert [item.select.places for item in registry.rules()] == [("p",)]


def test_device_numbers_are_dense_from_0(registry):
    registry.put_place(place("p"))
    for id_ in "cab":
        registry.put_device(device(id_))
    assert registry.catalog().device_number == {"c": 0, "a": 1, "b": 2}


def test_every_mistake_of_an_estate_is_named_and_nothing_is_stored(registry):
    registry.put_place(place("p"))
    with pytest.raises(Conflict) as caught:
        registry.put_estate(
            Estate(
                (
                    place("good", "p"),
                    place("x", "nowhere"),
                    place("l1", "l2"),
                    place("l2", "l1"),
                    place("me", "me"),
                ),
                (
                    device("d", "gone"),
                    device("e", "p", "ghost"),
                    device("f", "p", "g"),
                    device("g", "p", "f"),
                ),
            )
        )
    said = str(caught.value).splitlines()
    assert len(said) == 6
    for line, words in zip(
        said,
        ("'x' 'nowhere'", "'d' 'gone'", "'e' 'ghost'", "l1 l2", "me", "f g"),
        strict=True,
    ):
        assert all(word in line for word in words.split()), line
    assert list(registry.catalog().places) == ["p"]


def test_a_place_below_itself_through_what_is_registered_is_a_loop(registry):
    registry.put_estate(Estate((place("a"), place("b", "a"), place("c", "b"))))
    with pytest.raises(Conflict, match="a -> c -> b -> a"):
        registry.put_place(place("a", "c"))
    assert registry.catalog().places["a"].parent_id is None


def test_a_device_at_a_place_nobody_knows_is_a_conflict(registry):
    with pytest.raises(Conflict, match="'nowhere'"):
        registry.put_device(device("d", "nowhere"))


def test_registers_are_dense_permanent_and_given_in_the_order_asked_for(estate):
    wanted = [
        ("d1", "frequency"),
        ("d0", "power_active"),
        ("d0", "energy_active_import_total"),
        ("d1", "frequency"),
    ]
    made = estate.add_registers(wanted)
    assert [(register.device_id, register.quantity) for register in made] == wanted
    assert [register.id for register in made] == [2, 0, 3, 2]
    assert estate.add_registers(wanted) == made
    catalog = estate.catalog()
    assert [register.id for register in catalog.registers] == [0, 1, 2, 3]
    assert catalog.register_of["d0", "energy_active_import_total"] == made[2]
    assert (made[2].unit, made[2].kind, made[2].energy) == ("kWh", "counter", "electricity")
    assert estate.add_registers([]) == []


def test_registers_of_the_unknown_are_a_conflict_that_names_all(estate):
    with pytest.raises(Conflict) as caught:
        estate.add_registers(
            [("d0", "frequency"), ("x", "power_active"), ("y", "power_active"), ("d0", "happiness")]
        )
    assert len(str(caught.value).splitlines()) == 3
    assert len(estate.catalog().registers) == 2


def test_two_processes_never_give_one_number_twice(url, registry):
    registry.put_estate(Estate((place("p"),), tuple(device(f"d{n}") for n in range(4))))
    quantities = ["power_active", "frequency", "power_factor", "voltage_l1", "voltage_l2", "voltage_l3"]
    start = threading.Barrier(4)
    failures = []

    def add(number):
        other = open_registry(url)
        try:
            start.wait()
            for quantity in quantities:
                other.add_registers([(f"d{number}", quantity), ("d0", quantity)])
                other.put_device(device(f"n{number}-{quantity}"))
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)
        finally:
            other.close()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    catalog = registry.catalog()
    assert [register.id for register in catalog.registers] == list(range(24))
    assert sorted(catalog.device_ids) == list(range(28))


def test_a_checkpoint_that_is_dropped_is_gone(registry):
    for name in ("b", "a"):
        registry.save_checkpoint(name, Checkpoint(1, b"x"))
    assert registry.checkpoint_names() == ["a", "b"]
    registry.drop_checkpoint("a")
    registry.drop_checkpoint("never was")
    assert registry.checkpoint_names() == ["b"]
    assert registry.load_checkpoint("a") is None


def test_opening_again_keeps_everything(url):
    registry = open_registry(url)
    registry.put_estate(Estate((place("p"),), (device("d0"),), (rule("r"),), (MapLayer("m", "roads", "{}"),)))
    registry.add_registers([("d0", "frequency")])
    registry.record_alerts([change(FIRING, 150)], NOW_US)
    registry.put_dead_letters([letter(1)])
    registry.save_checkpoint("c", Checkpoint(7, b"x"))
    registry.close()
    again = open_registry(url)
    assert list(again.catalog().devices) == ["d0"]
    assert len(again.catalog().registers) == len(again.rules()) == len(again.map_layers()) == 1
    assert again.record_alerts([change(FIRING, 150)], NOW_US) == []
    assert again.dead_letters() == [letter(1)]
    assert again.load_checkpoint("c") == Checkpoint(7, b"x")
    again.close()


def test_every_change_of_what_is_registered_changes_the_revision(url):
    one, other = open_registry(url), open_registry(url)
    seen = [other.revision()]
    one.put_estate(Estate((place("p"),), (device("m"),), (rule("r"),)))
    seen.append(other.revision())
    one.put_place(place("q"))
    seen.append(other.revision())
    one.add_registers([("m", "power_active")])
    seen.append(other.revision())
    one.add_registers([("m", "power_active")])
    assert other.revision() == seen[-1]
    assert len(set(seen)) == 4
    assert [revision.estate != seen[0].estate for revision in seen] == [False, True, True, True]
    assert seen[3].estate == seen[2].estate
    one.close()
    other.close()


def test_registers_can_be_read_from_any_id_on(registry):
    registry.put_estate(Estate((place("p"),), (device("m"), device("n"))))
    made = registry.add_registers([("m", "power_active"), ("n", "power_active"), ("m", "voltage_l1")])
    assert registry.registers_from(0) == made
    assert registry.registers_from(2) == made[2:]
    assert registry.registers_from(3) == []


def test_putting_what_is_there_already_changes_no_revision(registry):
    estate = Estate(
        (place("p"), place("q", "p", floor_area_m2=12)),
        (device("m"), device("n", "q", "m")),
        (rule("r", select=Selector(("p",))),),
        (MapLayer("l", "roads", "{}"),),
        (RegisterSettings("m", "power_active", ratio=40),),
    )
    registry.put_references(REFERENCES)
    registry.put_estate(estate)
    before = registry.revision()
    registry.put_estate(estate)
    registry.put_references(REFERENCES)
    assert registry.revision() == before
    registry.put_estate(Estate(registers=(RegisterSettings("m", "power_active", ratio=50),)))
    assert registry.revision().estate > before.estate


def test_the_last_of_two_with_one_id_holds(registry):
    registry.put_place(place("p", headcount=2))
    registry.put_estate(Estate((place("p", headcount=1), place("p", headcount=2))))
    assert registry.catalog().places["p"].headcount == 2
