"""When devices were heard, asked of InfluxDB: the journal says where to look for a range of receipt."""

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from core.batch import I64
from core.receipts import Receipts
from storage.influx_http import InfluxServer
from storage.influx_journal import pieces
from storage.influx_lines import tag_value
from storage.influx_queries import chunks, one_of, within

_MEASUREMENTS = ("reading", "position")


def heard(server: InfluxServer, devices: Mapping[str, int], start_us: int, end_us: int) -> Receipts:
    """Every time of receipt in a range; devices: numbers by id."""
    spans = [
        (max(piece.after_us + 1, start_us), min(piece.until_us + 1, end_us), span)
        for piece in pieces(server, start_us - 1, end_us)
        for span in piece.spans
    ]
    device, at_us = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first_us, until_us, (first, last) in spans:
        received = f"received_at_us >= {first_us} and received_at_us < {until_us}"
        where = f"{within(first, last + 1)} and {received}"
        for number, found in _asked(server, devices, "distinct", where):
            device.append(np.full(len(found), number, np.int64))
            at_us.append(found)
    return Receipts.of(np.concatenate(device), np.concatenate(at_us))


def last_heard(server: InfluxServer, devices: Mapping[str, int], before_us: int) -> Receipts:
    """The last one of each device before a time."""
    newest: dict[int, int] = {}
    where = f"{within(-(2**63), 2**63)} and received_at_us < {before_us}"
    for number, found in _asked(server, devices, "max", where):
        newest[number] = max(newest.get(number, 0), int(found.max()))
    return Receipts.of(np.array(list(newest), np.int64), np.array(list(newest.values()), np.int64))


def received_us(server: InfluxServer, start_us: int, end_us: int) -> I64:
    """Times of the journal's entries in a range, ascending: something was received then."""
    query = f"select rows from journal where {within(start_us, end_us)}"  # noqa: S608 - integers
    found = [series.numbers()["time"].astype(np.int64) for _, series in server.query(query)]
    return np.concatenate([np.empty(0, np.int64), *found])


def _asked(
    server: InfluxServer, devices: Mapping[str, int], of: str, where: str
) -> Iterator[tuple[int, I64]]:
    """(device, what a function makes of its times of receipt), perhaps several times."""
    numbered = {tag_value(id_): number for id_, number in devices.items()}
    for some in chunks(list(devices)):
        for measurement in _MEASUREMENTS:
            query = (
                f"select {of}(received_at_us) from {measurement} "  # noqa: S608 - names of ours, quoted ids
                f"where {one_of(some)} and {where} group by device"
            )
            for _, series in server.query(query):
                # Not through numbers(): the time of an aggregate is 0 or the epoch's edge.
                rows = msgspec.json.decode(series.values, type=list[tuple[int, int]])
                yield numbered[series.tags["device"]], np.array([at_us for _, at_us in rows], np.int64)
