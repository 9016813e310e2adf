"""Ranking: peers with peers, and nobody ranked who was not measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.ranking import rank

NAN = np.nan


def ranked(amount, size, coverage=None, group=None):
    n = len(amount)
    return rank(
        np.array(amount, np.float64),
        np.array(size, np.float64),
        np.ones(n) if coverage is None else np.array(coverage),
        np.zeros(n, np.int64) if group is None else np.array(group),
    )


def test_the_least_use_a_square_metre_comes_first():
    found = ranked([500.0, 900.0, 800.0], [10.0, 30.0, 20.0])  # 50, 30, 40
    assert found.value.tolist() == [50.0, 30.0, 40.0]
    assert found.rank.tolist() == [3, 1, 2]
    assert found.median.tolist() == [40.0] * 3
    assert found.above_share.tolist() == [pytest.approx(0.25), pytest.approx(-0.25), 0.0]


def test_equal_values_share_a_rank():
    assert ranked([1.0, 1.0, 2.0], [1.0, 1.0, 1.0]).rank.tolist() == [1, 1, 3]


def test_a_place_that_measured_badly_is_listed_and_not_ranked():
    found = ranked([100.0, 10.0, 200.0], [1.0, 1.0, 1.0], coverage=[0.95, 0.5, 0.9])
    assert found.rank.tolist() == [1, 0, 2]
    assert found.value[1] == 10.0
    assert np.isnan(found.above_share[1])
    assert found.peers.tolist() == [2, 2, 2]
    assert found.median.tolist() == [150.0] * 3


def test_a_place_without_area_or_amount_is_not_ranked():
    found = ranked([100.0, NAN, 50.0], [NAN, 10.0, 0.0])
    assert not found.ranked.any()
    assert np.isnan(found.value).all()
    assert np.isnan(found.median).all()


def test_schools_do_not_compete_with_hospitals():
    found = ranked([1.0, 9.0, 2.0, 8.0], [1.0] * 4, group=[0, 1, 0, 1])
    assert found.rank.tolist() == [1, 2, 2, 1]
    assert found.median.tolist() == [1.5, 8.5, 1.5, 8.5]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(0.0), st.floats(1e-6, 1e6)),  # nobody meters less than a mWh
            st.floats(1, 1e4),
            st.floats(0, 1),
            st.integers(0, 3),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_ranks_do_not_depend_on_the_order_of_the_places(rows):
    forward = ranked(*zip(*rows, strict=True))
    backward = ranked(*zip(*rows[::-1], strict=True))
    assert forward.rank.tolist() == backward.rank.tolist()[::-1]
    assert (forward.rank > 0).tolist() == forward.ranked.tolist()
    assert (forward.rank <= forward.peers).all()
