"""What people may do with an alert: every status and act, and what each makes of it."""

from dataclasses import replace

import pytest

from core.alerting import Act
from core.alerts import AlertState, CloseReason, EventKind, Handled, Handling
from core.errors import Conflict
from core.handling import ACTS, Terms, handled
from tests.storage.registries import FIRING, RESOLVED, STALE, alert

NEW, ACKNOWLEDGED, CLOSING, CLOSED = Handled
TERMS, TWO = Terms(approval=False, deadline_s=60), Terms(approval=True, deadline_s=60)
HOUR_US, MINUTE_US = 3_600_000_000, 60_000_000

DETAIL = {
    EventKind.ASSIGNED: {"organisation_id": "o2", "assignee": "Wang"},
    EventKind.SHELVED: {"until_us": HOUR_US, "reason": "part is ordered"},
    EventKind.CLOSING: {"reason": "fixed", "note": "new fuse"},
    EventKind.ESCALATED: {"overdue_since_us": 7, "organisation_id": "city", "due_at_us": 99},
}


def held(status, **more):
    """Handling in a status, as acts lead there."""
    begun = Handling(status, "o", due_at_us=7, **more)
    if status in (CLOSING, CLOSED):
        return replace(begun, closed_at_us=50, closed_by="Zhang", close_reason=CloseReason.FIXED)
    return begun


def do(kind, status=NEW, *, state=FIRING, terms=TERMS, by="Li", at_us=100, before=None, **detail):
    act = Act(kind, at_us, by, DETAIL.get(kind, {}) | detail)
    return handled(alert(state, 300), before or held(status), act, terms)


@pytest.mark.parametrize("status", Handled)
@pytest.mark.parametrize("kind", ACTS)
def test_every_act_leads_where_the_table_says_or_says_what_to_do_instead(kind, status):
    after = ACTS[kind][status]
    state = RESOLVED if kind is EventKind.CLOSING else FIRING
    shelved = {"shelved_until_us": 200} if kind is EventKind.UNSHELVED else {}
    before = held(status, **shelved)
    if isinstance(after, Handled):
        moved, line = do(kind, state=state, terms=TWO, before=before)
        assert (moved.status, line) == (after, kind)
    else:
        with pytest.raises(Conflict, match=":"):
            do(kind, state=state, before=before)


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind not in ACTS])
def test_what_telemetry_says_nobody_can_do(kind):
    with pytest.raises(Conflict, match="telemetry"):
        do(kind)


def test_who_acknowledged_and_when_is_kept():
    moved, _ = do(EventKind.ACKNOWLEDGED)
    assert (moved.acknowledged_by, moved.acknowledged_at_us) == ("Li", 100)
    assert moved.due_at_us == 7  # to be closed by then all the same


def test_another_organisation_has_its_own_deadline_and_a_person_has_not():
    moved, _ = do(EventKind.ASSIGNED)
    assert (moved.organisation_id, moved.assignee) == ("o2", "Wang")
    assert moved.due_at_us == 100 + MINUTE_US
    person, _ = do(EventKind.ASSIGNED, organisation_id=None)
    assert (person.organisation_id, person.assignee, person.due_at_us) == ("o", "Wang", 7)
    with pytest.raises(Conflict, match="nobody is named"):
        do(EventKind.ASSIGNED, organisation_id="", assignee=" ")


def test_shelving_has_an_end_and_a_reason():
    moved, _ = do(EventKind.SHELVED, state=STALE)
    assert moved.shelved_until_us == HOUR_US
    for wrong in ({"until_us": 100}, {"until_us": None}, {"reason": "  "}):
        with pytest.raises(Conflict):
            do(EventKind.SHELVED, **wrong)
    with pytest.raises(Conflict, match="close it instead"):
        do(EventKind.SHELVED, state=RESOLVED)


def test_after_the_shelf_the_deadline_runs_again():
    moved, _ = do(EventKind.UNSHELVED, before=held(NEW, shelved_until_us=50))
    assert (moved.shelved_until_us, moved.due_at_us) == (None, 100 + MINUTE_US)
    with pytest.raises(Conflict, match="not shelved"):
        do(EventKind.UNSHELVED)


@pytest.mark.parametrize("state", [FIRING, STALE])
def test_only_telemetry_proves_that_it_is_done(state):
    with pytest.raises(Conflict, match="false_alarm"):
        do(EventKind.CLOSING, state=state)
    moved, line = do(EventKind.CLOSING, state=state, reason="false_alarm")
    assert (moved.status, line) == (CLOSED, EventKind.CLOSED)


@pytest.mark.parametrize("state", [FIRING, STALE])
def test_what_nothing_watches_any_more_is_closed_as_such(state):
    stated = {"state": state, "reason": "rule_withdrawn"}
    moved, line = do(EventKind.CLOSING, **stated, withdrawn="rule_dropped")
    assert (moved.close_reason, line) == (CloseReason.RULE_WITHDRAWN, EventKind.CLOSED)
    for unproven in ({}, {"withdrawn": "because"}):
        with pytest.raises(Conflict, match="its rule still watches it: shelve it"):
            do(EventKind.CLOSING, **stated, **unproven)


def test_what_has_returned_to_normal_needs_no_withdrawn_rule():
    with pytest.raises(Conflict, match="returned to normal: close it as fixed"):
        do(EventKind.CLOSING, state=RESOLVED, reason="rule_withdrawn", withdrawn="rule_dropped")


def test_closing_needs_a_reason_that_there_is():
    with pytest.raises(Conflict, match="one of fixed, returned, accepted, false_alarm"):
        do(EventKind.CLOSING, state=RESOLVED, reason="checked")


def test_a_closed_alert_says_who_why_and_is_not_due():
    moved, line = do(EventKind.CLOSING, state=RESOLVED, before=held(NEW, shelved_until_us=500))
    assert line is EventKind.CLOSED
    assert (moved.closed_by, moved.close_reason, moved.close_note) == ("Li", CloseReason.FIXED, "new fuse")
    assert (moved.due_at_us, moved.shelved_until_us) == (None, None)


def test_approval_is_by_another_person():
    waiting, line = do(EventKind.CLOSING, state=RESOLVED, terms=TWO)
    assert (waiting.status, line, waiting.due_at_us) == (CLOSING, EventKind.CLOSING, 100 + MINUTE_US)
    for kind in (EventKind.CLOSED, EventKind.REOPENED):
        with pytest.raises(Conflict, match="another person"):
            do(kind, before=waiting, terms=TWO, by="Li")
    approved, _ = do(EventKind.CLOSED, before=waiting, terms=TWO, by="Zhao")
    assert (approved.status, approved.approved_by, approved.closed_by) == (CLOSED, "Zhao", "Li")
    assert approved.due_at_us is None


def test_a_refused_closing_is_work_again():
    waiting, _ = do(EventKind.CLOSING, state=RESOLVED, terms=TWO)
    refused, _ = do(EventKind.REOPENED, before=waiting, terms=TWO, by="Zhao", at_us=200)
    assert (refused.status, refused.closed_by, refused.close_reason) == (ACKNOWLEDGED, None, None)
    assert (refused.acknowledged_by, refused.due_at_us) == ("Li", 200 + MINUTE_US)


def test_an_alert_goes_up_once_a_deadline():
    moved, _ = do(EventKind.ESCALATED)
    assert (moved.organisation_id, moved.due_at_us, moved.escalations) == ("city", 99, 1)
    with pytest.raises(Conflict, match="went up already"):
        do(EventKind.ESCALATED, before=moved)


def test_at_the_root_it_stays_where_it_is_without_deadline():
    moved, _ = do(EventKind.ESCALATED, organisation_id=None, due_at_us=None)
    assert (moved.organisation_id, moved.due_at_us, moved.escalations) == ("o", None, 1)


def test_states_and_handling_do_not_wait_for_one_another():
    for state in (AlertState.FIRING, AlertState.STALE, AlertState.RESOLVED):
        assert do(EventKind.ACKNOWLEDGED, state=state)[0].status is ACKNOWLEDGED
