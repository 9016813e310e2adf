"""Reports that are closed, and values that no meter gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EnteredValue:
    """An amount that a person states for a place and a quarter; a later one of the same replaces it.

    item: one of the items of the report. by: who entered it. source: what it is read from,
    such as an invoice. amount: None takes the value back.
    """

    place_id: str
    year: int
    quarter: int
    item: str
    amount: float | None
    source: str
    by: str
    at_us: int


@dataclass(frozen=True, slots=True)
class ReportHead:
    """What a closed report is about. period: as in 2026 or 2026Q1."""

    id: str
    kind: str
    place_id: str
    period: str
    closed_at_us: int
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class ClosedReport:
    """A report as it was closed. body: its JSON; basis: the ledger sums that it rests on, packed."""

    head: ReportHead
    body: bytes
    basis: bytes


class Reports(Protocol):
    """Where closed reports and entered values are kept; nothing of either is ever overwritten."""

    def enter_values(self, values: Sequence[EnteredValue]) -> None:
        """Keep values; durable when it returns."""
        ...

    def entered_values(self, year: int) -> list[EnteredValue]:
        """All values of a year ever entered, in the order of entry."""
        ...

    def close_report(self, report: ClosedReport) -> None:
        """Keep a report; durable when it returns. Raises Conflict if its id is taken."""
        ...

    def closed_report(self, id_: str) -> ClosedReport | None:
        """A closed report."""
        ...

    def closed_reports(self, place_id: str | None = None) -> list[ReportHead]:
        """All of them, or those of a place, newest first."""
        ...
