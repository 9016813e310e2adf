"""The road network of the simulated city: junctions, streets, bridges, tunnels and shortest paths.

Generated from a seed: a jittered grid of streets, cut by a river that a few bridges cross and
by a hill that a few tunnels pass. Positions are metres east (x) and north (y) of CENTRE.
"""

import heapq
import math
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TypeVar

import numpy as np

from core.batch import F64
from core.model import Name

T = TypeVar("T", float, F64)

CENTRE_LATITUDE_DEG, CENTRE_LONGITUDE_DEG = 29.560, 106.550
_METRES_A_DEGREE = 111_320.0
_LONGITUDE_METRES = _METRES_A_DEGREE * math.cos(math.radians(CENTRE_LATITUDE_DEG))

COLUMNS, ROWS, SPACING_M = 12, 9, 950.0
_JITTER_M = 180.0
_BRIDGE_COLUMNS = (2, 5, 8, 11)
_TUNNEL_ROWS, _HILL_X, _HILL_Y = (6, 7), (-2900.0, -900.0), (1200.0, 3700.0)
_CLOSED_SHARE = 0.12  # of the minor streets, so that the city is no perfect grid

_ROW_NAMES = (
    ("南滨路", "Nanbin Road"),
    ("望江路", "Wangjiang Road"),
    ("解放路", "Jiefang Road"),
    ("中山路", "Zhongshan Road"),
    ("人民大道", "Renmin Avenue"),
    ("学府路", "Xuefu Road"),
    ("云岭路", "Yunling Road"),
    ("松林路", "Songlin Road"),
    ("北环路", "North Ring Road"),
)
_COLUMN_NAMES = (
    ("西环路", "West Ring Road"),
    ("竹园街", "Zhuyuan Street"),
    ("和平路", "Heping Road"),
    ("石桥街", "Shiqiao Street"),
    ("文化街", "Wenhua Street"),
    ("建设大道", "Jianshe Avenue"),
    ("银杏街", "Yinxing Street"),
    ("体育路", "Tiyu Road"),
    ("迎宾大道", "Yingbin Avenue"),
    ("柳荫街", "Liuyin Street"),
    ("工业路", "Gongye Road"),
    ("东环路", "East Ring Road"),
)


def to_degrees(x_m: T, y_m: T) -> tuple[T, T]:
    """(latitude, longitude) in WGS-84 of metres east and north of the centre."""
    return CENTRE_LATITUDE_DEG + y_m / _METRES_A_DEGREE, CENTRE_LONGITUDE_DEG + x_m / _LONGITUDE_METRES


def to_metres(latitude_deg: T, longitude_deg: T) -> tuple[T, T]:
    """(x, y): the inverse of to_degrees."""
    return (
        (longitude_deg - CENTRE_LONGITUDE_DEG) * _LONGITUDE_METRES,
        (latitude_deg - CENTRE_LATITUDE_DEG) * _METRES_A_DEGREE,
    )


def river_y(x_m: float) -> float:
    """Where the river's middle runs, in metres north of the centre."""
    return -750.0 + 420.0 * math.sin(x_m / 2100.0) + 0.05 * x_m


@dataclass(frozen=True, slots=True)
class Street:
    """A stretch between two junctions; points are [n, 2] metres from `start` to `end`."""

    start: int
    end: int
    name: Name
    kind: str  # ring, primary, street
    limit_kmh: float
    points: F64
    length_m: float
    tunnel: bool = False
    bridge: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """A street driven in one direction."""

    street: Street
    forward: bool

    @property
    def points(self) -> F64:
        """[n, 2] metres in the direction of travel."""
        return self.street.points if self.forward else self.street.points[::-1]


class RoadNetwork:
    """Junctions and streets; every junction can be reached from every other."""

    def __init__(self, seed: int) -> None:
        rng = Random(f"roads/{seed}")
        self.junctions = np.array(
            [
                (
                    (column - (COLUMNS - 1) / 2) * SPACING_M + rng.uniform(-_JITTER_M, _JITTER_M),
                    (row - (ROWS - 1) / 2) * SPACING_M + rng.uniform(-_JITTER_M, _JITTER_M),
                )
                for row in range(ROWS)
                for column in range(COLUMNS)
            ]
        )
        self.streets = self._open_streets(rng)
        self._ways: list[list[tuple[int, int, float]]] = [[] for _ in self.junctions]
        for number, street in enumerate(self.streets):
            seconds = street.length_m / street.limit_kmh * 3.6
            self._ways[street.start].append((street.end, number, seconds))
            self._ways[street.end].append((street.start, number, seconds))
        self._trees: dict[int, tuple[list[float], list[tuple[int, int]]]] = {}

    def path(self, start: int, end: int) -> list[Leg]:
        """Fastest way between two junctions; empty if they are the same."""
        _, came_from = self._tree(start)
        legs: list[Leg] = []
        here = end
        while here != start:
            before, number = came_from[here]
            street = self.streets[number]
            legs.append(Leg(street, street.start == before))
            here = before
        return legs[::-1]

    def distances_km(self, start: int) -> list[float]:
        """Lengths of the fastest ways from a junction to every junction."""
        return self._tree(start)[0]

    @cached_property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """Lowest x and y and highest x and y of the junctions."""
        low, high = self.junctions.min(axis=0), self.junctions.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def _open_streets(self, rng: Random) -> list[Street]:
        """All streets of the grid but those that river, hill and chance close."""
        grid = [self._street(rng, start, end) for start, end in _grid_edges()]
        kept = {(street.start, street.end): street for street in grid}
        for street in sorted(grid, key=lambda _: rng.random()):
            over_river = self._crosses_river(street)
            on_hill = self._is_on_hill(street)
            needless = street.kind == "street" and rng.random() < _CLOSED_SHARE
            if (over_river and not street.bridge) or (on_hill and not street.tunnel) or needless:
                without = [other for other in kept.values() if other is not street]
                if _is_connected(len(self.junctions), without):
                    del kept[street.start, street.end]
        return list(kept.values())

    def _street(self, rng: Random, start: int, end: int) -> Street:
        along_row = end == start + 1
        row, column = divmod(start, COLUMNS)
        zh, en = _ROW_NAMES[row] if along_row else _COLUMN_NAMES[column]
        if (row in (0, ROWS - 1)) if along_row else (column in (0, COLUMNS - 1)):
            kind, limit_kmh = "ring", 70.0
        elif (row in (4, *_TUNNEL_ROWS)) if along_row else (column in _BRIDGE_COLUMNS):
            kind, limit_kmh = "primary", 60.0
        else:
            kind, limit_kmh = "street", 40.0
        a, b = self.junctions[start], self.junctions[end]
        bend = rng.uniform(-60.0, 60.0)
        share = np.linspace(0, 1, 7)[:, None]
        normal = np.array((a[1] - b[1], b[0] - a[0])) / math.dist(a, b)
        points = a + (b - a) * share + np.sin(np.pi * share) * bend * normal
        street = Street(
            start, end, Name(zh, en), kind, limit_kmh, points, float(np.hypot(*np.diff(points.T)).sum())
        )
        if along_row and row in _TUNNEL_ROWS and self._is_on_hill(street):
            return _with(street, "隧道", "Tunnel", tunnel=True)
        if not along_row and column in _BRIDGE_COLUMNS and self._crosses_river(street):
            return _with(street, "大桥", "Bridge", bridge=True)
        return street

    @staticmethod
    def _crosses_river(street: Street) -> bool:
        (x0, y0), (x1, y1) = street.points[0], street.points[-1]
        return bool((y0 > river_y(x0)) != (y1 > river_y(x1)))

    @staticmethod
    def _is_on_hill(street: Street) -> bool:
        x, y = street.points[len(street.points) // 2]
        return bool(_HILL_X[0] < x < _HILL_X[1] and _HILL_Y[0] < y < _HILL_Y[1])

    def _tree(self, start: int) -> tuple[list[float], list[tuple[int, int]]]:
        """Kilometres to every junction on the fastest way, and (junction before, street) of each."""
        if start not in self._trees:
            seconds = [math.inf] * len(self.junctions)
            km = [0.0] * len(self.junctions)
            came_from = [(-1, -1)] * len(self.junctions)
            seconds[start] = 0.0
            queue = [(0.0, start)]
            while queue:
                reached, here = heapq.heappop(queue)
                if reached > seconds[here]:
                    continue
                for there, number, cost in self._ways[here]:
                    if reached + cost < seconds[there]:
                        seconds[there] = reached + cost
                        km[there] = km[here] + self.streets[number].length_m / 1000.0
                        came_from[there] = (here, number)
                        heapq.heappush(queue, (reached + cost, there))
            self._trees[start] = (km, came_from)
        return self._trees[start]


def _grid_edges() -> list[tuple[int, int]]:
    edges = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            here = row * COLUMNS + column
            if column + 1 < COLUMNS:
                edges.append((here, here + 1))
            if row + 1 < ROWS:
                edges.append((here, here + COLUMNS))
    return edges


def _with(street: Street, zh: str, en: str, *, tunnel: bool = False, bridge: bool = False) -> Street:
    name = Name(street.name.zh + zh, f"{street.name.en} {en}")
    return Street(
        street.start,
        street.end,
        name,
        street.kind,
        street.limit_kmh,
        street.points,
        street.length_m,
        tunnel,
        bridge,
    )


def _is_connected(count: int, streets: list[Street]) -> bool:
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for street in streets:
        neighbours[street.start].append(street.end)
        neighbours[street.end].append(street.start)
    reached, stack = {0}, [0]
    while stack:
        for there in neighbours[stack.pop()]:
            if there not in reached:
                reached.add(there)
                stack.append(there)
    return len(reached) == count
