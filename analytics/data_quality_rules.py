"""The eleven rules of data quality, each a function of a meter's day.

A rule answers with the share of what it looked at that was in order, 0 to 1, and how many
readings, intervals or stretches were not; None where there was nothing to look at.
"""

from dataclasses import dataclass

import numpy as np

from analytics.power_quality import aligned
from core.batch import F64, I64, U8, U16, Mask
from core.quality import Quality, ReadingQuality

STALE_FACTOR = 3
FROZEN_FACTOR = 3
RATE_FACTOR = 2.0
TRIANGLE_TOLERANCE = 0.1

_HOUR_US = 3_600_000_000
_W_US_IN_A_KWH = 3.6e12
_FUTURE_US = 60_000_000
_DUPLICATE_SHARE = 0.1
_NOMINAL_V = 220.0
_WAYS = ("import", "export")
_ESTIMATED = np.uint16(Quality.GAP_SPREAD)
_AMBIGUOUS = np.uint16(Quality.RESET | Quality.JUMP | Quality.DOUBTED)
_EXPLAINED = np.uint16(Quality.REPLACED)


@dataclass(frozen=True, slots=True)
class Series:
    """A day's readings of one register, ascending in time.

    value: dial values of a counter, canonical values of a gauge. minimum, maximum: bounds
    of a believable value. ratio: what a dial value is multiplied with. rated_rate: rated
    rise in canonical units (after ratio) an hour; NaN where not known.
    """

    quantity: str
    counts: bool
    minimum: float
    maximum: float
    ratio: float
    rated_rate: float
    time_us: I64
    value: F64
    quality: U8
    received_us: I64


@dataclass(frozen=True, slots=True)
class Balance:
    """A parent's day beside the sum of the meters right below it, both measured in full.

    tolerance: how far the sum may be above the parent, from the meters' accuracy.
    """

    parent: float
    children: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class MeterDay:
    """What is known of a meter from start_us up to end_us (of a running day: now).

    interval_amount, interval_quality: of the ledger intervals that have begun, of all its
    counters; slots: how many there would be if none were missing.
    """

    start_us: int
    end_us: int
    expected_us: int
    rated_w: float
    series: tuple[Series, ...]
    interval_amount: F64
    interval_quality: U16
    slots: int
    balance: Balance | None = None

    def of(self, quantity: str) -> Series | None:
        """Readings of a quantity; None if there are none."""
        return next((one for one in self.series if one.quantity == quantity and len(one.time_us)), None)


@dataclass(frozen=True, slots=True)
class Finding:
    """share: of what was looked at, what was in order. found: how many were not. of: how many there were."""

    share: float
    found: int
    of: int


def in_range(day: MeterDay) -> Finding | None:
    """(1) Values within the instrument's range; power within twice the rated power."""
    bad = count = 0
    for one in day.series:
        value = one.value * one.ratio if one.counts else one.value
        outside = (value < one.minimum) | (value > one.maximum)
        if one.quantity == "power_active" and not np.isnan(day.rated_w):
            outside |= np.abs(value) > RATE_FACTOR * day.rated_w
        bad, count = bad + int(outside.sum()), count + len(value)
    return _share(bad, count)


def rate(day: MeterDay) -> Finding | None:
    """(2) Rises of counters within twice the rated rate."""
    bad = count = 0
    for one in day.series:
        if one.counts and not np.isnan(one.rated_rate) and len(one.value) > 1:
            per_hour = np.diff(one.value) * one.ratio * _HOUR_US / np.diff(one.time_us)
            bad, count = bad + int((per_hour > RATE_FACTOR * one.rated_rate).sum()), count + len(per_hour)
    return _share(bad, count)


def falls(day: MeterDay) -> Finding | None:
    """(3) No fall that may be a reset, a replacement or a misreading: the ledger flagged it.

    A day with one is wrong as a whole: what it used is not known.
    """
    if not len(day.interval_quality):
        return None
    flags = day.interval_quality
    bad = int((((flags & _AMBIGUOUS) != 0) & ((flags & _EXPLAINED) == 0)).sum())
    return Finding(0.0 if bad else 1.0, bad, len(flags))


def balance(day: MeterDay) -> Finding | None:
    """(4) The meters below sum to no more than this one, within tolerance."""
    if day.balance is None:
        return None
    excess = day.balance.children - day.balance.parent
    bad = excess > day.balance.tolerance
    share = day.balance.parent / day.balance.children if bad else 1.0
    return Finding(max(share, 0.0), int(bad), 1)


def power_triangle(day: MeterDay) -> Finding | None:
    """(5) Power is the sum of U x I over the phases times the power factor, within a tenth."""
    power, factor = day.of("power_active"), day.of("power_factor")
    phases = [(day.of(f"voltage_l{n}"), day.of(f"current_l{n}")) for n in (1, 2, 3)]
    pairs = [one for phase in phases if phase[0] and phase[1] for one in phase if one]
    if power is None or factor is None or not pairs:
        return None
    used = [power, factor, *pairs]
    _, rows = aligned([one.time_us for one in used], [one.value for one in used])
    expected = (np.abs(rows[2::2]) * np.abs(rows[3::2])).sum(axis=0) * np.abs(rows[1])
    size = np.maximum(np.abs(rows[0]), expected)
    idle = size < 1.0  # a watt is below what either shows reliably
    bad = ~idle & (np.abs(np.abs(rows[0]) - expected) > TRIANGLE_TOLERANCE * size)
    return _share(int(bad.sum()), rows.shape[1])


def frozen(day: MeterDay) -> Finding | None:
    """(6) The energy counters move while power or current says that energy flows.

    A stretch without movement is frozen if it is longer than three expected intervals and
    the load during it would have moved the counter by twice its usual step, 1 kWh at least.
    Power that flows back moves the export counter; currents tell no direction.
    """
    found = [
        one
        for direction, sign in zip(_WAYS, (1.0, -1.0), strict=True)
        if (counter := day.of(f"energy_active_{direction}_total")) is not None
        and (load := _load_w(day, sign)) is not None
        and (one := _stretches(day, counter, *load)) is not None
    ]
    if not found:
        return None
    return Finding(
        min(one.share for one in found), sum(one.found for one in found), sum(one.of for one in found)
    )


def _stretches(day: MeterDay, counter: Series, load_us: I64, load_w: F64) -> Finding | None:
    """Stretches in which a counter stood still under load."""
    if len(counter.value) < 2:
        return None
    rises = np.diff(counter.value) * counter.ratio
    step_kwh = max(2 * rises[rises > 0].min() if (rises > 0).any() else 0.0, counter.ratio, 1.0)
    edge = np.flatnonzero(np.diff(np.concatenate([[False], rises == 0, [False]]).astype(np.int8)))
    begins_us, ends_us = counter.time_us[edge[::2]], counter.time_us[edge[1::2]]
    bad = frozen_us = 0
    for begin_us, end_us in zip(begins_us.tolist(), ends_us.tolist(), strict=True):
        during = load_w[(load_us >= begin_us) & (load_us <= end_us)]
        if end_us - begin_us <= FROZEN_FACTOR * day.expected_us or not len(during):
            continue
        if during.mean() * (end_us - begin_us) / _W_US_IN_A_KWH >= step_kwh:
            bad, frozen_us = bad + 1, frozen_us + end_us - begin_us
    length_us = int(counter.time_us[-1] - counter.time_us[0])
    return Finding(1.0 - frozen_us / length_us, bad, len(rises))


def stale(day: MeterDay) -> Finding | None:
    """(7) No silence longer than three expected intervals; the share is the time outside of such."""
    if day.end_us <= day.start_us:
        return None
    silence = _silences(day)
    long = silence[silence > STALE_FACTOR * day.expected_us]
    return Finding(max(1.0 - float(long.sum()) / (day.end_us - day.start_us), 0.0), len(long), len(silence))


def clock(day: MeterDay) -> Finding | None:
    """(8) Readings with a time of the device's own that is not ahead of ours by more than a minute."""
    bad = count = 0
    for one in day.series:
        own = (one.quality & ReadingQuality.MANUAL) == 0
        ahead = one.time_us > one.received_us + _FUTURE_US
        without = (one.quality & ReadingQuality.RECEIVE_TIME) != 0
        bad, count = bad + int((own & (ahead | without)).sum()), count + int(own.sum())
    return _share(bad, count)


def completeness(day: MeterDay) -> Finding | None:
    """(9) Readings that came of those expected in the time that has passed."""
    expected = (day.end_us - day.start_us) // day.expected_us
    if expected <= 0:
        return None
    missing = np.maximum(np.round(_silences(day) / day.expected_us) - 1, 0).sum()
    missing = min(int(missing) if _times(day)[0].size else expected, expected)
    return _share(missing, expected)


def duplicates(day: MeterDay) -> Finding | None:
    """(10) No value comes again within a tenth of the expected interval.

    What comes twice under one time is one reading in the store and is not seen here.
    """
    bad = count = 0
    for one in day.series:
        again = (np.diff(one.time_us) < _DUPLICATE_SHARE * day.expected_us) & (np.diff(one.value) == 0)
        bad, count = bad + int(again.sum()), count + len(one.value)
    return _share(bad, count)


def gaps(day: MeterDay) -> Finding | None:
    """(11) Ledger intervals that were measured: neither missing nor spread over a silence."""
    if day.slots <= 0:
        return None
    known = ~np.isnan(day.interval_amount)
    measured = int((known & ((day.interval_quality & _ESTIMATED) == 0)).sum())
    return _share(max(day.slots - measured, 0), day.slots)


def _share(bad: int, count: int) -> Finding | None:
    return Finding(1.0 - bad / count, bad, count) if count else None


def _load_w(day: MeterDay, sign: float) -> tuple[I64, F64] | None:
    """Power in one direction (1 in, -1 out) as reported, else from a current at nominal voltage.

    A current says nothing of a meter that counts both ways.
    """
    power = day.of("power_active")
    if power is not None:
        return power.time_us, np.maximum(sign * power.value, 0.0)
    current = day.of("current_l1")
    if current is None or sum(day.of(f"energy_active_{one}_total") is not None for one in _WAYS) != 1:
        return None
    return current.time_us, np.abs(current.value) * _NOMINAL_V


def _times(day: MeterDay) -> tuple[I64, Mask, Mask]:
    """Times at which anything was read, and whether readings before or after it were let go."""
    if not any(len(one.time_us) for one in day.series):
        none = np.empty(0, np.bool_)
        return np.empty(0, np.int64), none, none
    time_us = np.concatenate([one.time_us for one in day.series])
    quality = np.concatenate([one.quality for one in day.series])
    found, row = np.unique(time_us, return_inverse=True)
    before, after = np.zeros(len(found), np.bool_), np.zeros(len(found), np.bool_)
    np.logical_or.at(before, row, (quality & ReadingQuality.THINNED_BEFORE) != 0)
    np.logical_or.at(after, row, (quality & ReadingQuality.THINNED_AFTER) != 0)
    return found, before, after


def _silences(day: MeterDay) -> I64:
    """Lengths of the silences of the day, its edges included; none where readings were let go."""
    time_us, before, after = _times(day)
    if not len(time_us):
        return np.array([day.end_us - day.start_us], np.int64)
    edges = np.concatenate([[day.start_us], time_us, [day.end_us]])
    kept = np.concatenate([[True], ~(after[:-1] | before[1:]), [True]])
    lengths: I64 = np.maximum(np.diff(edges), 0)[kept]
    return lengths
