"""A gateway whose devices several shards hear, judged by what all of them have heard."""

import asyncio

import numpy as np
import pytest

from core.alerting import AlertQuery
from core.batch import PositionBatch, ReadingBatch
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.rules import NoData, Rule
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.feed import LiveFeed
from wattline.shards import Shard
from wattline.stages.checkpoints import Checkpoints
from wattline.stages.derive import Derivation
from wattline.stages.state import Known

NAME = Name("名", "name")
S = 1_000_000
START_US = 1_700_000_000 * S
METERS = [f"m{number}" for number in range(50)]
SILENT = Rule("silent", NAME, Severity.WARNING, NAME, NoData())


def device(id_, gateway=None, kind=DeviceKind.METER):
    return Device(id_, kind, "hall", NAME, expected_interval_s=60.0, gateway_id=gateway)


class Shards:
    """Derivations of a layout over one store and registry, at seconds from START_US."""

    def __init__(self, folder, devices, count=2):
        self.store = DuckDBStore(folder / "w.duckdb", threads=1)
        self.registry = open_registry(f"sqlite:///{folder / 'r.sqlite'}")
        hall = Place("hall", PlaceKind.BUILDING, NAME, "UTC")
        self.registry.put_estate(Estate((hall,), tuple(devices), (SILENT,)))
        self.registry.add_registers([(meter, "power_active") for meter in METERS])
        self.count, self.running = count, {}
        for index in range(count):
            self.start(index, 0)

    def start(self, index, second):
        loop = asyncio.new_event_loop()
        loop.close()
        feed = LiveFeed(loop)
        feed.connected = lambda: True
        shard = Shard(index, self.count)
        known = Known.of(self.registry.catalog(), self.registry.rules(), None, shard)
        derivation = Derivation(self.store, self.registry, feed, known, shard)
        derivation.restore()
        derivation.listening_since_us = START_US + second * S
        self.running[shard] = derivation

    def stop(self, index):
        del self.running[Shard(index, self.count)]

    def hear(self, second, meters):
        """Each by the shard that its topic goes to, if that runs."""
        at_us = START_US + second * S
        for shard, derivation in self.running.items():
            numbers = [METERS.index(meter) for meter in meters if shard.owns(meter)]
            times = np.full(len(numbers), at_us, np.int64)
            ones = np.ones(len(numbers))
            batch = ReadingBatch(
                np.array(numbers, np.int32), times, ones, np.zeros(len(numbers), np.uint8), times
            )
            derivation.derive(batch, PositionBatch.empty())

    def run(self, first, last, meters=()):
        """Ticks of all from first to last, the meters being heard every minute."""
        for second in range(first, last, 20):
            if second % 60 == 0:
                self.hear(second, meters)
            for derivation in self.running.values():
                derivation.show(START_US + second * S)

    def refit(self):
        for derivation in self.running.values():
            derivation.refit(self.registry.catalog())

    @property
    def alerts(self):
        records = self.registry.alerts(AlertQuery())
        return sorted((one.alert.target.id, one.alert.state.value) for one in records)

    def close(self):
        self.store.close()
        self.registry.close()


@pytest.fixture
def shards(tmp_path):
    made = []

    def make(gateway_of, count=2):
        box = [device(id_, kind=DeviceKind.GATEWAY) for id_ in ("box", "other")]
        made.append(Shards(tmp_path, [*box, *(device(meter, gateway_of(meter)) for meter in METERS)], count))
        return made[-1]

    yield make
    for one in made:
        one.close()


def behind_box(_):
    return "box"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_dead_gateway_is_one_alert_of_any_number_of_shards(shards, count):
    ours = shards(behind_box, count)
    ours.run(0, 600, METERS)
    ours.run(600, 1500)
    assert ours.alerts == [("box", "firing")]
    ours.run(1500, 2400, METERS)
    assert ours.alerts == [("box", "resolved")]


def test_a_meter_is_told_of_when_another_shard_hears_its_gateway(shards):
    """One shard hears nothing but the meter that dies: alone it could not know."""
    dead, *_ = mine = [meter for meter in METERS if Shard(0, 2).owns(meter)]
    ours = shards(lambda meter: None if meter in mine[1:] else "box")
    ours.run(0, 600, METERS)
    ours.run(600, 1500, [meter for meter in METERS if meter != dead])
    assert ours.alerts == [(dead, "firing")]


def test_while_a_shard_is_away_nobody_knows_of_what_it_would_hear(shards):
    ours = shards(behind_box)
    ours.run(0, 600, METERS)
    ours.stop(1)
    ours.run(600, 2400)
    assert ours.alerts == []
    ours.start(1, 2400)
    ours.run(2400, 2520)
    assert ours.alerts == []
    ours.run(2520, 2700)
    assert ours.alerts == [("box", "firing")]


def test_a_shard_that_is_away_does_not_end_an_alert_and_what_another_hears_does(shards):
    ours = shards(behind_box)
    ours.run(0, 600, METERS)
    ours.run(600, 1000)
    ours.stop(int(Shard(0, 2).owns("box")))
    ours.run(1000, 1500)
    assert ours.alerts == [("box", "firing")]
    ours.run(1500, 1800, METERS)
    assert ours.alerts == [("box", "resolved")]


def test_a_meter_that_gets_its_gateway_while_all_run_stays_with_its_shard(shards):
    ours = shards(lambda _: None)
    ours.run(0, 300, METERS)
    for meter in METERS:
        ours.registry.put_device(device(meter, "other"))
    ours.refit()
    ours.run(300, 600, METERS)
    assert ours.alerts == []
    ours.run(600, 1500)
    assert ours.alerts == [("other", "firing")]


def test_a_meter_that_changes_its_gateway_goes_by_the_new_one(shards):
    """Half of what is behind the box moves to another gateway, which lives; the box dies with the rest."""
    ours = shards(behind_box)
    ours.run(0, 300, METERS)
    for meter in METERS[:25]:
        ours.registry.put_device(device(meter, "other"))
    ours.refit()
    ours.run(300, 600, METERS)
    ours.run(600, 1500, METERS[:25])
    assert ours.alerts == [("box", "firing")]


def test_a_shard_that_leaves_forgets_what_it_has_told(shards):
    ours = shards(behind_box)
    ours.run(0, 300, METERS)
    assert "heard 0/2" in ours.registry.checkpoint_names()
    ours.running[Shard(0, 2)].save()
    Checkpoints(ours.registry, Shard(0, 2)).leave()
    assert "heard 0/2" not in ours.registry.checkpoint_names()
    assert "left 0/2" in ours.registry.checkpoint_names()
