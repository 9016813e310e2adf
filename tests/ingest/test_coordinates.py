import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.coordinates import bd09_of, gcj02_of, to_wgs84

# One point of Chongqing in the three systems, as published conversions give it.
WGS84, GCJ02, BD09 = (29.563010, 106.551556), (29.560161, 106.555274), (29.566476, 106.561704)


def point(pair):
    return np.array([pair[0]]), np.array([pair[1]])


def test_a_known_point_shifts_as_published():
    assert np.concatenate(gcj02_of(point(WGS84))) == pytest.approx(GCJ02, abs=1e-6)
    assert np.concatenate(bd09_of(point(GCJ02))) == pytest.approx(BD09, abs=1e-6)


@pytest.mark.parametrize(("system", "given_point"), [("wgs84", WGS84), ("gcj02", GCJ02), ("bd09", BD09)])
def test_every_system_leads_back_to_wgs84(system, given_point):
    assert np.concatenate(to_wgs84(system, *point(given_point))) == pytest.approx(WGS84, abs=2e-6)


@given(st.floats(4, 53), st.floats(74, 135))
def test_the_shift_is_undone_to_a_millimetre_anywhere_in_china(latitude, longitude):
    there = bd09_of(gcj02_of(point((latitude, longitude))))
    assert np.concatenate(to_wgs84("bd09", *there)) == pytest.approx((latitude, longitude), abs=1e-8)


def test_outside_china_nothing_is_shifted():
    assert np.concatenate(to_wgs84("gcj02", *point((52.2, 0.1)))) == pytest.approx((52.2, 0.1), abs=0)
