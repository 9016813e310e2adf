"""Listens to what a broker and Wattline say to each other: deliveries and acknowledgements.

Wattline acknowledges a message once it is durable, so the time of its PUBACK is the time at
which it was stored, seen from outside.
"""

import json
import time
from collections import defaultdict

from tests.faults.devices import MARKER, START_MS, STEP_MS, Devices

_PUBLISH, _PUBACK = 3, 4


class Tap:
    """Given to a Proxy between Wattline (up) and its broker (down)."""

    def __init__(self, *devices: Devices) -> None:
        self.devices = devices
        self.deliveries = 0
        self.delivered: dict[tuple[str, int], int] = defaultdict(int)
        self.acknowledged_s: dict[tuple[str, int], float] = {}
        self.marker = 0  # the last that was acknowledged
        self.on_ack = lambda: None
        self._buffers: dict[tuple[int, str], bytearray] = defaultdict(bytearray)
        self._in_flight: dict[tuple[int, int], tuple[str, int]] = {}

    def __call__(self, connection: int, way: str, data: bytes) -> None:
        buffer = self._buffers[connection, way]
        buffer += data
        while packet := _packet(buffer):
            kind, body = packet
            if kind == _PUBLISH and way == "down":
                self._published(connection, body)
            elif kind == _PUBACK and way == "up":
                known = self._in_flight.pop((connection, int.from_bytes(body[:2])), None)
                if known is not None and known[0] == MARKER:
                    self.marker = max(self.marker, known[1])
                elif known is not None:
                    self.acknowledged_s.setdefault(known, time.monotonic())
                self.on_ack()

    def _published(self, connection: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2])
        topic = body[2:end].decode()
        packet_id = int.from_bytes(body[end : end + 2])
        # After the packet id come properties, whose length is below 128 here.
        payload = body[end + 3 + body[end + 2] :]
        self.deliveries += 1
        try:
            ts = json.loads(payload)["ts"]
        except (ValueError, TypeError, KeyError):
            return
        if topic.split("/")[2] == MARKER:
            self._in_flight[connection, packet_id] = MARKER, (ts - START_MS) // STEP_MS
        for devices in self.devices:
            number = devices.number(topic, ts)
            if number >= 0:
                self.delivered[devices.name, number] += 1
                self._in_flight[connection, packet_id] = devices.name, number

    def redelivered(self) -> int:
        """Deliveries of a message beyond its first."""
        return sum(times - 1 for times in self.delivered.values())

    def latency_s(self, devices: Devices, number: int) -> float:
        """From publishing to Wattline's acknowledgement; infinite if there was none."""
        at_s = self.acknowledged_s.get((devices.name, number), float("inf"))
        return at_s - devices.sent_s[number]


def _packet(buffer: bytearray) -> tuple[int, bytes] | None:
    """Take the first whole packet: its type, and what follows its length."""
    length, shift, at = 0, 0, 1
    while True:
        if at >= len(buffer):
            return None
        digit = buffer[at]
        length |= (digit & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if digit < 0x80:
            break
    if len(buffer) < at + length:
        return None
    body = bytes(buffer[at : at + length])
    kind = buffer[0] >> 4
    del buffer[: at + length]
    return kind, body
