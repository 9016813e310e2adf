"""Digests, quiet hours and pauses, over every change of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.delivery import Outcome, Said
from core.rules import MuteTime
from notify.answers import retry_after_s
from notify.backoff import next_at_us
from notify.routing import next_digest_us, within

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def us(text, zone):
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000


def digests(digest, start_us, zone, count):
    found = []
    for _ in range(count):
        start_us = next_digest_us(digest, start_us, zone)
        found.append(datetime.fromtimestamp(start_us / 1e6, zone))
    return found


@pytest.mark.parametrize("digest", ["00:00", "02:00", "02:30", "03:00", "08:00", "23:59"])
@pytest.mark.parametrize("start", ["2026-03-25T12:00", "2026-10-21T12:00"])
def test_a_digest_comes_once_a_local_day_also_when_clocks_change(digest, start):
    found = digests(digest, us(start, BERLIN), BERLIN, 10)
    days = [one.date() for one in found]
    assert days == [days[0] + timedelta(days=n) for n in range(10)]


def test_a_digest_in_the_hour_that_is_skipped_comes_when_the_clock_has_sprung():
    [first] = digests("02:30", us("2026-03-29T00:00", BERLIN), BERLIN, 1)
    assert first.isoformat() == "2026-03-29T03:30:00+02:00"


def test_a_digest_in_the_hour_that_comes_twice_comes_the_first_time():
    first, second = digests("02:30", us("2026-10-25T00:00", BERLIN), BERLIN, 2)
    assert first.isoformat() == "2026-10-25T02:30:00+02:00"
    assert second.isoformat() == "2026-10-26T02:30:00+01:00"


@given(
    st.integers(0, 4_102_444_800),
    st.sampled_from(["00:00", "02:30", "08:00"]),
    st.sampled_from([BERLIN, SHANGHAI]),
)
def test_a_digest_is_after_now_and_within_25_hours(seconds, digest, zone):
    found = next_digest_us(digest, seconds * 1_000_000, zone)
    assert 0 < found - seconds * 1_000_000 <= 25 * 3600 * 1_000_000 + 3600 * 1_000_000


NIGHT = (MuteTime("22:00", "06:00"),)


@pytest.mark.parametrize(
    ("at", "quiet"),
    [
        ("2026-11-22T21:59", False),
        ("2026-11-22T22:00", True),
        ("2026-11-23T05:59", True),
        ("2026-11-23T06:00", False),
    ],
)
def test_a_span_over_midnight(at, quiet):
    assert within(NIGHT, us(at, SHANGHAI), SHANGHAI) is quiet


def test_a_night_belongs_to_the_day_that_it_begins_on():
    friday = (MuteTime("22:00", "06:00", (5,)),)
    assert within(friday, us("2026-11-28T03:00", SHANGHAI), SHANGHAI)  # Saturday morning
    assert not within(friday, us("2026-11-27T03:00", SHANGHAI), SHANGHAI)  # Friday morning
    assert not within(friday, us("2026-11-28T23:00", SHANGHAI), SHANGHAI)


def test_the_whole_day_is_a_span_that_ends_where_it_starts():
    assert within((MuteTime("00:00", "00:00"),), us("2026-11-22T13:00", SHANGHAI), SHANGHAI)


FAILED = Said(Outcome.RETRY, 500, "")


def test_pauses_grow_and_together_take_the_span():
    spans = [next_at_us(FAILED, tries, 0, most=10, span_s=86_400, chance=0.5) for tries in range(1, 10)]
    assert spans == sorted(spans)
    assert sum(spans) / 1e6 == pytest.approx(86_400)
    assert next_at_us(FAILED, 10, 0, most=10, span_s=86_400, chance=0.5) is None
    assert next_at_us(FAILED, 5, 0, most=10, span_s=86_400, chance=0.0) == 0


@given(st.floats(0, 1), st.integers(1, 9), st.floats(0, 1e6))
def test_what_the_other_side_asks_for_is_the_least(chance, tries, asked_s):
    said = Said(Outcome.RETRY, 429, "", asked_s)
    at_us = next_at_us(said, tries, 0, most=10, span_s=3600, chance=chance)
    assert at_us >= min(asked_s, 86_400) * 1e6 - 1


def test_what_is_dead_is_never_tried_again():
    for outcome in (Outcome.DEAD, Outcome.GONE, Outcome.DELIVERED):
        assert next_at_us(Said(outcome, None, ""), 1, 0, most=10, span_s=60, chance=0.5) is None


def test_retry_after_is_seconds_or_a_date():
    assert retry_after_s({"retry-after": "120"}) == 120
    later = datetime.now(UTC) + timedelta(seconds=1000)
    assert 900 < retry_after_s({"retry-after": later.strftime("%a, %d %b %Y %H:%M:%S GMT")}) <= 1000
    assert retry_after_s({"retry-after": "soon"}) is None
    assert retry_after_s({"x-ogw-ratelimit-reset": "52"}) == 52
    assert retry_after_s({}) is None
