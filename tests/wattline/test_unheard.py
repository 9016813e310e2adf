"""Rules on silence and alerts that hold others back, from readings to the registry, over restarts."""

import asyncio
import contextlib
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from core.alerting import AlertQuery
from core.batch import PositionBatch, ReadingBatch
from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.rules import NoData, Rule, Selector, Threshold
from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from wattline.feed import LiveFeed
from wattline.stages.derive import Derivation
from wattline.stages.state import Known, State

NAME = Name("名", "name")
S = 1_000_000
START_US = 1_700_000_000 * S
SILENT = Rule("silent", NAME, Severity.WARNING, NAME, NoData())
HIGH = Rule(
    "high",
    NAME,
    Severity.WARNING,
    NAME,
    Threshold("power_active", Comparator.ABOVE, 100.0),
    inhibited_by=("silent",),
)


class Process:
    """A derivation over stores on disk, at seconds from START_US."""

    def __init__(self, folder, devices, rules):
        self.folder = folder
        self._open()
        hall = Place("hall", PlaceKind.BUILDING, NAME, "UTC")
        self.registry.put_estate(Estate((hall,), tuple(devices), tuple(rules)))
        meters = [device.id for device in devices if device.kind is DeviceKind.METER]
        self.registry.add_registers([(meter, "power_active") for meter in meters])
        self._derivation(0)

    def _open(self):
        self.store = DuckDBStore(self.folder / "w.duckdb", threads=1)
        self.registry = open_registry(f"sqlite:///{self.folder / 'r.sqlite'}")

    def _derivation(self, second):
        loop = asyncio.new_event_loop()
        loop.close()
        feed = LiveFeed(loop)
        feed.connected = lambda: True
        known = Known.of(self.registry.catalog(), self.registry.rules(), self.registry.references().calendars)
        self.derivation = Derivation(self.store, self.registry, feed, known)
        self.derivation.restore()
        self.derivation.listening_since_us = START_US + second * S

    def restart(self, second):
        self.derivation.save()
        self.close()
        self._open()
        self._derivation(second)

    def crash(self, second):
        """A restart from the last checkpoint."""
        self.close()
        self._open()
        self._derivation(second)

    def lines(self):
        """Of every alert what its timeline says, and what of that waits to be told."""
        with contextlib.closing(sqlite3.connect(self.folder / "r.sqlite")) as database:
            waits = database.execute("select alert_id, kind from outbox order by seq").fetchall()
        ids = sorted(one.alert.id for one in self.registry.alerts(AlertQuery()))
        return [
            (
                [str(line.kind) for line in self.registry.timeline(id_)],
                [kind for of, kind in waits if of == id_],
            )
            for id_ in ids
        ]

    def hear(self, second, *registers, value=1.0):
        size = len(registers)
        at_us = np.full(size, START_US + second * S, np.int64)
        quality = np.zeros(size, np.uint8)
        batch = ReadingBatch(
            np.array(registers, np.int32), at_us, np.full(size, value), quality, at_us.copy()
        )
        self.store.append(batch, PositionBatch.empty())
        self.derivation.derive(batch, PositionBatch.empty())

    def alerts(self, second):
        self.derivation.show(START_US + second * S)
        records = self.registry.alerts(AlertQuery())
        return sorted((one.alert.rule_id, one.alert.target.id, one.alert.state.value) for one in records)

    def close(self):
        self.store.close()
        self.registry.close()


def meter(id_, **more):
    return Device(id_, DeviceKind.METER, "hall", NAME, expected_interval_s=60.0, **more)


@pytest.fixture
def process(tmp_path):
    made = []

    def make(devices, rules=(SILENT, HIGH)):
        made.append(Process(tmp_path, devices, rules))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_silence_is_an_alert_until_the_device_speaks(process):
    ours = process([meter("m")])
    ours.hear(0, 0)
    assert ours.alerts(180) == []
    assert ours.alerts(181) == [("silent", "m", "firing")]
    alert = ours.registry.alerts(AlertQuery())[0].alert
    assert (alert.unit, alert.limit, alert.value) == ("s", 180.0, 181.0)
    ours.hear(200, 0)
    assert ours.alerts(201) == [("silent", "m", "resolved")]


def test_a_restart_neither_ends_nor_repeats_it(process):
    ours = process([meter("m")])
    ours.hear(0, 0)
    ours.alerts(200)
    ours.restart(300)
    assert ours.alerts(301) == [("silent", "m", "firing")]
    assert ours.alerts(600) == [("silent", "m", "firing")]
    ours.hear(700, 0)
    assert ours.alerts(701) == [("silent", "m", "resolved")]


def test_a_crash_before_the_checkpoint_does_not_begin_it_anew(process):
    ours = process([meter("m")])
    ours.hear(0, 0)
    ours.alerts(100)
    ours.derivation.save()
    assert ours.alerts(200) == [("silent", "m", "firing")]
    ours.crash(210)
    assert ours.alerts(1000) == [("silent", "m", "firing")]
    assert ours.lines() == [(["fired"], ["fired"])]
    ours.hear(1100, 0)
    assert ours.alerts(1101) == [("silent", "m", "resolved")]
    assert ours.lines() == [(["fired", "resolved"], ["fired", "resolved"])]


def test_a_crash_before_the_first_checkpoint_does_not_begin_it_anew(process):
    ours = process([meter("m")])
    ours.alerts(200)
    ours.hear(210, 0)
    ours.alerts(400)
    ours.registry.drop_checkpoint("pipeline")
    ours.crash(410)
    assert ours.alerts(1000) == [("silent", "m", "firing")]
    assert ours.lines() == [(["fired"], ["fired"])]


def test_what_ended_before_a_crash_does_not_go_on_and_the_next_silence_is_another(process):
    ours = process([meter("m")])
    ours.hear(0, 0)
    ours.alerts(200)
    ours.derivation.save()
    ours.hear(300, 0)
    assert ours.alerts(301) == [("silent", "m", "resolved")]
    assert ours.alerts(500) == [("silent", "m", "firing"), ("silent", "m", "resolved")]
    ours.crash(510)
    assert ours.alerts(900) == [("silent", "m", "firing"), ("silent", "m", "resolved")]
    assert [kinds for kinds, _ in ours.lines()] == [["fired", "resolved"], ["fired"]]
    ours.hear(1000, 0)
    ours.alerts(1001)
    ours.derivation.save()
    ours.alerts(1200)
    assert [kinds for kinds, _ in ours.lines()] == [["fired", "resolved"]] * 2 + [["fired"]]


def test_what_ended_between_checkpoint_and_crash_may_begin_again(process):
    ours = process([meter("m")])
    ours.hear(0, 0)
    ours.alerts(200)
    ours.derivation.save()
    ours.hear(300, 0)
    ours.alerts(301)
    ours.crash(310)
    assert ours.alerts(900) == [("silent", "m", "firing"), ("silent", "m", "resolved")]


def test_a_silence_that_began_before_a_restart_is_counted_from_it(process):
    ours = process([meter("m")])
    ours.hear(0, 0)
    ours.restart(1000)
    assert ours.alerts(1100) == []
    assert ours.alerts(1181) == [("silent", "m", "firing")]


def test_a_dead_gateway_is_one_alert(process):
    box = Device("box", DeviceKind.GATEWAY, "hall", NAME, expected_interval_s=60.0)
    ours = process([box, *(meter(f"m{at}", gateway_id="box") for at in range(5))])
    ours.hear(0, *range(5))
    ours.alerts(1)
    assert ours.alerts(1000) == [("silent", "box", "firing")]


def test_an_open_alert_holds_back_the_rules_that_name_it(process):
    ours = process([meter("m"), meter("n")])
    ours.hear(0, 0, 1)
    ours.hear(150, 1)
    ours.alerts(200)
    ours.hear(210, 0, 1, value=500.0)
    assert ours.alerts(211) == [("high", "n/power_active", "firing"), ("silent", "m", "resolved")]
    ours.hear(220, 0, value=500.0)
    assert ("high", "m/power_active", "firing") in ours.alerts(221)


def test_rules_on_silence_may_change_and_what_is_open_stays(process):
    ours = process([meter("m")])
    ours.hear(0, 0)
    ours.alerts(200)
    ours.registry.put_rule(Rule("another", NAME, Severity.INFO, NAME, NoData(factor=10)))
    ours.derivation.refit_rules()
    assert ours.alerts(300) == [("silent", "m", "firing")]
    assert ours.alerts(601) == [("another", "m", "firing"), ("silent", "m", "firing")]


def test_what_a_window_has_heard_outlives_a_restart(process):
    mean = Threshold("power_active", Comparator.ABOVE, 100.0, window_s=180.0)
    ours = process([meter("m")], [Rule("mean", NAME, Severity.WARNING, NAME, mean)])
    for second in (0, 60, 120):
        ours.hear(second, 0, value=200.0)
    ours.restart(150)
    ours.hear(180, 0, value=200.0)
    assert ours.alerts(181) == [("mean", "m/power_active", "firing")]


def test_saved_state_is_read_by_other_rules(process):
    ours = process([meter("m")])
    ours.hear(0, 0)
    ours.alerts(200)
    saved = ours.derivation.state.save(ours.derivation.known)
    known = Known.of(ours.registry.catalog(), [])
    assert len(State.load(saved, known).silent.state) == 0


def test_an_alert_whose_rule_is_gone_is_stale_and_resolved_by_nobody(process):
    ours = process([meter("m"), meter("other")], (replace(HIGH, inhibited_by=(), origin="api"),))
    ours.hear(0, 0, 1, value=500.0)
    assert [state for *_, state in ours.alerts(1)] == ["firing", "firing"]
    ours.registry.put_rule(replace(HIGH, inhibited_by=(), origin="api", select=Selector(devices=("m",))))
    ours.derivation.refit_rules()
    assert ours.alerts(2) == [("high", "m/power_active", "firing"), ("high", "other/power_active", "stale")]
    ours.registry.drop_rule("high")
    ours.restart(3)
    assert [state for *_, state in ours.alerts(4)] == ["stale", "stale"]
