"""The simulated fleet: days without holes, roads under the wheels, books that agree."""

import itertools
import json

import numpy as np
import pytest

from simulators.city_map import map_layers
from simulators.demo import City
from simulators.load import ORIGIN_US
from simulators.meters import MeterFleet
from simulators.roads import RoadNetwork, to_metres
from simulators.trips import CHARGING_EFFICIENCY
from simulators.vehicles import Mode, VehicleFleet

DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
START_US = ORIGIN_US + 430 * DAY_US


@pytest.fixture(scope="module")
def fleet() -> VehicleFleet:
    return VehicleFleet(5)


def street_points(network: RoadNetwork) -> np.ndarray:
    """Points every few metres of everything that the map draws as a road."""
    roads = json.loads(next(layer.geojson for layer in map_layers(network) if layer.kind == "roads"))
    points = []
    for feature in roads["features"]:
        shape = feature["geometry"]
        lines = [shape["coordinates"]] if shape["type"] == "LineString" else shape["coordinates"]
        for line in lines:
            x, y = to_metres(np.array([p[1] for p in line]), np.array([p[0] for p in line]))
            share = np.linspace(0, len(x) - 1, 60)
            points.append(
                np.column_stack([np.interp(share, range(len(x)), x), np.interp(share, range(len(y)), y)])
            )
    return np.vstack(points)


def test_every_junction_reaches_every_other():
    for seed in range(5):
        network = RoadNetwork(seed)
        assert np.isfinite(network.distances_km(0)).all()
        path = network.path(0, len(network.junctions) - 1)
        assert sum(leg.street.length_m for leg in path) == pytest.approx(
            1000 * network.distances_km(0)[len(network.junctions) - 1]
        )


def test_the_river_is_crossed_on_bridges_only():
    network = RoadNetwork(5)
    assert [s for s in network.streets if s.bridge]
    assert all(s.bridge for s in network.streets if network._crosses_river(s))
    assert all(s.tunnel for s in network.streets if network._is_on_hill(s))


def test_state_is_a_function_of_seed_and_time(fleet):
    moments = [(index, START_US + index * 1_777_000_000) for index in range(30)]
    again = VehicleFleet(5)
    assert [fleet.state(*m) for m in moments] == [again.state(*m) for m in reversed(moments)][::-1]
    assert [fleet.state(*m) for m in moments] != [VehicleFleet(6).state(*m) for m in moments]


def test_a_moving_vehicle_is_on_a_road_within_noise(fleet):
    roads = street_points(fleet.network)
    checked = 0
    for index in range(30):
        for at_us in range(START_US, START_US + DAY_US, 55_000_000):
            if fleet.state(index, at_us).mode is not Mode.DRIVING:
                continue
            sample = fleet.due(index, at_us // 5_000_000 * 5_000_000 - index * 1_000_000)
            if sample is not None and sample.values["speed"] > 5:
                x, y = to_metres(sample.values["lat"], sample.values["lon"])
                assert np.hypot(*(roads - (x, y)).T).min() < 25
                checked += 1
    assert checked > 500


def test_positions_move_no_faster_than_the_vehicle(fleet):
    for index in (0, 5, 20):
        before = None
        for at_us in range(START_US + 8 * HOUR_US, START_US + 10 * HOUR_US, 1_000_000):
            state = fleet.state(index, at_us)
            if before is not None:
                assert np.hypot(state.x_m - before.x_m, state.y_m - before.y_m) < 25  # 90 km/h
                assert state.odometer_km >= before.odometer_km
            before = state


def test_days_follow_one_another_without_a_jump(fleet):
    for tracker in fleet._trackers:
        first = tracker.logbook.day_at(START_US).start_us
        for start_us in range(first + 12 * DAY_US, first + 22 * DAY_US, DAY_US):  # a roster ends
            phases = tracker.phases(tracker.logbook.day_at(start_us))
            assert phases[0].start_us == start_us
            assert phases[-1].end_us == start_us + DAY_US
            assert all(a.end_us == b.start_us for a, b in itertools.pairwise(phases))
            books = tracker.logbook.day_at(start_us + DAY_US).books
            assert books.odometer_km == pytest.approx(phases[-1].odometer_km)
            assert books.energy == pytest.approx(phases[-1].energy_end)
            assert all(0 < phase.energy_end <= tracker.vehicle.capacity + 1e-9 for phase in phases)


def test_all_kinds_of_stops_happen(fleet):
    seen = {
        phase.mode
        for tracker in fleet._trackers
        for day in range(5)
        for phase in tracker.phases(tracker.logbook.day_at(START_US + day * DAY_US))
    }
    assert seen == set(Mode)


def test_somebody_drives_at_any_hour(fleet):
    for hour in range(48):
        at_us = START_US + hour * HOUR_US
        window = [
            fleet.state(index, at_us + minute * 60_000_000) for index in range(30) for minute in range(15)
        ]
        assert any(state.mode is Mode.DRIVING for state in window)


def test_no_fix_in_a_tunnel(fleet):
    silent = 0
    for index in range(30):
        for at_us in fleet.slots(index, START_US + 6 * HOUR_US, START_US + 12 * HOUR_US):
            if fleet.state(index, at_us).in_tunnel:
                assert fleet.due(index, at_us) is None
                silent += 1
    assert silent > 10


def test_a_parked_vehicle_drifts_but_stays(fleet):
    index, at_us = 0, START_US + 20 * HOUR_US
    state = fleet.state(index, at_us)
    assert state.mode in {Mode.PARKED, Mode.CHARGING}
    fixes = [fleet.due(index, us) for us in fleet.slots(index, at_us, at_us + 2 * HOUR_US)]
    heard = [fix.values for fix in fixes if fix is not None]
    assert len(heard) == 120  # once a minute
    assert not any(values["ignition"] for values in heard)
    metres = [np.hypot(*(np.array(to_metres(v["lat"], v["lon"])) - (state.x_m, state.y_m))) for v in heard]
    assert 3 < max(metres) < 40


def test_a_charger_s_meter_shows_what_its_car_takes(fleet):
    meters = MeterFleet(5, fleet)
    tracker = next(t for t in fleet._trackers if t.vehicle.electric)
    days = (tracker.logbook.day_at(START_US + n * DAY_US) for n in range(10))
    start_us, end_us, kwh = next(session for session in map(tracker.charging, days) if session is not None)
    column = meters.index[tracker.vehicle.charger]
    snapshot = meters.at(np.array([start_us - 60_000_000, (start_us + end_us) // 2, end_us + 60_000_000]))
    standby_kwh = 0.012 * ((end_us - start_us) / 3.6e9 + 1 / 30)
    metered = (snapshot.register[2, column] - snapshot.register[0, column]) / 1000
    assert metered == pytest.approx(kwh + standby_kwh, abs=0.05)
    assert snapshot.power_w[1, column] == pytest.approx(7000, abs=50)
    assert snapshot.power_w[[0, 2], column].max() < 50
    charged = tracker.vehicle.capacity - fleet.state(0, start_us).energy
    assert charged == pytest.approx(kwh * CHARGING_EFFICIENCY)


def test_the_city_s_past_and_its_live_stream_meet_on_the_same_curve():
    city = City(5)
    second = START_US // 1_000_000 // 300 * 300
    past = {(s.device, s.event_time_us): s.values for s in city.past(second * 10**6, (second + 1) * 10**6)}
    live = {(s.device, s.event_time_us): s.values for s in city.live(second)}
    both = past.keys() & live.keys()
    assert len(both) > 10
    assert all(past[key].items() <= live[key].items() for key in both)
