"""How many rows every table of a DuckDB file has, kept beside the file: what a start can be held to.

DuckDB takes a log whose end can't be read for one that a crash has cut, and starts without
the rest. It can't know whether that was acknowledged; this count can. It is written after
each transaction without waiting for the disk: after a power cut it may be behind, never
ahead, so that it may miss a loss and never reports one that was none.
"""

import logging
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StoreError

_log = logging.getLogger(__name__)

Counts = dict[str, int]
"""Rows by table."""


class RowRecord:
    """The rows of one file's tables; transactions that change them take turns.

    before: the counts that the file beside held when this was made; None if it was not
    there, not whole, or written while rows were being replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.RLock()
        self._counts: Counts | None = None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self.before = _counts(os.pread(self._file, 4096, 0))
        except OSError as error:
            raise StoreError(f"{path} can't be used ({error.strerror})", retryable=False) from error

    def hold(self, counts: Counts) -> None:
        """Go on from what the tables hold."""
        with self._turn:
            self._counts = dict(counts)
            self._write()

    @contextmanager
    def adding(self, **rows: int) -> Iterator[None]:
        """Around a transaction that appends so many rows to each table."""
        with self._turn:
            yield
            if self._counts is not None:
                for table, more in rows.items():
                    self._counts[table] += more
                self._write()

    @contextmanager
    def replacing(self) -> Iterator[None]:
        """Around transactions that change rows: nothing is known from its start until the next hold."""
        with self._turn:
            self._counts = None
            try:
                os.ftruncate(self._file, 0)
                os.fsync(self._file)
            except OSError as error:
                said = f"{self._path} can't be written ({error.strerror})"
                raise StoreError(said, retryable=True) from error
            yield

    def close(self) -> None:
        """Release the file."""
        with self._turn:
            if self._file >= 0:
                os.close(self._file)
            self._file, self._counts = -1, None

    def _write(self) -> None:
        counts = self._counts or {}
        text = " ".join(f"{table} {count}" for table, count in counts.items()).encode()
        line = b"%b %08x\n" % (text, zlib.crc32(text))
        try:
            os.pwrite(self._file, line, 0)
        except OSError:  # a full disk: what is there is too little by now, which is no harm
            _log.debug("%s is behind", self._path)


def _counts(content: bytes) -> Counts | None:
    line = content.partition(b"\n")[0]
    text, _, sum_ = line.rpartition(b" ")
    if not text or sum_ != b"%08x" % zlib.crc32(text):
        return None
    words = text.decode().split()
    return {table: int(count) for table, count in zip(words[::2], words[1::2], strict=True)}
