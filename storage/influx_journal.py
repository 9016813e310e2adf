"""Which spans of device time every receipt brought: a point of `journal` each.

It turns "everything received after" into queries of bounded ranges of time, which is all
that InfluxDB indexes. A point is written in one body with the rows that it speaks of, and
before them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np

from core.batch import I64, PositionBatch, ReadingBatch
from storage.influx_http import InfluxServer

_GAP_US = 3_600_000_000  # between two spans of one entry
_SPANS = 32  # in one entry; those closest to one another are joined beyond
_REMEMBERED = 256
_REPLAY_ROWS = 200_000

Span = tuple[int, int]
"""First and last device time, in microseconds, both inside."""


@dataclass(slots=True)
class Piece:
    """What was received after after_us, until until_us, lies in these spans."""

    after_us: int
    until_us: int
    spans: list[Span]


class Journal:
    """Entries for what is about to be written; remembers the last, which more may be added to."""

    def __init__(self) -> None:
        self._recent: dict[int, tuple[int, list[Span]]] = {}

    def lines(self, readings: ReadingBatch, positions: PositionBatch) -> bytes:
        """One line for every time of receipt in the batches."""
        received_us = np.concatenate([readings.received_at_us, positions.received_at_us])
        time_us = np.concatenate([readings.event_time_us, positions.fix_time_us])
        order = np.lexsort((time_us, received_us))
        received_us, time_us = received_us[order], time_us[order]
        starts = np.flatnonzero(np.append(True, received_us[1:] != received_us[:-1])).tolist()
        return b"".join(
            self._line(int(received_us[start]), time_us[start:end])
            for start, end in zip(starts, [*starts[1:], len(order)], strict=True)
        )

    def _line(self, received_us: int, time_us: I64) -> bytes:
        # A second point of this time would replace the first: it must speak for both.
        rows, spans = self._recent.pop(received_us, (0, []))
        rows, spans = rows + len(time_us), _few(joined(spans + _spans(time_us)))
        self._recent[received_us] = rows, spans
        if len(self._recent) > _REMEMBERED:
            del self._recent[next(iter(self._recent))]
        text = " ".join(f"{first}:{last}" for first, last in spans)
        return f'journal rows={rows}i,spans="{text}" {received_us}\n'.encode()


def pieces(server: InfluxServer, watermark_us: int, before_us: int | None = None) -> Iterator[Piece]:
    """What was received after watermark_us (and before before_us), in order, in pieces of bounded size."""
    after_us, until_us, rows = watermark_us, watermark_us, 0
    spans: list[Span] = []
    until = "" if before_us is None else f" and time < {before_us * 1000}"
    query = f"select rows, spans from journal where time > {watermark_us * 1000}{until}"  # noqa: S608
    for _, series in server.query(query):
        entries = msgspec.json.decode(series.values, type=list[tuple[int, int, str]])
        for until_us, more, text in entries:
            spans += [_span(part) for part in text.split()]
            rows += more
            if rows >= _REPLAY_ROWS:
                yield Piece(after_us, until_us, joined(spans))
                after_us, rows, spans = until_us, 0, []
    if rows:
        yield Piece(after_us, until_us, joined(spans))


def last_received_us(server: InfluxServer) -> int:
    """Time of the newest entry; 0 if there is none."""
    for _, series in server.query("select rows from journal order by time desc limit 1"):
        return int(series.numbers()["time"][0])
    return 0


def joined(spans: list[Span]) -> list[Span]:
    """The spans in order, with those that overlap or lie less than _GAP_US apart made one."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first - found[-1][1] <= _GAP_US:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def _span(text: str) -> Span:
    first, last = text.split(":")
    return int(first), int(last)


def _spans(time_us: I64) -> list[Span]:
    """Spans of sorted times."""
    cuts = np.flatnonzero(np.diff(time_us) > _GAP_US)
    firsts = time_us[np.append(0, cuts + 1)].tolist()
    lasts = time_us[np.append(cuts, len(time_us) - 1)].tolist()
    return list(zip(firsts, lasts, strict=True))


def _few(spans: list[Span]) -> list[Span]:
    """The same times in _SPANS spans at most, the widest gaps kept."""
    if len(spans) <= _SPANS:
        return spans
    gaps = np.array([after[0] - before[1] for before, after in pairwise(spans)])
    cuts = [-1, *sorted(np.argsort(gaps)[1 - _SPANS :].tolist()), len(spans) - 1]
    return [(spans[before + 1][0], spans[end][1]) for before, end in pairwise(cuts)]
