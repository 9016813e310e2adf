"""One DuckDB file, owned by one process: opening, repairing, transactions, errors.

DuckDB forbids all further use of an instance after some failures (a full disk during a
checkpoint is one); such an instance is closed and opened again on the next call. A
write-ahead log that can't be replayed is moved aside and reported, and what precedes the
damage is kept.
"""

import logging
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from core.errors import StoreError

_log = logging.getLogger(__name__)

# Checkpoints follow our own policy: DuckDB's automatic one would fail a commit that is
# durable already.
_NO_AUTOMATIC_CHECKPOINT = "1TB"
_RETRY_DISK_FULL_S = 5.0
_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
_DAMAGED_AT = re.compile(r"at byte position (\d+)")
_HELD_BY = re.compile(r"\(PID (\d+)\)")


class DuckDBFile:
    """Transactions on one file; any thread may ask, writers take turns.

    missing: says what an opened file lacks, or nothing; asked before anything is written.
    incidents: what had to be repaired since this object was made, in order.
    """

    def __init__(
        self,
        path: Path,
        schema: str,
        *,
        memory_limit_mb: int,
        threads: int | None,
        missing: Callable[[duckdb.DuckDBPyConnection], str] = lambda _: "",
    ) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            said = f"the folder of {path} can't be made ({error.strerror}): choose another data directory"
            raise StoreError(said, retryable=False) from error
        self.path = path
        self.incidents: list[str] = []
        self._schema = schema
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_limit_mb}MB",
            "checkpoint_threshold": _NO_AUTOMATIC_CHECKPOINT,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if threads is not None:
            self._config["threads"] = threads
        self._writing = threading.RLock()
        self._state = threading.Condition()
        self._readers = 0
        self._broken = False
        self._closed = False
        self._connection = self._open(missing)

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction that is durable when the block ends; rolled back if it raises."""
        with self._writing:
            try:
                connection = self._live()
                connection.execute("begin")
                try:
                    yield connection
                    connection.execute("commit")
                except BaseException:
                    self._rollback(connection)
                    raise
            except duckdb.Error as error:
                raise self._translated(error) from error

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of its own on the newest committed state."""
        with self._state:
            connection = self._live()
            self._readers += 1
        try:
            cursor = connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()
        except duckdb.Error as error:
            raise self._translated(error) from error
        finally:
            with self._state:
                self._readers -= 1
                self._state.notify_all()

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file; nothing is lost if it fails."""
        with self._writing:
            try:
                self._live().execute("checkpoint")
            except duckdb.Error as error:
                raise self._translated(error) from error

    def wal_bytes(self) -> int:
        """Size of the write-ahead log."""
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        """Wait for readers and release the file; later calls raise StoreError."""
        with self._writing, self._state:
            self._closed = True
            self._state.wait_for(lambda: self._readers == 0)
            self._connection.close()

    @property
    def _wal(self) -> Path:
        return self.path.with_name(self.path.name + ".wal")

    def _aside(self) -> Path:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        return self._wal.with_name(f"{self._wal.name}.quarantined-{moment}")

    def _live(self) -> duckdb.DuckDBPyConnection:
        with self._state:
            if self._closed:
                raise StoreError(f"{self.path} is closed", retryable=False)
            if self._broken:
                # An instance lives as long as any connection to it does.
                self._state.wait_for(lambda: self._readers == 0)
                self._connection.close()
                self._connection = self._open()
                self._broken = False
                self._report(f"{self.path} was opened again after a fatal error")
            return self._connection

    def _open(
        self, missing: Callable[[duckdb.DuckDBPyConnection], str] = lambda _: ""
    ) -> duckdb.DuckDBPyConnection:
        try:
            try:
                connection = duckdb.connect(str(self.path), config=self._config)
            except duckdb.Error as error:
                if not self._wal_is_damaged(error):
                    raise
                connection = self._open_without_damage(error)
            if lost := missing(connection):
                self._report_loss(lost)
            connection.execute(self._schema)
        except duckdb.Error as error:
            translated = self._translated(error)
            # What keeps a file from opening lasts, but for a full disk.
            translated.retryable = translated.retry_after_s is not None
            raise translated from error
        return connection

    def _wal_is_damaged(self, error: duckdb.Error) -> bool:
        said = str(error)
        return self._wal.exists() and "WAL" in said and not _is_full(said)

    def _open_without_damage(self, error: duckdb.Error) -> duckdb.DuckDBPyConnection:
        aside = self._aside()
        self._wal.rename(aside)
        if found := _DAMAGED_AT.search(str(error)):
            # A log that ends early is what every crash leaves: DuckDB replays its whole
            # transactions and drops the rest.
            with aside.open("rb") as damaged, self._wal.open("wb") as kept:
                kept.write(damaged.read(int(found[1])))
            try:
                connection = duckdb.connect(str(self.path), config=self._config)
            except duckdb.Error:
                self._wal.unlink()
            else:
                self._report(
                    f"{aside} was damaged at byte {found[1]}; what came after it is not in the store"
                )
                return connection
        connection = duckdb.connect(str(self.path), config=self._config)
        self._report(f"{aside} could not be replayed; nothing of it is in the store ({error})")
        return connection

    def _report_loss(self, lost: str) -> None:
        """Report rows that are missing, and keep the log before it is written over."""
        if not self.incidents and self._wal.exists():
            aside = self._aside()
            shutil.copyfile(self._wal, aside)
            lost = f"{lost}; the log, of which DuckDB could not read the end, is kept in {aside}"
        self._report(lost)

    def _report(self, incident: str) -> None:
        self.incidents.append(incident)
        _log.warning("%s", incident)

    def _rollback(self, connection: duckdb.DuckDBPyConnection) -> None:
        try:
            connection.execute("rollback")
        except duckdb.Error:
            # A failed commit has rolled back by itself; a fatal error is seen by _translated.
            _log.debug("nothing to roll back in %s", self.path)

    def _translated(self, error: duckdb.Error) -> StoreError:
        said = str(error).partition("\n\nStack Trace")[0]
        if isinstance(error, duckdb.FatalException):
            self._broken = True
        if _is_full(said):
            free = shutil.disk_usage(self.path.parent).free
            return StoreError(
                f"the disk of {self.path} is full ({free} bytes free): make room, it then goes on by itself",
                retryable=True,
                retry_after_s=_RETRY_DISK_FULL_S,
            )
        if "Could not set lock" in said:
            owner = _HELD_BY.search(said)
            process = f"process {owner[1]}" if owner else "another process"
            return StoreError(
                f"{self.path} is in use by {process}: stop it, or choose another data directory",
                retryable=False,
            )
        if isinstance(error, duckdb.OutOfMemoryException):
            return StoreError(f"{self.path}: raise memory_limit_mb ({said})", retryable=True)
        retryable = isinstance(
            error, (duckdb.FatalException, duckdb.IOException, duckdb.TransactionException)
        )
        return StoreError(f"{self.path}: {said}", retryable=retryable)


def _is_full(said: str) -> bool:
    return any(words in said for words in _FULL)
