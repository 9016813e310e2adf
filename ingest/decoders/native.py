"""Wattline's own topics: wattline/v1/<device>/readings, …/position and …/manual.

A payload is a JSON object, or a list of them: "ts" (milliseconds since 1970 or RFC 3339
with an offset; absent: the time of receipt) beside canonical quantities in canonical units.
What a person read comes as …/manual, which no device may write; its time is not left out.

A message like the last of its topic is parsed straight into numbers (native_shapes); what
is read here, one message at a time, is all the rest: new keys, lists, texts, positions.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from core.errors import RejectReason
from core.ports import RawBatch
from core.quality import ReadingQuality
from ingest.decoders.native_shapes import REFUSALS, Route, Routes, read
from ingest.decoders.samples import NOT_SENT, Channel, Decoded, Rejection, Samples

TOPIC_FILTERS: Sequence[str] = ("wattline/v1/+/readings", "wattline/v1/+/position", "wattline/v1/+/manual")

_PREFIX = "wattline/v1/"
_FIX_KEYS = ("lat", "lon", "speed", "course", "accuracy", "ignition", "odometer", "fuel", "soc")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_MS = (2**63 - 1) // 1000
_parse = msgspec.json.Decoder().decode


class _BadTimeError(ValueError):
    """A time that can't be understood; the message says why."""


def _route(topic: str) -> Route:
    device, _, leaf = topic.removeprefix(_PREFIX).rpartition("/")
    ours = topic.startswith(_PREFIX) and device and leaf in _ADD
    return Route(device, leaf) if ours else Route("", "")


_routes = Routes(_route)


def decode(raw: RawBatch) -> Decoded:
    """Decode every message of the batch."""
    alike, others = read(raw, _routes)
    decoded, rest, manual = Decoded(), Samples(), Samples(quality=ReadingQuality.MANUAL)
    for message in others:
        _decode(decoded, manual if _routes[raw.topics[message]].leaf == "manual" else rest, message, raw)
    decoded.samples = [block for block in (alike, rest, manual) if block.channel]
    return decoded


def _decode(decoded: Decoded, samples: Samples, message: int, raw: RawBatch) -> None:
    topic = raw.topics[message]
    route = _routes[topic]
    if not route.leaf:
        decoded.rejected.append(Rejection(message, RejectReason.UNKNOWN_TOPIC, topic))
        return
    try:
        body = _parse(raw.payloads[message])
    except REFUSALS as error:
        decoded.rejected.append(Rejection(message, RejectReason.UNDECODABLE, str(error)))
        return
    items = body if isinstance(body, list) else [body]
    if not items:
        decoded.rejected.append(Rejection(message, RejectReason.UNDECODABLE, "an empty list"))
    strange = [item for item in items if not isinstance(item, dict)]
    if strange:  # one rejection for all: a list may hold a hundred thousand of them
        found = f"{type(strange[0]).__name__}" + (f" and {len(strange) - 1} more" if strange[1:] else "")
        decoded.rejected.append(
            Rejection(message, RejectReason.UNDECODABLE, f"expected an object, got {found}")
        )
    for item in items:
        if isinstance(item, dict):
            try:
                _ADD[route.leaf](decoded, samples, message, route, item)
            except _BadTimeError as error:
                decoded.rejected.append(Rejection(message, RejectReason.BAD_TIME, str(error)))


def _add_readings(
    decoded: Decoded, samples: Samples, message: int, route: Route, item: dict[str, object]
) -> None:
    time_us = _time_us(item.pop("ts", None))
    if not item:
        decoded.rejected.append(Rejection(message, RejectReason.UNDECODABLE, "no quantity in it"))
        return
    samples.channel.append(route.channel_of(item))
    samples.time_us.append(time_us)
    samples.message.append(message)
    samples.values.extend(item.values())


def _add_manual(
    decoded: Decoded, samples: Samples, message: int, route: Route, item: dict[str, object]
) -> None:
    """The same without a parser for the route: what is parsed straight into numbers carries no flag."""
    if item.get("ts") is None:
        raise _BadTimeError("ts is missing: nobody knows when this was read")
    time_us = _time_us(item.pop("ts"))
    if not item:
        decoded.rejected.append(Rejection(message, RejectReason.UNDECODABLE, "no quantity in it"))
        return
    keys = tuple(item)
    if route.channel is None or route.channel.keys != keys:
        route.channel = Channel(route.device, keys)
    samples.channel.append(route.channel)
    samples.time_us.append(time_us)
    samples.message.append(message)
    samples.values.extend(item.values())


def _add_position(decoded: Decoded, _: Samples, message: int, route: Route, item: dict[str, object]) -> None:
    fixes = decoded.fixes
    fixes.time_us.append(_time_us(item.get("ts")))
    fixes.device.append(route.device)
    fixes.message.append(message)
    fixes.fields.append(tuple([item.get(key) for key in _FIX_KEYS]))


_ADD = {"readings": _add_readings, "position": _add_position, "manual": _add_manual}


def _time_us(ts: object) -> int:
    """Time of a sample; NOT_SENT if it carries none."""
    if ts is None:
        return NOT_SENT
    if type(ts) is int:
        if -_MAX_MS <= ts <= _MAX_MS:
            return ts * 1000
    elif type(ts) is float:
        if -_MAX_MS <= ts <= _MAX_MS:
            return round(ts * 1000)
    elif type(ts) is str:
        return _from_text(ts)
    raise _BadTimeError(f"ts {ts!r} is neither milliseconds since 1970 nor RFC 3339")


def _from_text(ts: str) -> int:
    try:
        at = datetime.fromisoformat(ts)
    except ValueError as error:
        raise _BadTimeError(f"ts {ts!r} is not RFC 3339, like 2026-11-21T08:00:00+08:00") from error
    if at.tzinfo is None:
        raise _BadTimeError(f"ts {ts!r} has no offset: append Z or, say, +08:00")
    return (at - _EPOCH) // _MICROSECOND
