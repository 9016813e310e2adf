"""Roll-up of ledger intervals: nothing lost or doubled, whatever the calendar and the pieces."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.periods import SHORTEST_US, Interval, edges, marks_around, utc_offsets
from analytics.rollup import Periods, roll_up
from core.batch import BASE_US, IntervalBatch
from core.quality import Quality

HOUR_US = 4 * BASE_US
ZONES = [
    "UTC",
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "America/Havana",  # clocks go back across midnight: 00:00 twice
    "America/Sao_Paulo",  # clocks go forward at midnight: no 00:00
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Apia",  # skipped a whole day in 2011
    "Africa/Casablanca",
]


def us(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


def batch(
    starts: list[int],
    *,
    register: list[int] | int = 0,
    amount: list[float] | float = 1.0,
    covered: list[int] | int = BASE_US,
    quality: list[int] | int = 0,
) -> IntervalBatch:
    n = len(starts)
    zero, nan = np.zeros(n, np.int64), np.full(n, np.nan)
    return IntervalBatch(
        np.broadcast_to(np.asarray(register, np.int32), n),
        np.asarray(starts, np.int64),
        np.broadcast_to(np.asarray(amount, np.float64), n),
        np.broadcast_to(np.asarray(covered, np.int64), n),
        np.broadcast_to(np.asarray(quality, np.uint16), n),
        zero,
        nan,
        zero,
        nan,
        np.zeros(n, np.int32),
    )


def local_hours(day: str, zone: str) -> float:
    start = datetime.fromisoformat(day)
    periods = edges(us(day, zone), us((start + timedelta(days=1)).isoformat(), zone), Interval.DAY, zone)
    assert len(periods) == 2
    return float(np.diff(periods)[0] / HOUR_US)


def test_a_spring_day_has_23_hours_and_an_autumn_day_25() -> None:
    assert local_hours("2018-03-25", "Europe/Berlin") == 23
    assert local_hours("2018-10-28", "Europe/Berlin") == 25
    assert local_hours("2018-10-28", "Asia/Shanghai") == 24


def test_the_hour_that_comes_twice_is_two_periods() -> None:
    zone = "Europe/Berlin"
    hours = edges(us("2018-10-28", zone), us("2018-10-29", zone), Interval.HOUR, zone)
    assert len(hours) - 1 == 25
    assert set(np.diff(hours)) == {HOUR_US}


def test_a_day_begins_after_a_midnight_that_the_clocks_skipped() -> None:
    # São Paulo, 2018-11-04: 00:00 became 01:00.
    zone = "America/Sao_Paulo"
    days = edges(us("2018-11-03", zone), us("2018-11-06", zone), Interval.DAY, zone)
    assert list(np.diff(days) / HOUR_US) == [24, 23, 24]
    assert days[1] == us("2018-11-04T03:00:00")


def test_of_two_midnights_the_first_begins_the_day() -> None:
    # Havana, 2018-11-04: at 01:00 it became 00:00 again.
    zone = "America/Havana"
    days = edges(us("2018-11-04", zone), us("2018-11-06", zone), Interval.DAY, zone)
    assert list(np.diff(days) / HOUR_US) == [25, 24]


def test_hours_begin_anew_where_the_clocks_change_by_half_an_hour() -> None:
    # Lord Howe, 2018-10-07: at 02:00 it became 02:30.
    zone = "Australia/Lord_Howe"
    hours = edges(us("2018-10-07T01:00:00", zone), us("2018-10-07T04:00:00", zone), Interval.HOUR, zone)
    assert list(np.diff(hours) / HOUR_US) == [1, 0.5, 1]
    # 2018-04-01: at 02:00 it became 01:30.
    hours = edges(us("2018-04-01T01:00:00", zone), us("2018-04-01T03:00:00", zone), Interval.HOUR, zone)
    assert list(np.diff(hours) / HOUR_US) == [1, 0.5, 1]


def test_a_week_begins_on_monday_a_month_on_its_first_a_year_on_the_first_of_january() -> None:
    zone = "Asia/Shanghai"
    span = us("2018-01-03", zone), us("2019-01-01", zone)
    weeks = edges(*span, Interval.WEEK, zone)
    assert weeks[1] == us("2018-01-08", zone)
    assert len(edges(*span, Interval.MONTH, zone)) - 1 == 12
    assert list(edges(*span, Interval.YEAR, zone)) == list(span)


def test_a_span_that_begins_inside_a_period_cuts_it() -> None:
    zone = "Asia/Shanghai"
    start, end = us("2018-01-15T10:15:00", zone), us("2018-02-03", zone)
    assert list(edges(start, end, Interval.MONTH, zone)) == [start, us("2018-02-01", zone), end]


def test_a_clock_change_at_new_year_is_seen() -> None:
    # São Tomé went from +00 to +01 in the first hour of 2018 and back in that of 2019.
    since, offset = utc_offsets(us("2017-12-31"), us("2019-01-02"), "Africa/Sao_Tome")
    assert list(since) == [us("2017-12-31"), us("2018-01-01T01:00:00"), us("2019-01-01T01:00:00")]
    assert list(offset // 3_600_000_000) == [0, 1, 0]


def test_marks_around_name_the_nearest_good_times() -> None:
    mark = us("2018-01-01T10:15:00")
    assert marks_around(mark) == (mark, mark)
    assert marks_around(mark + 1) == (mark, mark + BASE_US)


@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2008, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001
    marks=st.integers(1, 4 * 24 * 40),
    interval=st.sampled_from([one for one in Interval if SHORTEST_US[one] >= BASE_US]),
)
@settings(max_examples=150, deadline=None)
def test_edges_are_where_the_wall_clock_says(
    zone: str, start: datetime, marks: int, interval: Interval
) -> None:
    first = marks_around(round(start.replace(tzinfo=UTC).timestamp()) * 1_000_000)[0]
    times = first + BASE_US * np.arange(marks + 1)
    expected = [first]
    before = _wall_clock(first, zone)
    newest = _period(before, interval)
    for time in times[1:-1]:
        now = _wall_clock(int(time), zone)
        if interval in (Interval.QUARTER_HOUR, Interval.HOUR):
            # Wall-clock marks come again when the clocks go back, so the clock change counts too.
            begins = _period(now, interval) == now.replace(tzinfo=None) or (
                now.utcoffset() != before.utcoffset()
            )
        else:
            begins = _period(now, interval) > newest
        if begins:
            expected.append(int(time))
        before, newest = now, max(newest, _period(now, interval))
    expected.append(int(times[-1]))
    assert list(edges(first, int(times[-1]), interval, zone)) == expected


def _wall_clock(time_us: int, zone: str) -> datetime:
    return datetime.fromtimestamp(time_us / 1e6, ZoneInfo(zone))


def _period(local: datetime, interval: Interval) -> datetime:
    """When the local period that this moment is in began, by the wall clock."""
    local = local.replace(tzinfo=None)
    midnight = local.replace(hour=0, minute=0)
    return {
        Interval.QUARTER_HOUR: local.replace(minute=local.minute // 15 * 15),
        Interval.HOUR: local.replace(minute=0),
        Interval.DAY: midnight,
        Interval.WEEK: midnight - timedelta(days=local.weekday()),
        Interval.MONTH: midnight.replace(day=1),
        Interval.YEAR: midnight.replace(month=1, day=1),
    }[interval]


def test_nothing_known_is_not_zero() -> None:
    rolled = roll_up(batch([0], amount=0.0), np.array([0, HOUR_US, 2 * HOUR_US]))
    assert rolled.amount[0] == 0.0
    assert np.isnan(rolled.amount[1])
    assert list(rolled.coverage(1, 2 * HOUR_US)) == [0.25, 0.0]


def test_an_interval_without_an_amount_adds_nothing_and_hides_nothing() -> None:
    rolled = roll_up(batch([0, BASE_US], amount=[np.nan, 2.0], covered=[0, BASE_US]), np.array([0, HOUR_US]))
    assert rolled.amount[0] == 2.0
    assert np.isnan(roll_up(batch([0], amount=np.nan, covered=0), np.array([0, HOUR_US])).amount[0])


def test_coverage_counts_only_the_time_that_has_passed() -> None:
    rolled = roll_up(batch([0, BASE_US]), np.array([0, HOUR_US, 2 * HOUR_US]))
    assert list(rolled.coverage(1, 2 * BASE_US)) == [1.0, 0.0]
    assert list(rolled.coverage(2, 2 * BASE_US)) == [0.5, 0.0]


def test_coverage_never_exceeds_one_when_a_device_clock_is_ahead() -> None:
    rolled = roll_up(batch([0, BASE_US]), np.array([0, HOUR_US]))
    assert rolled.coverage(1, BASE_US)[0] == 1.0


def test_interpolation_counts_only_at_the_edges_of_the_period() -> None:
    flags = [
        Quality.END_INTERPOLATED,
        Quality.START_INTERPOLATED | Quality.END_INTERPOLATED,
        Quality.START_INTERPOLATED | Quality.RESET,
        Quality.MEASURED,
    ]
    rows = batch([i * BASE_US for i in range(4)], quality=[int(flag) for flag in flags])
    whole = roll_up(rows, np.array([0, HOUR_US]))
    assert Quality(int(whole.quality[0])) == Quality.RESET
    halves = roll_up(rows, np.array([0, 2 * BASE_US, HOUR_US]))
    assert [Quality(int(flag)) for flag in halves.quality] == [
        Quality.END_INTERPOLATED,
        Quality.START_INTERPOLATED | Quality.RESET,
    ]


def test_intervals_outside_the_span_are_left_out() -> None:
    rows = batch([-BASE_US, 0, HOUR_US], amount=[5.0, 1.0, 7.0])
    assert roll_up(rows, np.array([0, HOUR_US])).amount[0] == 1.0


def test_no_intervals_make_empty_periods() -> None:
    rolled = roll_up(IntervalBatch.empty(), np.array([0, HOUR_US, 2 * HOUR_US]))
    assert len(rolled.sums) == 2
    assert np.isnan(rolled.amount).all()
    assert not rolled.quality.any()


SLOTS = 96


@st.composite
def ledgers(draw: st.DrawFn) -> IntervalBatch:
    identity = st.tuples(st.integers(0, 3), st.integers(0, SLOTS - 1))
    rows = draw(st.lists(identity, unique=True, max_size=120))
    if draw(st.booleans()):
        rows.sort()
    n = len(rows)
    amount = st.one_of(st.just(np.nan), st.integers(-5, 1000).map(float))
    return batch(
        [slot * BASE_US for _, slot in rows],
        register=[register for register, _ in rows],
        amount=draw(st.lists(amount, min_size=n, max_size=n)),
        covered=draw(st.lists(st.integers(0, BASE_US), min_size=n, max_size=n)),
        quality=draw(st.lists(st.integers(0, 511), min_size=n, max_size=n)),
    )


cuts = st.lists(st.integers(1, SLOTS - 1), unique=True, max_size=20).map(
    lambda slots: np.array([0, *sorted(slots), SLOTS], np.int64) * BASE_US
)


def assert_same(left: Periods, right: Periods) -> None:
    for field in ("edges_us", "sums", "intervals", "covered_us", "quality"):
        np.testing.assert_array_equal(getattr(left, field), getattr(right, field), field)


@given(rows=ledgers(), fine=cuts, data=st.data())
@settings(deadline=None)
def test_a_parent_period_is_the_sum_of_its_children(
    rows: IntervalBatch, fine: np.ndarray, data: st.DataObject
) -> None:
    inner = data.draw(st.lists(st.sampled_from(list(fine)), unique=True))
    coarse = np.unique(np.array([fine[0], *inner, fine[-1]]))
    children = roll_up(rows, fine)
    assert_same(children.coarsen(coarse), roll_up(rows, coarse))
    assert_same(children.total(), roll_up(rows, fine[[0, -1]]))


@given(rows=ledgers(), periods=cuts, data=st.data())
@settings(deadline=None)
def test_reading_the_ledger_in_pieces_changes_nothing(
    rows: IntervalBatch, periods: np.ndarray, data: st.DataObject
) -> None:
    piece = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows))), int)
    rolled = Periods.empty(periods)
    for number in range(3):
        rolled = rolled.plus(roll_up(rows.take(piece == number), periods))
    assert_same(rolled, roll_up(rows, periods))


@given(rows=ledgers(), periods=cuts)
@settings(deadline=None)
def test_every_amount_is_counted_once(rows: IntervalBatch, periods: np.ndarray) -> None:
    rolled = roll_up(rows, periods)
    assert rolled.sums.sum() == pytest.approx(np.nansum(rows.amount))
    assert rolled.covered_us.sum() == rows.covered_us.sum()
    assert rolled.intervals.sum() == np.isfinite(rows.amount).sum()
