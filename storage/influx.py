"""Readings, positions and ledger intervals in an InfluxDB server, 1.x, 2.x or 3.

Lines are as storage.influx_lines shows; queries are InfluxQL, which all three serve. A
point of the same series and time replaces the one before field by field, so redelivery
changes nothing. On 2.x a bucket of the database's name must exist (its DBRP mapping is
automatic) and is reached with a token. InfluxDB 3 Core limits a query to some 72 hours of
data and, by its own documentation, may show either of two points written for one time:
corrections are safe on 1.x and 2.x only.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial

from core.batch import I32, I64, IntervalBatch, PositionBatch, ReadingBatch
from core.catalog import Catalog
from core.errors import RowsRefused
from core.model import Register
from core.receipts import Receipts, Senders
from core.retention import Retention
from core.sums import IntervalSums
from storage import influx_queries as ask
from storage import influx_receipts as receipts
from storage.columns import latest_intervals, latest_positions, latest_readings
from storage.influx_http import Account, InfluxServer
from storage.influx_journal import Journal, last_received_us, pieces
from storage.influx_lines import LineWriter, refused_rows
from storage.influx_retention import InfluxExpiry
from storage.interval_sums import summed
from storage.open_intervals import OpenIntervals, split
from storage.pauses import between


class InfluxStore:
    """The TimeSeriesStore of one or more processes; open intervals stay in this process.

    catalog: gives the current catalog, which names the registers and devices of columns.
    token, org: of 2.x and 3; username and password: of 1.x.
    timeout_s: longest silence in an answer. compress: gzip what is written; it pays where
    the way to the server carries less than some 50 MB/s.

    append and put_intervals raise core.errors.RowsRefused when the server will never take
    some lines, such as readings older than its retention: everything else is durable then.
    """

    def __init__(
        self,
        url: str,
        database: str,
        *,
        catalog: Callable[[], Catalog],
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        org: str | None = None,
        timeout_s: float = 30.0,
        compress: bool = False,
    ) -> None:
        account = Account(username, password, token, org)
        self._server = InfluxServer(url, database, account, timeout_s=timeout_s, compress=compress)
        self._catalog = catalog
        self._building = threading.Lock()
        self._writer: LineWriter | None = None
        self._journal = Journal()
        self._open = OpenIntervals()
        self._expiry = InfluxExpiry(self._server)

    def append(self, readings: ReadingBatch, positions: PositionBatch) -> None:
        """Write both batches, what the journal says of them first."""
        self.prepare(readings, positions)()

    def prepare(self, readings: ReadingBatch, positions: PositionBatch) -> Callable[[], None]:
        """Make the lines of both batches; calling the result writes them."""
        if not len(readings) and not len(positions):
            return lambda: None
        catalog = self._catalog()
        with self._building:
            lines = self._lines()
            body = b"".join(
                (
                    self._journal.lines(readings, positions),
                    lines.readings(readings, catalog),
                    lines.positions(positions, catalog),
                )
            )
        return partial(self._write, body, readings, positions, catalog)

    def put_intervals(self, intervals: IntervalBatch) -> None:
        """Write closed intervals and keep open ones in memory."""
        closed, opened = split(intervals)
        refused: RowsRefused | None = None
        if len(closed):
            with self._building:
                body = self._lines().intervals(closed, self._catalog())
            try:
                self._server.write(body)
            except RowsRefused as error:  # what was not refused is stored all the same
                refused = error
            self._open.remove(closed.register, closed.start_us)
        self._open.put(opened)
        if refused is not None:
            raise refused

    def readings(self, registers: I32, start_us: int, end_us: int, limit: int | None = None) -> ReadingBatch:
        """Readings of a time range by register, then time."""
        wanted, time = self._registers(registers), ask.within(start_us, end_us)
        if limit is None:
            return latest_readings(ask.readings(self._server, wanted, time))
        found = ReadingBatch.empty()
        for register in wanted:
            if len(found) >= limit:
                break
            more = ask.first_readings(self._server, register, time, limit - len(found))
            found = ReadingBatch.concat([found, more])
        return found

    def neighbours(self, register: int, start_us: int, end_us: int) -> tuple[ReadingBatch, ReadingBatch]:
        """The readings on either side of a range; InfluxDB finds them from the range outwards."""
        return ask.nearest(self._server, self._catalog().registers[register], start_us, end_us)

    def received_after(self, watermark_us: int) -> Iterator[tuple[ReadingBatch, PositionBatch]]:
        """Rows by time of receipt, each as it stands now; a point that was replaced comes once."""
        catalog = self._catalog()
        for piece in list(pieces(self._server, watermark_us)):
            pair = ask.received(self._server, piece, catalog)
            if len(pair[0]) or len(pair[1]):
                yield pair

    def heard(self, senders: Senders, start_us: int, end_us: int) -> Receipts:
        """When something of devices was received; what was written again counts as it came last."""
        return receipts.heard(self._server, self._devices(senders.tracked), start_us, end_us)

    def last_heard(self, senders: Senders, before_us: int) -> Receipts:
        """The last time of receipt of each device before a time."""
        return receipts.last_heard(self._server, self._devices(senders.tracked), before_us)

    def pauses(self, start_us: int, end_us: int, longer_than_us: int) -> I64:
        """Stretches in which nothing was received, by the journal."""
        at_us = receipts.received_us(self._server, start_us, end_us)
        return between(at_us, at_us, start_us, end_us, longer_than_us)

    def intervals(self, registers: I32, start_us: int, end_us: int) -> IntervalBatch:
        """Intervals of a time range by register, then start; open ones replace stored ones."""
        # Memory first: an interval that closes in between is then seen as it was, not missed.
        opened = self._open.within(registers, start_us, end_us)
        stored = ask.intervals(self._server, self._registers(registers), ask.within(start_us, end_us))
        return latest_intervals(IntervalBatch.concat([stored, opened]) if len(opened) else stored)

    def interval_sums(self, registers: I32, edges_us: I64) -> IntervalSums:
        """Intervals summed by register and period; InfluxQL can't or flags together, so rows travel."""
        return summed(self.intervals, registers, edges_us)

    def positions(self, devices: I32, start_us: int, end_us: int, limit: int | None = None) -> PositionBatch:
        """Fixes of a time range by device, then time."""
        wanted = self._devices(devices)
        if not wanted or limit == 0:
            return PositionBatch.empty()
        found = ask.positions(self._server, wanted, ask.within(start_us, end_us), limit)
        return latest_positions(found).take(slice(0, limit))

    def compact(self, max_rows: int) -> int:  # noqa: ARG002 the server does so by itself
        """Nothing: a point replaces the one before, and the server compacts by itself."""
        return 0

    def retain(self, retention: Retention, max_rows: int) -> int:  # noqa: ARG002 a step is a day
        """Delete a day of what is past its time; how many points, 0 if there are none now."""
        return self._expiry.step(retention)

    def incidents(self) -> tuple[str, ...]:
        """None: repairs are the server's own."""
        return ()

    def last_received_us(self) -> int:
        """Highest received_at_us stored; 0 for an empty store."""
        return last_received_us(self._server)

    def ping(self) -> None:
        """Return if the server answers."""
        self._server.ping()

    def close(self) -> None:
        """Release connections."""
        self._server.close()

    def _write(self, body: bytes, readings: ReadingBatch, positions: PositionBatch, catalog: Catalog) -> None:
        try:
            self._server.write(body)
        except RowsRefused as error:
            lines = [line for line, _ in error.refused]
            error.readings, error.positions = refused_rows(lines, readings, positions, catalog)
            raise

    def _lines(self) -> LineWriter:
        if self._writer is None:
            self._writer = LineWriter(ask.flagged_quantities(self._server))
        return self._writer

    def _devices(self, devices: I32) -> dict[str, int]:
        """The devices that the catalog knows, numbers by id."""
        ids = self._catalog().device_ids
        return {ids[number]: number for number in devices.tolist() if number in ids}

    def _registers(self, registers: I32) -> list[Register]:
        """The registers that the catalog knows, by id."""
        known = self._catalog().registers
        return [known[id_] for id_ in sorted(set(registers.tolist())) if id_ < len(known)]
