"""InfluxQL questions, and the columns of their answers.

What is put into a statement is a name of ours, an integer, or a text quoted by _text.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from core.batch import F64, I64, IntervalBatch, PositionBatch, ReadingBatch
from core.catalog import Catalog
from core.model import Register
from storage.influx_http import InfluxServer
from storage.influx_journal import Piece
from storage.influx_lines import (
    INTERVAL_FLOATS,
    INTERVAL_INTEGERS,
    POSITION_FLOATS,
    POSITION_INTEGERS,
    tag_value,
)

_DEVICES = 100  # in one statement
# InfluxDB's time: its first nanosecond, and the one after its last.
_FIRST_NS, _END_NS = -(2**63) + 2, 2**63 - 1

_Numbers = Mapping[str, F64]
_Key = tuple[str, str]  # device and quantity, as tags show them


def within(start_us: int, end_us: int) -> str:
    """Condition start_us <= time < end_us; both may lie beyond what InfluxDB can hold."""
    first_ns, end_ns = (min(max(us * 1000, _FIRST_NS), _END_NS) for us in (start_us, end_us))
    return f"time >= {first_ns} and time < {end_ns}"


def readings(server: InfluxServer, registers: Sequence[Register], time: str) -> ReadingBatch:
    """Readings of registers in a range of time, in no order."""
    quantities_of: dict[str, list[str]] = defaultdict(list)
    for register in registers:
        quantities_of[register.device_id].append(register.quantity)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for device, quantities in quantities_of.items():
        alike[tuple(quantities)].append(device)
    ids = _ids(registers)
    found = [ReadingBatch.empty()]
    for names, devices in alike.items():
        for some in chunks(devices):
            where = f"{one_of(some)} and {time}"
            for device, numbers in _by_device(server, f"{_reading(names)} where {where}"):
                found.append(_readings(numbers, device, names, ids))
    return ReadingBatch.concat(found)


def first_readings(server: InfluxServer, register: Register, time: str, limit: int) -> ReadingBatch:
    """The first readings of one register in a range of time, in order."""
    field = f'"{register.quantity}"'
    # Points without the field must not use up the limit; they compare with no number.
    where = f"{one_of([register.device_id])} and {time} and ({field} >= 0 or {field} < 0)"
    names, ids = [register.quantity], _ids([register])
    found = [ReadingBatch.empty()]
    for device, numbers in _by_device(server, f"{_reading(names)} where {where}", f"limit {limit}"):
        found.append(_readings(numbers, device, names, ids))
    return ReadingBatch.concat(found)


def nearest(
    server: InfluxServer, register: Register, before_us: int, from_us: int
) -> tuple[ReadingBatch, ReadingBatch]:
    """The last reading before before_us and the first at or after from_us, 0 or 1 rows each."""
    source = f'select "{register.quantity}" from reading where {one_of([register.device_id])} and'  # noqa: S608
    statements = (
        f"{source} {within(-(2**63), before_us)} order by time desc limit 1",
        f"{source} {within(from_us, 2**63)} order by time asc limit 1",
    )
    sides = [ReadingBatch.empty(), ReadingBatch.empty()]
    for side, series in list(server.query(*statements)):
        at_us = int(series.numbers()["time"][0])
        sides[side] = first_readings(server, register, within(at_us, at_us + 1), 1)
    return sides[0], sides[1]


def positions(
    server: InfluxServer, devices: Mapping[str, int], time: str, limit: int | None = None
) -> PositionBatch:
    """Fixes of devices, numbers by id, in a range of time; limit counts for each device."""
    numbered = {tag_value(id_): number for id_, number in devices.items()}
    end = "" if limit is None else f"limit {limit}"
    found = [PositionBatch.empty()]
    for some in chunks(list(devices)):
        where = f"{one_of(some)} and {time}"
        for device, numbers in _by_device(server, f"{_POSITION} where {where}", end):
            found.append(_positions(numbers, numbered[device]))
    return PositionBatch.concat(found)


def intervals(server: InfluxServer, registers: Sequence[Register], time: str) -> IntervalBatch:
    """Intervals of registers in a range of time, in no order."""
    devices_of: dict[str, list[str]] = defaultdict(list)
    for register in registers:
        devices_of[register.quantity].append(register.device_id)
    ids = _ids(registers)
    found = [IntervalBatch.empty()]
    for quantity, devices in devices_of.items():
        for some in chunks(devices):
            where = f"quantity = {_text(tag_value(quantity))} and {one_of(some)} and {time}"
            for device, numbers in _by_device(server, f"{_INTERVAL} where {where}"):
                found.append(_intervals(numbers, ids[device, quantity]))
    return IntervalBatch.concat(found)


def received(server: InfluxServer, piece: Piece, catalog: Catalog) -> tuple[ReadingBatch, PositionBatch]:
    """All that a piece of the journal speaks of, by time of receipt."""
    names = list(dict.fromkeys(register.quantity for register in catalog.registers))
    flagged = flagged_quantities(server)
    ids = _ids(catalog.registers)
    devices = {tag_value(id_): number for id_, number in catalog.device_number.items()}
    found, fixes = [ReadingBatch.empty()], [PositionBatch.empty()]
    for first, last in piece.spans:
        time = within(first, last + 1)
        where = f"{time} and received_at_us > {piece.after_us} and received_at_us <= {piece.until_us}"
        for device, numbers in _by_device(server, f"{_reading(names, flagged)} where {where}"):
            found.append(_readings(numbers, device, names, ids))
        for device, numbers in _by_device(server, f"{_POSITION} where {where}"):
            if device in devices:
                fixes.append(_positions(numbers, devices[device]))
    readings, positions = ReadingBatch.concat(found), PositionBatch.concat(fixes)
    return (
        readings.take(np.lexsort((readings.register, readings.event_time_us, readings.received_at_us))),
        positions.take(np.lexsort((positions.device, positions.fix_time_us, positions.received_at_us))),
    )


def flagged_quantities(server: InfluxServer) -> list[str]:
    """Quantities of which some reading has flags."""
    keys: list[str] = []
    for _, series in server.query("show field keys from reading"):
        keys += [key for key, _ in msgspec.json.decode(series.values, type=list[tuple[str, str]])]
    return [key.removesuffix("_q") for key in keys if key.endswith("_q")]


def _reading(names: Sequence[str], flagged: Sequence[str] | None = None) -> str:
    """Fields of readings; flagged: quantities that may have flags, all if it is not known."""
    fields = [f'"{name}"' for name in names]
    fields += [f'"{name}_q"' for name in (names if flagged is None else flagged)]
    return f"select {', '.join(fields)}, received_at_us from reading"  # noqa: S608


def _select(floats: Sequence[str], integers: Sequence[str], measurement: str) -> str:
    return f"select {', '.join([*floats, *integers, 'known'])} from {measurement}"  # noqa: S608


_POSITION = _select(POSITION_FLOATS, POSITION_INTEGERS, "position")
_INTERVAL = _select(INTERVAL_FLOATS, INTERVAL_INTEGERS, "interval")


def _by_device(server: InfluxServer, source: str, end: str = "") -> Iterator[tuple[str, _Numbers]]:
    """Columns of each device's rows; a device with many comes in several parts."""
    for _, series in server.query(f"{source} group by device {end}"):
        yield series.tags["device"], series.numbers()


def _readings(numbers: _Numbers, device: str, names: Sequence[str], ids: Mapping[_Key, int]) -> ReadingBatch:
    """Readings of one device's points: of each register in order of time."""
    known = [(name, ids[device, name]) for name in names if (device, name) in ids]
    if not known:
        return ReadingBatch.empty()
    time_us = numbers["time"].astype(np.int64)
    received_us = numbers["received_at_us"].astype(np.int64)
    value = np.concatenate([numbers[name] for name, _ in known])
    flags = np.concatenate([numbers.get(f"{name}_q", np.zeros(len(time_us))) for name, _ in known])
    there = ~np.isnan(value)
    return ReadingBatch(
        np.repeat(np.array([id_ for _, id_ in known], np.int32), len(time_us))[there],
        np.tile(time_us, len(known))[there],
        value[there],
        np.nan_to_num(flags[there]).astype(np.uint8),
        np.tile(received_us, len(known))[there],
    )


def _positions(numbers: _Numbers, device: int) -> PositionBatch:
    time_us = numbers["time"].astype(np.int64)
    columns = {"device": np.full(len(time_us), device), "fix_time_us": time_us}
    columns |= _known(numbers, POSITION_FLOATS) | {name: numbers[name] for name in POSITION_INTEGERS}
    like = PositionBatch.empty().columns()
    return PositionBatch(**{name: columns[name].astype(column.dtype) for name, column in like.items()})


def _intervals(numbers: _Numbers, register: int) -> IntervalBatch:
    start_us = numbers["time"].astype(np.int64)
    columns = {"register": np.full(len(start_us), register), "start_us": start_us}
    columns |= _known(numbers, INTERVAL_FLOATS) | {name: numbers[name] for name in INTERVAL_INTEGERS}
    like = IntervalBatch.empty().columns()
    return IntervalBatch(**{name: columns[name].astype(column.dtype) for name, column in like.items()})


def _known(numbers: _Numbers, floats: Sequence[str]) -> dict[str, F64]:
    """Fields that the last write meant; what an earlier one left behind is NaN."""
    known: I64 = numbers["known"].astype(np.int64)
    return {name: np.where(known >> bit & 1, numbers[name], np.nan) for bit, name in enumerate(floats)}


def _ids(registers: Sequence[Register]) -> dict[_Key, int]:
    return {(tag_value(register.device_id), register.quantity): register.id for register in registers}


def chunks(devices: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many devices as one statement names."""
    return (devices[start : start + _DEVICES] for start in range(0, len(devices), _DEVICES))


def one_of(devices: Sequence[str]) -> str:
    """Condition that a row is of one of the devices."""
    return "(" + " or ".join(f"device = {_text(tag_value(device))}" for device in devices) + ")"


def _text(value: str) -> str:
    return "'" + value.replace("'", "\\'") + "'"  # a tag value has no backslash of its own
