"""Which hours of device time every receipt brought: a point of `journal` each.

It turns "everything received after" into queries of bounded ranges of time, which is all
that InfluxDB indexes. A point is written in one body with the rows that it speaks of, and
before them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from core.batch import I64, PositionBatch, ReadingBatch
from storage.influx_http import InfluxServer

HOUR_US = 3_600_000_000
_SPANS = 32  # of hours in one entry; those with the smallest gaps are joined beyond
_REMEMBERED = 256
_REPLAY_ROWS = 200_000

Span = tuple[int, int]
"""First and last hour since 1970, both inside."""


@dataclass(slots=True)
class Piece:
    """What was received after after_us, until until_us, lies in these hours."""

    after_us: int
    until_us: int
    spans: list[Span]


class Journal:
    """Entries for what is about to be written; remembers the last, which more may be added to."""

    def __init__(self) -> None:
        self._recent: dict[int, tuple[int, I64]] = {}

    def lines(self, readings: ReadingBatch, positions: PositionBatch) -> bytes:
        """One line for every time of receipt in the batches."""
        received_us = np.concatenate([readings.received_at_us, positions.received_at_us])
        hour = np.concatenate([readings.event_time_us, positions.fix_time_us]) // HOUR_US
        order = np.lexsort((hour, received_us))
        received_us, hour = received_us[order], hour[order]
        starts = np.flatnonzero(np.append(True, received_us[1:] != received_us[:-1])).tolist()
        return b"".join(
            self._line(int(received_us[start]), hour[start:end])
            for start, end in zip(starts, [*starts[1:], len(order)], strict=True)
        )

    def _line(self, received_us: int, hour: I64) -> bytes:
        # A second point of this time would replace the first: it must speak for both.
        rows, hours = self._recent.pop(received_us, (0, hour[:0]))
        rows, hours = rows + len(hour), np.union1d(hours, hour)
        self._recent[received_us] = rows, hours
        if len(self._recent) > _REMEMBERED:
            del self._recent[next(iter(self._recent))]
        spans = " ".join(f"{first}:{last}" for first, last in _spans(hours))
        return f'journal rows={rows}i,hours="{spans}" {received_us}\n'.encode()


def pieces(server: InfluxServer, watermark_us: int) -> Iterator[Piece]:
    """What was received after watermark_us, in order, cut into pieces of bounded size."""
    after_us, until_us, rows, spans = watermark_us, watermark_us, 0, list[Span]()
    entries_after = f"select rows, hours from journal where time > {watermark_us * 1000}"  # noqa: S608
    for _, series in server.query(entries_after):
        entries: list[tuple[int, int, str]] = msgspec.json.decode(
            series.values, type=list[tuple[int, int, str]]
        )
        for until_us, more, text in entries:
            spans += [_span(part) for part in text.split()]
            rows += more
            if rows >= _REPLAY_ROWS:
                yield Piece(after_us, until_us, _joined(spans))
                after_us, rows, spans = until_us, 0, []
    if rows:
        yield Piece(after_us, until_us, _joined(spans))


def last_received_us(server: InfluxServer) -> int:
    """Time of the newest entry; 0 if there is none."""
    for _, series in server.query("select rows from journal order by time desc limit 1"):
        return int(series.numbers()["time"][0])
    return 0


def _span(text: str) -> Span:
    first, last = text.split(":")
    return int(first), int(last)


def _spans(hours: I64) -> list[Span]:
    """Spans of sorted hours, at most _SPANS of them."""
    gap = np.diff(hours)
    cuts = np.flatnonzero(gap > 1)
    if len(cuts) >= _SPANS:
        cuts = np.sort(cuts[np.argsort(gap[cuts])[1 - _SPANS :]])
    firsts = hours[np.append(0, cuts + 1)].tolist()
    lasts = hours[np.append(cuts, len(hours) - 1)].tolist()
    return list(zip(firsts, lasts, strict=True))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The same hours in spans that neither touch nor overlap, in order."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined
