"""What has to hold for any messages: the claims that property tests and campaigns both check."""

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np

from core.errors import RejectReason
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.ports import DeadLetter, RawBatch
from ingest.decoders import DECODERS
from ingest.decoders.samples import Decoder
from ingest.validate import EARLIEST_US, MAX_AHEAD_US, Accepted
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.stages.derive import Derivation
from wattline.stages.intake import Intake
from wattline.stages.state import Known

NOW_US = 1_795_161_600_000_000
KNOWN_DEVICES = ("m1", "v1", "v2")
Message = tuple[str, bytes]

# A time of a registered device, of which the newest reading is known: sending it again is a repetition.
REPEATED = (
    "wattline/v1/m1/readings",
    b'{"ts": %d, "power_active": 900, "energy_active_import_total": 12345.67}' % (NOW_US // 1000 - 60_000),
)


def raw(messages: list[Message]) -> RawBatch:
    """A batch as the source hands it over."""
    topics, payloads = [topic for topic, _ in messages], [payload for _, payload in messages]
    return RawBatch(topics, payloads, NOW_US, 1, list(range(1, len(messages) + 1)))


class Rig:
    """One decoder with the intake behind it, over stores in `folder`."""

    def __init__(self, folder: Path, decoder: str) -> None:
        self.decoder: Decoder = DECODERS[decoder]
        self.registry = open_registry(f"sqlite:///{folder / 'registry.sqlite'}")
        self.store = DuckDBStore(folder / "wattline.duckdb", threads=1)
        name = Name("名", "name")
        meter = Device("m1", DeviceKind.METER, "hall", name)
        vehicles = (
            Device("v1", DeviceKind.VEHICLE, "hall", name),
            Device("v2", DeviceKind.VEHICLE, "hall", name, coordinate_system="gcj02"),
        )
        self.registry.put_estate(
            Estate((Place("hall", PlaceKind.BUILDING, name, "UTC"),), (meter, *vehicles))
        )
        catalogs = Catalogs(self.registry)
        loop = asyncio.new_event_loop()
        loop.close()
        known = Known.of(catalogs.current, self.registry.rules())
        derivation = Derivation(self.store, self.registry, LiveFeed(loop), known)
        self.intake = Intake(self.decoder, self.registry, catalogs, derivation)
        first = self.intake.accept(raw([REPEATED]))
        derivation.derive(first.readings, first.positions)

    def close(self) -> None:
        self.store.close()
        self.registry.close()

    def check(self, messages: list[Message], order: list[int], cut: int) -> None:
        """Every claim about one batch.

        order: a permutation of the messages. cut: where the permuted batch is split in two.
        """
        whole = self.intake.accept(raw(messages))
        _check_rows(whole, len(messages))
        alone = [self.intake.accept(raw([message])) for message in messages]
        for message, accepted in zip(messages, alone, strict=True):
            assert _outcomes(accepted) > 0, f"{message!r:.200} left no trace"
        # What a message becomes does not depend on its company: a bad one costs only itself.
        expected = [_traces(accepted, [at]) for at, accepted in enumerate(alone)]
        assert _traces(whole, range(len(messages))) == _sum(expected)
        halves = [part for part in (order[:cut], order[cut:]) if part]
        split = [self.intake.accept(raw([messages[at] for at in part])) for part in halves]
        found = [_traces(accepted, part) for accepted, part in zip(split, halves, strict=True)]
        assert _sum(found) == _sum(expected)

    def keep_rejected(self, messages: list[Message]) -> None:
        """What was rejected can be kept, whatever is in it."""
        rejected = self.intake.accept(raw(messages)).rejected
        letters = [DeadLetter(NOW_US, *messages[each.message], each.reason, each.detail) for each in rejected]
        self.registry.put_dead_letters(letters)


def _outcomes(accepted: Accepted) -> int:
    rows = len(accepted.readings) + len(accepted.positions)
    return rows + accepted.repeated + len(accepted.rejected)


def _check_rows(accepted: Accepted, messages: int) -> None:
    readings, fixes = accepted.readings, accepted.positions
    assert np.isfinite(readings.value).all()
    assert (readings.register >= 0).all()
    for time_us in (readings.event_time_us, fixes.fix_time_us):
        assert (time_us >= EARLIEST_US).all()
        assert (time_us <= NOW_US + MAX_AHEAD_US).all()
    assert (np.abs(fixes.latitude_deg) <= 90).all()
    assert (np.abs(fixes.longitude_deg) <= 180).all()
    assert not np.isinf([fixes.speed_kmh, fixes.course_deg, fixes.odometer_km, fixes.fuel_l]).any()
    for rejection in accepted.rejected:
        assert 0 <= rejection.message < messages
        assert isinstance(rejection.reason, RejectReason)
        assert isinstance(rejection.detail, str)


def _traces(accepted: Accepted, numbers: range | list[int]) -> Counter[object]:
    """All that a batch became; numbers[i] is what its message i is called here."""
    readings, fixes = accepted.readings, accepted.positions
    found: Counter[object] = Counter()
    columns = (readings.register, readings.event_time_us, readings.value, readings.quality)
    found.update(zip(*(column.tolist() for column in columns), strict=True))
    # NaN is not equal to itself, its text is
    columns = (fixes.device, fixes.fix_time_us, fixes.latitude_deg, fixes.longitude_deg, fixes.speed_kmh)
    columns += (fixes.course_deg, fixes.accuracy_m, fixes.ignition, fixes.odometer_km, fixes.soc_pct)
    found.update(map(repr, zip(*(column.tolist() for column in columns), strict=True)))
    found.update(("rejected", numbers[each.message], each.reason, each.detail) for each in accepted.rejected)
    found["repeated"] = accepted.repeated
    return +found


def _sum(parts: list[Counter[object]]) -> Counter[object]:
    total: Counter[object] = Counter()
    for part in parts:
        total.update(part)
    return total
