"""Read a recorded estate: CSV (or .gz) of interval amounts, one row a building and interval.

Columns `timestamp_utc`, `building` and one amount column (`kwh`, `m3`, also `wh`, `mwh`,
`l`); others are ignored. The row at t covers [t, t + step). Rows of one building are in
order of time; buildings may follow one another or alternate. Amounts are kept as
integers of the file's own precision, so that their sums are exact.
"""

import csv
import gzip
import io
import re
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.progress import Progress

from core.batch import I64
from core.errors import WattlineError

# amount column -> (unit, power of ten from the column's unit to it)
AMOUNT_COLUMNS = {"kwh": ("kWh", 0), "wh": ("kWh", -3), "mwh": ("kWh", 3), "m3": ("m3", 0), "l": ("m3", -3)}
_FINEST_DECIMALS = 9
_LARGEST = 2**62
_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?", re.ASCII)
_TOPIC_LEVEL = re.compile(r"[^/+#\x00-\x20]{1,64}")
_PROGRESS_ROWS = 20_000


class RecordError(WattlineError):
    """The file can't be replayed; the message names the file and, if it is one line's fault, the line."""

    def __init__(self, path: Path, line: int | None, what: str) -> None:
        where = f"{path}" if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {what}")
        self.path, self.line = path, line


@dataclass(frozen=True, slots=True)
class Series:
    """One building's rows in order: each begins at start_us and is step_us long.

    amount: int64, in units of 10**-decimals kWh or m3.
    """

    building: str
    start_us: I64
    amount: I64
    decimals: int
    step_us: int

    @property
    def end_us(self) -> int:
        """End of the last row."""
        return int(self.start_us[-1]) + self.step_us


@dataclass(frozen=True, slots=True)
class Record:
    """A file's content by building, in the order of their first rows; unit is kWh or m3."""

    path: Path
    unit: str
    series: dict[str, Series]

    @property
    def rows(self) -> int:
        """Rows in the file."""
        return sum(len(series.amount) for series in self.series.values())


@dataclass(slots=True)
class _Rows:
    """A building's rows while reading: microseconds, integer amounts and their decimals, line numbers."""

    time_us: "array[int]" = field(default_factory=lambda: array("q"))
    mantissa: list[int] = field(default_factory=list)
    decimals: "array[int]" = field(default_factory=lambda: array("b"))
    line: "array[int]" = field(default_factory=lambda: array("q"))


def read_record(path: Path, progress: Progress | None = None) -> Record:
    """Read and check the whole file; raises RecordError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as raw:
            unzipped = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            task = progress.add_task(f"reading {path.name}", total=size) if progress else None
            text = io.TextIOWrapper(unzipped, encoding="utf-8-sig", newline="")
            rows = csv.reader(text)
            columns, unit, shift = _header(path, next(rows, []))
            read = _Reader(path, columns, shift)
            for number, row in enumerate(rows):
                read.take(row, rows.line_num)
                if progress and task is not None and number % _PROGRESS_ROWS == 0:
                    progress.update(task, completed=raw.tell())
            if progress and task is not None:
                progress.update(task, completed=size)
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise RecordError(path, None, f"can't be read: {why}") from None
    except UnicodeDecodeError:
        raise RecordError(path, None, "is not UTF-8 text") from None
    except csv.Error as error:
        raise RecordError(path, rows.line_num, f"is no CSV: {error}") from None
    if not read.rows:
        raise RecordError(path, None, "has no rows")
    return Record(path, unit, _series(path, read.rows))


def _header(path: Path, names: list[str]) -> tuple[tuple[int, int, int], str, int]:
    """(columns of time, building and amount; unit; power of ten) from the first line."""
    lower = [name.strip().lower() for name in names]
    amounts = [name for name in lower if name in AMOUNT_COLUMNS]
    wanted = ["timestamp_utc", "building"]
    missing = [name for name in wanted if name not in lower]
    if missing or len(amounts) != 1:
        need = f"timestamp_utc, building and one of {', '.join(AMOUNT_COLUMNS)}"
        raise RecordError(path, 1, f"the columns are {', '.join(names) or 'none'}; needed are {need}")
    unit, shift = AMOUNT_COLUMNS[amounts[0]]
    return (lower.index("timestamp_utc"), lower.index("building"), lower.index(amounts[0])), unit, shift


class _Reader:
    """Takes row after row; equal texts are parsed once, as times and amounts repeat."""

    def __init__(self, path: Path, columns: tuple[int, int, int], shift: int) -> None:
        self.rows: dict[str, _Rows] = {}
        self._path = path
        self._time, self._building, self._amount = columns
        self._width = max(columns) + 1
        self._shift = shift
        self._times: dict[str, int] = {}
        self._amounts: dict[str, tuple[int, int]] = {}

    def take(self, row: list[str], line: int) -> None:
        if not row:
            return  # a blank line
        if len(row) < self._width:
            raise RecordError(self._path, line, f"has {len(row)} columns, the first line has more")
        time_text, building, amount_text = row[self._time], row[self._building], row[self._amount]
        time_us = self._times.get(time_text)
        if time_us is None:
            time_us = self._times[time_text] = self._parse_time(time_text, line)
        parsed = self._amounts.get(amount_text)
        if parsed is None:
            parsed = self._amounts[amount_text] = self._parse_amount(amount_text, line)
        rows = self.rows.get(building)
        if rows is None:
            if not _TOPIC_LEVEL.fullmatch(building):
                why = "it becomes part of an MQTT topic: no space, /, + or #, at most 64 characters"
                raise RecordError(self._path, line, f"building {building!r} can't be used; {why}")
            rows = self.rows[building] = _Rows()
        elif time_us <= rows.time_us[-1]:
            again = "is there twice" if time_us in rows.time_us else "is earlier than the row before it"
            raise RecordError(self._path, line, f"{time_text!r} of building {building} {again}")
        rows.time_us.append(time_us)
        rows.mantissa.append(parsed[0])
        rows.decimals.append(parsed[1])
        rows.line.append(line)

    def _parse_time(self, text: str, line: int) -> int:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            example = "2018-01-31 13:00:00"
            raise RecordError(self._path, line, f"{text!r} is not a time; write it as {example}") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        elapsed = moment - datetime.fromtimestamp(0, UTC)
        return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds

    def _parse_amount(self, text: str, line: int) -> tuple[int, int]:
        """(integer, decimals); finer than 10**-9 is rounded."""
        match = _NUMBER.fullmatch(text.strip())
        if match is None:
            hint = "; leave the row out if the amount isn't known" if not text.strip() else ""
            raise RecordError(self._path, line, f"{text!r} is not an amount{hint}")
        sign, whole, fraction, exponent = match.groups()
        digits = int(whole + (fraction or ""))
        decimals = len(fraction or "") - int(exponent or 0) - self._shift
        if sign == "-" and digits:
            raise RecordError(self._path, line, f"{text!r} is negative; a register of consumption can't fall")
        if decimals < 0:
            digits, decimals = digits * 10**-decimals, 0
        while decimals and digits % 10 == 0:
            digits, decimals = digits // 10, decimals - 1
        if decimals > _FINEST_DECIMALS:
            extra = 10 ** (decimals - _FINEST_DECIMALS)
            digits, decimals = (digits + extra // 2) // extra, _FINEST_DECIMALS
        return digits, decimals


def _series(path: Path, found: dict[str, _Rows]) -> dict[str, Series]:
    steps = {building: _step_us(path, rows) for building, rows in found.items() if len(rows.time_us) > 1}
    if not steps:
        raise RecordError(path, None, "has one row a building: the length of an interval can't be seen")
    usual_us = Counter(steps.values()).most_common(1)[0][0]
    series = {}
    for building, rows in found.items():
        decimals = max(rows.decimals)
        scaled = [m * 10 ** (decimals - d) for m, d in zip(rows.mantissa, rows.decimals, strict=True)]
        if sum(scaled) > _LARGEST:
            raise RecordError(path, None, f"building {building}: amounts are too large or too finely given")
        series[building] = Series(
            building,
            np.array(rows.time_us, np.int64),
            np.array(scaled, np.int64),
            decimals,
            steps.get(building, usual_us),
        )
    return series


def _step_us(path: Path, rows: _Rows) -> int:
    """The usual distance between rows; any other must be a multiple of it (rows that are missing)."""
    time_us = np.array(rows.time_us, np.int64)
    distance = time_us[1:] - time_us[:-1]
    step_us = _most_common(distance.tolist())
    wrong = np.flatnonzero(distance % step_us)
    if len(wrong):
        minutes = step_us / 60e6
        raise RecordError(
            path, rows.line[int(wrong[0]) + 1], f"does not keep the step of {minutes:g} minutes"
        )
    return step_us


def _most_common(values: Iterable[int]) -> int:
    return Counter(values).most_common(1)[0][0]
