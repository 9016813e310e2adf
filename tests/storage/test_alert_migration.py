"""What becomes of rules and alerts that an earlier version wrote."""

import json

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from core.alerting import AlertQuery
from core.alerts import AlertState, CloseReason, Handled, Target, TargetKind
from core.errors import StoreError
from core.model import Comparator, Severity
from core.rules import Selector, Threshold
from storage import database
from storage.registry import open_registry

BEFORE = """
insert into place (id, kind, name_zh, name_en, timezone, parent_id) values
    ('o', 'organisation', '', '', 'UTC', null), ('p', 'building', '', '', 'UTC', 'o');
insert into device (id, number, kind, place_id, name_zh, name_en, decoder, expected_interval_s,
    coordinate_system) values ('m', 0, 'meter', 'p', '', '', 'native', 900, 'wgs84');
insert into register (id, device_id, quantity, kind, unit, exported, ratio) values
    (0, 'm', 'voltage_l1', 'gauge', 'V', false, 1), (1, 'm', 'frequency', 'gauge', 'Hz', false, 1);
insert into rule values
    ('high', '高', 'High', 'voltage_l1', 'above', 235.4, 233, 60, 'critical', '查', 'Look',
    '["p"]', '[]');
insert into alert values
    ('a1', 'high', 0, 'resolved', 240.5, 100, 160, 500), ('a2', 'high', 0, 'firing', 241, 900, 960, null),
    ('a3', 'gone', 1, 'resolved', 1, 200, 260, 300), ('a4', 'high', 1, 'pending', 1, 200, 0, null),
    ('a5', 'high', 1, 'resolved', 1, 210, 0, 220);
insert into alert_event (alert_id, state, previous, at_us, value) values ('a1', 'firing', 'pending', 160, 1);
"""


@pytest.fixture
def migrated(url):
    """A registry of the version before, opened by this one."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for statement in BEFORE.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()
    opened = open_registry(url)
    yield opened
    opened.close()


def test_rules_say_the_same_in_the_new_words(migrated):
    (rule,) = migrated.rules()
    assert rule.condition == Threshold("voltage_l1", Comparator.ABOVE, 235.4, 233.0)
    assert (rule.select, rule.for_s, rule.severity) == (Selector(places=("p",)), 60.0, Severity.CRITICAL)
    assert (rule.name.zh, rule.action.en, rule.origin) == ("高", "Look", "file")


def test_alerts_keep_their_ids_and_times_and_what_never_fired_is_left_out(migrated):
    records = {one.alert.id: one for one in migrated.alerts(AlertQuery())}
    assert list(records) == ["a2", "a3", "a1"]
    open_, ended, ruleless = records["a2"], records["a1"], records["a3"]
    assert open_.alert.target == Target(TargetKind.REGISTER, "m/voltage_l1")
    assert (open_.alert.state, open_.alert.limit, open_.alert.unit) == (AlertState.FIRING, 235.4, "V")
    assert (open_.alert.place_id, open_.alert.organisation_id) == ("p", "o")
    assert (open_.handling.status, open_.handling.due_at_us) == (Handled.NEW, None)
    assert (ended.alert.fired_at_us, ended.alert.resolved_at_us) == (160, 500)
    assert (ended.handling.status, ended.handling.close_reason) == (Handled.CLOSED, CloseReason.RETURNED)
    assert "before Wattline kept" in ended.handling.close_note
    assert (ruleless.alert.severity, ruleless.alert.unit) == (Severity.WARNING, "Hz")


def test_timelines_begin_with_what_is_known_and_are_whole(migrated):
    assert [line.kind for line in migrated.timeline("a1")] == ["fired", "resolved", "closed"]
    assert [line.kind for line in migrated.timeline("a2")] == ["fired"]
    assert [migrated.timeline_fault(id_) for id_ in ("a1", "a2", "a3")] == [None] * 3


def test_a_kind_of_condition_that_is_not_known_is_named(migrated):
    body = json.dumps({"id": "new", "condition": {"kind": "wind", "knots": 3}}).encode()
    with migrated._database.write() as connection:
        parameters = (body,)
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        connection.exec_driver_sql(
            f"insert into rule values ('new', {mark}, 'api', false)",  # noqa: S608 - a mark of ours
            parameters,
        )
        connection.exec_driver_sql("insert into estate_revision values (2, 1)")
    with pytest.raises(StoreError, match=r"'new' .* kind 'wind', which is unknown here") as caught:
        migrated.rules()
    assert not caught.value.retryable
