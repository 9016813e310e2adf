"""Load to order and the live city, at a real broker."""

import asyncio
import json
from itertools import count

import numpy as np
import pytest

from simulators.buildings import BUILDINGS
from simulators.demo import DemoOptions, run_demo
from simulators.faults import parse_fault
from simulators.load import ORIGIN_US
from simulators.metering import contracted_power_w
from simulators.publish import BrokerAddress
from simulators.simulate import LoadError, LoadMeters, LoadOptions, load_device, load_estate, run_load
from tests.simulators.listening import Heard, listening

NOW_US = ORIGIN_US + 430 * 86_400_000_000
NAMES = {"ts", "energy_active_import_total", "power_active", "voltage_l1", "current_l1", "power_factor"}


def load(port: int, **options):
    return asyncio.run(run_load(LoadOptions(**options), BrokerAddress(port=port)))


def test_load_is_the_ordered_number_of_five_value_messages(mosquitto):
    with listening(mosquitto.port) as heard:
        report = load(mosquitto.port, devices=20, rate=0, messages=1010)
        messages = heard.wait_for(1010)
    assert report.messages == len(messages) == 1010
    parsed = [(topic, json.loads(payload)) for topic, payload in messages]
    assert all(set(o) == NAMES for _, o in parsed)
    assert {topic for topic, _ in parsed} == {f"wattline/v1/{load_device(n)}/readings" for n in range(20)}
    assert len({(topic, o["ts"]) for topic, o in parsed}) == 1010
    assert 120 < np.mean([len(payload) for _, payload in messages]) < 150


def test_every_load_device_is_in_its_estate():
    estate = load_estate(LoadOptions(devices=3, rate=1.0))
    assert [device.id for device in estate.devices] == ["load-00001", "load-00002", "load-00003"]
    assert estate.devices[0].expected_interval_s == 3.0


def test_load_values_agree_with_one_another_and_repeat():
    device = np.arange(50)
    start_ms = NOW_US // 1000
    energy, power_w, voltage, current, factor = LoadMeters(50, 7).values(device, np.full(50, start_ms))
    later, *_ = LoadMeters(50, 7).values(device, np.full(50, start_ms + 1000))
    assert np.allclose(power_w, voltage * current * factor)
    assert np.allclose((later - energy) * 3.6e6, power_w, rtol=0.05)
    assert not np.array_equal(energy, LoadMeters(50, 8).values(device, np.full(50, start_ms))[0])


def test_load_with_a_fault_is_the_same_load_but_for_the_fault(mosquitto):
    fault = parse_fault("dropout:device=load-00001")
    with listening(mosquitto.port) as heard:
        report = load(mosquitto.port, devices=4, rate=0, messages=80, faults=(fault,))
        messages = heard.wait_for(60)
    assert report.messages == len(messages) == 60
    assert not any("load-00001" in topic for topic, _ in messages)
    assert all(set(json.loads(payload)) == NAMES for _, payload in messages)


@pytest.mark.parametrize("options", [{"devices": 0}, {"rate": -1.0}])
def test_load_that_makes_no_sense_is_refused(options):
    with pytest.raises(LoadError):
        load(1, **options)


def run_city(
    port: int, heard: Heard, seconds: int, options: DemoOptions, later_s: int = 0
) -> list[tuple[str, dict]]:
    """Objects that the city publishes in some seconds of its own clock, which runs fast."""
    clock = count(NOW_US + later_s * 1_000_000, 4_000_000)

    async def run() -> None:
        reached = asyncio.Event()

        def now_us() -> int:
            at_us = next(clock)
            if at_us > NOW_US + seconds * 1_000_000:
                reached.set()
            return at_us

        city = asyncio.create_task(run_demo(options, BrokerAddress(port=port), now_us=now_us))
        done = asyncio.create_task(reached.wait())
        await asyncio.wait({city, done}, return_when=asyncio.FIRST_COMPLETED)
        city.cancel()
        with pytest.raises(asyncio.CancelledError):
            await city

    asyncio.run(run())
    return heard.objects(100)


def test_the_city_s_alert_breaks_its_limit_within_a_minute_and_ends(mosquitto, monkeypatch):
    monkeypatch.setattr("simulators.demo._TICK_S", 0.01)
    with listening(mosquitto.port) as heard:
        objects = run_city(mosquitto.port, heard, 90, DemoOptions(history_s=0.0))
    building = BUILDINGS[0]
    power = [
        ((o["ts"] * 1000 - NOW_US) / 1e6, o["power_active"])
        for topic, o in objects
        if topic == f"wattline/v1/m-{building.id}-main/readings"
    ]
    over = [at for at, watts in power if watts > contracted_power_w(building)]
    assert 35 < over[0] < 60
    assert 10 <= over[-1] - over[0] <= 20
    assert power[-1][0] > over[-1]
    assert {topic.rsplit("/", 1)[1] for topic, _ in objects} == {"readings", "position"}


@pytest.mark.parametrize("later_s", [0, 3, 6, 9])
def test_the_city_publishes_its_past_first_and_each_reading_once(mosquitto, monkeypatch, later_s):
    monkeypatch.setattr("simulators.demo._TICK_S", 0.01)
    with listening(mosquitto.port) as heard:
        objects = run_city(mosquitto.port, heard, 30, DemoOptions(history_s=900.0, scripted=False), later_s)
    meter = [(o["ts"], o) for topic, o in objects if topic == "wattline/v1/m-school-teaching-main/readings"]
    times = [ts for ts, _ in meter]
    assert times == sorted(set(times))
    assert times[0] * 1000 <= NOW_US - 880_000_000
    assert max(np.diff(times)) <= 15_000  # no gap between the past and now
    assert (np.diff([o["energy_active_import_total"] for _, o in meter]) >= 0).all()


def test_the_city_goes_on_from_what_is_stored(mosquitto, monkeypatch):
    monkeypatch.setattr("simulators.demo._TICK_S", 0.01)
    since_us = NOW_US - 300_000_000
    with listening(mosquitto.port) as heard:
        objects = run_city(mosquitto.port, heard, 20, DemoOptions(since_us=since_us))
    assert min(o["ts"] for _, o in objects) * 1000 > since_us
