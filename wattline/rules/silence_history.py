"""What a rule on silence would have said of what was received, and when nothing was."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from analytics.alerts import Terms
from analytics.gateways import ALIVE_FACTOR
from analytics.replay import LONGEST_US, Episodes, Replay
from analytics.segments import GAP_FACTOR
from analytics.silence import SilenceWatches
from analytics.silence_replay import SilenceReplay
from core.alerts import Target
from core.batch import I32, I64, Mask
from core.calendars import Calendar
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.model import DeviceKind
from core.ports import TimeSeriesStore
from core.receipts import Senders
from core.rules import Rule
from wattline.rules.inhibited import Inhibited

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_LEAD_US = (_DAY_US, 31 * _DAY_US)
"""So long before the span, at least and at most, it begins: what was silent then is known at `from`."""

_STRETCH_RECEIPTS = 250_000
_STRETCH_ROWS = 1_000_000
_MOST_PAUSES = 500


@dataclass(slots=True)
class SilenceHistory:
    """Of a rule on silence. heard_of: every device that its watches depend on.

    never_heard: ids of devices that are watched as soon as they are heard, and were not.
    deaf: (n, 2), when nothing came from anything though several should have spoken.
    """

    store: TimeSeriesStore
    catalog: Catalog
    watches: SilenceWatches
    targets: list[Target]
    terms: Terms
    heard_of: I32
    never_heard: list[str] = field(default_factory=list)
    deaf: I64 = field(default_factory=lambda: np.empty((0, 2), np.int64))

    @classmethod
    def of(
        cls, rule: Rule, store: TimeSeriesStore, catalog: Catalog, calendars: Mapping[str, Calendar]
    ) -> "SilenceHistory":
        """The devices that a rule watches now."""
        watches = SilenceWatches.of([rule], catalog, calendars)
        targets = [watches.target(number)[1] for number in range(len(watches))]
        heard_of = np.union1d(watches.device, watches.behind.device).astype(np.int32)
        return cls(store, catalog, watches, targets, watches.terms(), heard_of)

    def rows(self, from_us: int, to_us: int) -> float:
        """Readings behind the times of receipt, by the intervals at which they are expected."""
        return self._row_rate() * (to_us - self.begins_us(from_us, to_us))

    def replayed(self, from_us: int, to_us: int, inhibited: Inhibited) -> tuple[Episodes, Replay]:
        """Every alert of the span, and what was seen; raises StoreError."""
        start_us = self.begins_us(from_us, to_us)
        senders = Senders.of(self.catalog, self.heard_of)
        if len(self.watches):
            self.deaf = self._deaf(start_us, to_us)
        replay = SilenceReplay(
            self.watches,
            start_us,
            to_us,
            from_us,
            self._heard_before(senders, start_us),
            inhibited.held,
            inhibited.edges_us,
            self.deaf,
        )
        length_us = self._stretch_us()
        for first_us in range(start_us, to_us, length_us):
            end_us = min(first_us + length_us, to_us)
            replay.hear(self.store.heard(senders, first_us, end_us), first_us, end_us)
        unheard = (replay.heard_us[self.watches.device] == 0) & (
            self.watches.used_from_us[self.watches.device] < 0
        )
        itself = self.watches.gateway[self.watches.device] == self.watches.device
        behind = np.isin(self.watches.device, self.watches.gateway[replay.heard_us > 0])
        numbers = self.watches.device[unheard & ~(itself & behind)]
        self.never_heard = [self.catalog.device_ids[number] for number in numbers.tolist()]
        return replay.end(), replay.replay

    def begins_us(self, from_us: int, to_us: int) -> int:
        """From when on it looks, so that what was silent already is known at from_us."""
        lasting_us = [column.max(initial=0) for column in (self.watches.for_us, self.watches.keep_us)]
        lead_us = 3 * int(self.watches.limit_us.max(initial=0)) + int(sum(lasting_us))
        lead_us = min(max(lead_us, _LEAD_US[0]), _LEAD_US[1])
        return max(from_us - lead_us, to_us - LONGEST_US + 1)

    def _stretch_us(self) -> int:
        """How long a stretch is, so that what is received in it fits into memory."""
        messages = float((1.0 / _expected_us(self.catalog)[self.heard_of]).sum())
        rate = max(messages / _STRETCH_RECEIPTS, self._row_rate() / _STRETCH_ROWS, 1e-12)
        return max(int(1.0 / rate), _HOUR_US)

    def _row_rate(self) -> float:
        """Readings a µs of the devices that are heard."""
        registers = Senders.of(self.catalog, self.heard_of).register
        return float((1.0 / RegisterColumns.of(self.catalog).expected_us[registers]).sum())

    def _heard_before(self, senders: Senders, start_us: int) -> I64:
        """By device number, when it was heard last; 0 for never."""
        found = np.zeros(len(self.watches.gateway), np.int64)
        near = self.store.heard(senders, start_us - 3 * _HOUR_US, start_us)
        found[near.device] = near.at_us
        others = self.heard_of[found[self.heard_of] == 0]
        if len(others):
            last = self.store.last_heard(Senders.of(self.catalog, others), start_us)
            found[last.device] = last.at_us
        return found

    def _deaf(self, start_us: int, to_us: int) -> I64:
        """When nobody listened: nothing was received from anything, and two that were alive missed a turn.

        One device or gateway alone that says nothing is taken for silent itself.
        """
        pauses = self.store.pauses(start_us, to_us, int(self.watches.limit_us.min()))
        if len(pauses) > _MOST_PAUSES:
            longest = np.argsort(pauses[:, 0] - pauses[:, 1], kind="stable")[:_MOST_PAUSES]
            pauses = pauses[np.sort(longest)]
        devices, source, expected_us = self._sources()
        if len(np.unique(source)) < 2:  # nothing to tell them apart by
            return np.empty((0, 2), np.int64)
        senders = Senders.of(self.catalog, devices)
        several: Mask = np.zeros(len(pauses), np.bool_)
        for at, (begin_us, end_us) in enumerate(pauses.tolist()):
            back_us = ALIVE_FACTOR * min(int(expected_us.max()), end_us - begin_us)
            before = self.store.heard(senders, begin_us - back_us, begin_us + 1)
            last_us = np.zeros(len(self.watches.gateway), np.int64)
            last_us[before.device] = before.at_us
            last_us = last_us[devices]
            missed = (last_us > 0) & (last_us + ALIVE_FACTOR * expected_us >= begin_us)
            missed &= last_us + GAP_FACTOR * expected_us < end_us
            several[at] = len(np.unique(source[missed])) > 1
        return pauses[several]

    def _sources(self) -> tuple[I32, I32, I64]:
        """(device, what its messages come through, expected interval) of all that should always speak."""
        found = []
        for id_, number in self.catalog.device_number.items():
            device = self.catalog.devices[id_]
            if device.kind not in (DeviceKind.VIRTUAL, DeviceKind.VEHICLE):
                through = self.catalog.device_number.get(device.gateway_id or "", number)
                found.append((number, through))
        devices, source = np.array(found, np.int32).reshape(-1, 2).T
        return devices, source, _expected_us(self.catalog)[devices]


def _expected_us(catalog: Catalog) -> I64:
    """By device number."""
    expected_us = np.ones(max(catalog.device_ids, default=-1) + 1, np.int64)
    for id_, number in catalog.device_number.items():
        expected_us[number] = round(catalog.devices[id_].expected_interval_s * 1e6)
    return expected_us
