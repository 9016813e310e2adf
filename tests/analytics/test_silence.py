"""Devices that say nothing, gateways that take theirs with them, and restarts of ours."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.alerts import STATES, AlertsState, step
from analytics.gateways import Gateways
from analytics.silence import SilenceWatches, Together, observe_silence
from core.catalog import Catalog
from core.model import Device, DeviceKind, Place, PlaceKind
from core.rules import Active, NoData, Selector
from tests.analytics.watched import NAME, S, rule

T0 = 1_000_000
METER, GATEWAY = DeviceKind.METER, DeviceKind.GATEWAY


def meter(id_, expected_s=60.0, gateway=None, kind=METER, **more):
    return Device(id_, kind, "hall", NAME, expected_interval_s=expected_s, gateway_id=gateway, **more)


def box(expected_s=60.0, **more):
    return meter("box", expected_s, kind=GATEWAY, **more)


def silent(condition=None, **changes):
    return rule(condition or NoData(), id=changes.pop("id", "silent"), **changes)


class Listener:
    """Rules over devices, at seconds from t0."""

    def __init__(self, devices, rules=None, t0=T0):
        self.t0 = t0
        places = [Place("hall", PlaceKind.BUILDING, NAME, "UTC")]
        self.catalog = Catalog(places, list(enumerate(devices)), [])
        self.watches = SilenceWatches.of(rules or [silent()], self.catalog)
        self.state = AlertsState.empty(len(self.watches))
        self.heard_us = np.zeros(len(devices), np.int64)
        self.together = None
        self.restart(0)

    def restart(self, second):
        self.gateways = Gateways.of(self.watches.behind)
        self.listening_since_us = (self.t0 + second) * S

    def hear(self, device, second):
        at = self.catalog.device_number[device]
        self.heard_us[at] = max(self.heard_us[at], (self.t0 + second) * S)

    def tick(self, second, held_back=None):
        seen = observe_silence(
            self.watches,
            self.gateways,
            self.heard_us,
            self.state,
            listening_since_us=self.listening_since_us,
            now_us=(self.t0 + second) * S,
            together=self.together,
        )
        self.state, found = step(self.state, seen, self.watches.terms(held_back))
        return [
            (self.watches.target(watch)[1].id, STATES[after].value, int(at_us) // S - self.t0)
            for watch, after, at_us in zip(found.watch, found.after, found.at_us, strict=True)
        ]

    def run(self, first, last, every=None):
        """Ticks from first to last; every: seconds at which each device is heard, or its interval."""
        told = []
        for second in range(first, last):
            for device, when in (every or {}).items():
                if second % when == 0 if isinstance(when, int) else second in when:
                    self.hear(device, second)
            told += self.tick(second)
        return told


def test_a_device_is_silent_after_three_of_its_own_intervals():
    listener = Listener([meter("quick", 30.0), meter("slow", 600.0)])
    told = listener.run(0, 2000, {"quick": [0], "slow": [0]})
    assert told == [("quick", "firing", 90), ("slow", "firing", 1800)]


def test_factor_and_least_time_are_the_rules():
    listener = Listener([meter("m", 30.0)], [silent(NoData(factor=2.0)), silent(NoData(3, 600), id="late")])
    assert listener.run(0, 700, {"m": [0]}) == [("m", "firing", 60), ("m", "firing", 600)]


def test_it_is_over_when_the_device_speaks():
    listener = Listener([meter("m")])
    assert listener.run(0, 400, {"m": [0, 300]}) == [("m", "firing", 180), ("m", "resolved", 300)]


def test_it_goes_on_for_as_long_as_the_rule_keeps_it():
    listener = Listener([meter("m")], [silent(keep_firing_for_s=100)])
    told = listener.run(0, 600, {"m": [0, *range(300, 600, 60)]})
    assert told == [("m", "firing", 180), ("m", "resolved", 400)]


def test_a_silence_must_last_as_long_as_the_rule_wants():
    listener = Listener([meter("m")], [silent(for_s=100)])
    assert listener.run(0, 400, {"m": [0]}) == [("m", "firing", 280)]
    assert Listener([meter("m")], [silent(for_s=100)]).run(0, 400, {"m": [0, 250, 370]}) == []


def test_the_breach_begins_when_the_limit_has_passed_however_late_it_is_noticed():
    listener = Listener([meter("m")])
    listener.hear("m", 0)
    listener.tick(1)
    assert listener.tick(5000) == [("m", "firing", 180)]
    assert listener.state.since_us.tolist() == [(T0 + 180) * S]


def test_a_device_that_was_never_heard_is_no_silent_one_unless_it_is_said_to_be_in_use():
    assert Listener([meter("m")]).run(0, 1000) == []
    used = Listener([meter("m", valid_from_us=(T0 + 100) * S)])
    assert used.run(0, 1000) == [("m", "firing", 280)]


def test_devices_out_of_use_are_not_watched():
    listener = Listener([meter("m", valid_to_us=(T0 + 200) * S), meter("n", valid_to_us=(T0 + 150) * S)])
    assert listener.run(0, 400, {"m": [0], "n": [0]}) == [("m", "firing", 180), ("m", "resolved", 200)]


def test_virtual_meters_are_not_watched_and_vehicles_only_by_name():
    devices = [meter("sum", kind=DeviceKind.VIRTUAL, formula="1"), meter("car", kind=DeviceKind.VEHICLE)]
    assert Listener(devices).watches.watched() == []
    named = silent(select=Selector(devices=("car", "sum")))
    assert Listener(devices, [named]).watches.watched() == [("silent", "car")]


def test_a_restart_of_ours_is_no_silence_of_theirs():
    listener = Listener([meter("m")])
    listener.run(0, 100, {"m": [0, 60]})
    listener.restart(1000)
    assert listener.run(1000, 1100) == []
    assert listener.run(1100, 1300) == [("m", "firing", 1180)]


def test_a_restart_of_ours_does_not_end_an_open_alert():
    listener = Listener([meter("m")])
    assert listener.run(0, 200, {"m": [0]}) == [("m", "firing", 180)]
    listener.restart(300)
    assert listener.run(300, 600) == []
    assert listener.run(600, 700, {"m": [650]}) == [("m", "resolved", 650)]


def fleet(count=50, expected_s=60.0, gateway_s=60.0):
    return [box(gateway_s), *(meter(f"m{at}", expected_s, "box") for at in range(count))]


def test_a_dead_gateway_with_fifty_meters_is_one_alert():
    listener = Listener(fleet())
    phases = {f"m{at}": list(range(at, 600, 60)) for at in range(50)}
    told = listener.run(0, 4000, phases)
    assert told == [("box", "firing", 589 + 180)]


def test_the_meters_of_a_gateway_that_is_back_have_their_time_to_speak():
    listener = Listener(fleet())
    phases = {f"m{at}": [*range(at, 600, 60), *range(2000 + at, 2600, 60)] for at in range(50)}
    told = listener.run(0, 2500, phases)
    assert told == [("box", "firing", 769), ("box", "resolved", 2000)]


def test_a_meter_that_died_with_its_gateway_is_told_of_when_the_others_are_back():
    listener = Listener(fleet(3))
    phases = {f"m{at}": [*range(at, 600, 60), *range(2000 + at, 3000, 60)] for at in range(2)}
    phases["m2"] = list(range(2, 600, 60))
    told = listener.run(0, 2900, phases)
    assert told == [("box", "firing", 722), ("box", "resolved", 2000), ("m2", "firing", 2180)]


def test_an_outage_just_short_of_the_gateways_limit_is_no_alert():
    for outage in (70, 100, 130, 160, 180):
        listener = Listener(fleet())
        phases = {
            f"m{at}": [second for second in range(at, 2000, 60) if not 600 <= second < 540 + outage]
            for at in range(50)
        }
        assert listener.run(0, 1500, phases) == [], outage


def test_a_meter_alone_that_dies_is_its_own_alert():
    listener = Listener(fleet(3))
    phases = {"m0": list(range(0, 600, 60)), "m1": 60, "m2": 60}
    assert listener.run(0, 1500, phases) == [("m0", "firing", 540 + 180)]


def test_a_quick_meter_waits_until_its_gateway_is_known_to_be_alive():
    devices = [box(900.0), meter("quick", 10.0, "box"), meter("slow", 900.0, "box")]
    listener = Listener(devices)
    phases = {"quick": [*range(0, 100, 10)], "slow": 900}
    # Nobody knows why it is overdue at 150. The slow one speaks at 900; if the gateway was dead
    # until then, the quick one has its time now, and the slow one's next word decides.
    assert listener.run(0, 1800, phases) == []
    assert listener.run(1800, 1810, phases) == [("quick", "firing", 960)]


def test_of_a_quick_and_a_slow_meter_behind_a_dead_gateway_neither_is_told():
    devices = [box(900.0), meter("quick", 10.0, "box"), meter("slow", 900.0, "box")]
    told = Listener(devices).run(0, 5000, {"quick": [*range(0, 100, 10)], "slow": [0]})
    assert told == [("box", "firing", 90 + 2700)]


def test_a_gateway_that_speaks_itself_is_held_to_its_own_interval():
    devices = [box(60.0), *(meter(f"m{at}", 900.0, "box") for at in range(3))]
    phases = {"box": list(range(0, 1000, 60)), "m0": [0, 900], "m1": [0, 900], "m2": [0, 900]}
    assert Listener(devices).run(0, 3000, phases) == [("box", "firing", 960 + 180)]


def test_a_gateway_that_never_speaks_is_judged_by_what_is_behind_it():
    devices = [box(60.0), *(meter(f"m{at}", 900.0, "box") for at in range(3))]
    assert Listener(devices).run(0, 3600, {"m0": 900, "m1": 900, "m2": 900}) == []
    phases = {name: [0, 900] for name in ("m0", "m1", "m2")}
    assert Listener(devices).run(0, 5000, phases) == [("box", "firing", 900 + 2700)]


def test_the_long_dead_do_not_say_how_often_a_gateway_should_speak():
    devices = [box(60.0), *(meter(f"q{at}", 10.0, "box") for at in range(2)), meter("slow", 900.0, "box")]
    listener = Listener(devices)
    phases = {"q0": list(range(0, 100, 10)), "q1": list(range(0, 100, 10)), "slow": 900}
    told = listener.run(0, 6000, phases)
    assert [one for one in told if one[0] == "box"] == [("box", "firing", 150), ("box", "resolved", 900)]
    assert sorted(one for one in told if one[0] != "box") == [("q0", "firing", 960), ("q1", "firing", 960)]


def test_a_gateway_that_nobody_watches_holds_nothing_back():
    only_meters = silent(select=Selector(devices=("m0", "m1")))
    told = Listener(fleet(2), [only_meters]).run(0, 500, {"m0": [0], "m1": [0]})
    assert told == [("m0", "firing", 180), ("m1", "firing", 180)]


def test_a_gateway_out_of_use_holds_nothing_back():
    devices = fleet(2)
    devices[0] = replace(devices[0], valid_to_us=T0 * S)
    told = Listener(devices).run(0, 500, {"m0": [0], "m1": [0]})
    assert told == [("m0", "firing", 180), ("m1", "firing", 180)]


def test_silence_outside_the_hours_of_the_rule_is_none():
    listener = Listener([meter("m")], [silent(active=Active.WORKING_HOURS)], t0=0)
    monday = 4 * 86_400  # of the year 1970
    listener.restart(monday)
    listener.hear("m", monday + 3 * 3600)
    assert listener.tick(monday + 4 * 3600) == []
    opening, closing = monday + 30_600, monday + 63_000
    assert listener.tick(opening) == [("m", "firing", opening)]
    assert listener.tick(closing) == [("m", "resolved", closing)]
    assert listener.tick(opening + 86_400) == [("m", "firing", opening + 86_400)]


def test_what_is_held_back_is_told_when_it_is_let_go():
    listener = Listener([meter("m")])
    listener.hear("m", 0)
    assert listener.tick(300, held_back=np.array([True])) == []
    assert listener.tick(400) == [("m", "firing", 400)]


def test_a_gateway_that_others_hear_too_is_silent_as_of_when_all_have_said_so():
    """m1 is heard by another process: of what is ours alone, nothing follows for the box."""
    listener = Listener(fleet(2))
    listener.watches = SilenceWatches.of([silent()], listener.catalog, owns=lambda id_: id_ != "m1")
    listener.state = AlertsState.empty(len(listener.watches))
    listener.restart(0)
    listener.hear("m0", 0)

    def told(until):
        listener.together = until and Together((T0 + 10) * S, (T0 + until) * S)
        return listener.tick(1000)

    assert told(None) == []
    assert told(190) == []
    listener.hear("m1", 300)
    assert told(480) == []
    assert told(481) == [("box", "firing", 480)]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([10, 60, 300]), st.integers(0, 299)), min_size=1, max_size=8),
    st.integers(900, 1500),
    st.integers(1, 3000),
    st.booleans(),
    st.sampled_from([3, 7, 30]),
)
def test_whatever_a_gateway_does_no_meter_behind_it_is_told_of(meters, dies, outage, speaks, every):
    """Meters that would speak always: whatever is told is told of their gateway."""
    devices = [box(60.0)] + [meter(f"m{at}", float(s), "box") for at, (s, _) in enumerate(meters)]
    listener = Listener(devices)
    if every > 10:  # then what a meter says is known only after it could have spoken again
        listener.gateways.delay_us = every * S
    whole = 0
    for second in range(0, dies + outage + 1500, every):
        for at, (interval, phase) in enumerate([(60, 0)] * speaks + meters):
            name = devices[at if speaks else at + 1].id
            past = [one for one in range(second - every + 1, second + 1) if (one - phase) % interval == 0]
            past = [one for one in past if one >= 0 and not dies <= one < dies + outage]
            if past:
                listener.hear(name, past[-1])
        told = listener.tick(second)
        assert {device for device, _, _ in told} <= {"box"}
        whole += len(told)
    assert whole <= 2 + 2 * (not speaks) * len(meters)


@pytest.mark.parametrize("first", [0, 5])
def test_ticks_may_be_seldom(first):
    listener = Listener(fleet(2))
    listener.hear("m0", 1)
    listener.hear("m1", 2)
    listener.tick(first)
    assert listener.tick(1000) == [("box", "firing", 182)]
