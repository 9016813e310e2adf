"""What each vehicle does on a day: outings, stops, refuelling, charging; and its books over the days.

A day's outline follows from (seed, vehicle, day) and from nothing that happens on the road,
so odometer and charged energy of any day are sums of outlines. A vehicle's day starts
and ends in its depot.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from random import Random

from core.model import Name
from simulators.buildings import BUILDINGS, DEPOTS, FUEL_STATIONS
from simulators.driving import USUAL_S_PER_KM
from simulators.load import ORIGIN_US, UTC_OFFSET_US
from simulators.roads import RoadNetwork
from simulators.workdays import DayType, day_type

_HOUR_S, _DAY_US = 3600, 86_400_000_000
YARD_M = 120.0
"""Length of the driveway between a depot's junction and a parking slot."""
CHARGING_EFFICIENCY = 0.92
IDLE_L_PER_H = 0.9
_REFUEL_BELOW = 0.35
_ROSTER_DAYS = 28
_FIRST_DAY = (ORIGIN_US + UTC_OFFSET_US) // _DAY_US


class Duty(Enum):
    """When a vehicle is out."""

    OFFICE = "office"  # workdays
    ROUND_THE_CLOCK = "round_the_clock"


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle and its place; capacity and use are litres and L/100 km, or kWh and kWh/100 km.

    day_start_h: local hour at which its day begins, always in the depot.
    """

    id: str
    name: Name
    depot: str
    duty: Duty
    electric: bool
    capacity: float
    use_per_100km: float
    day_start_h: int
    charger: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on an outing: how long the vehicle stays, and whether its engine runs meanwhile."""

    junction: int
    stay_s: float
    idling: bool = False
    refuel: bool = False


@dataclass(frozen=True, slots=True)
class Outing:
    """Out of the depot depart_s after the start of the day, over the stops, and back.

    distance_km: both ways through the driveway included. energy: litres or kWh left at its end.
    """

    depart_s: float
    stops: tuple[Stop, ...]
    distance_km: float
    energy: float


@dataclass(frozen=True, slots=True)
class Books:
    """Standing at the start of a day; energy is litres or kWh in the vehicle."""

    odometer_km: float
    energy: float
    charged_kwh: float  # by the charger's meter, since the origin


@dataclass(frozen=True, slots=True)
class Day:
    """One day of one vehicle."""

    start_us: int
    books: Books
    outings: tuple[Outing, ...]


_ELECTRIC = {"depot-city": 4, "depot-county": 3, "depot-hospital": 3, "depot-culture": 2}
_ON_CALL = {"depot-city": 3, "depot-county": 2, "depot-hospital": 4, "depot-culture": 1}
_OTHERS = {"depot-city": 5, "depot-county": 3}
_NAMES = {
    "electric": Name("新能源公务车", "Electric car"),
    "on_call": Name("应急保障车", "Emergency vehicle"),
    "other": Name("公务车", "Official car"),
}


def vehicles() -> list[Vehicle]:
    """The fleet: 12 electric cars, 10 vehicles on call round the clock, 8 others."""
    fleet: list[Vehicle] = []
    for depot, (_, building, _) in DEPOTS.items():
        for kind, counts in (("electric", _ELECTRIC), ("on_call", _ON_CALL), ("other", _OTHERS)):
            for index in range(counts.get(depot, 0)):
                number = len(fleet) + 1
                on_call, electric = kind == "on_call", kind == "electric"
                name = Name(f"{_NAMES[kind].zh}{number:02d}", f"{_NAMES[kind].en} {number:02d}")
                fleet.append(
                    Vehicle(
                        id=f"v-{number:02d}",
                        name=name,
                        depot=depot,
                        duty=Duty.ROUND_THE_CLOCK if on_call else Duty.OFFICE,
                        electric=electric,
                        capacity=60.0 if electric else 70.0 if on_call else 55.0,
                        use_per_100km=15.5 if electric else 11.5 if on_call else 8.2,
                        day_start_h=(5 * number) % 24 if on_call else 3,
                        charger=f"m-{building}-ev-{index + 1}" if electric else None,
                    )
                )
    return fleet


class Logbook:
    """The days of one vehicle."""

    def __init__(self, vehicle: Vehicle, network: RoadNetwork, seed: int) -> None:
        self.vehicle = vehicle
        self.home = next(b.junction for b in BUILDINGS if b.id == DEPOTS[vehicle.depot][1])
        self._network = network
        self._seed = seed
        rng = Random(f"vehicle/{seed}/{vehicle.id}")
        self._books = [Books(rng.uniform(4_000, 90_000), vehicle.capacity * rng.uniform(0.6, 1.0), 0.0)]
        if vehicle.electric:
            self._books = [Books(self._books[0].odometer_km, vehicle.capacity, 0.0)]

        self._cached_day = lru_cache(maxsize=3)(self.day)

    def day_at(self, time_us: int) -> Day:
        """The day that time_us, not before ORIGIN_US + one day, falls into."""
        shift_us = UTC_OFFSET_US - self.vehicle.day_start_h * _HOUR_S * 1_000_000
        return self._cached_day((time_us + shift_us) // _DAY_US)

    def day(self, number: int) -> Day:
        """The day that begins number days after 1970-01-01, local time."""
        index = max(0, number - _FIRST_DAY)
        if self.vehicle.duty is Duty.ROUND_THE_CLOCK:
            books, outings = self._shift(index)
        else:
            while len(self._books) <= index:
                at = len(self._books) - 1
                before = self._books[at]
                self._books.append(self._after(before, self._outings(_FIRST_DAY + at, before.energy)))
            books = self._books[index]
            outings = self._outings(number, books.energy)
        start_us = number * _DAY_US - UTC_OFFSET_US + self.vehicle.day_start_h * _HOUR_S * 1_000_000
        return Day(start_us, books, outings)

    def _shift(self, index: int) -> tuple[Books, tuple[Outing, ...]]:
        """Day `index` of a vehicle on call: shifts repeat every four weeks, and each begins at a pump."""
        turns, within = divmod(index, len(self._roster))
        km = [sum(outing.distance_km for outing in outings) for outings in self._roster]
        odometer_km = self._books[0].odometer_km + turns * sum(km) + sum(km[:within])
        return Books(odometer_km, self._roster[within - 1][-1].energy, 0.0), self._roster[within]

    @cached_property
    def _roster(self) -> list[tuple[Outing, ...]]:
        return [self._outings(day, 0.0) for day in range(_ROSTER_DAYS)]

    def energy_for(self, distance_km: float) -> float:
        """Litres or kWh out of the tank or battery."""
        return distance_km * self.vehicle.use_per_100km / 100.0

    def _driven(self, stops: list[Stop], energy: float) -> tuple[float, float]:
        """(km, energy left) of an outing over the stops that begins with `energy`."""
        here, total_km = self.home, 2 * YARD_M / 1000.0
        km_from = self._network.distances_km
        energy -= self.energy_for(YARD_M / 1000.0)
        for stop in stops:
            leg_km = km_from(here)[stop.junction]
            total_km += leg_km
            energy -= self.energy_for(leg_km)
            here = stop.junction
            if stop.refuel:
                energy = self.vehicle.capacity
            elif stop.idling:
                energy -= stop.stay_s / _HOUR_S * IDLE_L_PER_H
        leg_km = km_from(here)[self.home]
        return total_km + leg_km, energy - self.energy_for(leg_km + YARD_M / 1000.0)

    def _after(self, books: Books, outings: tuple[Outing, ...]) -> Books:
        """Books at the end of a day with these outings."""
        driven_km = sum(outing.distance_km for outing in outings)
        odometer_km = books.odometer_km + driven_km
        if self.vehicle.electric:  # it is full again before its day ends
            charged_kwh = books.charged_kwh + self.energy_for(driven_km) / CHARGING_EFFICIENCY
            return Books(odometer_km, books.energy, charged_kwh)
        return Books(odometer_km, outings[-1].energy if outings else books.energy, 0.0)

    @cached_property
    def _destinations(self) -> list[int]:
        at_buildings = [building.junction for building in BUILDINGS if building.junction != self.home]
        elsewhere = [j for j in range(len(self._network.junctions)) if j % 5 == 2 and j != self.home]
        return at_buildings * 2 + elsewhere

    def _outings(self, number: int, energy: float) -> tuple[Outing, ...]:
        """Outings of a day; a late one delays the next, and hours are left at the end of the day."""
        vehicle = self.vehicle
        rng = Random(f"{self._seed}/{vehicle.id}/{number}")
        at_s = rng.uniform(0.2, 0.6) * _HOUR_S
        latest_s = 22.0 * _HOUR_S
        if vehicle.duty is Duty.OFFICE:
            working = day_type(number) is not DayType.OFF
            if rng.random() > (0.85 if working else 0.12):
                return ()
            at_s += rng.uniform(4.0, 6.5) * _HOUR_S
            latest_s = 14.5 * _HOUR_S
        outings: list[Outing] = []
        while True:
            refuel = not vehicle.electric and energy < _REFUEL_BELOW * vehicle.capacity
            stops = self._stops(rng, refuel=refuel)
            distance_km, left = self._driven(stops, energy)
            outings.append(Outing(at_s, tuple(stops), distance_km, left))
            at_s += distance_km * USUAL_S_PER_KM + sum(stop.stay_s for stop in stops)
            if at_s > latest_s:
                return tuple(outings[:-1])
            energy = left
            at_s += rng.uniform(60, 400 if vehicle.duty is Duty.ROUND_THE_CLOCK else 7200)

    def _stops(self, rng: Random, *, refuel: bool) -> list[Stop]:
        on_call = self.vehicle.duty is Duty.ROUND_THE_CLOCK
        stops = [Stop(rng.choice(FUEL_STATIONS), 420.0, refuel=True)] if refuel else []
        wanted = len(stops) + rng.choice((2, 3, 4) if on_call else (1, 1, 2))
        while len(stops) < wanted:
            junction = rng.choice(self._destinations)
            if stops and stops[-1].junction == junction:
                continue
            if not self.vehicle.electric and rng.random() < 0.25:
                stops.append(Stop(junction, rng.uniform(180, 720), idling=True))
            else:
                stops.append(Stop(junction, rng.uniform(180, 600) if on_call else rng.uniform(900, 4500)))
        return stops
