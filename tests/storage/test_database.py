"""How the registry's database is opened, upgraded and shared."""

import os
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, insert

from core.alerts import Handling
from core.errors import RejectReason, StoreError
from core.ports import Checkpoint, DeadLetter
from storage import alert_rows as rows
from storage import tables
from storage.registry import open_registry
from storage.tables import metadata
from tests.servers import free_port, fresh_database
from tests.storage.children import start
from tests.storage.registries import FIRING, RESOLVED, STALE, alert

_OPEN_AND_COUNT = """
import sys
from core.model import Name, Place, PlaceKind
from storage import alert_rows as rows
from storage import tables
from storage.registry import open_registry
sys.stdin.readline()
registry = open_registry(sys.argv[1])
registry.put_place(Place(sys.argv[2], PlaceKind.SITE, Name("", ""), "Asia/Shanghai"))
registry.close()
print("done")
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.sqlite'}"
    else:
        with fresh_database(request.getfixturevalue("postgres"), "database test") as made:
            yield made


def engine_of(url):
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def test_migrations_lead_to_the_tables_that_the_code_speaks_of(url):
    open_registry(url).close()
    engine = engine_of(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_processes_that_start_at_once_make_the_tables_once(url):
    children = [start(_OPEN_AND_COUNT, url, f"p{number}") for number in range(4)]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.close()
    for child in children:
        with child:
            assert child.stdout.read() == "done\n"
    registry = open_registry(url)
    assert sorted(registry.catalog().places) == ["p0", "p1", "p2", "p3"]
    registry.close()


def test_two_open_alerts_of_a_rule_and_target_are_refused_by_the_database_itself(url):
    open_registry(url).close()
    engine = engine_of(url)
    made = rows.handling_row(Handling()) | {"events": 0, "last_hash": ""}
    with engine.connect() as connection, connection.begin() as transaction:
        for id_, state in (("a", RESOLVED), ("b", RESOLVED), ("c", FIRING)):
            row = rows.alert_row(alert(state, 1, alert=id_)) | made
            connection.execute(insert(tables.alert), row)
        with pytest.raises(Exception, match=r"(?i)unique"):
            connection.execute(insert(tables.alert), rows.alert_row(alert(STALE, 1, alert="d")) | made)
        transaction.rollback()
    engine.dispose()


def test_sqlite_is_set_up_to_keep_what_it_has_committed(tmp_path):
    registry = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}")
    with registry._database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"pragma {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    registry.close()


def test_a_full_sqlite_says_what_to_do_and_goes_on_when_there_is_room(tmp_path):
    registry = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}")
    pages = [100]

    def limit(connection):
        connection.exec_driver_sql(f"pragma max_page_count = {pages[0]}")

    event.listen(registry._database._engine, "begin", limit)
    letters = [DeadLetter(n, "t", os.urandom(60_000), RejectReason.BAD_TIME, "") for n in range(20)]
    registry.put_dead_letters(letters[:1])
    with pytest.raises(StoreError, match="make room") as caught:
        registry.put_dead_letters(letters[1:])
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, 5.0)
    assert registry.dead_letters() == letters[:1]
    pages[0] = 100_000
    registry.put_dead_letters(letters[1:])
    assert registry.dead_letters() == letters[::-1]
    registry.close()


def test_a_checkpoint_that_finds_no_room_leaves_the_one_before(tmp_path):
    registry = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}")
    pages = [100]

    def limit(connection):
        connection.exec_driver_sql(f"pragma max_page_count = {pages[0]}")

    event.listen(registry._database._engine, "begin", limit)
    before, after = Checkpoint(1, os.urandom(60_000)), Checkpoint(2, os.urandom(3_000_000))
    registry.save_checkpoint("c", before)
    with pytest.raises(StoreError, match="make room"):
        registry.save_checkpoint("c", after)
    assert registry.load_checkpoint("c") == before
    pages[0] = 100_000
    registry.save_checkpoint("c", after)
    assert registry.load_checkpoint("c") == after
    registry.close()


def test_a_busy_sqlite_may_be_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr("storage.database._BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "r.sqlite"
    registry = open_registry(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreError, match="locked") as caught:
        registry.put_dead_letters([DeadLetter(1, "t", b"", RejectReason.BAD_TIME, "")])
    assert caught.value.retryable
    assert registry.dead_letters() == []
    other.close()
    registry.close()


def test_a_file_that_is_no_sqlite_is_named(tmp_path):
    path = tmp_path / "r.sqlite"
    path.write_bytes(b"somebody's letters" * 1000)
    with pytest.raises(StoreError, match="no SQLite file") as caught:
        open_registry(f"sqlite:///{path}")
    assert not caught.value.retryable


def test_a_server_that_is_not_there_may_come():
    with pytest.raises(StoreError, match=r"(?i)connection") as caught:
        open_registry(f"postgresql://postgres:secret@127.0.0.1:{free_port()}/registry")
    assert caught.value.retryable
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://host/db", "not a url", "sqlserver"])
def test_a_url_that_is_not_understood_is_answered_with_two_that_are(url):
    with pytest.raises(StoreError, match="sqlite:///path/to/file or postgresql://") as caught:
        open_registry(url)
    assert not caught.value.retryable


def test_a_password_never_shows_in_errors(postgres):
    with pytest.raises(StoreError) as caught:
        open_registry(postgres.url("no such database").replace("postgres@", "postgres:secret@"))
    assert "secret" not in str(caught.value)
