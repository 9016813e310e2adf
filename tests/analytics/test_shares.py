"""Shares of many groups are those of each group beside one another."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.grouping import Tally
from analytics.membership import FIRST_US, LAST_US
from analytics.shares import Shares

HOUR_US = 3_600_000_000
rows = st.tuples(
    st.integers(0, 3), st.integers(0, 2), st.integers(3, 5), st.just(0), st.sampled_from([1.0, -1.0])
)
groups = st.lists(st.lists(rows, max_size=3), max_size=6)


def said(shares, count):
    """Rows of each group."""
    found = [[] for _ in range(count)]
    for source, start_us, end_us, group, weight in shares.rows():
        found[group].append((source, start_us, end_us, 0, weight))
    return found


@given(groups, st.data())
def test_groups_are_numbered_and_chosen(each, data):
    shares = Shares.numbered([Shares.of(one) for one in each])
    assert said(shares, len(each)) == each
    chosen = data.draw(st.lists(st.integers(0, len(each) - 1), max_size=8)) if each else []
    some = shares.of_groups(np.array(chosen, np.int64))
    assert said(some, len(chosen)) == [each[at] for at in chosen]


@given(groups, groups)
def test_groups_are_alike_that_say_the_same(some, others):
    count = min(len(some), len(others))
    one, other = (Shares.numbered([Shares.of(group) for group in each[:count]]) for each in (some, others))
    expected = [a == b for a, b in zip(some[:count], others[:count], strict=True)]
    assert one.alike(other, count).tolist() == expected


@given(st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=6))
def test_what_always_counts_has_every_source_of_its_group(sources):
    each = [[(source, FIRST_US, LAST_US, 0, 1.0) for source in one] for one in sources]
    assert said(Shares.always(sources), len(sources)) == each


@given(groups, st.integers(0, 8))
def test_what_is_due_of_each_group_is_what_is_due_of_all(each, now):
    spans = [[(s, a * HOUR_US, b * HOUR_US, g, w) for s, a, b, g, w in one] for one in each]
    tally = Tally(Shares.numbered([Shares.of(one) for one in spans]), len(each), np.arange(7) * HOUR_US)
    due = tally.amounts(now * HOUR_US).due
    for group in range(len(each)):
        assert (tally.due_us(now * HOUR_US, group) > 0).tolist() == due[group].tolist()
