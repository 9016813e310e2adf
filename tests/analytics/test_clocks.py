"""Device clocks: ahead, steadily behind, or only a buffer that is uploaded."""

import numpy as np

from analytics.rules import observe
from core.quality import ReadingQuality
from core.rules import ClockSkew
from tests.analytics.watched import S, Watched, batch, catalog, rule

AHEAD, BEHIND = 60.0, 300.0


def watched(quantities=("power_active",)):
    return Watched([rule(ClockSkew(AHEAD, BEHIND))], catalog(1, quantities))


def verdicts(rule_, received_s, *event_s):
    seen = rule_.look(*((0, one, 1.0) for one in event_s), received_s=received_s)
    return ["breach" if breach else "clear" if clear else "between" for _, _, breach, clear in seen]


def minute_by_minute(rule_, behind_s, count):
    return [verdict for at in range(count) for verdict in verdicts(rule_, at * 60, at * 60 - behind_s)]


def test_a_clock_that_is_ahead_is_wrong_at_once():
    assert verdicts(watched(), 1000, 1061) == ["breach"]
    assert verdicts(watched(), 1000, 1060) == ["clear"]


def test_what_is_said_of_a_clock_is_said_of_the_time_of_receipt():
    assert watched().look((0, 1061, 1.0), received_s=1000) == [(1000, 61.0, True, False)]
    assert watched().feed((0, 1061, 1.0), received_s=1000) == [("over-power", "m0", "firing", 1000)]


def test_a_clock_that_is_steadily_behind_is_wrong_after_three_intervals():
    assert minute_by_minute(watched(), 7200, 5) == ["between"] * 3 + ["breach"] * 2
    assert minute_by_minute(watched(), 300, 5) == ["clear"] * 5


def test_an_uploaded_buffer_is_not_a_wrong_clock():
    rule_ = watched()
    # An hour's readings, thirty a second, then the present.
    found = [
        verdict
        for at in range(2)
        for verdict in verdicts(rule_, 3600 + at, *range(at * 1800, (at + 1) * 1800, 60))
    ]
    assert "breach" not in found
    # A slow upload: two minutes of history a minute.
    rule_ = watched()
    found = [v for at in range(40) for v in verdicts(rule_, 7200 + at * 60, at * 120)]
    assert "breach" not in found


def test_a_buffer_that_ends_in_the_present_is_right():
    assert verdicts(watched(), 3600, 0, 1800, 3600) == ["clear"]


def test_a_clock_that_is_set_is_right_again():
    rule_ = watched()
    minute_by_minute(rule_, 7200, 5)
    assert rule_.feed((0, 300, 1.0), received_s=300) == []  # nothing had been fed to the engine
    assert verdicts(rule_, 360, 360) == ["clear"]


def test_every_register_of_a_device_tells_of_its_clock():
    rule_ = watched(("voltage_l1", "power_active"))
    assert rule_.look((1, 1061, 1.0), received_s=1000) == [(1000, 61.0, True, False)]
    assert rule_.look((0, 2000, 1.0), (1, 2010, 1.0), received_s=2000) == [(2000, 10.0, False, True)]


def test_times_that_are_not_a_clocks_say_nothing():
    rule_ = watched()
    for quality in (ReadingQuality.RECEIVE_TIME, ReadingQuality.MANUAL):
        readings = batch((0, 1061, 1.0), received_s=1000)
        readings.quality[:] = quality
        assert len(observe(rule_.watches, readings, rule_.columns, rule_.windows).watch) == 0


def test_a_wrong_clock_is_never_history():
    rule_ = watched()
    for at in range(5):
        readings = batch((0, at * 60 - 7200, 1.0), received_s=at * 60)
        seen = observe(rule_.watches, readings, rule_.columns, rule_.windows)
        assert not seen.late.any()
    assert np.array_equal(seen.event_time_us, [240 * S])
