"""Open alerts are found by their indexes, however many are closed."""

import sqlite3

import pytest
from sqlalchemy import event

from core.alerting import AlertQuery
from core.alerts import OPEN
from storage.registry import open_registry
from tests.storage.registries import FIRING, NOW_US, change

ASKED = {
    "recording": lambda registry: registry.record_alerts([change(FIRING, 150)], NOW_US),
    "the list": lambda registry: registry.alerts(AlertQuery(states=OPEN)),
    "of a rule": lambda registry: registry.alerts(AlertQuery(states=(FIRING,), rules=("r",))),
}


@pytest.mark.parametrize("asked", ASKED)
def test_closed_alerts_are_not_looked_through(asked, tmp_path):
    path, statements = tmp_path / "r.sqlite", []
    registry = open_registry(f"sqlite:///{path}")

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if "FROM alert \n" in statement:
            statements.append((statement, parameters))

    event.listen(registry._database._engine, "before_cursor_execute", note)
    ASKED[asked](registry)
    registry.close()
    reading = sqlite3.connect(path)
    plans = [
        step[3]
        for statement, parameters in statements
        for step in reading.execute(f"explain query plan {statement}", parameters)
        if " alert " in f"{step[3]} "
    ]
    assert plans
    for plan in plans:
        assert plan.startswith("SEARCH") or "INDEX ix_alert_open" in plan, plan
