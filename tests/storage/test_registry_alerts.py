"""What the Registry promises of alerts, dead letters and checkpoints, on both databases."""

import math
from dataclasses import replace

import pytest

from core.alerting import Act, AlertQuery
from core.alerts import OPEN, AlertChange, AlertState, EventKind, Handled, Waste
from core.errors import RejectReason
from core.ports import Checkpoint
from storage import dead_letters
from storage.alerting import add_lines
from tests.storage.registries import FIRING, NOW_US, RESOLVED, STALE, alert, change, letter

SECOND_US = 1_000_000


def states(estate, **query):
    return [(item.alert.id, item.alert.state) for item in estate.alerts(AlertQuery(**query))]


def kinds(estate, id_="a"):
    return [line.kind for line in estate.timeline(id_)]


LIFE = (
    change(FIRING, 150),
    change(STALE, 400, previous=FIRING),
    change(FIRING, 500, previous=STALE),
    change(RESOLVED, 900, previous=FIRING),
)


def test_an_alert_lives_from_firing_to_resolved(estate):
    for number, step in enumerate(LIFE, 1):
        assert estate.record_alerts([step], NOW_US) == [step]
        assert estate.alert("a").alert == step.alert
        assert estate.alert("a").events == number + 1  # and the line of its assignment
    assert kinds(estate) == ["fired", "assigned", "stale", "returned", "resolved"]
    assert estate.timeline_fault("a") is None


def test_a_transition_told_again_is_no_news_and_changes_nothing(estate):
    assert estate.record_alerts(LIFE, NOW_US) == list(LIFE)
    told, before = estate.timeline("a"), estate.alert("a")
    assert estate.record_alerts([*LIFE, change(FIRING, 999)], NOW_US + 1) == []
    assert (estate.timeline("a"), estate.alert("a")) == (told, before)


def test_a_transition_never_leads_back(estate):
    estate.record_alerts([change(FIRING, 150), change(RESOLVED, 300)], NOW_US)
    assert estate.record_alerts([change(FIRING, 350), change(STALE, 360)], NOW_US) == []
    assert estate.alert("a").alert.state is RESOLVED


def test_who_is_behind_does_not_make_a_live_alert_stale(estate):
    estate.record_alerts(LIFE[:3], NOW_US)
    assert estate.record_alerts([change(STALE, 450, previous=FIRING)], NOW_US) == []
    assert estate.alert("a").alert.state is FIRING


def test_who_tells_again_how_it_fired_does_not_end_a_silence(estate):
    estate.record_alerts(LIFE[:2], NOW_US)
    assert estate.record_alerts([LIFE[0]], NOW_US) == []
    assert kinds(estate) == ["fired", "assigned", "stale"]


def test_data_that_comes_late_ends_a_silence_that_was_noticed_already(estate):
    estate.record_alerts(LIFE[:2], NOW_US)
    late = change(FIRING, 390, previous=STALE)
    assert estate.record_alerts([late], NOW_US) == [late]
    again = change(STALE, 700, previous=FIRING)
    assert estate.record_alerts([again], NOW_US) == [again]


def test_an_alert_of_history_that_goes_on_becomes_live_once(estate):
    estate.record_alerts([change(FIRING, 150, retrospective=True)], NOW_US)
    record = estate.alert("a")
    assert (record.handling.organisation_id, record.handling.due_at_us) == ("o", None)
    live = change(FIRING, 900, previous=FIRING)
    assert estate.record_alerts([live, live], NOW_US) == [live]
    record = estate.alert("a")
    assert not record.alert.retrospective
    assert record.handling.due_at_us == NOW_US + 86_400 * SECOND_US
    assert kinds(estate) == ["fired", "assigned", "live", "assigned"]


def test_a_rule_and_target_have_one_open_alert(estate):
    estate.record_alerts(
        [change(FIRING, 150, alert="a1"), change(FIRING, 150, alert="b1", target="d1/power_active")], NOW_US
    )
    news = estate.record_alerts([change(FIRING, 500, alert="a2", active_at_us=400)], NOW_US)
    assert [(item.alert.id, item.alert.state, item.previous) for item in news] == [
        ("a1", RESOLVED, FIRING),
        ("a2", FIRING, AlertState.PENDING),
    ]
    assert {id_ for id_, _ in states(estate, states=OPEN)} == {"a2", "b1"}
    assert estate.alert("a1").alert.resolved_at_us == 500
    assert kinds(estate, "a1") == ["fired", "assigned", "superseded"]
    assert estate.record_alerts([change(FIRING, 450, alert="a0", active_at_us=300)], NOW_US) == []


def test_an_episode_may_end_and_the_next_begin_in_one_call(estate):
    estate.record_alerts([change(FIRING, 150, alert="a1")], NOW_US)
    changes = [change(RESOLVED, 200, alert="a1"), change(FIRING, 300, alert="a2", active_at_us=250)]
    assert estate.record_alerts(changes, NOW_US) == changes
    assert states(estate) == [("a2", FIRING), ("a1", RESOLVED)]


def test_alerts_come_newest_first_by_pages(estate):
    estate.record_alerts(
        [change(RESOLVED, 900, alert=f"a{n}", active_at_us=n // 2, rule=f"r{n}") for n in (3, 1, 5, 2, 4)],
        NOW_US,
    )
    assert [id_ for id_, _ in states(estate)] == ["a4", "a5", "a2", "a3", "a1"]
    assert [id_ for id_, _ in states(estate, limit=2)] == ["a4", "a5"]
    assert [id_ for id_, _ in states(estate, before=(2, "a4"), limit=2)] == ["a5", "a2"]
    assert states(estate, states=(FIRING,)) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"rules": ("r2",)}, ["a2"]),
        ({"places": ("p",)}, ["a1", "a2"]),
        ({"places": ("q",)}, []),
        ({"organisations": ("o2",)}, ["a2"]),
        ({"retrospective": True}, ["a1"]),
        ({"retrospective": False}, ["a2"]),
        ({"handled": (Handled.ACKNOWLEDGED,)}, ["a2"]),
        ({"states": (FIRING,), "handled": (Handled.NEW,)}, ["a1"]),
    ],
)
def test_alerts_are_found_by_what_they_are_and_how_they_are_handled(estate, query, found):
    first = change(FIRING, 150, alert="a1", rule="r1", retrospective=True)
    second = change(FIRING, 150, alert="a2", rule="r2", organisation_id="o2")
    estate.record_alerts([first, second], NOW_US)
    estate.handle("a2", Act(EventKind.ACKNOWLEDGED, NOW_US, "Li"))
    assert [id_ for id_, _ in states(estate, **query)] == found


def test_many_alerts_at_once_are_all_recorded(estate):
    changes = [change(FIRING, 150, alert=f"a{n}", rule=f"r{n}") for n in range(1200)]
    assert estate.record_alerts(changes, NOW_US) == changes
    assert estate.record_alerts(changes, NOW_US) == []
    assert len(estate.alerts(AlertQuery(limit=2000))) == 1200


def test_what_is_no_number_is_kept_as_none(estate):
    waste = Waste(12.5, "kWh", None, None, "usual")
    odd = replace(
        alert(FIRING, 150, waste=waste), value=math.nan, limit=math.inf, device_id=None, quantity=None
    )
    estate.record_alerts([AlertChange(odd, AlertState.PENDING, 150)], NOW_US)
    kept = estate.alert("a").alert
    assert math.isnan(kept.value)
    assert math.isnan(kept.limit)
    assert (kept.waste, kept.device_id, kept.quantity) == (waste, None, None)
    assert estate.timeline("a")[0].detail["value"] is None


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


@pytest.mark.parametrize("together", [True, False])
def test_a_broken_device_does_not_push_out_the_dead_letters_of_others(registry, monkeypatch, together):
    monkeypatch.setattr(dead_letters, "KEPT", 9)
    monkeypatch.setattr(dead_letters, "KEPT_OF_A_TOPIC", 3)
    flood = [letter(number, topic="broken") for number in range(10, 50)]
    quiet = [letter(1, topic="a"), letter(2, topic="b")]
    for batch in [quiet + flood] if together else [quiet, flood[:20], flood[20:]]:
        registry.put_dead_letters(batch)
    assert [item.received_at_us for item in registry.dead_letters()] == [49, 48, 47, 2, 1]
    assert registry.dead_letter_counts() == {RejectReason.UNKNOWN_DEVICE: 42}


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


def test_what_changed_is_found_by_its_revision_and_what_was_told_is_no_change(estate):
    nothing, start = estate.alerts_changed(None)
    assert nothing == []
    estate.record_alerts([change(FIRING, 150)], NOW_US)
    estate.record_alerts([change(FIRING, 150, alert="b", target="d1/power_active")], NOW_US)
    changed, revision = estate.alerts_changed(start)
    assert [record.alert.id for record in changed] == ["a", "b"]
    assert changed == list(estate.records(["a", "b", "nobody"]).values())
    assert estate.alerts_changed(revision) == ([], revision)
    estate.handle("a", Act(EventKind.ACKNOWLEDGED, NOW_US, "Li"))
    changed, later = estate.alerts_changed(revision)
    assert [(record.alert.id, record.handling.acknowledged_by) for record in changed] == [("a", "Li")]
    with estate._database.write() as connection:
        add_lines(connection, [("a", EventKind.TOLD, NOW_US, {"channel": "c"})])
    assert estate.alerts_changed(later) == ([], later)
    assert estate.alerts_changed(None) == ([], later)
    still, _ = estate.alerts_changed(revision)
    assert [record.alert.id for record in still] == ["a"]  # whoever has not looked yet finds it


def test_what_changed_in_one_transaction_is_found_at_once(estate):
    _, start = estate.alerts_changed(None)
    targets = {id_: f"d{number}/power_active" for number, id_ in enumerate("abcde")}
    begun = [change(FIRING, 150, alert=id_, target=target) for id_, target in targets.items()]
    estate.record_alerts(begun[:1], NOW_US)
    estate.record_alerts(begun[1:], NOW_US)
    found, seen = [], start
    while True:
        changed, seen = estate.alerts_changed(seen, limit=2)
        if not changed:
            break
        found.append([record.alert.id for record in changed])
    assert found == [["a"], ["b", "c", "d", "e"]]
