"""What the shards of a layout tell one another: when each has heard its devices.

What is behind one gateway may be heard by several shards, and only all of them know that it
is dead. Each puts the newest times of receipt of its devices into the registry, a row a
shard, and reads those of the others. Nothing else is shared: a device, its topics and its
state stay with the shard that its id names, also when it gets another gateway.
"""

import io

import numpy as np

from analytics.silence import Together
from core.batch import I64
from core.ports import Checkpoint, Registry
from wattline.shards import WHOLE, Shard
from wattline.stages.state import Known

EVERY_US = 5_000_000

_DELAY_US = 2 * EVERY_US
"""What another shard has heard is known so much later at most: it tells, and we look, every EVERY_US."""


class HeardElsewhere:
    """Times of receipt of the other shards; nothing is told or asked where there are none.

    together: how far all of them are known; None while one has said nothing yet.
    """

    def __init__(self, registry: Registry, shard: Shard = WHOLE) -> None:
        self.together: Together | None = None
        self.delay_us = 0 if shard.count == 1 else _DELAY_US
        self._registry, self._shard = registry, shard
        self._others = [Shard(at, shard.count) for at in range(shard.count) if at != shard.index]
        self._heard_us = np.zeros(0, np.int64)
        self._due_us = 0

    def exchange(self, known: Known, heard_us: I64, listening_since_us: int, now_us: int) -> None:
        """Tell the others and ask them, if it is time and a gateway is watched; raises StoreError.

        heard_us: by device number, all that we have heard up to now.
        """
        if not self._others or not len(known.silence.behind.gateways) or now_us < self._due_us:
            return
        self._due_us = now_us + EVERY_US
        state = _packed(heard_us, listening_since_us)
        self._registry.save_checkpoint(_name(self._shard), Checkpoint(now_us, state))
        theirs_us, since_us, until_us = np.zeros_like(heard_us), listening_since_us, now_us
        for other in self._others:
            told = self._registry.load_checkpoint(_name(other))
            if told is None:
                self.together = None
                return
            device, times_us, their_since_us = _unpacked(told.state)
            registered = device < len(theirs_us)
            theirs_us[device[registered]] = times_us[registered]
            since_us, until_us = max(since_us, their_since_us), min(until_us, told.watermark_us)
        self._heard_us, self.together = theirs_us, Together(since_us, until_us)

    def with_ours(self, heard_us: I64) -> I64:
        """Newest times of receipt that anybody has told us of, by device number."""
        if not len(self._heard_us):
            return heard_us
        theirs_us = np.append(self._heard_us, np.zeros(len(heard_us) - len(self._heard_us), np.int64))
        return np.maximum(heard_us, theirs_us)


def drop_heard(registry: Registry, shard: Shard) -> None:
    """Forget what a shard has told: it leaves."""
    registry.drop_checkpoint(_name(shard))


def _name(shard: Shard) -> str:
    return f"heard {shard}"


def _packed(heard_us: I64, listening_since_us: int) -> bytes:
    device = np.flatnonzero(heard_us)
    out = io.BytesIO()
    np.savez(out, device=device.astype(np.int32), heard_us=heard_us[device], since_us=listening_since_us)
    return out.getvalue()


def _unpacked(told: bytes) -> tuple[I64, I64, int]:
    """(device numbers, their times of receipt, since when they listen)."""
    arrays = np.load(io.BytesIO(told), allow_pickle=False)
    return arrays["device"].astype(np.int64), arrays["heard_us"], int(arrays["since_us"])
