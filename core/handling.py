"""What people may do with an alert: the table, and what each act makes of its handling.

Handling does not wait for telemetry, but for one thing: an alert is closed when telemetry has
returned to normal, or as a false alarm, or when nothing watches it any more (CLOSED_OPEN).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from core.alerting import Act
from core.alerts import Alert, AlertState, CloseReason, EventKind, Handled, Handling, Withdrawn
from core.errors import Conflict

_NEW, _ACK, _CLOSING, _CLOSED = Handled

_CLOSE_FIRST = "nobody has closed it: close it first, then another person approves"
_NOTHING_REFUSED = "it is not waiting for approval: there is nothing to refuse"
_WAITS = "it is closed and waits for approval: approve it, or refuse (reopen) it first"
_OVER = "it is closed: a comment is all that can be added; a new breach raises a new alert"

ACTS: dict[EventKind, dict[Handled, Handled | str]] = {
    # What it is after an act, or why not and what to do instead. CLOSING is the wish to close:
    # without a second person in the rule it leads to CLOSED at once. CLOSED is the approval.
    EventKind.ACKNOWLEDGED: {
        _NEW: _ACK, _ACK: "it is acknowledged already: assign, comment or close it",
        _CLOSING: _WAITS, _CLOSED: _OVER,
    },
    EventKind.ASSIGNED: {_NEW: _NEW, _ACK: _ACK, _CLOSING: _WAITS, _CLOSED: _OVER},
    EventKind.COMMENTED: {_NEW: _NEW, _ACK: _ACK, _CLOSING: _CLOSING, _CLOSED: _CLOSED},
    EventKind.SHELVED: {_NEW: _NEW, _ACK: _ACK, _CLOSING: _WAITS, _CLOSED: _OVER},
    EventKind.UNSHELVED: {_NEW: _NEW, _ACK: _ACK, _CLOSING: _WAITS, _CLOSED: _OVER},
    EventKind.CLOSING: {_NEW: _CLOSING, _ACK: _CLOSING, _CLOSING: _WAITS, _CLOSED: _OVER},
    EventKind.CLOSED: {_NEW: _CLOSE_FIRST, _ACK: _CLOSE_FIRST, _CLOSING: _CLOSED, _CLOSED: _OVER},
    EventKind.REOPENED: {_NEW: _NOTHING_REFUSED, _ACK: _NOTHING_REFUSED, _CLOSING: _ACK, _CLOSED: _OVER},
    EventKind.ESCALATED: {_NEW: _NEW, _ACK: _ACK, _CLOSING: _CLOSING, _CLOSED: _OVER},
    EventKind.TOLD: {_NEW: _NEW, _ACK: _ACK, _CLOSING: _CLOSING, _CLOSED: _CLOSED},
    EventKind.NOT_TOLD: {_NEW: _NEW, _ACK: _ACK, _CLOSING: _CLOSING, _CLOSED: _CLOSED},
}  # fmt: skip


CLOSED_OPEN = (CloseReason.FALSE_ALARM, CloseReason.RULE_WITHDRAWN)
"""Why an alert may be closed although telemetry has not returned to normal."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rule says: whether closing needs another person, and how long each step may take."""

    approval: bool
    deadline_s: float

    def due_us(self, at_us: int) -> int:
        """When a step that begins now must be done."""
        return at_us + round(self.deadline_s * 1e6)


@dataclass(frozen=True, slots=True)
class _Case:
    alert: Alert
    handling: Handling
    act: Act
    terms: Terms

    def text(self, key: str) -> str:
        value = self.act.detail.get(key)
        return value.strip() if isinstance(value, str) else ""

    def number(self, key: str) -> int | None:
        value = self.act.detail.get(key)
        return value if isinstance(value, int) else None


def handled(alert: Alert, handling: Handling, act: Act, terms: Terms) -> tuple[Handling, EventKind]:
    """Handling after an act, and what its line in the timeline is called.

    Raises Conflict with what to do instead, and for an act that only telemetry performs.
    """
    if act.kind not in ACTS:
        raise Conflict(f"{act.kind} is said by telemetry, not done by a person")
    after = ACTS[act.kind][handling.status]
    if not isinstance(after, Handled):
        raise Conflict(after)
    moved = replace(handling, status=after)
    change = _CHANGES.get(act.kind)
    if change is not None:
        moved = change(_Case(alert, moved, act, terms))
    kind = EventKind.CLOSED if moved.status is Handled.CLOSED and act.kind is EventKind.CLOSING else act.kind
    return moved, kind


def _acknowledge(case: _Case) -> Handling:
    return replace(case.handling, acknowledged_at_us=case.act.at_us, acknowledged_by=case.act.by)


def _assign(case: _Case) -> Handling:
    organisation, assignee = case.text("organisation_id"), case.text("assignee")
    if not organisation and not assignee:
        raise Conflict("nobody is named: give organisation_id, assignee or both")
    moved = replace(case.handling, assignee=assignee or None)
    if organisation:
        moved = replace(moved, organisation_id=organisation, due_at_us=case.terms.due_us(case.act.at_us))
    return moved


def _shelve(case: _Case) -> Handling:
    until_us = case.number("until_us")
    if until_us is None or until_us <= case.act.at_us:
        raise Conflict("the time until which it is shelved is over: give one that is yet to come")
    if not case.text("reason"):
        raise Conflict("shelving needs a reason: say why it can wait")
    if case.alert.state is AlertState.RESOLVED:
        raise Conflict("it has returned to normal: close it instead")
    return replace(case.handling, shelved_until_us=until_us)


def _unshelve(case: _Case) -> Handling:
    held = case.handling
    if held.shelved_until_us is None:
        raise Conflict("it is not shelved: there is nothing to do")
    due_us = None if held.due_at_us is None else max(held.due_at_us, case.terms.due_us(case.act.at_us))
    return replace(held, shelved_until_us=None, due_at_us=due_us)


def _close(case: _Case) -> Handling:
    act = case.act
    try:
        reason = CloseReason(case.text("reason"))
    except ValueError:
        raise Conflict(f"closing needs a reason: one of {', '.join(CloseReason)}") from None
    if reason is CloseReason.RULE_WITHDRAWN:
        _require_withdrawn(case)
    if case.alert.state is not AlertState.RESOLVED and reason not in CLOSED_OPEN:
        raise Conflict(
            f"it is {case.alert.state}: telemetry has not returned to normal, which is what proves it "
            "done; shelve it until it is mended, or close it as false_alarm"
        )
    waits = case.terms.approval
    return replace(
        case.handling,
        status=Handled.CLOSING if waits else Handled.CLOSED,
        shelved_until_us=None,
        due_at_us=case.terms.due_us(act.at_us) if waits else None,
        closed_at_us=act.at_us,
        closed_by=act.by,
        close_reason=reason,
        close_note=case.text("note"),
    )


def _require_withdrawn(case: _Case) -> None:
    """Whoever hands the act on has looked, and says why nothing watches the target any more."""
    if case.alert.state is AlertState.RESOLVED:
        raise Conflict("telemetry has returned to normal: close it as fixed, returned or accepted")
    if case.text("withdrawn") not in list(Withdrawn):
        raise Conflict(
            "its rule still watches it: shelve it until it is mended, close it as false_alarm, "
            "or take the target out of the rule first"
        )


def _approve(case: _Case) -> Handling:
    if case.act.by == case.handling.closed_by:
        raise Conflict(f"{case.act.by} closed it: another person approves")
    return replace(case.handling, approved_by=case.act.by, due_at_us=None)


def _reopen(case: _Case) -> Handling:
    held = case.handling
    if case.act.by == held.closed_by:
        raise Conflict(f"{case.act.by} closed it: another person approves or refuses")
    return replace(
        held,
        acknowledged_at_us=held.acknowledged_at_us or held.closed_at_us,
        acknowledged_by=held.acknowledged_by or held.closed_by,
        due_at_us=case.terms.due_us(case.act.at_us),
        closed_at_us=None,
        closed_by=None,
        close_reason=None,
        close_note="",
    )


def _escalate(case: _Case) -> Handling:
    # Whoever looks for overdue alerts says which deadline has passed, so that two go one step and not two.
    if case.handling.due_at_us is None or case.number("overdue_since_us") != case.handling.due_at_us:
        raise Conflict("it is not overdue, or went up already")
    return replace(
        case.handling,
        organisation_id=case.text("organisation_id") or case.handling.organisation_id,
        due_at_us=case.number("due_at_us"),
        escalations=case.handling.escalations + 1,
    )


_CHANGES: dict[EventKind, Callable[[_Case], Handling]] = {
    EventKind.ACKNOWLEDGED: _acknowledge,
    EventKind.ASSIGNED: _assign,
    EventKind.SHELVED: _shelve,
    EventKind.UNSHELVED: _unshelve,
    EventKind.CLOSING: _close,
    EventKind.CLOSED: _approve,
    EventKind.REOPENED: _reopen,
    EventKind.ESCALATED: _escalate,
}
