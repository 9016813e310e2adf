"""Every case of tests/alerts/cases holds, and together they reach every transition and every kind of rule."""

from pathlib import Path

import pytest

from analytics import alerts
from analytics.alerts import STATES, TRANSITIONS, Seen
from core.alerts import AlertState
from core.rules import CONDITIONS, KIND_OF
from wattline.rules.case import load
from wattline.rules.command import results

FOLDER = Path(__file__).parent / "cases"
CASES = [case for path in sorted(FOLDER.glob("*.yaml")) for case in load(path)]

_AT_REST = (AlertState.INACTIVE, AlertState.RESOLVED)
_UNREACHABLE = {
    # Silence is looked for where something pends or fires; elsewhere it would change nothing.
    *((state, Seen.SILENT) for state in (*_AT_REST, AlertState.STALE)),
}


class Recorder:
    """The transition table, which notes the cells that are looked up."""

    def __init__(self, table):
        self.table, self.cells = table, set()

    def __getitem__(self, key):
        before, seen = key
        after = self.table[before, seen]
        states = [STATES[code] for code in before.tolist()]
        sights = [seen] * len(states) if isinstance(seen, Seen) else [Seen(code) for code in seen.tolist()]
        self.cells.update(zip(states, sights, strict=True))
        return after


@pytest.fixture(scope="module")
def played():
    """What is other than expected, by case; and the cells of the table that were looked up."""
    recorder = Recorder(alerts._TABLE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(alerts, "_TABLE", recorder)
        found = {id(case): failures for case, failures in results(CASES)}
    return found, recorder.cells


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.stem}: {case.title}")
def test_it_happens_as_expected(played, case):
    found, _ = played
    assert found[id(case)] == []


def test_every_reachable_cell_of_the_transition_table_is_in_a_case(played):
    _, cells = played
    reachable = {(state, seen) for state in TRANSITIONS for seen in Seen} - _UNREACHABLE
    assert {(state.value, seen.name) for state, seen in reachable - cells} == set()


def test_every_kind_of_condition_has_a_case_that_fires():
    fired = {
        KIND_OF[type(rule.condition)]
        for case in CASES
        for rule in case.estate.rules
        if any(line.word in {"fired", "firing"} and line.rule in {"", rule.id} for line in _expected(case))
    }
    assert set(CONDITIONS) - fired == set()


def test_each_title_is_used_once():
    titles = [case.title for case in CASES]
    assert sorted(set(titles)) == sorted(titles)


def _expected(case):
    return (*(case.expected.transitions or ()), *case.expected.states)
