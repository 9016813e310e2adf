"""A meter of which everything is known: what is booked is what was used, but for what no reading told."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import counters, ledger
from core.batch import BASE_US, IntervalBatch, ReadingBatch
from core.model import Replacement
from core.quality import Quality
from tests.columns import register_columns

DIGITS_END = 1000.0
START_US = 1_760_000_400_000_000
LAST_STEPS = 5


@dataclass
class Life:
    """Readings of a meter every quarter of an hour, and what was used between the first and the last."""

    minutes: list[float]
    shown: list[float]
    used: float
    untold: float
    swaps: tuple[Replacement, ...]

    def batch(self, rows):
        time_us = START_US + (np.array(self.minutes)[rows] * 60_000_000).astype(np.int64)
        size = len(time_us)
        return ReadingBatch(
            np.zeros(size, np.int32),
            time_us,
            np.array(self.shown)[rows],
            np.zeros(size, np.uint8),
            np.zeros(size, np.int64),
        )


@st.composite
def lives(draw):
    """Digits end, a power cut resets, somebody replaces it, messages are lost, zeros are false."""
    # At the end it stands still, for a fall waits until two more readings confirm it.
    steps = draw(st.lists(st.integers(0, 20), min_size=8, max_size=60)) + [0] * LAST_STEPS
    happens = st.sampled_from(["", "", "", "", "", "reset", "swap", "lost", "lost", "zero"])
    events = draw(st.lists(happens, min_size=len(steps), max_size=len(steps)))
    shown = float(draw(st.integers(0, 999)))
    life = Life([0.0], [shown], 0.0, 0.0, ())
    since, lost = 0.0, 0
    for step, (rise, event) in enumerate(zip(steps, events, strict=True), 1):
        minute = 15.0 * step
        shown = (shown + rise) % DIGITS_END
        since += rise
        quiet = step <= len(steps) - LAST_STEPS
        if event == "lost" and quiet and lost < 4:
            lost += 1
            continue
        if event == "reset" and quiet and 300 < shown < 700:
            shown, life.untold, since, lost = 0.0, life.untold + since, 0.0, 0
            continue
        life.used, since, lost = life.used + since, 0.0, 0
        life.minutes.append(minute)
        life.shown.append(shown)
        if event == "zero" and quiet:
            life.minutes.append(minute + 5)
            life.shown.append(0.0)
        if event == "swap" and quiet:
            at_us = START_US + int((minute + 7) * 60_000_000)
            new = float(draw(st.integers(0, 999)))
            life.swaps += (Replacement(f"s{step}", "m", "q", at_us, shown, new),)
            shown = new
    return life


def booked(life, cuts, **columns):
    """Amounts of every interval, the readings taken in pieces."""
    events = {0: life.swaps} if life.swaps else {}
    table = register_columns(
        rollover_at=DIGITS_END, max_rate=100.0, step=20.0, replacements=events, **columns
    )
    state, book = counters.CounterState.empty(1), ledger.LedgerState.empty(1)
    rows = np.arange(len(life.minutes))
    parts = []
    for start, end in pairwise(sorted({0, len(rows), *(cut % len(rows) for cut in cuts)})):
        state, segments, late = counters.step(state, life.batch(rows[start:end]), table)
        assert len(late) == 0
        book, closed = ledger.step(book, segments)
        parts.append(closed)
    _, newest = ledger.open_rows(book)
    return IntervalBatch.concat([*parts, newest])


@settings(max_examples=300)
@given(lives(), st.lists(st.integers(1, 60), max_size=6))
def test_what_is_booked_is_what_was_used(life, cuts):
    rows = booked(life, cuts)
    assert rows.amount.sum() == pytest.approx(life.used, abs=1e-6)
    assert not (rows.quality & Quality.JUMP).any()
    assert (rows.covered_us <= BASE_US).all()


@settings(max_examples=100)
@given(lives())
def test_no_interval_is_booked_twice_and_what_was_silent_is_not_covered(life):
    rows = booked(life, [])
    assert len(np.unique(rows.start_us)) == len(rows)
    silent = (rows.quality & Quality.GAP_SPREAD).astype(bool)
    assert (rows.covered_us[~silent & ((rows.quality & Quality.OPEN) == 0)] > 0).all()
