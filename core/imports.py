"""Readings that people bring in files: what an import finds, changes and refuses.

The vocabulary of the importer (wattline) and of the API, which know nothing of one another.
"""

from dataclasses import dataclass
from typing import Protocol

from core.errors import WattlineError


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What holds for every row whose file has no column for it; an empty text is not given.

    timezone: of times without an offset; not given, that of the device's place.
    """

    device: str = ""
    quantity: str = ""
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A cell that can't be used. row is the file's own number, the header being 1; 0 is the file."""

    row: int
    column: str
    value: str
    fix: str

    def __str__(self) -> str:
        where = f"row {self.row}, {self.column}" if self.row else self.column
        return f"{where}: {self.value!r}: {self.fix}" if self.value else f"{where}: {self.fix}"


class BadFile(WattlineError):
    """A file of which nothing was imported: the first mistakes, and how many there are."""

    def __init__(self, mistakes: list[Mistake], count: int | None = None) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes
        self.count = len(mistakes) if count is None else count


class ImportUnavailable(WattlineError):
    """Nothing can be imported now; says why, and what to do. Trying again is harmless."""


@dataclass(frozen=True, slots=True)
class PeriodChange:
    """Consumption of a local day or month before and after; None where nothing is known.

    intervals: how many ledger intervals in it become others.
    """

    start_us: int
    end_us: int
    now: float | None
    then: float | None
    now_coverage: float
    then_coverage: float
    intervals: int


@dataclass(frozen=True, slots=True)
class RegisterChange:
    """What the readings of one register add or change; periods only for a counter, in unit.

    added: readings at times of which nothing was known. corrected: these replace another value.
    repeated: the same value is there already. intervals, revised: ledger intervals that are
    new, or become others.
    """

    device: str
    quantity: str
    unit: str
    timezone: str
    first_us: int
    last_us: int
    added: int
    corrected: int
    repeated: int
    intervals: int
    revised: int
    periods: tuple[PeriodChange, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import changes, or has changed; sent says whether its readings are on their way."""

    readings: int
    sent: bool
    registers: tuple[RegisterChange, ...]


class Importer(Protocol):
    """Takes files of readings."""

    def take(self, content: bytes, options: ImportOptions, *, dry_run: bool) -> ImportReport:
        """Check everything, work out what changes, and publish all of it unless this is a dry run.

        Raises BadFile, and then nothing is imported; ImportUnavailable; StoreError.
        """
        ...
