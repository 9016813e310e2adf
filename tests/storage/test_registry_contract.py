"""What the Registry promises, on SQLite and on a real PostgreSQL."""

import itertools
import threading

import pytest

from core.errors import Conflict, RejectReason
from core.model import (
    Alert,
    AlertState,
    Comparator,
    Device,
    DeviceKind,
    Estate,
    MapLayer,
    Name,
    Place,
    PlaceKind,
    Rule,
    Severity,
)
from core.ports import AlertChange, Checkpoint, DeadLetter
from storage import dead_letters
from storage.registry import open_registry
from tests.servers import fresh_database

_NUMBER = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A database of each kind in which nothing is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.sqlite'}"
    else:
        server = request.getfixturevalue("postgres")
        with fresh_database(server, f"registry_{next(_NUMBER)}") as made:
            yield made


@pytest.fixture
def registry(url):
    opened = open_registry(url)
    yield opened
    opened.close()


def place(id_, parent=None, **more):
    return Place(
        id_, PlaceKind.BUILDING, Name(f"{id_} 楼", f"Building {id_}"), "Asia/Shanghai", parent, **more
    )


def device(id_, place_id="p", parent=None, **more):
    return Device(id_, DeviceKind.METER, place_id, Name("表", "Meter"), parent, **more)


def rule(id_, **more):
    return Rule(
        id_,
        Name("夜间用电", "Night load"),
        "power_active",
        Comparator.ABOVE,
        1000.0,
        900.5,
        600.0,
        Severity.WARNING,
        Name("去看看", "Go and look"),
        **more,
    )


@pytest.fixture
def estate(registry):
    """A registry with a place, three devices and a register of each of two."""
    registry.put_estate(Estate((place("p"),), (device("d0"), device("d1"), device("d2"))))
    registry.add_registers([("d0", "power_active"), ("d1", "power_active")])
    return registry


def change(state, at_us, *, alert="a", previous=AlertState.INACTIVE, register=0, active_at_us=100, rule="r"):
    resolved_us = at_us if state is AlertState.RESOLVED else None
    fired_us = 0 if state is AlertState.PENDING else 150
    return AlertChange(
        Alert(alert, rule, register, state, 1234.5, active_at_us, fired_us, resolved_us), previous, at_us
    )


PENDING, FIRING, RESOLVED = AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED


def test_an_empty_registry_has_nothing(registry):
    catalog = registry.catalog()
    assert (catalog.places, catalog.devices, catalog.registers) == ({}, {}, [])
    assert registry.rules() == []
    assert registry.map_layers() == []
    assert registry.alerts() == []
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
            ),
            place("p"),
        ),
        devices=(
            device("child", "b", "main", decoder="dlt645", coordinate_system="gcj02", valid_from_us=-(2**60)),
            device("main", "p", expected_interval_s=0.5, valid_to_us=2**62),
        ),
        rules=(rule("r2", places=("p", "b"), devices=("main",)), rule("r1")),
        map_layers=(MapLayer("m2", "roads", '{"features": []}'), MapLayer("m1", "depots", "{}")),
    )
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
            (rule("r", places=("p",)),),
        )
    )
    catalog = registry.catalog()
    assert catalog.device_number == {**before, "d2": 2}
    assert catalog.devices["d1"].decoder == "other"
    assert catalog.places["p"].headcount == 9
    assert [item.places for item in registry.rules()] == [("p",)]


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


def test_an_alert_lives_from_pending_to_resolved(estate):
    for state, at_us, previous in (
        (PENDING, 100, "inactive"),
        (FIRING, 150, PENDING),
        (RESOLVED, 300, FIRING),
    ):
        step = change(state, at_us, previous=AlertState(previous))
        assert estate.record_alerts([step]) == [step]
        assert estate.alerts() == [step.alert]


def test_a_transition_told_again_is_no_news_and_changes_nothing(estate):
    steps = [change(PENDING, 100), change(FIRING, 150), change(RESOLVED, 300)]
    assert estate.record_alerts(steps) == steps
    again = [*steps, change(FIRING, 999)]
    assert estate.record_alerts(again) == []
    assert estate.alerts() == [steps[-1].alert]


def test_a_transition_never_leads_back(estate):
    estate.record_alerts([change(RESOLVED, 300)])
    assert estate.record_alerts([change(FIRING, 150)]) == []
    assert estate.alerts()[0].state is RESOLVED


def test_a_rule_and_register_have_one_open_alert(estate):
    estate.record_alerts([change(FIRING, 150, alert="a1"), change(FIRING, 150, alert="b1", register=1)])
    news = estate.record_alerts([change(FIRING, 500, alert="a2", active_at_us=400)])
    assert [(item.alert.id, item.alert.state, item.previous) for item in news] == [
        ("a1", RESOLVED, FIRING),
        ("a2", FIRING, AlertState.INACTIVE),
    ]
    assert {item.id for item in estate.alerts(state=FIRING)} == {"a2", "b1"}
    assert [item.resolved_at_us for item in estate.alerts(state=RESOLVED)] == [500]
    assert estate.record_alerts([change(FIRING, 450, alert="a0", active_at_us=300)]) == []


def test_an_episode_may_end_and_the_next_begin_in_one_call(estate):
    estate.record_alerts([change(FIRING, 150, alert="a1")])
    news = estate.record_alerts(
        [change(RESOLVED, 200, alert="a1"), change(FIRING, 300, alert="a2", active_at_us=250)]
    )
    assert len(news) == 2
    assert [(item.id, item.state) for item in estate.alerts()] == [("a2", FIRING), ("a1", RESOLVED)]


def test_alerts_come_newest_first_by_pages(estate):
    estate.record_alerts(
        [change(RESOLVED, 900, alert=f"a{n}", active_at_us=n, rule=f"r{n}") for n in (3, 1, 5, 2, 4)]
    )
    first = estate.alerts(limit=2)
    assert [item.active_at_us for item in first] == [5, 4]
    assert [item.active_at_us for item in estate.alerts(limit=9, before_us=4)] == [3, 2, 1]
    assert estate.alerts(state=FIRING) == []


def test_many_alerts_at_once_are_all_recorded(estate):
    changes = [change(FIRING, 150, alert=f"a{n}", rule=f"r{n}") for n in range(1200)]
    assert estate.record_alerts(changes) == changes
    assert estate.record_alerts(changes) == []
    assert len(estate.alerts(limit=2000)) == 1200


def letter(number, reason=RejectReason.UNKNOWN_DEVICE, **more):
    fields = {
        "topic": "wattline/v1/x/readings",
        "payload": b"\xff\x00{" + bytes([number % 256]),
        "detail": f"n {number}",
    }
    return DeadLetter(number, reason=reason, **(fields | more))


def test_dead_letters_come_back_newest_first(registry):
    letters = [letter(number) for number in range(5)]
    registry.put_dead_letters(letters[:2])
    registry.put_dead_letters(letters[2:])
    registry.put_dead_letters([])
    assert registry.dead_letters() == letters[::-1]
    assert registry.dead_letters(limit=2) == letters[:2:-1]


def test_the_oldest_dead_letters_of_a_reason_make_room_and_stay_counted(registry, monkeypatch):
    monkeypatch.setattr(dead_letters, "KEPT", 3)
    registry.put_dead_letters([letter(0, RejectReason.BAD_TIME)])
    registry.put_dead_letters([letter(number) for number in range(1, 6)])
    registry.put_dead_letters([letter(6), letter(7)])
    kept = registry.dead_letters()
    assert [item.received_at_us for item in kept] == [7, 6, 5, 0]
    assert registry.dead_letter_counts() == {RejectReason.UNKNOWN_DEVICE: 7, RejectReason.BAD_TIME: 1}


def test_a_dead_letter_may_hold_anything(registry):
    awkward = letter(1, topic="a\0b\ud800", payload=bytes(range(256)) * 1000, detail="\0 楼 \udcff")
    registry.put_dead_letters([awkward])
    (kept,) = registry.dead_letters()
    assert kept.payload == awkward.payload[: dead_letters.PAYLOAD_BYTES]
    assert kept.topic.startswith("a\N{REPLACEMENT CHARACTER}b")
    assert "楼" in kept.detail


def test_a_checkpoint_replaces_the_one_before(registry):
    registry.save_checkpoint("ledger", Checkpoint(2**62, bytes(range(256)) * 5000))
    registry.save_checkpoint("other", Checkpoint(1, b""))
    assert registry.load_checkpoint("ledger") == Checkpoint(2**62, bytes(range(256)) * 5000)
    registry.save_checkpoint("ledger", Checkpoint(5, b"new"))
    assert registry.load_checkpoint("ledger") == Checkpoint(5, b"new")
    assert registry.load_checkpoint("other") == Checkpoint(1, b"")


def test_opening_again_keeps_everything(url):
    registry = open_registry(url)
    registry.put_estate(Estate((place("p"),), (device("d0"),), (rule("r"),), (MapLayer("m", "roads", "{}"),)))
    registry.add_registers([("d0", "frequency")])
    registry.record_alerts([change(FIRING, 150)])
    registry.put_dead_letters([letter(1)])
    registry.save_checkpoint("c", Checkpoint(7, b"x"))
    registry.close()
    again = open_registry(url)
    assert list(again.catalog().devices) == ["d0"]
    assert len(again.catalog().registers) == len(again.rules()) == len(again.map_layers()) == 1
    assert again.record_alerts([change(FIRING, 150)]) == []
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
    one.close()
    other.close()
