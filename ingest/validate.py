"""Masks over columns: believable value, believable time, not a repetition.

A row that fails is rejected with the first reason that applies; repetitions of the newest
reading of a register are dropped and counted, being no fault of anyone.
"""

from dataclasses import dataclass

import numpy as np

from core.batch import F64, I64, Mask, PositionBatch, ReadingBatch
from core.catalog import Catalog
from core.columns import RegisterColumns
from core.errors import RejectReason
from ingest.decoders.samples import Rejection
from ingest.normalise import Normalised

MAX_AHEAD_US = 600_000_000
"""A device clock may run ahead of the receiver's by up to ten minutes."""

EARLIEST_US = 946_684_800_000_000
"""2000-01-01: an older time is a clock that was never set (1970) or seconds sent as milliseconds."""

_MAX_SPEED_KMH = 400.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is left to be stored, what was rejected, and how many rows were repetitions."""

    readings: ReadingBatch
    positions: PositionBatch
    rejected: list[Rejection]
    repeated: int


def validate(
    normalised: Normalised, catalog: Catalog, columns: RegisterColumns, newest_us: I64, newest_value: F64
) -> Accepted:
    """Accept or reject every row; newest_* are the last stored reading of each register."""
    readings = normalised.readings
    rejected: list[Rejection] = []
    wrong_clock = _clock(readings.event_time_us, readings.received_at_us)
    register = readings.register
    out_of_range = (readings.value < columns.minimum[register]) | (readings.value > columns.maximum[register])
    bad = out_of_range.copy()
    for reason, mask in wrong_clock.items():
        bad |= mask
        for row in np.flatnonzero(mask):
            detail = f"event time {np.datetime64(int(readings.event_time_us[row]), 'us')}Z"
            rejected.append(Rejection(int(normalised.message[row]), reason, detail))
    for row in np.flatnonzero(out_of_range & ~_any(wrong_clock)):
        quantity = catalog.registers[register[row]].quantity
        low, high = columns.minimum[register[row]], columns.maximum[register[row]]
        detail = f"{quantity} {readings.value[row]:g} is not in {low:g} to {high:g}"
        rejected.append(Rejection(int(normalised.message[row]), RejectReason.OUT_OF_RANGE, detail))
    repeated = (readings.event_time_us == newest_us[register]) & (readings.value == newest_value[register])
    repeated &= ~bad
    positions = _positions(normalised, rejected)
    return Accepted(readings.take(~bad & ~repeated), positions, rejected, int(repeated.sum()))


def _clock(event_time_us: I64, received_at_us: I64) -> dict[RejectReason, Mask]:
    return {
        RejectReason.CLOCK_FUTURE: event_time_us > received_at_us + MAX_AHEAD_US,
        RejectReason.CLOCK_PAST: event_time_us < EARLIEST_US,
    }


def _any(masks: dict[RejectReason, Mask]) -> Mask:
    found: Mask = np.logical_or.reduce(list(masks.values()))
    return found


def _positions(normalised: Normalised, rejected: list[Rejection]) -> PositionBatch:
    fixes = normalised.positions
    if len(fixes) == 0:
        return fixes
    on_earth = (np.abs(fixes.latitude_deg) <= 90) & (np.abs(fixes.longitude_deg) <= 180)
    # A tracker without a fix sends 0, 0: a point in the Gulf of Guinea where nobody drives.
    on_earth &= (fixes.latitude_deg != 0) | (fixes.longitude_deg != 0)
    too_fast = (fixes.speed_kmh < 0) | (fixes.speed_kmh > _MAX_SPEED_KMH)
    wrong = _clock(fixes.fix_time_us, fixes.received_at_us) | {
        RejectReason.BAD_POSITION: ~on_earth,
        RejectReason.OUT_OF_RANGE: too_fast,
    }
    for reason, mask in wrong.items():
        for row in np.flatnonzero(mask):
            detail = (
                f"{fixes.latitude_deg[row]:g}, {fixes.longitude_deg[row]:g} "
                f"at {fixes.speed_kmh[row]:g} km/h, {np.datetime64(int(fixes.fix_time_us[row]), 'us')}Z"
            )
            rejected.append(Rejection(int(normalised.position_message[row]), reason, detail))
    return fixes.take(~_any(wrong))
