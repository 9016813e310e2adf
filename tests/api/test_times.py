"""Times as they come in and go out."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import ProblemError
from api.times import parse, rfc3339, rfc3339s
from tests.api.world import BERLIN, SHANGHAI, us


@pytest.mark.parametrize(
    "text",
    [
        "2018-07-01T08:15:00+08:00",
        "2018-07-01T00:15:00Z",
        "2018-07-01t00:15:00z",
        "2018-07-01 08:15:00+08:00",
        "2018-07-01T08:15+08:00",
        "2018-07-01T08:15:00 08:00",  # an unescaped plus sign arrives as a space
        "2018-06-30T19:15:00-05:00",
        "2018-07-01T08:15:00.000+08:00",
    ],
)
def test_every_way_to_write_one_moment_is_that_moment(text):
    assert parse(text, BERLIN, "from") == us("2018-07-01T08:15:00", SHANGHAI)


def test_a_plain_date_is_the_first_moment_of_the_local_day():
    assert parse("2018-07-01", SHANGHAI, "from") == us("2018-07-01", SHANGHAI)
    assert parse("2018-07-01", BERLIN, "from") == us("2018-07-01", BERLIN)
    # The clocks skipped midnight there.
    assert rfc3339(parse("2018-11-04", "America/Sao_Paulo", "from")) == "2018-11-04T03:00:00Z"


def test_microseconds_are_kept():
    assert parse("2018-07-01T00:00:00.123456Z", SHANGHAI, "from") % 1_000_000 == 123_456


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2018-07-01T08:15:00",  # no offset
        "2018-02-30",
        "2018-13-01T00:00:00Z",
        "2018-07-01T25:00:00Z",
        "2018-07-01T08:15:00+99:00",
        "1530403200",
        "\uff12\uff10\uff11\uff18-07-01",  # full-width digits
        "1969-12-31",
        "1970-01-01T00:00:00+14:00",
        "2200-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01",
    ],
)
def test_what_is_no_time_says_how_to_write_one(text):
    with pytest.raises(ProblemError) as refusal:
        parse(text, SHANGHAI, "from")
    (error,) = refusal.value.errors
    assert error.field == "from"
    assert "2026-11-21T08:15:00+08:00" in error.fix or "1970-01-02" in error.fix


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_refusal(text):
    with suppress(ProblemError):
        assert parse(text, SHANGHAI, "from") >= 0


@given(
    st.lists(st.integers(us("2010-01-01"), us("2030-01-01")), min_size=1, max_size=20),
    st.sampled_from([SHANGHAI, BERLIN, "UTC", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_what_goes_out_comes_back(times_us, timezone):
    texts = rfc3339s(np.array(times_us, np.int64), timezone)
    assert [parse(text, "UTC", "from") for text in texts] == times_us


def test_times_carry_the_offset_of_their_moment():
    moments = np.array([us("2018-03-25T01:30:00", BERLIN), us("2018-03-25T03:30:00", BERLIN)])
    assert rfc3339s(moments, BERLIN) == ["2018-03-25T01:30:00+01:00", "2018-03-25T03:30:00+02:00"]
    assert rfc3339(us("2018-07-01", "America/St_Johns"), "America/St_Johns") == "2018-07-01T00:00:00-02:30"


def test_no_times_are_no_texts():
    assert rfc3339s(np.empty(0, np.int64), SHANGHAI) == []
