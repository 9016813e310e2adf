"""What goes wrong on the way, and what the ledger must say of it: worked out here, without our code.

Of every meter's hourly messages a share is never sent and a share comes days late. Some meters
are replaced in the middle of an hour, with what they showed; one rolls over.
"""

from dataclasses import dataclass

import numpy as np

from tests.estate.recorded import HOUR_US, Recorded

DROPPED, LATE = 0.02, 0.05
_LATE_H = 2 * 24, 30 * 24
_FIRST_OF_NEW_METER = 37.125


@dataclass(frozen=True)
class Plan:
    """A meter with its faults: one row a reading that is sent, in order of its time.

    heard: bool by edge of recorded.edges_us; arrives_us: when each reading that is sent comes.
    replaced_us: when it was replaced, with final_value; None if never. rollover_at: None if none.
    """

    recorded: Recorded
    heard: np.ndarray
    time_us: np.ndarray
    value: np.ndarray
    arrives_us: np.ndarray
    replaced_us: int | None = None
    final_value: float | None = None
    initial_value: float | None = None
    rollover_at: float | None = None

    @property
    def expected_kwh(self):
        """Each hour as it should be told; NaN where nothing is heard before or after.

        What was used between two readings that were heard is spread evenly over the hours between.
        """
        at = np.flatnonzero(self.heard)
        told = np.full(len(self.recorded.kwh), np.nan)
        sums = np.add.reduceat(self.recorded.kwh[: at[-1]], at[:-1])
        hours = np.diff(at)
        told[at[0] : at[-1]] = np.repeat(sums / hours, hours)
        return told

    @property
    def gap(self):
        """bool by hour: no reading at its end, or at the end of the hour before, and told all the same."""
        silent = ~self.heard[1:]
        gap = silent | np.append(False, silent[:-1])
        at = np.flatnonzero(self.heard)
        gap[: at[0]] = gap[at[-1] :] = False
        return gap

    @property
    def measured(self):
        """bool by hour: it counts as covered, for there is a reading at its end and one before."""
        at = np.flatnonzero(self.heard)
        covered = self.heard[1:].copy()
        covered[: at[0]] = False
        return covered

    @property
    def never_told_kwh(self):
        """Energy before the first and after the last reading that was sent."""
        return float(np.nansum(self.recorded.kwh[np.isnan(self.expected_kwh)]))


def undisturbed(recorded):
    """Every reading is sent and comes at once."""
    times = recorded.edges_us
    return Plan(recorded, np.ones(len(times), bool), times, recorded.dial, times)


def disturbed(recorded, rng, *, replaced=False, rolls_over=False):
    """Some readings are dropped, some come late."""
    times, dial = recorded.edges_us, recorded.dial
    heard = rng.random(len(times)) >= DROPPED
    delay_us = np.where(rng.random(len(times)) < LATE, rng.integers(*_LATE_H, len(times)), 0) * HOUR_US
    event: dict[str, float] = {}
    if replaced:
        # A third of the way into an hour in the middle of the record, having used a third of its energy.
        at = len(recorded.kwh) // 2 + 7
        heard[at : at + 2] = True  # what lies beside a replacement is spread on each side of it
        final = round(dial[at] + recorded.kwh[at] / 3, 3)
        dial = np.where(np.arange(len(dial)) <= at, dial, np.round(dial - final + _FIRST_OF_NEW_METER, 3))
        event = {
            "replaced_us": int(times[at]) + HOUR_US // 3,
            "final_value": final,
            "initial_value": _FIRST_OF_NEW_METER,
        }
    if rolls_over:
        # A display of so many digits that it passes its end once, near the middle.
        top = 10.0 ** np.ceil(np.log10(dial[-1] - dial[0]))
        dial = np.round((dial - dial[len(dial) // 2] + top) % top, 3)
        event = {"rollover_at": top}
    return Plan(recorded, heard, times[heard], dial[heard], (times + delay_us)[heard], **event)
