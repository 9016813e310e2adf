"""A subscriber of another make than our publisher: paho-mqtt, and json for the payloads."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import paho.mqtt.client as paho


@dataclass
class Heard:
    """Messages in the order of arrival."""

    messages: list[tuple[str, bytes]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def add(self, topic: str, payload: bytes) -> None:
        with self._news:
            self.messages.append((topic, payload))
            self._news.notify_all()

    def wait_for(self, count: int, timeout_s: float = 20.0) -> list[tuple[str, bytes]]:
        """The messages once there are at least `count`."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.messages) >= count, timeout_s), len(self.messages)
            return list(self.messages)

    def objects(self, count: int) -> list[tuple[str, dict]]:
        """(topic, object) of at least `count` messages; a list counts as its objects in order."""
        found = []
        for topic, payload in self.wait_for(count):
            parsed = json.loads(payload)
            found += [(topic, one) for one in (parsed if isinstance(parsed, list) else [parsed])]
        return found


@contextmanager
def listening(port: int, pattern: str = "wattline/v1/+/+") -> Iterator[Heard]:
    """What is published on the pattern while the block runs."""
    heard, subscribed = Heard(), threading.Event()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _u, message: heard.add(message.topic, message.payload)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.subscribe(pattern, qos=1)
    client.loop_start()
    try:
        assert subscribed.wait(10)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()
