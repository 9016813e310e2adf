"""Each rule finds its fault and nothing else; the score can be done by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.data_quality import CHECKS, Rule, check, score
from analytics.data_quality_rules import Balance, MeterDay, Series
from core.quality import Quality, ReadingQuality

NAN = np.nan
MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
T0 = 1_700_006_400_000_000 // (15 * MINUTE_US) * 15 * MINUTE_US
DAY_US = 24 * HOUR_US
TIMES = T0 + np.arange(0, 97, dtype=np.int64) * 15 * MINUTE_US  # a reading every 15 minutes


def series(quantity, value, *, counts=False, ratio=1.0, rated=NAN, times=TIMES, bounds=(-1e9, 1e9)):
    value = np.broadcast_to(np.asarray(value, np.float64), len(times)).copy()
    n = len(times)
    received = times + 1_000_000
    return Series(quantity, counts, *bounds, ratio, rated, times, value, np.zeros(n, np.uint8), received)


def counter(value=None, **of):
    value = 1000 + 2.5 * np.arange(97) if value is None else value
    return series("energy_active_import_total", value, counts=True, bounds=(0.0, 1e12), **of)


def day(*of, **changes):
    """A day at 10 kW, in order in every respect."""
    perfect = MeterDay(
        T0, T0 + DAY_US, 15 * MINUTE_US, 20_000.0, of or (counter(rated=20.0),),
        np.full(96, 2.5), np.zeros(96, np.uint16), 96,
    )  # fmt: skip
    return replace(perfect, **changes)


def findings(of):
    return {one.rule: one.finding for one in check(of)}


def failed(of):
    return [one.rule for one in check(of) if one.passed is False]


def test_a_day_in_order_scores_100_and_says_what_could_not_be_checked():
    found = check(day())
    assert [one.rule for one in found] == list(Rule)
    assert score(found) == 100.0
    assert failed(day()) == []
    unchecked = {one.rule for one in found if one.passed is None}
    assert unchecked == {Rule.BALANCE, Rule.POWER_TRIANGLE, Rule.FROZEN}


def test_a_meter_that_was_never_heard_scores_0():
    silent = day(series("power_active", [], times=TIMES[:0]), interval_amount=np.empty(0))
    silent = replace(silent, interval_quality=np.empty(0, np.uint16))
    found = check(silent)
    assert score(found) == 0.0
    assert failed(silent) == [Rule.STALE, Rule.COMPLETENESS, Rule.GAPS]


def test_1_power_of_more_than_twice_the_rated_is_out_of_range():
    power = series("power_active", 10_000.0)
    power.value[3] = 41_000.0
    of = day(counter(rated=20.0), power)
    assert (findings(of)[Rule.RANGE].found, findings(of)[Rule.RANGE].of) == (1, 194)
    assert failed(of) == [Rule.RANGE]


def test_2_a_rise_faster_than_twice_the_rated_power_is_found():
    value = 1000 + 2.5 * np.arange(97)
    value[50:] += 10.0  # 12.5 kWh in a quarter-hour are 50 kW of a 20 kW meter
    of = day(counter(value, rated=20.0))
    assert failed(of) == [Rule.RATE]
    assert findings(of)[Rule.RATE].found == 1
    assert findings(day(counter(value)))[Rule.RATE] is None
    # The dial of a meter behind a transformer of 100:1 shows a hundredth.
    assert failed(day(counter(10 + 0.06 * np.arange(97), ratio=100.0, rated=10.0))) == [Rule.RATE]


def test_3_a_fall_that_nobody_explained_makes_the_day_doubtful():
    flags = np.zeros(96, np.uint16)
    flags[7] = Quality.RESET
    assert failed(day(interval_quality=flags)) == [Rule.FALLS]
    assert findings(day(interval_quality=flags))[Rule.FALLS].share == 0.0
    flags[7] = Quality.ROLLOVER
    assert failed(day(interval_quality=flags)) == []
    flags[7] = Quality.RESET | Quality.REPLACED
    assert failed(day(interval_quality=flags)) == []
    flags[7] = Quality.JUMP
    assert failed(day(interval_quality=flags)) == [Rule.FALLS]


def test_4_sub_meters_can_not_measure_more_than_their_parent():
    assert failed(day(balance=Balance(240.0, 244.0, 5.0))) == []
    assert failed(day(balance=Balance(240.0, 200.0, 5.0))) == []
    of = day(balance=Balance(240.0, 300.0, 5.0))
    assert failed(of) == [Rule.BALANCE]
    assert findings(of)[Rule.BALANCE].share == pytest.approx(0.8)


def three_phase(power_w, current_a=20.0):
    phases = [
        one for n in (1, 2, 3) for one in (series(f"voltage_l{n}", 220.0), series(f"current_l{n}", current_a))
    ]
    return day(counter(rated=20.0), series("power_active", power_w), series("power_factor", 0.9), *phases)


def test_5_power_is_voltage_times_current_times_power_factor():
    # 3 x 220 V x 20 A x 0.9 = 11 880 W
    assert failed(three_phase(11_880.0)) == []
    assert failed(three_phase(-11_880.0)) == []
    wrong = three_phase(7_920.0)  # one transformer the wrong way round: a third is missing
    assert failed(wrong) == [Rule.POWER_TRIANGLE]
    assert findings(wrong)[Rule.POWER_TRIANGLE].share == 0.0


def test_6_a_counter_that_stands_still_under_load_is_stuck():
    value = 1000 + 2.5 * np.arange(97)
    value[40:61] = value[40]  # five hours at 10 kW
    value[61:] -= value[61] - value[60] - 2.5
    power = series("power_active", 10_000.0)
    of = day(counter(value, rated=20.0), power)
    assert failed(of) == [Rule.FROZEN]
    assert findings(of)[Rule.FROZEN].share == pytest.approx(19 / 24)
    idle = series("power_active", 0.0)
    assert failed(day(counter(value, rated=20.0), idle)) == []
    current = series("current_l1", 45.0)
    assert failed(day(counter(value, rated=20.0), current)) == [Rule.FROZEN]


def test_6_a_counter_may_stand_still_for_three_intervals():
    value = 1000 + 2.5 * np.arange(97)
    value[41:44] = value[40]
    power = series("power_active", 10_000.0)
    assert findings(day(counter(value), power))[Rule.FROZEN].found == 0
    value[44] = value[40]
    assert findings(day(counter(value), power))[Rule.FROZEN].found == 1


def test_6_a_coarse_counter_under_a_small_load_is_not_stuck():
    # 0.2 kW: a dial of 1 kWh moves every five hours.
    value = np.floor(np.arange(97) * 0.05)
    assert findings(day(counter(value), series("power_active", 200.0)))[Rule.FROZEN].found == 0


def test_6_power_that_flows_back_moves_the_export_counter():
    idle = counter(np.full(97, 5.0))
    back = series("power_active", -10_000.0)
    exported = 1000 + 2.5 * np.arange(97)
    solar = series("energy_active_export_total", exported, counts=True)
    assert findings(day(idle, solar, back))[Rule.FROZEN].found == 0
    stuck = series("energy_active_export_total", 5.0, counts=True)
    assert findings(day(idle, stuck, back))[Rule.FROZEN].found == 1
    current = series("current_l1", 45.0)
    assert findings(day(idle, solar, current))[Rule.FROZEN] is None


def test_7_and_9_a_silence_is_found_with_what_is_missing():
    kept = np.r_[0:40, 60:97]  # 5 hours and 15 minutes between two readings: 20 are missing
    value = (1000 + 2.5 * np.arange(97))[kept]
    of = day(counter(value, rated=20.0, times=TIMES[kept]))
    assert failed(of) == [Rule.STALE, Rule.COMPLETENESS]
    assert findings(of)[Rule.COMPLETENESS].found == 20
    assert findings(of)[Rule.STALE].found == 1
    assert findings(of)[Rule.STALE].share == pytest.approx(1 - 5.25 / 24)


def test_7_readings_that_were_let_go_are_no_silence():
    expected = MINUTE_US
    one = counter(rated=20.0)
    thinned = np.full(97, ReadingQuality.THINNED_BEFORE | ReadingQuality.THINNED_AFTER, np.uint8)
    of = day(replace(one, quality=thinned), expected_us=expected)
    assert failed(of) == []


def test_8_a_clock_that_is_ahead_is_found():
    one = counter(rated=20.0)
    ahead = replace(one, received_us=one.time_us - HOUR_US)
    assert failed(day(ahead)) == [Rule.CLOCK]
    stamped = replace(one, quality=np.full(97, ReadingQuality.RECEIVE_TIME, np.uint8))
    assert failed(day(stamped)) == [Rule.CLOCK]
    by_hand = replace(ahead, quality=np.full(97, ReadingQuality.MANUAL, np.uint8))
    assert findings(day(by_hand))[Rule.CLOCK] is None


def test_10_the_same_value_again_a_moment_later_is_a_duplicate():
    times = np.sort(np.concatenate([TIMES, TIMES[1:5] + 1_000_000]))
    value = 1000 + 2.5 * ((times - T0) // (15 * MINUTE_US))
    of = day(counter(value, rated=20.0, times=times))
    assert failed(of) == [Rule.DUPLICATES]
    assert findings(of)[Rule.DUPLICATES].found == 4


def test_11_energy_that_was_spread_over_a_silence_is_no_measurement():
    flags = np.zeros(96, np.uint16)
    flags[10:22] = Quality.GAP_SPREAD
    amount = np.full(96, 2.5)
    amount[90:] = NAN
    of = day(interval_quality=flags, interval_amount=amount)
    assert failed(of) == [Rule.GAPS]
    assert (findings(of)[Rule.GAPS].found, findings(of)[Rule.GAPS].of) == (18, 96)


def test_the_score_is_the_weighted_mean_of_the_shares():
    # Checked: range 2, rate 2, falls 2, stale 1, clock 1, completeness 3, duplicates 1, gaps 2: 14.
    # Falls has a share of 0: 12 of 14 are in order.
    flags = np.zeros(96, np.uint16)
    flags[7] = Quality.RESET
    assert score(check(day(interval_quality=flags))) == pytest.approx(100 * 12 / 14)


def test_a_day_that_runs_is_judged_up_to_now():
    of = day(
        counter((1000 + 2.5 * np.arange(97))[:41], rated=20.0, times=TIMES[:41]),
        end_us=T0 + 10 * HOUR_US,
        interval_amount=np.full(40, 2.5),
        interval_quality=np.zeros(40, np.uint16),
        slots=40,
    )
    assert failed(of) == []
    assert score(check(of)) == 100.0


def test_every_rule_says_what_it_asks_and_what_to_do():
    for one in CHECKS.values():
        assert one.asks
        assert one.action.zh
        assert one.action.en
        assert one.weight > 0


@given(st.sets(st.integers(0, 96)), st.integers(0, 3))
def test_the_score_stays_between_0_and_100_whatever_is_missing(missing, flag):
    kept = np.array(sorted(set(range(97)) - missing), np.int64)
    flags = np.full(96, [0, Quality.RESET, Quality.GAP_SPREAD, Quality.OPEN][flag], np.uint16)
    of = day(
        counter((1000 + 2.5 * np.arange(97))[kept], rated=20.0, times=TIMES[kept]), interval_quality=flags
    )
    results = check(of)
    assert 0 <= score(results) <= 100
    assert all(0 <= one.finding.share <= 1 for one in results if one.finding)
    assert findings(of)[Rule.COMPLETENESS].found <= len(missing)
