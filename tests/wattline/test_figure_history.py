"""What rules compare with is what reading it again would give, and takes no room before it is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.grouping import Amounts
from analytics.periods import Interval, edges
from analytics.shares import Shares
from wattline.figures import history
from wattline.figures.history import History

HOUR_US = 3_600_000_000
NAN = float("nan")


class Stored:
    """Amounts by meter and hour; meter n is source n. Hours before known_from[n] are unknown."""

    def __init__(self, known_from):
        self.amount = np.random.default_rng(1).random((len(known_from), 200)).astype(np.float32)
        for meter, hour in enumerate(known_from):
            self.amount[meter, :hour] = NAN

    def read(self, shares, groups, edges_us):
        hours = edges_us[:-1] // HOUR_US
        rows = np.full((groups, len(hours)), NAN)
        rows[shares.group] = self.amount[np.ix_(shares.source, hours)]
        known = ~np.isnan(rows)
        return Amounts(edges_us, rows, known.astype(float), known, np.zeros(rows.shape, np.uint16))

    def expected(self, meters, start, end):
        return self.amount[list(meters), start:end]


def wanted(meters):
    return tuple(map(str, meters)), Shares.always([(meter,) for meter in meters])


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch):
    monkeypatch.setattr(history, "_AT_ONCE", 2)


steps = st.lists(
    st.tuples(st.integers(0, 12), st.lists(st.integers(0, 5), unique=True, min_size=1), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 200), min_size=6, max_size=6), steps)
def test_it_knows_what_is_stored(known_from, moves):
    stored, kept = Stored(known_from), History(Interval.HOUR, "UTC")
    start, end = 0, 48
    for forward, meters, told in moves:
        start, end = start + forward, end + forward
        kept.reach(*wanted(meters), start * HOUR_US, end * HOUR_US, stored.read)
        rows = kept.until(end * HOUR_US)
        expected = stored.expected(meters, start, end)
        lead = expected.shape[1] - rows.shape[1]
        assert np.isnan(expected[:, : max(lead, 0)]).all()
        np.testing.assert_array_equal(rows[:, max(-lead, 0) :], expected[:, max(lead, 0) :])
        assert kept.edges_us[-1] == end * HOUR_US
        assert len(kept.edges_us) == kept.rows.shape[1] + 1
        if told:
            more_us = edges(end * HOUR_US, (end + 1) * HOUR_US, Interval.HOUR, "UTC")
            kept.extend(more_us, stored.expected(meters, end, end + 1).astype(np.float64))
            end += 1


def test_what_is_made_of_something_else_now_is_read_anew():
    stored, kept = Stored([0, 0, 0]), History(Interval.HOUR, "UTC")
    for sources in ((0, 1), (0, 2), (2, 0)):
        kept.reach(("a", "b"), Shares.always([(one,) for one in sources]), 0, 48 * HOUR_US, stored.read)
        np.testing.assert_array_equal(kept.until(48 * HOUR_US), stored.expected(sources, 0, 48))


def test_what_is_unknown_of_all_takes_no_room():
    stored, kept = Stored([100, 90, 200]), History(Interval.HOUR, "UTC")
    kept.reach(*wanted([0, 2]), 0, 96 * HOUR_US, stored.read)
    assert kept.rows.shape == (2, 0)
    kept.reach(*wanted([0, 2, 1]), 0, 96 * HOUR_US, stored.read)
    assert kept.rows.shape == (3, 6)
