"""SQLite or PostgreSQL behind the registry: transactions, migrations and what errors mean.

Writers take turns on both: SQLite locks its file from `begin immediate` on, PostgreSQL
takes an advisory lock. What a writer reads therefore holds until it commits, and numbers
that it gives out can't collide. Readers see one state from their first statement to their last.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import StoreError

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_TIMEOUT_S = 10.0
_LOCK_PAUSE_S = 0.05
# Any fixed number: it names "a writer of the Wattline registry" within one database.
_WRITER_LOCK = 0x5741_5454
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


class Database:
    """Connections to one database with the newest tables; any thread may use it."""

    def __init__(self, url: str) -> None:
        parsed = _with_driver(url)
        self.name = parsed.render_as_string(hide_password=True)
        self.dialect = parsed.get_backend_name()
        if self.dialect == "sqlite":
            if parsed.database:
                _make_folder(Path(parsed.database))
            self._engine = create_engine(parsed, connect_args={"timeout": _BUSY_TIMEOUT_S})
            event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            # pre-ping replaces connections that a restarted server has dropped
            self._engine = create_engine(parsed, pool_pre_ping=True)
        try:
            self._migrate()
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state."""
        options = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
        with self._transaction(options) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is alone in writing; durable when the block ends."""
        with self._transaction({"writes": True}) as connection:
            if self.dialect == "postgresql":
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK})
            yield connection

    def close(self) -> None:
        """Release every connection."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        with self._translated(), self._engine.connect() as connection:
            connection.execution_options(**options)
            with connection.begin():
                yield connection

    def _migrate(self) -> None:
        """Bring the tables to the newest version, once even if several processes start."""
        with self.write() as connection:
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._store_error(error.orig, lost=error.connection_invalidated) from error
        except sqlite3.Error as error:  # where a statement would not do
            raise self._store_error(error, lost=False) from error
        except PoolTimeout as error:
            raise StoreError(f"{self.name}: all connections are busy", retryable=True) from error
        except SQLAlchemyError as error:
            raise StoreError(f"{self.name}: {error}", retryable=False) from error

    def _store_error(self, error: BaseException | None, *, lost: bool) -> StoreError:
        """lost: the connection is."""
        said = str(error)
        code = getattr(error, "sqlite_errorname", "") or getattr(error, "sqlstate", "") or ""
        if code in {"SQLITE_FULL", "53100"}:
            advice = "its disk is full: make room, it then goes on by itself"
            return StoreError(f"{self.name}: {advice}", retryable=True, retry_after_s=5.0)
        if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            advice = "can't be written: check the folder, its owner and its permissions"
            return StoreError(f"{self.name}: {advice} ({said})", retryable=False)
        if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            advice = "is damaged or no SQLite file: restore a backup, or choose another file"
            return StoreError(f"{self.name} {advice} ({said})", retryable=False)
        # Busy, locked, connection lost, server starting or stopping, serialisation.
        retryable = lost or code.startswith(
            ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "08", "40", "53", "57")
        )
        no_answer = self.dialect == "postgresql" and not code
        return StoreError(f"{self.name}: {said}", retryable=retryable or no_answer)


def _with_driver(url: str) -> URL:
    try:
        parsed = make_url(url)
        return parsed.set(drivername=_DRIVERS[parsed.get_backend_name()])
    except (ArgumentError, NoSuchModuleError, KeyError) as error:
        raise StoreError(
            f"registry url {url!r} is not understood: give sqlite:///path/to/file "
            "or postgresql://user:password@host/database",
            retryable=False,
        ) from error


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = f"the folder of {path} can't be made ({error.strerror}): choose another data directory"
        raise StoreError(said, retryable=False) from error


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:  # noqa: ANN401 - a pool record
    connection.isolation_level = None  # transactions are begun below, not by the driver
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            break
        except sqlite3.OperationalError as error:
            # The busy timeout doesn't cover the switch to a log, which needs the file alone.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_LOCK_PAUSE_S)
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")
