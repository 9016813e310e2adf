"""What the Registry promises of alerts, dead letters and checkpoints, on both databases."""

import pytest

from core.alerts import AlertState
from core.errors import RejectReason
from core.ports import Checkpoint
from storage import dead_letters
from tests.storage.registries import FIRING, PENDING, RESOLVED, change, letter


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
