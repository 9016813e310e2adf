"""What the product needs from the outside world, as protocols that adapters implement.

Calls are synchronous unless marked async; the pipeline and the API run them in threads.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.alerting import Alerting
from core.alerts import AlertChange
from core.batch import I32, I64, IntervalBatch, PositionBatch, ReadingBatch
from core.delivering import Deliveries
from core.errors import RejectReason
from core.model import Name
from core.receipts import Receipts, Senders
from core.registered import Registered
from core.reports import Reports
from core.retention import Retention
from core.sums import IntervalSums


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Messages as received: topics[i] carried payloads[i].

    epoch and packet_ids let the source acknowledge them on the connection they came on.
    """

    topics: list[str]
    payloads: list[bytes]
    received_at_us: int
    epoch: int
    packet_ids: list[int]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message, or a value of one, that was not accepted, and why."""

    received_at_us: int
    topic: str
    payload: bytes
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Analytics state as of every batch received up to watermark_us."""

    watermark_us: int
    state: bytes


@dataclass(frozen=True, slots=True)
class PlacePower:
    """Electric power of a place now.

    power_w: sum over the meters that count for the place and are fresh; None if none is.
    meters, reporting: how many count for it, and how many of them are fresh.
    at_us: event time of the newest reading in the sum.
    """

    place_id: str
    power_w: float | None
    meters: int
    reporting: int
    at_us: int


@dataclass(frozen=True, slots=True)
class PowerChanged:
    """Places whose live power is not what it was."""

    places: list[PlacePower]


@dataclass(frozen=True, slots=True)
class VehiclesMoved:
    """The newest fix of each vehicle that reported."""

    fixes: PositionBatch


@dataclass(frozen=True, slots=True)
class LedgerChanged:
    """Places whose consumption figures may have changed."""

    place_ids: list[str]


@dataclass(frozen=True, slots=True)
class AlertActed:
    """Something was done about an alert, by a person or by a deadline; the registry has it."""

    alert_id: str


@dataclass(frozen=True, slots=True)
class AlertsMoved:
    """What telemetry said of alerts, and what was done about them, in order."""

    news: Sequence[AlertChange | AlertActed]


FeedEvent = PowerChanged | VehiclesMoved | LedgerChanged | AlertsMoved
"""What readers of the feed get."""


class Feed(Protocol):
    """What the pipeline knows now, and a stream of what changes.

    Readers may call it from any thread; values are snapshots.
    """

    def power(self) -> list[PlacePower]:
        """Live power of every place that has an electricity meter at or below it."""
        ...

    def last_readings(self, registers: Sequence[int]) -> list[tuple[int, float] | None]:
        """(event_time_us, value) of each register's newest reading."""
        ...

    def fixes(self) -> PositionBatch:
        """The newest fix of every vehicle that has reported."""
        ...

    def ledger_pending(self) -> int:
        """How many spans of late data still wait to be recomputed."""
        ...

    def counters(self) -> dict[str, float]:
        """Totals of the pipeline since start by metric name, labels included."""
        ...

    def warnings(self) -> list[Name]:
        """What works and needs someone all the same, each with what to do about it."""
        ...

    def connected(self) -> bool:
        """Whether the source is connected to its broker."""
        ...

    def publish(self, event: AlertActed) -> None:
        """Tell every reader in this process."""
        ...

    def events(self) -> AsyncIterator[FeedEvent]:
        """Changes from now on; ends when the pipeline stops.

        A slow reader gets the newest state, never a growing queue; news of alerts are not
        coalesced, but all that wait come at once.
        """
        ...


class Source(Protocol):
    """Where raw messages come from, at least once each until acknowledged."""

    def batches(self) -> AsyncIterator[RawBatch]:
        """Batches as they arrive; ends when the source is closed."""
        ...

    def ack(self, batch: RawBatch) -> None:
        """Tell the sender that the batch is durable; ignored if its connection is gone."""
        ...


class TimeSeriesStore(Protocol):
    """Readings, positions and ledger intervals.

    Writing the same identity again replaces what was there (the last write wins), so
    redelivery changes nothing. Every method raises StoreError when the store can't serve.
    """

    def append(self, readings: ReadingBatch, positions: PositionBatch) -> None:
        """Store both batches; durable when it returns."""
        ...

    def prepare(self, readings: ReadingBatch, positions: PositionBatch) -> Callable[[], None]:
        """Do what may be done of append while another batch is stored; calling the result does the rest.

        What was prepared first must be stored first; the result may be called again after a
        StoreError. What is never stored does no harm.
        """
        ...

    def put_intervals(self, intervals: IntervalBatch) -> None:
        """Store intervals, replacing those with the same (register, start_us).

        Visible to readers when it returns. Intervals flagged OPEN may live in memory
        only: the pipeline puts them again after a restart. All others are durable.
        """
        ...

    def readings(self, registers: I32, start_us: int, end_us: int, limit: int | None = None) -> ReadingBatch:
        """Readings with start_us <= event_time_us < end_us by register, then time; one an identity."""
        ...

    def neighbours(self, register: int, start_us: int, end_us: int) -> tuple[ReadingBatch, ReadingBatch]:
        """The last reading before start_us and the first at or after end_us (each 0 or 1 rows)."""
        ...

    def received_after(self, watermark_us: int) -> Iterator[tuple[ReadingBatch, PositionBatch]]:
        """Everything received after watermark_us, in the order of receipt.

        All rows with one received_at_us come in the same pair.
        """
        ...

    def heard(self, senders: Senders, start_us: int, end_us: int) -> Receipts:
        """When something of devices was received, start_us <= received_at_us < end_us.

        What was written again with the same identity may count as it came last, only.
        """
        ...

    def last_heard(self, senders: Senders, before_us: int) -> Receipts:
        """The last time of receipt of each device before before_us; no row for a device without."""
        ...

    def pauses(self, start_us: int, end_us: int, longer_than_us: int) -> I64:
        """(n, 2): stretches longer than that without any receipt, ascending.

        Each goes from a receipt or start_us to a receipt or end_us.
        """
        ...

    def intervals(self, registers: I32, start_us: int, end_us: int) -> IntervalBatch:
        """Intervals with start_us <= start < end_us by register, then start; one an identity."""
        ...

    def interval_sums(self, registers: I32, edges_us: I64) -> IntervalSums:
        """What intervals() gives between the edges, summed by register (ascending) and period.

        edges_us: ascending, at least two, on 15-minute marks.
        """
        ...

    def positions(self, devices: I32, start_us: int, end_us: int, limit: int | None = None) -> PositionBatch:
        """Fixes with start_us <= fix_time_us < end_us by device, then time; one an identity."""
        ...

    def compact(self, max_rows: int) -> int:
        """Rewrite some max_rows superseded rows; how many it dealt with, 0 if there are none now."""
        ...

    def retain(self, retention: Retention, max_rows: int) -> int:
        """Let go of some max_rows rows that are past their time; how many it dealt with, 0 if none is now.

        What must be kept is never missing, whenever the process dies.
        """
        ...

    def incidents(self) -> tuple[str, ...]:
        """Repairs since the store was opened, such as a damaged log that was moved aside."""
        ...

    def last_received_us(self) -> int:
        """Highest received_at_us stored; 0 for an empty store."""
        ...

    def ping(self) -> None:
        """Return if the store can serve, else raise StoreError."""
        ...

    def close(self) -> None:
        """Release the store; nothing that was durable is lost."""
        ...


class Registry(Registered, Alerting, Reports, Protocol):
    """Relational state: what is registered, rules, alerts, reports, dead letters, checkpoints."""

    @property
    def deliveries(self) -> Deliveries:
        """What people are told of alerts."""
        ...

    def put_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters; durable when it returns. The oldest of a reason make room."""
        ...

    def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """Newest first."""
        ...

    def dead_letter_counts(self) -> dict[RejectReason, int]:
        """How many were ever put, by reason, those that made room included."""
        ...

    def save_checkpoint(self, name: str, checkpoint: Checkpoint) -> None:
        """Replace the named checkpoint; durable when it returns."""
        ...

    def load_checkpoint(self, name: str) -> Checkpoint | None:
        """The named checkpoint, if one was saved."""
        ...

    def checkpoint_names(self) -> list[str]:
        """Names of all checkpoints, in order."""
        ...

    def drop_checkpoint(self, name: str) -> None:
        """Forget the named checkpoint, if there is one; durable when it returns."""
        ...

    def ping(self) -> None:
        """Return if the registry can serve, else raise StoreError."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...
