"""What the MQTT source and its connection share: the options, and the messages in between."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """How to connect and how to batch.

    wants: which topics are ours (None: all); other messages are acknowledged and forgotten.
    task: open ends once the session is there; leave unsubscribes, takes what the session still
    holds and ends it.
    unacked_s: how long a batch may stay unacknowledged after a later one was acknowledged.
    """

    host: str
    port: int
    topic_filters: Sequence[str]
    client_id: str = "wattline-ingest"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    keep_alive_s: int = 30
    session_expiry_s: int = 7 * 24 * 3600
    receive_maximum: int = 20_000
    max_packet_bytes: int = 256 * 1024
    batch_messages: int = 10_000
    batch_bytes: int = 8 * 1024 * 1024
    linger_s: float = 0.005
    unacked_s: float = 300.0
    wants: Callable[[str], bool] | None = None
    task: Literal["take", "open", "leave"] = "take"


class Inbox:
    """Messages that were read and not handed over: topics[i] carried payloads[i].

    packet_ids: 0 where there is nothing to acknowledge (QoS 0). unread_bytes: what they had on
    the network, about.
    """

    def __init__(self, arrived: Callable[[], None]) -> None:
        self.topics: list[str] = []
        self.payloads: list[bytes] = []
        self.packet_ids: list[int] = []
        self.unread_bytes = 0
        self.arrived = arrived

    def oldest(self, count: int) -> tuple[list[str], list[bytes]]:
        """Topics and payloads of the oldest messages."""
        return self.topics[:count], self.payloads[:count]

    def drop(self, count: int) -> None:
        """Forget the oldest messages: they were handed over."""
        self.unread_bytes -= self.unread_bytes * count // max(1, len(self.topics))
        del self.topics[:count], self.payloads[:count], self.packet_ids[:count]

    def forget_ids(self, keep: int) -> None:
        """Keep the first messages, to be acknowledged to nobody."""
        del self.topics[keep:], self.payloads[keep:]
        self.packet_ids = [0] * len(self.topics)


def publish_by_hand(read: memoryview) -> tuple[str, bytes, int, int]:
    """Topic, payload with properties, packet id and size of a PUBLISH whose text is not UTF-8."""
    length = at = 0
    while True:
        at += 1
        length |= (read[at] & 0x7F) << 7 * (at - 1)
        if read[at] < 0x80:
            break
    at += 1
    size = at + length
    if read[0] >> 4 != 3:
        raise ValueError("text is not UTF-8")
    name_at = at + 2
    name_end = name_at + int.from_bytes(read[at:name_at], "big")
    id_end = name_end + (2 if read[0] & 0x06 else 0)
    topic = bytes(read[name_at:name_end]).decode(errors="replace")
    return topic, bytes(read[id_end:size]), int.from_bytes(read[name_end:id_end], "big"), size
