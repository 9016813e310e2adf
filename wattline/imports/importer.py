"""Files of readings into Wattline: read, check, compare, publish.

Readings are published to wattline/v1/<device>/manual and go the way of every message, so
that nothing else writes to the stores, in one process or in several.
"""

import asyncio
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from core.catalog import Catalog
from core.imports import ImportOptions, ImportReport, ImportUnavailable, RegisterChange
from core.model import Register
from core.ports import TimeSeriesStore
from core.quantities import QUANTITIES
from ingest.validate import EARLIEST_US
from simulators.publish import BrokerAddress, BrokerUnreachable, Publisher
from simulators.stream import Message
from wattline.imports.preview import Preview
from wattline.imports.rows import Entry, entries
from wattline.imports.table import rows

_MOST_IN_A_MESSAGE = 500
"""Readings: about 40 kB, far below what a broker takes."""

_PATIENCE_S = 20.0
_DAY_US = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FileImporter:
    """Takes one file at a time.

    broker: where to publish, or a line that says why we can't. readings_days: older readings
    are let go; None: they are kept for ever.
    """

    def __init__(
        self,
        store: TimeSeriesStore,
        catalog: Callable[[], Catalog],
        broker: BrokerAddress | str,
        now_us: Callable[[], int],
        readings_days: int | None = None,
    ) -> None:
        self._readings_days = readings_days
        self._store, self._catalog, self._broker, self._now_us = store, catalog, broker, now_us
        self._busy = threading.Lock()

    def take(self, content: bytes, options: ImportOptions, *, dry_run: bool) -> ImportReport:
        """Check everything, work out what changes and, unless this is a dry run, publish it.

        Raises BadFile and has imported nothing; ImportUnavailable; StoreError.
        """
        if not self._busy.acquire(blocking=False):
            raise ImportUnavailable("another import is under way: try again when it has ended")
        try:
            now_us, catalog = self._now_us(), self._catalog()
            kept_from_us = EARLIEST_US
            if self._readings_days is not None:
                kept_from_us = max(kept_from_us, now_us - self._readings_days * _DAY_US)
            found = entries(rows(content), catalog, options, now_us, kept_from_us=kept_from_us)
            changes, news = self._changes(found, catalog, now_us)
            if not dry_run:
                self._publish(news)
            return ImportReport(len(found), sent=not dry_run, registers=tuple(changes))
        finally:
            self._busy.release()

    def _changes(
        self, found: list[Entry], catalog: Catalog, now_us: int
    ) -> tuple[list[RegisterChange], list[Entry]]:
        """What changes by register, and the readings that change something."""
        of_register: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in found:
            of_register[entry.device, entry.quantity].append(entry)
        catalog = with_registers(catalog, list(of_register))
        changes, news = [], []
        preview = Preview(self._store, catalog, now_us)
        for key in sorted(of_register):
            ordered = sorted(of_register[key], key=lambda entry: entry.time_us)
            time_us = np.array([entry.time_us for entry in ordered], np.int64)
            value = np.array([entry.value for entry in ordered], np.float64)
            change, is_news = preview.change(catalog.register_of[key], time_us, value)
            changes.append(change)
            news += [entry for entry, new in zip(ordered, is_news.tolist(), strict=True) if new]
        return changes, news

    def _publish(self, found: list[Entry]) -> None:
        """Return once the broker has all of them; raises ImportUnavailable."""
        if isinstance(self._broker, str):
            raise ImportUnavailable(self._broker)
        try:
            asyncio.run(_publish(self._broker, messages(found)))
        except BrokerUnreachable as error:
            raise ImportUnavailable(
                f"{error}; some readings may have arrived: import the file again, which doubles nothing"
            ) from error


def messages(found: list[Entry]) -> Iterator[Message]:
    """The readings as a device would send them, each device's in order of time."""
    items: dict[str, dict[int, dict[str, object]]] = defaultdict(dict)
    for entry in sorted(found, key=lambda entry: entry.time_us):
        item = items[entry.device].setdefault(entry.time_us, {"ts": _ts(entry.time_us)})
        item[entry.quantity] = entry.value
    for device, by_time in items.items():
        ordered = list(by_time.values())
        for first in range(0, len(ordered), _MOST_IN_A_MESSAGE):
            payload = msgspec.json.encode(ordered[first : first + _MOST_IN_A_MESSAGE])
            yield Message(f"wattline/v1/{device}/manual", payload)


def with_registers(catalog: Catalog, keys: Sequence[tuple[str, str]]) -> Catalog:
    """The catalog with registers of devices that have not sent these quantities yet."""
    missing = [key for key in keys if key not in catalog.register_of]
    first = len(catalog.registers)
    kinds = [QUANTITIES[quantity] for _, quantity in missing]
    return catalog.extended(
        [
            Register(
                first + number, device, of.name, of.kind, of.unit, energy=of.energy, exported=of.exported
            )
            for number, ((device, _), of) in enumerate(zip(missing, kinds, strict=True))
        ]
    )


async def _publish(broker: BrokerAddress, outgoing: Iterator[Message]) -> None:
    client_id = f"wattline-import-{secrets.token_hex(4)}"
    async with Publisher(broker, client_id=client_id, window=50, patience_s=_PATIENCE_S) as publisher:
        await publisher.publish(outgoing)


def _ts(time_us: int) -> int | str:
    """Milliseconds where they are exact."""
    if time_us % 1000 == 0:
        return time_us // 1000
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat()
