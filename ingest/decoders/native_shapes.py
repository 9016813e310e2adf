"""Straight from JSON into numbers: messages whose keys are those of the last of their topic.

A meter sends the same keys again and again, so the parser for exactly these keys, all
numbers, is kept with its topic (a route). It builds no dictionary and no text, which halves
the cost of decoding; whatever it refuses is left to the decoder's general way, and that
teaches the route what it found.
"""

import math
import re
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Annotated, Any

import msgspec
import numpy as np

from core.ports import RawBatch
from ingest.decoders.samples import LONGEST_REMEMBERED, NOT_SENT, Channel, NumberSamples

_Parse = Callable[[bytes], msgspec.Struct]

REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What parsing raises when the payload is not what it should be."""

_NUMBERS = (int, float)
_UNNAMEABLE = re.compile(r'[\\"\x00-\x1f]')
"""What msgspec takes in no name of a record's field."""

_MOST_SHAPES = 1024
_MOST_ROUTES = 1 << 18
_EXACT_MS = 2**53 // 1000
"""Milliseconds up to here are exact microseconds in a float64, which is up to the year 2255."""
_Ts = Annotated[float, msgspec.Meta(ge=-_EXACT_MS, le=_EXACT_MS)]


class Route:
    """Where the messages of one topic go, and how to parse those like the last.

    device and leaf are empty for a topic that is not ours. parse and channel belong together,
    spare is the pair before them.
    """

    __slots__ = ("_met", "channel", "device", "leaf", "parse", "spare")

    def __init__(self, device: str, leaf: str) -> None:
        self.device, self.leaf = device, leaf
        self.parse: _Parse | None = None
        self.channel: Channel | None = None
        self.spare: tuple[_Parse | None, Channel | None] = (None, None)
        self._met: tuple[Channel, ...] = ()

    def swap(self) -> _Parse | None:
        """Make the spare the one to try: a device may send two kinds of message in turn."""
        if self.spare[0] is not None:
            (self.parse, self.channel), self.spare = self.spare, (self.parse, self.channel)
            return self.parse
        return None

    def channel_of(self, item: Mapping[str, object]) -> Channel:
        """The channel of an object; from its second time on one of mere numbers is parsed at once."""
        keys = tuple(item)
        for known in (self.channel, self.spare[1]):
            if known is not None and known.keys == keys:
                return known
        for met in self._met:
            if met.keys == keys:
                nameable = not any(map(_UNNAMEABLE.search, keys))
                if nameable and all(type(value) in _NUMBERS for value in item.values()):
                    self.spare = self.parse, self.channel
                    self.parse, self.channel = _shapes[keys], met
                return met
        channel = Channel(self.device, keys)
        if channel.length <= LONGEST_REMEMBERED:
            self._met = (channel, *self._met[:1])
        return channel


class Routes(dict[str, Route]):
    """The route of each topic, worked out when it is first met."""

    def __init__(self, route_of: Callable[[str], Route]) -> None:
        super().__init__()
        self._route_of = route_of
        _shapes.users.append(self)

    def __missing__(self, topic: str) -> Route:
        route = self._route_of(topic)
        if len(topic) <= LONGEST_REMEMBERED:
            if len(self) >= _MOST_ROUTES:
                self.clear()
            self[topic] = route
        return route


class _Shapes(dict[tuple[str, ...], _Parse]):
    """The parser of each set of keys: a record of ts (NaN if absent) and these numbers.

    users: routes hold parsers too, and forget with us; else each topic could keep two of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.users: list[Routes] = []

    def __missing__(self, keys: tuple[str, ...]) -> _Parse:
        if len(self) >= _MOST_SHAPES:
            self.clear()
            for routes in self.users:
                routes.clear()
        names = {f"value_{at}": key for at, key in enumerate(keys)}
        record = msgspec.defstruct(
            "Record",
            [("ts", _Ts, math.nan), *((name, float) for name in names)],
            rename=names,
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        parse: _Parse = msgspec.json.Decoder(record).decode
        self[keys] = parse
        return parse


_shapes = _Shapes()
_numbers_of: Callable[[Any], tuple[float, ...]] = msgspec.structs.astuple


def read(raw: RawBatch, routes: Routes) -> tuple[NumberSamples, list[int]]:
    """Samples of the messages that look like the last of their topic; the numbers of all others."""
    records: list[msgspec.Struct] = []
    channels: list[Channel] = []
    others: list[int] = []
    for payload, route in zip(raw.payloads, map(routes.__getitem__, raw.topics), strict=True):
        parse = route.parse
        if parse is None:
            others.append(len(records) + len(others))
            continue
        try:
            record = parse(payload)
        except REFUSALS:
            second = _second_try(route, payload)
            if second is None:
                others.append(len(records) + len(others))
                continue
            record = second
        records.append(record)
        channels.append(route.channel)  # type: ignore[arg-type]  # a parser comes with its channel
    flat = np.fromiter(chain.from_iterable(map(_numbers_of, records)), np.float64)
    size = np.array([len(channel.keys) + 1 for channel in channels], np.int64)
    ts = np.cumsum(size) - size
    ts_ms = flat[ts]
    sent = ~np.isnan(ts_ms)
    time_us = np.full(len(records), NOT_SENT, np.int64)
    time_us[sent] = np.rint(ts_ms[sent] * 1000)
    number = np.delete(np.arange(len(raw.payloads)), others)
    return NumberSamples(channels, time_us, number, np.delete(flat, ts)), others


def _second_try(route: Route, payload: bytes) -> msgspec.Struct | None:
    parse = route.swap()
    try:
        return None if parse is None else parse(payload)
    except REFUSALS:
        return None
