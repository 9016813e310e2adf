"""Wattline's own topics: wattline/v1/<device>/readings and wattline/v1/<device>/position.

A payload is a JSON object, or a list of them: "ts" (milliseconds since 1970 or RFC 3339
with an offset; absent: the time of receipt) beside canonical quantities in canonical units.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from core.errors import RejectReason
from core.ports import RawBatch
from ingest.decoders.samples import Decoded, Rejection

TOPIC_FILTERS: Sequence[str] = ("wattline/v1/+/readings", "wattline/v1/+/position")

_PREFIX = "wattline/v1/"
_FIX_KEYS = ("lat", "lon", "speed", "course", "accuracy", "ignition", "odometer", "fuel", "soc")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAX_MS = (2**63 - 1) // 1000
_parse = msgspec.json.Decoder().decode


class _BadTimeError(ValueError):
    """A time that can't be understood; the message says why."""


def decode(raw: RawBatch) -> Decoded:
    """Decode every message of the batch."""
    decoded = Decoded()
    for message, topic in enumerate(raw.topics):
        device, _, leaf = topic.removeprefix(_PREFIX).rpartition("/")
        add = _ADD.get(leaf)
        if add is None or not device or not topic.startswith(_PREFIX):
            decoded.rejected.append(Rejection(message, RejectReason.UNKNOWN_TOPIC, topic))
            continue
        try:
            body = _parse(raw.payloads[message])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            decoded.rejected.append(Rejection(message, RejectReason.UNDECODABLE, str(error)))
            continue
        items = body if isinstance(body, list) else [body]
        if not items:
            decoded.rejected.append(Rejection(message, RejectReason.UNDECODABLE, "an empty list"))
        for item in items:
            if isinstance(item, dict):
                add(decoded, message, device, item)
            else:
                wrong = f"expected an object, got {type(item).__name__}"
                decoded.rejected.append(Rejection(message, RejectReason.UNDECODABLE, wrong))
    return decoded


def _add_readings(decoded: Decoded, message: int, device: str, item: dict[str, object]) -> None:
    try:
        time_us = _time_us(item.pop("ts", None))
    except _BadTimeError as error:
        decoded.rejected.append(Rejection(message, RejectReason.BAD_TIME, str(error)))
        return
    if not item:
        decoded.rejected.append(Rejection(message, RejectReason.UNDECODABLE, "no quantity in it"))
        return
    samples = decoded.samples
    samples.device.append(device)
    samples.keys.append(tuple(item))
    samples.time_us.append(time_us)
    samples.message.append(message)
    samples.values.extend(item.values())


def _add_position(decoded: Decoded, message: int, device: str, item: dict[str, object]) -> None:
    try:
        time_us = _time_us(item.get("ts"))
    except _BadTimeError as error:
        decoded.rejected.append(Rejection(message, RejectReason.BAD_TIME, str(error)))
        return
    fixes = decoded.fixes
    fixes.device.append(device)
    fixes.time_us.append(time_us)
    fixes.message.append(message)
    fixes.fields.append(tuple([item.get(key) for key in _FIX_KEYS]))


_ADD = {"readings": _add_readings, "position": _add_position}


def _time_us(ts: object) -> int | None:
    """Time of a sample; None if it carries none."""
    if ts is None:
        return None
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
