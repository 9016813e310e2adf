"""What a preview says of silence is what the present would have said, on real stores."""

import asyncio
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.alerting import AlertQuery
from core.alerts import Silence
from core.batch import PositionBatch, ReadingBatch
from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.preview import HeldBy
from core.rules import Active, MuteTime, NoData, Rule, Selector, Threshold
from storage.duckdb import DuckDBStore
from storage.influx import InfluxStore
from storage.registry import open_registry
from tests.servers import fresh_database
from wattline.feed import LiveFeed
from wattline.rules.preview import RulePreviewer
from wattline.stages.derive import Derivation
from wattline.stages.state import Known

NAME = Name("名", "name")
S = 1_000_000
START_US = 1_700_000_000 * S  # a Tuesday, 22:13:20
END = 600
SILENT = Rule("silent", NAME, Severity.WARNING, NAME, NoData())
_NUMBER = itertools.count()


def meter(id_, gateway=None, expected_s=20.0, **more):
    return Device(
        id_, DeviceKind.METER, "hall", NAME, expected_interval_s=expected_s, gateway_id=gateway, **more
    )


BOX = Device("box", DeviceKind.GATEWAY, "hall", NAME, expected_interval_s=20.0)


def at(second):
    return START_US + round(second * S)


class Site:
    """Meters of which everything is stored, and what the present records, at seconds from START_US."""

    def __init__(self, store_of, url, devices, rules=(SILENT,)):
        self.registry = open_registry(url)
        hall = Place("hall", PlaceKind.BUILDING, NAME, "UTC")
        self.registry.put_estate(Estate((hall,), tuple(devices), tuple(rules)))
        self.meters = [one.id for one in devices if one.kind is DeviceKind.METER]
        self.registry.add_registers([(one, "power_active") for one in self.meters])
        self.catalog = self.registry.catalog()
        self.store = store_of(lambda: self.catalog)
        loop = asyncio.new_event_loop()
        loop.close()
        self.feed = LiveFeed(loop)
        self.feed.is_connected = lambda: True
        known = Known.of(self.catalog, self.registry.rules(), {})
        self.derivation = Derivation(self.store, self.registry, self.feed, known)
        self.derivation.restore()
        self.derivation.listening_since_us = START_US

    def hear(self, second, *meters, late_s=0.0, value=1.0):
        """late_s: how long before its receipt the reading was taken."""
        register = [self.catalog.register_of[one, "power_active"].id for one in meters]
        size = len(register)
        batch = ReadingBatch(
            np.array(register, np.int32),
            np.full(size, at(second - late_s), np.int64),
            np.full(size, value),
            np.zeros(size, np.uint8),
            np.full(size, at(second), np.int64),
        )
        self.store.append(batch, PositionBatch.empty())
        self.derivation.derive(batch, PositionBatch.empty())

    def live(self, heard, until=END, away=()):
        """Let the present happen: heard is {meter: seconds} or {meter: {second: late_s}}."""
        for second in range(until):
            for one, seconds in heard.items():
                if second in seconds:
                    late_s = seconds[second] if isinstance(seconds, dict) else 0.0
                    self.hear(second, one, late_s=late_s)
            self.feed.is_connected = lambda: not any(first < second < last for first, last in away)  # noqa: B023
            self.derivation.show(at(second))

    def recorded(self, rule="silent"):
        """(target, begin, fired, ended) of every alert."""
        records = [one.alert for one in self.registry.alerts(AlertQuery(rules=(rule,)))]
        return sorted(
            (one.target.id, seconds(one.active_at_us), seconds(one.fired_at_us), seconds(one.resolved_at_us))
            for one in records
        )

    def preview(self, rule=SILENT, first=0, last=END):
        previewer = RulePreviewer(self.store, self.registry, lambda: self.catalog)
        return previewer.preview(rule, at(first), at(last))

    def close(self):
        self.store.close()
        self.registry.close()


def seconds(time_us):
    return None if time_us is None else (time_us - START_US) / S


def episodes(found):
    return sorted(
        (one.target.id, seconds(one.pending_us), seconds(one.fired_us), seconds(one.ended_us))
        for one in found.episodes
    )


@pytest.fixture(params=["duckdb", "influx"])
def site(request, tmp_path):
    """Makes sites: on DuckDB and SQLite, or on InfluxDB and PostgreSQL."""
    made = []

    def make(devices, rules=(SILENT,)):
        number = next(_NUMBER)
        if request.param == "duckdb":
            folder = tmp_path / str(number)
            folder.mkdir()
            url = f"sqlite:///{folder / 'r.sqlite'}"
            made.append(Site(lambda _: DuckDBStore(folder / "w.duckdb", threads=1), url, devices, rules))
            return made[-1]
        influxd, postgres = request.getfixturevalue("influxd"), request.getfixturevalue("postgres")
        context = fresh_database(postgres, f"silence_{number}")
        made.append(
            Site(
                lambda known: InfluxStore(influxd.url, f"silence {number}", catalog=known),
                context.__enter__(),
                devices,
                rules,
            )
        )
        made[-1].database = context
        return made[-1]

    yield make
    for one in made:
        one.close()
        if hasattr(one, "database"):
            one.database.__exit__(None, None, None)


def test_a_silence_begins_at_its_limit_and_ends_with_the_next_word(site):
    ours = site([meter("m"), meter("other")])
    ours.live({"m": [*range(0, 200, 20), 400, *range(420, END, 20)], "other": range(5, END, 20)})
    found = ours.preview()
    assert episodes(found) == ours.recorded() == [("m", 240.0, 240.0, 400.0)]
    (episode,) = found.episodes
    assert (episode.peak, episode.limit, episode.silent_s, found.unit) == (220.0, 60.0, 160.0, "s")
    assert found.totals.coverage == pytest.approx((2 * END - 220 - 5) / (2 * END), abs=1e-3)
    assert found.unknown == ()


def test_buffered_history_is_heard_when_it_comes(site):
    ours = site([meter("m"), meter("other")])
    late = {300 + at: 200.0 - 19 * at for at in range(10)}
    ours.live({"m": dict.fromkeys(range(0, 100, 20), 0.0) | late, "other": range(5, END, 20)})
    assert (
        episodes(ours.preview()) == ours.recorded() == [("m", 140.0, 140.0, 300.0), ("m", 369.0, 369.0, None)]
    )


def test_a_dead_gateway_is_one_alert(site):
    ours = site([BOX, *(meter(f"m{at}", "box") for at in range(5)), meter("other")])
    heard = {f"m{at}": [*range(at, 200, 20), *range(400 + at, END, 20)] for at in range(5)}
    ours.live(heard | {"other": range(5, END, 20)})
    assert episodes(ours.preview()) == ours.recorded() == [("box", 244.0, 244.0, 400.0)]


@st.composite
def messages(draw):
    """When three meters behind a gateway and one beside it speak; another one never stops."""
    heard = {"other": dict.fromkeys(range(1, END, 10), 0.0)}
    shared = draw(st.lists(st.tuples(st.integers(0, 560), st.sampled_from([40, 90, 200])), max_size=2))
    for name in ("m0", "m1", "m2", "alone"):
        lapses = draw(st.lists(st.tuples(st.integers(0, 560), st.sampled_from([30, 70, 150])), max_size=2))
        lapses += shared if name != "alone" else []
        phase = 2 * draw(st.integers(0, 9))
        heard[name] = {
            second: draw(st.sampled_from([0.0, 0.0, 0.25, 950.5]))
            for second in range(phase, END, 20)
            if not any(first <= second < first + length for first, length in lapses)
        }
    return heard


@given(messages(), st.sampled_from([0.0, 31.0]), st.sampled_from([0.0, 41.0]))
@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_preview_agrees_with_what_was_recorded(site, heard, for_s, keep_s):
    rule = Rule("silent", NAME, Severity.WARNING, NAME, NoData(), for_s=for_s, keep_firing_for_s=keep_s)
    devices = [BOX, *(meter(f"m{at}", "box") for at in range(3)), meter("alone"), meter("other", None, 10.0)]
    ours = site(devices, [rule])
    ours.live(heard)
    assert episodes(ours.preview(rule)) == ours.recorded()


def test_when_nothing_comes_from_anything_wattline_was_away(site):
    ours = site([meter("m"), meter("n", None, 30.0)])
    heard = {"m": range(0, 200, 20), "n": [*range(0, 200, 30), *range(400, END, 30)]}
    ours.live(heard, away=[(195, 400)])
    assert [one[0] for one in ours.recorded()] == ["m"]
    found = ours.preview()
    assert episodes(found) == [("m", 460.0, 460.0, None)]
    assert ours.recorded()[0][1] == pytest.approx(460.0, abs=2.0)
    (said,) = found.unknown
    assert said.en.startswith("Nothing was received from anything 1 times, 4 min in all")


def test_one_source_alone_that_says_nothing_is_silent_itself(site):
    ours = site([BOX, meter("m0", "box"), meter("m1", "box")])
    ours.live({one: [*range(0, 200, 20), *range(400, END, 20)] for one in ("m0", "m1")})
    assert episodes(ours.preview()) == ours.recorded() == [("box", 240.0, 240.0, 400.0)]


def test_what_was_silent_before_the_span_is_so_from_its_beginning(site):
    ours = site([meter("m"), meter("other")])
    ours.live({"m": range(0, 100, 20), "other": range(5, END, 20)})
    found = ours.preview(first=400)
    assert episodes(found) == [("m", 400.0, 400.0, None)]
    assert found.episodes[0].peak == END - 80.0


def test_devices_that_were_never_heard_are_named(site):
    ours = site([meter("m"), meter("ghost"), meter("used", valid_from_us=at(100))])
    ours.live({"m": range(0, END, 20)})
    found = ours.preview()
    assert episodes(found) == ours.recorded() == [("used", 160.0, 160.0, None)]
    (said,) = found.unknown
    assert said.en.startswith("1 devices were never heard (ghost)")


def test_hours_of_a_rule_begin_and_end_its_alerts(site):
    # 22:13:20 UTC: a rule on working hours sees nothing, one on off-hours sees it.
    ours = site([meter("m"), meter("other")])
    ours.live({"m": range(0, 100, 20), "other": range(5, END, 20)})
    working = Rule("w", NAME, Severity.WARNING, NAME, NoData(), active=Active.WORKING_HOURS)
    off = Rule("o", NAME, Severity.WARNING, NAME, NoData(), active=Active.OFF_HOURS)
    assert episodes(ours.preview(working)) == []
    assert episodes(ours.preview(off)) == [("m", 140.0, 140.0, None)]


def silence(first, last, **what):
    return Silence("s", at(first), at(last), "works", "somebody", at(first), **what)


def test_silenced_alerts_are_told_when_the_silence_is_over_or_not_at_all(site):
    ours = site([meter("m"), meter("n"), meter("other")])
    lapse = {"m": (100, 220), "n": (100, 500)}
    heard = {
        one: [second for second in range(0, END, 20) if not first <= second < last]
        for one, (first, last) in lapse.items()
    }
    ours.live(heard | {"other": range(5, END, 20)})
    ours.registry.put_silence(silence(100, 300, devices=("m", "n")))
    found = ours.preview()
    by_target = {one.target.id: one.telling for one in found.episodes}
    assert (by_target["m"].told_us, by_target["m"].held_by) == (None, HeldBy.SILENCED)
    assert (by_target["n"].told_us, by_target["n"].held_by) == (at(300), HeldBy.SILENCED)
    assert (found.totals.alerts, found.totals.not_told) == (2, 1)


def test_muted_alerts_fire_and_are_told_when_the_mute_time_is_over(site):
    ours = site([meter("m"), meter("other")])
    ours.live({"m": range(0, 100, 20), "other": range(5, END, 20)})
    muted = Rule("silent", NAME, Severity.WARNING, NAME, NoData(), mute=(MuteTime("22:00", "22:20"),))
    (episode,) = ours.preview(muted).episodes
    assert (episode.telling.told_us, episode.telling.held_by) == (at(400), HeldBy.MUTED)
    weekday = Rule("silent", NAME, Severity.WARNING, NAME, NoData(), mute=(MuteTime("22:00", "22:20", (1,)),))
    (episode,) = ours.preview(weekday).episodes
    assert (episode.telling.told_us, episode.telling.held_by) == (episode.fired_us, None)


HIGH = Rule(
    "high",
    NAME,
    Severity.WARNING,
    NAME,
    Threshold("power_active", Comparator.ABOVE, 100.0),
    Selector(devices=("other",)),
)


def test_a_recorded_alert_holds_back_what_names_its_rule(site):
    held = Rule("held", NAME, Severity.WARNING, NAME, NoData(), inhibited_by=("high", "none-such"))
    ours = site([meter("other", expected_s=10.0), meter("m", parent_device_id="other")], [SILENT, HIGH, held])
    for second in range(0, END, 10):
        ours.hear(second, "other", value=200.0 if 100 <= second < 300 else 1.0)
        if second < 100 and second % 20 == 0:
            ours.hear(second, "m")
        ours.derivation.show(at(second + 1))
    assert ours.recorded("high") == [("other/power_active", 100.0, 100.0, 300.0)]
    assert ours.recorded("held") == [("m", 140.0, pytest.approx(300.0, abs=15.0), None)]
    found = ours.preview(held)
    assert episodes(found) == [("m", 140.0, 300.000001, None)]
    (said,) = found.unknown
    assert said.en.startswith("No alert of rule none-such is recorded in this span")


def test_readings_are_held_back_as_well(site):
    low = Rule(
        "low",
        NAME,
        Severity.WARNING,
        NAME,
        Threshold("power_active", Comparator.BELOW, 50.0),
        Selector(devices=("m",)),
        inhibited_by=("high",),
    )
    ours = site(
        [meter("other", expected_s=10.0), meter("m", None, 10.0, parent_device_id="other")], [HIGH, low]
    )
    for second in range(0, END, 10):
        ours.hear(second, "other", value=200.0 if 100 <= second < 300 else 1.0)
        ours.hear(second, "m", value=1.0 if 150 <= second < 250 or 280 <= second < 400 else 90.0)
        ours.derivation.show(at(second + 1))
    assert ours.recorded("low") == [("m/power_active", 280.0, 310.0, 400.0)]
    assert episodes(ours.preview(low)) == ours.recorded("low")
