"""Whether anything behind a gateway speaks, which tells a dead gateway from dead devices."""

from dataclasses import dataclass

import numpy as np

from analytics.segments import GAP_FACTOR
from core.batch import I32, I64, Mask

ALIVE_FACTOR = 3
"""A device that was not heard for so many of its intervals was not alive."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Devices by the gateway that they are behind, ordered by it; gateways are behind themselves.

    device: their numbers, being behind gateways[at]. first_of: where gateways[i] begins in them.
    shortest_us: expected interval of the most frequent device of gateways[i]. expected_us: by
    device number.
    """

    gateways: I32
    first_of: I64
    at: I64
    device: I32
    shortest_us: I64
    expected_us: I64

    @classmethod
    def of(cls, gateway: I32, expected_us: I64) -> "Behind":
        """Index devices; gateway, expected_us: by device number, gateway -1 for none."""
        device = np.flatnonzero(gateway >= 0).astype(np.int32)
        device = device[np.argsort(gateway[device], kind="stable")]
        gateways, first_of, at = np.unique(gateway[device], return_index=True, return_inverse=True)
        shortest_us = np.full(len(gateways), 0, np.int64)
        if len(device):
            shortest_us = np.minimum.reduceat(expected_us[device], first_of)
        return cls(gateways, np.append(first_of, len(device)), at, device, shortest_us, expected_us)


@dataclass(slots=True)
class Gateways:
    """What is known of each of Behind.gateways.

    heard_us: when anything behind it was heard last, 0 for never. alive_since_us: since when
    without a pause. usual_us: how often something was to be expected at usual_at_us, when it
    was heard last. chance_us, by device number: when something was heard after the first pause
    in a silence of the device that is long enough to explain that it missed its turn.
    delay_us: what is heard may be known so much later, which looks like a pause and is none.
    Not saved: after a restart silence is counted from when we listen.
    """

    behind: Behind
    heard_us: I64
    alive_since_us: I64
    usual_us: I64
    usual_at_us: I64
    chance_us: I64
    delay_us: int = 0

    @classmethod
    def of(cls, behind: Behind, delay_us: int = 0) -> "Gateways":
        """Nothing heard yet."""
        never = np.zeros(len(behind.gateways), np.int64)
        no_chance = np.zeros(len(behind.expected_us), np.int64)
        return cls(behind, never, never.copy(), behind.shortest_us.copy(), never.copy(), no_chance, delay_us)

    def listen(self, heard_us: I64, now_us: int) -> None:
        """Take note of when devices (by number) were heard last, as of now.

        Where a pause ends, all that is behind the gateway gets its time to speak again. A pause that
        only the more frequent devices would have filled may be their death: after that each
        gets one more chance, not one after every such pause.
        """
        behind = self.behind
        if not len(behind.gateways):
            return
        newest_us = np.maximum.reduceat(heard_us[behind.device], behind.first_of[:-1])
        # How much was due is asked only where the pause is longer than that of the most frequent device.
        gap_us = np.where(self.heard_us > 0, newest_us - self.heard_us - self.delay_us, 0)
        long = gap_us > GAP_FACTOR * behind.shortest_us
        self._ask(long, heard_us)
        self.alive_since_us = np.where(
            long & (gap_us > GAP_FACTOR * self.usual_us), newest_us, self.alive_since_us
        )
        self.heard_us = newest_us
        missed = gap_us[behind.at] > GAP_FACTOR * behind.expected_us[behind.device]
        missed &= self.chance_us[behind.device] <= heard_us[behind.device]
        self.chance_us[behind.device[missed]] = newest_us[behind.at[missed]]
        self._ask((newest_us > 0) & (now_us - newest_us > behind.shortest_us), heard_us)

    def _ask(self, which: Mask, heard_us: I64) -> None:
        for at in np.flatnonzero(which & (self.usual_at_us != self.heard_us)).tolist():
            self.usual_us[at] = self._usual(at, heard_us)
            self.usual_at_us[at] = self.heard_us[at]

    def _usual(self, at: int, heard_us: I64) -> int:
        """Interval of the gateway if it speaks itself, else of the middle one of the devices behind it.

        Of those alone that were alive when anything was heard last: the dead say nothing about it.
        """
        behind = self.behind
        device = behind.device[behind.first_of[at] : behind.first_of[at + 1]]
        expected_us = behind.expected_us[device]
        alive = (heard_us[device] > 0) & (heard_us[device] + ALIVE_FACTOR * expected_us >= self.heard_us[at])
        itself = device == behind.gateways[at]
        if (alive & itself).any() or not alive.any():
            return int(expected_us[itself][0])
        return int(np.sort(expected_us[alive])[alive.sum() // 2])
