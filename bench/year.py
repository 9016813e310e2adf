"""A year of a province's ledger, written straight into the tables of the DuckDB store.

Buildings of 20 meters, 25 buildings a district, all in one region. In a building four feeders
have four meters each below them, so that four of the 20 are counted. Every meter has a ledger
interval for each quarter of an hour of the year, in the order that the store's compaction
leaves: by day, then meter, then time; the newest two days are as they were written, by time.
Amounts are full-precision numbers, which is what interpolation leaves, and don't compress.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from bench.load import NAME, QUANTITIES, now_us
from core.batch import BASE_US
from core.estate import Estate
from core.model import Device, DeviceKind, Place, PlaceKind
from storage.duckdb import DuckDBStore

# ruff: noqa: S608 - statements hold names of ours and integers only

TIMEZONE = "Asia/Shanghai"
PERIOD_S = 900
_BUILDING, _FEEDER, _DISTRICT = 20, 5, 25  # meters, meters, buildings
_DAY = 24 * 3_600_000_000 // BASE_US
_MEMORY = "2GB"


@dataclass(frozen=True)
class Year:
    """What was generated: intervals with start_slot <= start_us / BASE_US < end_slot of every meter."""

    meters: int
    days: int
    end_slot: int

    @property
    def start_slot(self) -> int:
        """First interval of all meters."""
        return self.end_slot - self.days * _DAY

    @property
    def rows(self) -> int:
        """Ledger intervals of all meters."""
        return self.meters * self.days * _DAY

    @property
    def buildings(self) -> list[str]:
        """Ids of places."""
        return [f"b{at}" for at in range(-(-self.meters // _BUILDING))]

    @property
    def districts(self) -> list[str]:
        """Ids of places."""
        return [f"d{at}" for at in range(-(-len(self.buildings) // _DISTRICT))]


def estate(year: Year) -> Estate:
    """The places and meters of a year."""
    region = Place("region", PlaceKind.REGION, NAME, TIMEZONE)
    districts = [Place(id_, PlaceKind.SITE, NAME, TIMEZONE, parent_id=region.id) for id_ in year.districts]
    buildings = [
        Place(id_, PlaceKind.BUILDING, NAME, TIMEZONE, parent_id=year.districts[at // _DISTRICT])
        for at, id_ in enumerate(year.buildings)
    ]
    meters = [
        Device(
            meter(at),
            DeviceKind.METER,
            year.buildings[at // _BUILDING],
            NAME,
            parent_device_id=None if at % _FEEDER == 0 else meter(at - at % _FEEDER),
            expected_interval_s=PERIOD_S,
        )
        for at in range(year.meters)
    ]
    return Estate((region, *districts, *buildings), tuple(meters))


def registers(year: Year) -> list[tuple[str, str]]:
    """What the meters report; the counter of meter n gets register 5 n."""
    return [(meter(at), name) for at in range(year.meters) for name in QUANTITIES]


def meter(number: int) -> str:
    """Its id: that of a meter of bench.load, which can then speak for it."""
    return f"load-{number:05d}"


def generate(path: Path, meters: int, days: int) -> Year:
    """Make the store's file, or take the one that was made with the same numbers before.

    What is left of a generation that did not end is made anew.
    """
    said = path.with_suffix(".json")
    if said.is_file():
        found = Year(**json.loads(said.read_text(encoding="utf-8")))
        if (found.meters, found.days) == (meters, days):
            return found
        raise SystemExit(
            f"{path} holds another year ({said.read_text(encoding='utf-8')}): choose another folder"
        )
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    year = Year(meters, days, now_us() // BASE_US)
    DuckDBStore(path).close()
    connection = duckdb.connect(str(path), config={"memory_limit": _MEMORY})
    connection.execute("set preserve_insertion_order = true")
    first, last = year.start_slot // _DAY, (year.end_slot - 1) // _DAY
    for day in range(first, last + 1):
        slots = range(max(day * _DAY, year.start_slot), min((day + 1) * _DAY, year.end_slot))
        is_settled = day < last - 1
        _insert(connection, meters, slots, by_meter=is_settled)
        if is_settled:
            connection.execute(f"insert into compacted values ('interval', {day}, {meters * len(slots)})")
    connection.close()
    said.write_text(json.dumps(asdict(year)), encoding="utf-8")
    return year


def _insert(connection: duckdb.DuckDBPyConnection, meters: int, slots: range, *, by_meter: bool) -> None:
    """One day of all meters; a reading every quarter of an hour, each meter at its own second."""
    if by_meter:
        numbers = f"i // {len(slots)} as meter, {slots.start} + i % {len(slots)} as slot"
    else:
        numbers = f"i % {meters} as meter, {slots.start} + i // {meters} as slot"
    connection.execute(
        f"""
        insert into interval
        select
            ({len(QUANTITIES)} * meter)::integer,
            slot::integer,
            0.2 + (hash(i, slot) % 1000000007) / 1000000007.0,
            {BASE_US},
            case when hash(slot, meter) % 100 = 0 then 4 else 0 end,
            slot * {BASE_US} + (hash(meter) % 900) * 1000000,
            round(slot * 0.7 + meter, 2),
            slot * {BASE_US} + (hash(meter) % 900) * 1000000,
            round(slot * 0.7 + meter, 2),
            0,
            0
        from (select i, {numbers} from range({meters * len(slots)}) numbered(i))
        """
    )
