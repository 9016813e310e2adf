"""What the simulated devices say before it is encoded: the items of the message stream.

Meters and vehicles make samples, faults change the stream of them, encoders turn it into
MQTT messages.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Topic(StrEnum):
    """Last level of the native topic that a sample is published on."""

    READINGS = "readings"
    POSITION = "position"


@dataclass(frozen=True, slots=True)
class Sample:
    """One device's values at one moment of its own clock.

    values: by the names of the native payload, in canonical units; event_time_us is whole
    milliseconds, as the payload carries no finer time.
    """

    device: str
    topic: Topic
    event_time_us: int
    values: dict[str, float | bool]


class Message(NamedTuple):
    """What goes to the broker."""

    topic: str
    payload: bytes
