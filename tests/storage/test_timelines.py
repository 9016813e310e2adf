"""Handling and timelines on both databases: nothing is lost, doubled, changed or cut unseen."""

import threading

import pytest
from sqlalchemy import create_engine

from core.alerting import Act
from core.alerts import EventKind, Handled, Silence
from core.errors import Conflict
from core.model import Severity
from storage.registry import open_registry
from tests.storage.children import start
from tests.storage.registries import EVIDENCE, FIRING, NOW_US, RESOLVED, STALE, change, rule

RECORD = """
import sys
from storage.registry import open_registry
from tests.storage.registries import FIRING, NOW_US, RESOLVED, STALE, change
registry = open_registry(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
news = 0
for n in range(40):
    for step in (
        change(FIRING, 150, alert=f"a{n}", rule=f"r{n}"),
        change(STALE, 400, alert=f"a{n}", rule=f"r{n}", previous=FIRING),
        change(RESOLVED, 900, alert=f"a{n}", rule=f"r{n}", previous=STALE),
    ):
        news += len(registry.record_alerts([step], NOW_US))
registry.close()
print(news, flush=True)
"""


def raw(url, statement):
    """Run a statement as somebody who goes past Wattline."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def act(registry, kind, by="Li", at_us=NOW_US, **detail):
    return registry.handle("a", Act(kind, at_us, by, detail))


@pytest.fixture
def alerting(url):
    """A registry with one firing alert."""
    opened = open_registry(url)
    opened.record_alerts([change(FIRING, 150)], NOW_US)
    yield opened
    opened.close()


def test_two_processes_that_see_the_same_record_it_once(url):
    open_registry(url).close()
    children = [start(RECORD, url) for _ in range(3)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.close()
    counts = []
    for child in children:
        with child:
            counts.append(int(child.stdout.read()))
    assert sum(counts) == 120
    registry = open_registry(url)
    for n in range(40):
        assert [line.kind for line in registry.timeline(f"a{n}")] == [
            "fired",
            "assigned",
            "stale",
            "resolved",
        ]
        assert registry.timeline_fault(f"a{n}") is None
    registry.close()


def test_threads_that_handle_one_alert_take_turns(alerting):
    def comment(who):
        for number in range(10):
            act(alerting, EventKind.COMMENTED, by=who, text=f"{number}")

    threads = [threading.Thread(target=comment, args=(f"p{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = alerting.timeline("a")
    assert [line.number for line in lines] == list(range(1, 43))
    assert alerting.timeline_fault("a") is None


def test_a_life_with_two_people_is_on_the_timeline_with_its_evidence(alerting):
    alerting.put_rule(rule("r", approval=True, deadline_s=60.0))
    act(alerting, EventKind.ACKNOWLEDGED)
    act(alerting, EventKind.COMMENTED, text="看过了")
    with pytest.raises(Conflict, match="false_alarm"):
        act(alerting, EventKind.CLOSING, reason="fixed")
    alerting.record_alerts([change(RESOLVED, 900, previous=FIRING)], NOW_US)
    assert act(alerting, EventKind.CLOSING, reason="fixed").handling.status is Handled.CLOSING
    with pytest.raises(Conflict, match="another person"):
        act(alerting, EventKind.CLOSED)
    closed = act(alerting, EventKind.CLOSED, by="Zhao")
    assert closed == alerting.alert("a")
    assert (closed.handling.status, closed.handling.evidence) == (Handled.CLOSED, EVIDENCE)
    lines = alerting.timeline("a")
    assert [(line.kind, line.by) for line in lines] == [
        ("fired", "wattline"),
        ("assigned", "wattline"),
        ("acknowledged", "Li"),
        ("commented", "Li"),
        ("resolved", "wattline"),
        ("closing", "Li"),
        ("closed", "Zhao"),
    ]
    assert lines[3].detail == {"text": "看过了"}
    assert lines[4].detail["evidence"]["samples"] == [[100, 1234.5], [300, 899.0]]
    assert alerting.timeline_fault("a") is None


def test_what_is_refused_leaves_no_line(alerting):
    for kind in (EventKind.CLOSED, EventKind.UNSHELVED, EventKind.RESOLVED):
        with pytest.raises(Conflict):
            act(alerting, kind)
    with pytest.raises(Conflict, match="no alert"):
        alerting.handle("b", Act(EventKind.ACKNOWLEDGED, NOW_US, "Li"))
    assert len(alerting.timeline("a")) == 2


def test_overdue_are_those_past_their_deadline_or_their_shelf(alerting):
    due_us = alerting.alert("a").handling.due_at_us
    assert due_us == 150 + 86_400_000_000
    assert alerting.overdue(due_us - 1) == []
    assert [one.alert.id for one in alerting.overdue(due_us)] == ["a"]
    act(alerting, EventKind.SHELVED, until_us=due_us + 500, reason="holiday")
    assert alerting.overdue(due_us) == []
    assert [one.alert.id for one in alerting.overdue(due_us + 500)] == ["a"]
    alerting.record_alerts([change(RESOLVED, 900, previous=FIRING)], NOW_US)
    act(alerting, EventKind.CLOSING, reason="fixed")
    assert alerting.overdue(due_us + 500) == []


@pytest.mark.parametrize(
    "statement",
    [
        "update alert_event set detail = '{}' where number = 1",
        "update alert_event set number = 9 where number = 2",
        "delete from alert_event where number = 2",
        "delete from alert_event",
        "insert into alert_event select id, 4, 'fired', 7, 7, 'x', '{}', '' from alert",
        "insert into alert_event select id, 2, 'fired', 7, 7, 'x', '{}', '' from alert",
        "delete from alert",
        "update alert set events = 1",
    ],
)
def test_the_database_lets_a_timeline_only_grow(alerting, url, statement):
    before = alerting.timeline("a")
    with pytest.raises(Exception, match=r"only grows|stays|without a gap"):
        raw(url, statement)
    assert alerting.timeline("a") == before


REPLACED = "insert or replace into alert_event select id, 1, 'fired', 7, 7, 'x', '{}', '' from alert"
OF_ITS_OWN = {
    "sqlite": [(REPLACED, "without a gap")],
    "postgresql": [("truncate alert_event", "only grows"), ("truncate alert cascade", r"only grows|stays")],
}


@pytest.mark.usefixtures("alerting")
def test_statements_that_only_one_database_has_do_not_shorten_it_either(url):
    for statement, refusal in OF_ITS_OWN[url.partition(":")[0]]:
        with pytest.raises(Exception, match=refusal):
            raw(url, statement)


TAMPERED = [
    ("update alert_event set detail = '{\"value\":1}' where number = 3", "line 3 was changed"),
    ("update alert_event set by = 'somebody' where number = 3", "line 3 was changed"),
    ("update alert_event set at_us = at_us + 1 where number = 1", "line 1 was changed"),
    ("delete from alert_event where number = 3", "line 3 is missing"),
    ("delete from alert_event where number = 4", "cut after line 3: it had 4"),
    ("delete from alert_event", "cut after line 0: it had 4"),
    (
        "insert into alert_event select id, 5, 'closed', 7, 7, 'x', '{}', '' from alert",
        "line 5 was changed",
    ),
]


@pytest.mark.parametrize(("statement", "said"), TAMPERED)
def test_who_removes_the_triggers_is_found_out(alerting, url, statement, said):
    act(alerting, EventKind.ACKNOWLEDGED)
    act(alerting, EventKind.COMMENTED, text="x")
    for name in ("never_changes", "never_goes", "is_the_next"):
        on = "" if url.startswith("sqlite") else " on alert_event"
        raw(url, f"drop trigger alert_event_{name}{on}")
    assert alerting.timeline_fault("a") is None
    raw(url, statement.replace(" by =", ' "by" ='))
    assert said in alerting.timeline_fault("a")


def test_lines_that_changed_places_are_found_out(alerting, url):
    act(alerting, EventKind.COMMENTED, text="first")
    act(alerting, EventKind.COMMENTED, text="second")
    on = "" if url.startswith("sqlite") else " on alert_event"
    raw(url, f"drop trigger alert_event_never_changes{on}")
    raw(url, "update alert_event set number = 9 where number = 3")
    raw(url, "update alert_event set number = 3 where number = 4")
    raw(url, "update alert_event set number = 4 where number = 9")
    assert "line 3 was changed" in alerting.timeline_fault("a")


def test_a_fault_is_said_of_an_alert_that_there_is(alerting):
    assert alerting.timeline_fault("nobody") == "there is no such alert"
    assert alerting.timeline("nobody") == []


def silence(id_, starts_us, ends_us, **more):
    return Silence(id_, starts_us, ends_us, "works", "Li", 1, **more)


def test_silences_have_an_end_and_can_end_early(registry):
    first = silence("s1", 100, 200, rules=("r",), severities=(Severity.WARNING,))
    second = silence("s2", 50, 300, places=("p",), devices=("d",))
    registry.put_silence(first)
    registry.put_silence(second)
    assert registry.silences() == [second, first]
    assert registry.silences(now_us=100) == [second, first]
    assert registry.silences(now_us=99) == [second]
    assert registry.silences(now_us=200) == [second]
    assert registry.end_silence("s2", 150)
    assert registry.silences(now_us=150) == [first]
    assert not registry.end_silence("s2", 160)
    assert not registry.end_silence("s9", 160)


def test_a_comment_may_hold_anything(alerting):
    act(alerting, EventKind.COMMENTED, text="电表 \ud800 \0")
    assert alerting.timeline("a")[2].detail == {"text": "电表 ? \0"}
    assert alerting.timeline_fault("a") is None


def test_stale_and_back_are_lines_of_the_same_alert(alerting):
    steps = [change(STALE, 400, previous=FIRING), change(FIRING, 500, previous=STALE)]
    assert alerting.record_alerts(steps, NOW_US) == steps
    assert [line.kind for line in alerting.timeline("a")][2:] == ["stale", "returned"]
