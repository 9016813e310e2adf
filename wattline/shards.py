"""Which devices an ingest process takes, when several share the work.

A device belongs to one of `count` shards by a hash of its id, and with it its topics, its
registers and everything derived from them. Every shard subscribes to everything, with a
session of its own, and keeps what is its own: MQTT filters can't hash, and a shared
subscription ($share) strands the messages of a member that is away.
"""

import re
from dataclasses import dataclass
from zlib import crc32

MOST = 16
"""Shards of one layout. Each costs the broker all messages once more: beyond, use other means."""

SLOTS = MOST * (MOST + 1) // 2
"""Every shard of every layout has a number of its own: see Shard.slot."""

_PREFIX = "wattline/v1/"
_FORM = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """Number index of count, counted from 0; 0 of 1 is all."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read `i/n`; raises ValueError with the fix."""
        match = _FORM.fullmatch(text)
        index, count = map(int, match.groups()) if match else (0, 0)
        if not index < count <= MOST:
            raise ValueError(f"write i/n with 0 <= i < n <= {MOST}, like 0/2 and 1/2")
        return cls(index, count)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def slot(self) -> int:
        """Times of receipt in microseconds leave this remainder by SLOTS.

        So no two processes ever stamp the same time, which names a batch in the store.
        """
        return self.count * (self.count - 1) // 2 + self.index

    def client_id(self, base: str) -> str:
        """Name of the session."""
        return base if self.count == 1 else f"{base}-{self.index}-of-{self.count}"

    def owns(self, device_id: str) -> bool:
        """Whether the device is ours."""
        return self.count == 1 or crc32(device_id.encode(errors="surrogatepass")) % self.count == self.index

    def wants(self, topic: str) -> bool:
        """Whether the messages of a topic are ours: those of our devices, and a share of the unknown."""
        return self.owns(topic.removeprefix(_PREFIX).rpartition("/")[0] or topic)


WHOLE = Shard()
