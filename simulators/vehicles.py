"""The fleet as trackers report it: positions with noise, gaps in tunnels, drift when parked.

Every state is a pure function of (seed, time).
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from random import Random

import numpy as np

from core.batch import F64, I64
from core.errors import StartError
from simulators.driving import Drive, plan_drive
from simulators.load import ORIGIN_US
from simulators.roads import RoadNetwork, to_degrees
from simulators.stream import Sample, Topic
from simulators.trips import (
    CHARGING_EFFICIENCY,
    IDLE_L_PER_H,
    YARD_M,
    Day,
    Logbook,
    Outing,
    Vehicle,
    vehicles,
)

MOVING_INTERVAL_S, IDLE_INTERVAL_S, PARKED_INTERVAL_S = 5, 10, 60
"""How often a tracker reports; an ignition that is off saves the battery."""
_CHARGE_KW = 7.0
_FULL_BEFORE_END_S = 1800.0
_DAY_US = 86_400_000_000
_LEAST_REST_US = 60_000_000
_DAYS_KEPT = 4
_NOTHING = np.empty((0, 2))


class Mode(Enum):
    """What a vehicle is doing."""

    PARKED = "parked"
    DRIVING = "driving"
    IDLING = "idling"
    REFUELLING = "refuelling"
    CHARGING = "charging"


@dataclass(frozen=True, slots=True)
class VehicleState:
    """Truth without noise; energy is litres or kWh on board; x and y in metres (simulators.roads)."""

    mode: Mode
    x_m: float
    y_m: float
    speed_kmh: float
    course_deg: float
    odometer_km: float
    energy: float
    in_tunnel: bool


@dataclass(frozen=True, slots=True)
class _Phase:
    mode: Mode
    start_us: int
    end_us: int
    x_m: float
    y_m: float
    odometer_km: float
    energy_start: float
    energy_end: float
    drive: Drive | None = None


def _start_us(phase: _Phase) -> int:
    return phase.start_us


class _Tracker:
    """One vehicle with its days laid out in phases."""

    def __init__(self, vehicle: Vehicle, network: RoadNetwork, seed: int, slot: int) -> None:
        self.vehicle = vehicle
        self.logbook = Logbook(vehicle, network, seed)
        self._network = network
        self._seed = seed
        self.driveway = driveway(network, self.logbook.home, slot)
        self._laid_out: dict[int, list[_Phase]] = {}

    def state(self, time_us: int) -> VehicleState:
        day = self.logbook.day_at(time_us)
        phases = self.phases(day)
        phase = phases[bisect_right(phases, time_us, key=_start_us) - 1]
        share = (time_us - phase.start_us) / max(1, phase.end_us - phase.start_us)
        if phase.drive is None:
            energy = phase.energy_start + (phase.energy_end - phase.energy_start) * share
            return VehicleState(phase.mode, phase.x_m, phase.y_m, 0.0, 0.0, phase.odometer_km, energy, False)
        motion = phase.drive.at((time_us - phase.start_us) / 1e6)
        driven_km = motion.driven_m / 1000.0
        return VehicleState(
            phase.mode,
            motion.x_m,
            motion.y_m,
            motion.speed_kmh,
            motion.course_deg,
            phase.odometer_km + driven_km,
            phase.energy_start - self.logbook.energy_for(driven_km),
            motion.in_tunnel,
        )

    def charging(self, day: Day) -> tuple[int, int, float] | None:
        """(start, end, kWh by the charger's meter) of the day's charging session."""
        for phase in self.phases(day):
            if phase.mode is Mode.CHARGING:
                kwh = (phase.energy_end - phase.energy_start) / CHARGING_EFFICIENCY
                return phase.start_us, phase.end_us, kwh
        return None

    def phases(self, day: Day) -> list[_Phase]:
        """The day without a hole, from its start to its end."""
        if day.start_us not in self._laid_out:
            if len(self._laid_out) > _DAYS_KEPT:
                self._laid_out.clear()
            self._laid_out[day.start_us] = self._lay_out(day)
        return self._laid_out[day.start_us]

    def _lay_out(self, day: Day) -> list[_Phase]:
        slot_x, slot_y = (float(value) for value in self.driveway[0])
        at_us, odometer_km, energy = day.start_us, day.books.odometer_km, day.books.energy
        phases: list[_Phase] = []
        for number, outing in enumerate(day.outings):
            depart_us = max(day.start_us + int(outing.depart_s * 1e6), at_us + _LEAST_REST_US)
            phases.append(_Phase(Mode.PARKED, at_us, depart_us, slot_x, slot_y, odometer_km, energy, energy))
            phases += self._outing(outing, depart_us, odometer_km, energy, number)
            at_us, energy = phases[-1].end_us, phases[-1].energy_end
            odometer_km += outing.distance_km
        end_us = day.start_us + _DAY_US
        if self.vehicle.electric and energy < self.vehicle.capacity:
            kwh = (self.vehicle.capacity - energy) / CHARGING_EFFICIENCY
            session_s = min(kwh / _CHARGE_KW * 3600, (end_us - at_us) / 1e6 - _FULL_BEFORE_END_S)
            full_us = at_us + int(session_s * 1e6)
            phases.append(
                _Phase(
                    Mode.CHARGING, at_us, full_us, slot_x, slot_y, odometer_km, energy, self.vehicle.capacity
                )
            )
            at_us, energy = full_us, self.vehicle.capacity
        phases.append(_Phase(Mode.PARKED, at_us, end_us, slot_x, slot_y, odometer_km, energy, energy))
        return phases

    def _outing(
        self, outing: Outing, at_us: int, odometer_km: float, energy: float, number: int
    ) -> list[_Phase]:
        rng = Random(f"{self._seed}/{self.vehicle.id}/{at_us}/{number}")
        phases: list[_Phase] = []
        here = self.logbook.home
        for stop in outing.stops:
            drive = self._drive(here, stop.junction, rng, leaves_home=not phases)
            phases.append(self._driving(drive, at_us, odometer_km, energy))
            at_us, energy = phases[-1].end_us, phases[-1].energy_end
            odometer_km += drive.length_m / 1000.0
            mode = Mode.IDLING if stop.idling else Mode.REFUELLING if stop.refuel else Mode.PARKED
            after = energy
            if stop.idling:
                after -= stop.stay_s / 3600 * IDLE_L_PER_H
            elif stop.refuel:
                after = self.vehicle.capacity
            x_m, y_m = (float(value) for value in self._network.junctions[stop.junction])
            end_us = at_us + int(stop.stay_s * 1e6)
            phases.append(_Phase(mode, at_us, end_us, x_m, y_m, odometer_km, energy, after))
            at_us, energy, here = end_us, after, stop.junction
        drive = self._drive(here, self.logbook.home, rng, reaches_home=True)
        phases.append(self._driving(drive, at_us, odometer_km, energy))
        return phases

    def _driving(self, drive: Drive, at_us: int, odometer_km: float, energy: float) -> _Phase:
        left = energy - self.logbook.energy_for(drive.length_m / 1000.0)
        end_us = at_us + int(drive.duration_s * 1e6)
        return _Phase(Mode.DRIVING, at_us, end_us, 0.0, 0.0, odometer_km, energy, left, drive)

    def _drive(
        self, start: int, end: int, rng: Random, *, leaves_home: bool = False, reaches_home: bool = False
    ) -> Drive:
        before = self.driveway if leaves_home else _NOTHING
        after = self.driveway[::-1] if reaches_home else _NOTHING
        return plan_drive(self._network.path(start, end), before, after, rng)


class VehicleFleet:
    """All vehicles of the simulated city."""

    def __init__(self, seed: int, network: RoadNetwork | None = None) -> None:
        self.seed = seed
        self.network = network or RoadNetwork(seed)
        self._trackers = [
            _Tracker(vehicle, self.network, seed, slot) for slot, vehicle in enumerate(vehicles())
        ]
        self.vehicles = [tracker.vehicle for tracker in self._trackers]
        self._of_charger = {t.vehicle.charger: t for t in self._trackers if t.vehicle.charger}

    def state(self, index: int, time_us: int) -> VehicleState:
        """Where vehicle number index truly is; raises StartError before the simulation's origin."""
        if time_us < ORIGIN_US + _DAY_US:
            raise StartError("the clock is before 2025, where the simulated fleet begins: set the clock")
        return self._trackers[index].state(time_us)

    def charger_energy(self, charger: str, time_us: I64) -> tuple[F64, F64]:
        """(kWh since ORIGIN_US, kW) that a charger's meter shows at increasing times."""
        tracker = self._of_charger[charger]
        first, last = tracker.logbook.day_at(int(time_us[0])), tracker.logbook.day_at(int(time_us[-1]))
        knot_us, knot_kwh = [first.start_us], [first.books.charged_kwh]
        spans: list[tuple[int, int, float]] = []
        for start_us in range(first.start_us, last.start_us + 1, _DAY_US):
            day = tracker.logbook.day_at(start_us)
            session = tracker.charging(day)
            if session is not None:
                begin_us, end_us, kwh = session
                knot_us += [begin_us, end_us]
                knot_kwh += [day.books.charged_kwh, day.books.charged_kwh + kwh]
                spans.append((begin_us, end_us, kwh / ((end_us - begin_us) / 3.6e9)))
        energy: F64 = np.interp(time_us, np.array(knot_us, np.float64), np.array(knot_kwh))
        power = np.zeros(len(time_us))
        for begin_us, end_us, kw in spans:
            power[(time_us >= begin_us) & (time_us < end_us)] = kw
        return energy, power

    @staticmethod
    def slots(index: int, start_us: int, end_us: int, *, sparse: int = 1) -> range:
        """Moments in [start_us, end_us) at which vehicle number index may report."""
        step_us = MOVING_INTERVAL_S * sparse * 1_000_000
        first_us = start_us + (-start_us - index * 1_000_000) % step_us
        return range(first_us, end_us, step_us)

    def due(self, index: int, time_us: int, *, sparse: int = 1) -> Sample | None:
        """The report of vehicle number index at a whole second, if its tracker sends one then.

        sparse: only every so many reports, for a history that need not be as fine.
        """
        second = time_us // 1_000_000 + index
        if second % (MOVING_INTERVAL_S * sparse):
            return None
        state = self.state(index, time_us)
        interval_s = {Mode.DRIVING: MOVING_INTERVAL_S, Mode.IDLING: IDLE_INTERVAL_S}.get(
            state.mode, PARKED_INTERVAL_S
        )
        if state.in_tunnel or second % (interval_s * sparse):
            return None
        return self._report(index, time_us, state)

    def _report(self, index: int, time_us: int, state: VehicleState) -> Sample:
        vehicle = self.vehicles[index]
        rng = Random(f"fix/{self.seed}/{index}/{time_us}")
        engine_on = state.mode in {Mode.DRIVING, Mode.IDLING}
        wander_m, white_m = (2.0, 1.5) if engine_on else (9.0, 3.0)
        angle = time_us / 1e6 / (61.0 if engine_on else 410.0) + index
        x_m = state.x_m + wander_m * math.sin(angle) + rng.gauss(0, white_m)
        y_m = state.y_m + wander_m * math.cos(1.7 * angle + 2 * index) + rng.gauss(0, white_m)
        latitude, longitude = to_degrees(x_m, y_m)
        moving = state.speed_kmh > 0
        speed = (
            state.speed_kmh + rng.gauss(0, 0.4) if moving else abs(rng.gauss(0, 0.15 if engine_on else 0.5))
        )
        course = state.course_deg + rng.gauss(0, 2.0) if moving else rng.uniform(0, 360)
        values: dict[str, float | bool] = {
            "lat": round(latitude, 6),
            "lon": round(longitude, 6),
            "speed": round(max(0.0, speed), 1),
            "course": round(course % 360.0, 1) % 360.0,
            "ignition": engine_on,
            "odometer": round(state.odometer_km, 2),
            "accuracy": round(rng.uniform(3, 6) if engine_on else rng.uniform(6, 20), 1),
        }
        if vehicle.electric:
            values["soc"] = round(100 * state.energy / vehicle.capacity, 1)
        else:
            values["fuel"] = round(state.energy, 1)
        return Sample(vehicle.id, Topic.POSITION, time_us, values)


def driveway(network: RoadNetwork, junction: int, slot: int) -> F64:
    """[2, 2] metres from a parking slot in the yard to the junction at its gate."""
    angle = math.radians(200 + 7 * (slot % 8))
    gate = network.junctions[junction]
    return np.array([gate + YARD_M * np.array((math.cos(angle), math.sin(angle))), gate])
