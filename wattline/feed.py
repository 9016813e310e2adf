"""The Feed that connects the pipeline's worker with the readers of the API.

State is what is newest, so a reader that falls behind skips to now; news of alerts alone
are queued, for each is something of its own.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.counters import NEVER_US, CounterState
from core.alerts import AlertChange
from core.batch import PositionBatch
from core.model import Name
from core.ports import (
    AlertActed,
    AlertsMoved,
    FeedEvent,
    LedgerChanged,
    PlacePower,
    PowerChanged,
    VehiclesMoved,
)

Published = PowerChanged | VehiclesMoved | LedgerChanged | AlertChange | AlertActed

_MAX_ALERTS_BEHIND = 10_000
_ALERTS_AT_ONCE = 1000


@dataclass(slots=True, eq=False)
class _Reader:
    """What one reader has not read yet."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    power: dict[str, PlacePower] = field(default_factory=dict)
    fixes: PositionBatch | None = None
    places: dict[str, None] = field(default_factory=dict)
    alerts: deque[AlertChange | AlertActed] = field(default_factory=lambda: deque(maxlen=_MAX_ALERTS_BEHIND))

    def take(self) -> list[FeedEvent]:
        news = list(self.alerts)
        self.alerts.clear()
        parts = range(0, len(news), _ALERTS_AT_ONCE)
        events: list[FeedEvent] = [AlertsMoved(news[first : first + _ALERTS_AT_ONCE]) for first in parts]
        if self.power:
            events.append(PowerChanged(list(self.power.values())))
            self.power = {}
        if self.fixes is not None:
            events.append(VehiclesMoved(self.fixes))
            self.fixes = None
        if self.places:
            events.append(LedgerChanged(list(self.places)))
            self.places = {}
        return events


class LiveFeed:
    """A core.ports.Feed. publish may be called from any thread; events are read on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_connected: Callable[[], bool] = lambda: False
        self.totals: Callable[[], Mapping[str, float]] = dict
        self.broker_figures: Callable[[], Mapping[str, float]] = dict
        self.broker_warnings: Callable[[], list[Name]] = list
        self.rounds: dict[str, float] = {}
        self._newest = CounterState.empty(0)
        self._late_spans = 0
        self._loop = loop
        self._readers: set[_Reader] = set()
        self._power: dict[str, PlacePower] = {}
        self._fixes = PositionBatch.empty()
        self._closed = False

    def publish(self, event: Published) -> None:
        """Make it the newest state and hand it to every reader."""
        if isinstance(event, PowerChanged):
            changed = [place for place in event.places if self._power.get(place.place_id) != place]
            if not changed:
                return
            event = PowerChanged(changed)
            # Replaced as a whole: readers in other threads iterate over it.
            self._power = self._power | {place.place_id: place for place in changed}
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hand_out, event)

    def close(self) -> None:
        """End every reader's iteration."""
        self._closed = True
        for reader in self._readers:
            reader.wake.set()

    def power(self) -> list[PlacePower]:
        """Live power of every place that has electricity meters."""
        return list(self._power.values())

    def last_readings(self, registers: Sequence[int]) -> list[tuple[int, float] | None]:
        """(event_time_us, value) of each register's newest reading."""
        newest = self._newest
        size = len(newest.last_us)
        heard = [register < size and newest.last_us[register] != NEVER_US for register in registers]
        return [
            (int(newest.last_us[register]), float(newest.last_value[register])) if known else None
            for register, known in zip(registers, heard, strict=True)
        ]

    def fixes(self) -> PositionBatch:
        """The newest fix of every vehicle."""
        return self._fixes

    def ledger_pending(self) -> int:
        """Spans of late data that wait to be recomputed."""
        return self._late_spans

    def counters(self) -> dict[str, float]:
        """Totals of the pipeline, its rounds, and what the broker tells of itself, by metric name."""
        return {**self.totals(), **self.rounds, **self.broker_figures()}

    def warnings(self) -> list[Name]:
        """What someone has to do something about."""
        return self.broker_warnings()

    def connected(self) -> bool:
        """Whether the source is connected."""
        return self.is_connected()

    async def events(self) -> AsyncIterator[FeedEvent]:
        """Changes from now on, until the feed is closed."""
        reader = _Reader()
        self._readers.add(reader)
        try:
            while not self._closed:
                await reader.wake.wait()
                reader.wake.clear()
                for event in reader.take():
                    yield event
        finally:
            self._readers.discard(reader)

    def show(self, fixes: PositionBatch, newest: CounterState) -> None:
        """Make these the newest fixes and readings, without telling readers."""
        self._fixes, self._newest = fixes, newest

    def show_late(self, spans: int) -> None:
        """Say how many spans of late data wait to be recomputed."""
        self._late_spans = spans

    def _hand_out(self, event: Published) -> None:
        for reader in self._readers:
            match event:
                case PowerChanged(places):
                    reader.power.update({place.place_id: place for place in places})
                case VehiclesMoved():
                    reader.fixes = event.fixes if reader.fixes is None else self._fixes
                case LedgerChanged(place_ids):
                    reader.places.update(dict.fromkeys(place_ids))
                case AlertChange() | AlertActed():
                    reader.alerts.append(event)
            reader.wake.set()
