"""Replayed registers against the file: sums, holes, order, and what arrives at a broker."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress

from simulators import SAMPLE
from simulators.follow import FollowOptions, make_tapes, run_follow
from simulators.publish import BrokerAddress, BrokerUnreachable
from simulators.readings import INITIAL, all_readings, chosen_part, in_messages
from simulators.record import Record, Series, read_record
from simulators.recorded import ReplayError, choose
from simulators.replay import ReplayOptions, parse_moment, run_replay
from tests.servers import free_port
from tests.simulators.listening import listening

HOUR_US, WEEK_US = 3_600_000_000, 7 * 24 * 3_600_000_000
T0 = 1_514_764_800_000_000  # 2018-01-01


def series(amounts: list[int], decimals: int = 1, hours: list[int] | None = None) -> Series:
    at = np.array(range(len(amounts)) if hours is None else hours, np.int64)
    return Series("b0", T0 + at * HOUR_US, np.array(amounts, np.int64), decimals, HOUR_US)


def record(*many: Series) -> Record:
    return Record(Path("electricity.csv"), "kWh", {one.building: one for one in many})


amounts = st.lists(st.integers(0, 10**7) | st.just(0), min_size=1, max_size=80)


@given(amounts, st.integers(0, 6))
def test_differences_of_the_register_are_the_file_s_amounts(values, decimals):
    part = chosen_part(series(values, decimals))
    times, register = part.readings()
    assert times.tolist() == [T0 + n * HOUR_US for n in range(len(values) + 1)]
    assert register[0] == INITIAL
    for amount, before, after in zip(values, register, register[1:], strict=False):
        assert after - before == pytest.approx(amount / 10**decimals, rel=1e-9, abs=1e-8)
    assert part.total == sum(values) / 10**decimals


@given(amounts, st.integers(0, 6))
def test_rows_of_zero_that_are_missing_leave_holes_and_the_same_total(values, decimals):
    part = chosen_part(series(values, decimals), zero_is_missing=True)
    times, register = part.readings()
    if not any(values):
        assert not register
        return
    assert register[-1] - register[0] == pytest.approx(sum(values) / 10**decimals, rel=1e-12)
    ends = {T0 + (n + 1) * HOUR_US for n, amount in enumerate(values) if amount}
    first = next(n for n, amount in enumerate(values) if amount)
    assert set(times.tolist()) == ends | {T0 + first * HOUR_US}
    assert part.not_heard == values.count(0)
    assert sorted(register) == register


@given(amounts, st.data())
def test_parts_replayed_one_by_one_agree(values, data):
    whole = dict(zip(*chosen_part(series(values)).readings(), strict=True))
    cut_us = T0 + data.draw(st.integers(0, len(values))) * HOUR_US
    parts = chosen_part(series(values), to_us=cut_us), chosen_part(series(values), from_us=cut_us)
    pieces = [dict(zip(*part.readings(), strict=True)) for part in parts if part is not None]
    assert {at: value for piece in pieces for at, value in piece.items()} == whole


def test_a_row_that_the_file_lacks_is_a_hole_like_one_not_heard():
    part = chosen_part(series([10, 20, 40], hours=[0, 1, 4]))
    times, register = part.readings()
    assert ((times - T0) // HOUR_US).tolist() == [0, 1, 2, 5]
    assert register == [1000.0, 1001.0, 1003.0, 1007.0]
    assert part.not_heard == 2


def test_from_and_to_take_whole_rows_only():
    part = chosen_part(series([1] * 10), T0 + HOUR_US // 2, T0 + 4 * HOUR_US + HOUR_US // 2)
    assert (part.first, part.last) == (1, 4)
    assert chosen_part(series([1] * 10), T0 + 20 * HOUR_US) is None


def test_a_figure_of_years_does_not_drift():
    values = [1] * 26_280  # 0.1 kWh an hour for three years, which floats can't add exactly
    _, register = chosen_part(series(values)).readings()
    assert register[-1] - register[0] == 2628.0


@given(
    st.lists(amounts, min_size=1, max_size=3),
    st.booleans(),
    st.floats(0, 1),
    st.integers(1, 9),
    st.integers(0, 99),
)
def test_disorder_repeats_but_never_loses_or_invents(buildings, shuffle, duplicate, split, seed):
    readings = all_readings([chosen_part(series(values)) for values in buildings])
    options = {"shuffle": shuffle, "duplicate": duplicate, "split": split, "seed": seed}
    groups = list(in_messages(readings, **options))
    assert {at for group in groups for at in group} == set(range(len(readings.value)))
    assert all(1 <= len(group) <= split for group in groups)
    assert all(len({int(readings.part[at]) for at in group}) == 1 for group in groups)
    assert groups == list(in_messages(readings, **options))


def test_shuffled_messages_are_out_of_order():
    readings = all_readings([chosen_part(series([1] * 100))])
    groups = list(in_messages(readings, shuffle=True, duplicate=0.2, split=4, seed=1))
    flat = [at for group in groups for at in group]
    assert flat != sorted(flat)
    assert any(group != sorted(group) for group in groups)
    assert max(Counter(map(tuple, groups)).values()) == 2


def replay(port: int, made: Record, **options):
    now_us = options.pop("now_us", lambda: T0)
    return asyncio.run(
        run_replay(choose(made), ReplayOptions(**options), BrokerAddress(port=port), now_us=now_us)
    )


def test_the_sample_arrives_at_a_broker_with_its_own_times_and_sums(mosquitto):
    chosen = choose(read_record(SAMPLE), buildings=("b0", "b25"))
    options = ReplayOptions(to_us=T0 + 30 * 24 * HOUR_US)
    with listening(mosquitto.port) as heard, Progress(console=Console(quiet=True)) as progress:
        report = asyncio.run(run_replay(chosen, options, BrokerAddress(port=mosquitto.port), progress))
        objects = heard.objects(report.messages)
    assert report.messages == report.readings == len(objects) == 2 * (720 + 1)
    assert all(task.finished for task in progress.tasks)
    for one in chosen.series:
        own = [o for topic, o in objects if topic == f"wattline/v1/{one.building}-electricity/readings"]
        assert [o["ts"] * 1000 for o in own] == [T0 + n * HOUR_US for n in range(721)]
        register = [o["energy_active_import_total"] for o in own]
        assert np.allclose(np.diff(register), one.amount[:720] / 10**one.decimals, atol=1e-9)
        assert report.totals[one.building] == pytest.approx(register[-1] - register[0], rel=1e-12)


def test_disorder_arrives_as_ordered(mosquitto):
    made = record(series(list(range(1, 200))))
    with listening(mosquitto.port) as heard:
        report = replay(mosquitto.port, made, shuffle=True, duplicate=0.3, split=5, seed=3)
        objects = heard.objects(report.messages)
    values = {o["ts"]: o["energy_active_import_total"] for _, o in objects}
    assert len(values) == report.readings == 200
    assert len(objects) > 200
    assert [o["ts"] for _, o in objects] != sorted(o["ts"] for _, o in objects)
    assert max(values.values()) - min(values.values()) == pytest.approx(sum(range(1, 200)) / 10)


def test_as_now_ends_at_the_last_full_hour(mosquitto):
    now_us = T0 + 1000 * HOUR_US + 59 * 60_000_000
    report = replay(mosquitto.port, record(series([1] * 5)), as_now=True, now_us=lambda: now_us)
    assert report.last_us == T0 + 1000 * HOUR_US
    assert report.first_us == report.last_us - 5 * HOUR_US


def test_a_replay_at_a_speed_takes_its_time_in_order(mosquitto):
    with listening(mosquitto.port) as heard:
        report = replay(mosquitto.port, record(series([1] * 5)), speed=3600.0 * 20)
        assert [o["ts"] for _, o in heard.objects(6)] == [(T0 + n * HOUR_US) // 1000 for n in range(6)]
    assert report.seconds > 0.2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"speed": -1.0}, "speed"),
        ({"speed": 2.0, "shuffle": True}, "leave out --speed"),
        ({"split": 0}, "split"),
        ({"duplicate": 1.5}, "duplicate"),
        ({"from_us": T0 + 99 * HOUR_US}, "no row is left"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_sent(options, said):
    with pytest.raises(ReplayError, match=said):
        replay(free_port(), record(series([1] * 5)), **options)


def test_nothing_but_zeros_that_are_missing_is_nothing_to_replay():
    with pytest.raises(ReplayError, match="--zero-is-missing"):
        replay(free_port(), record(series([0] * 5)), zero_is_missing=True)


def test_without_a_broker_the_error_is_clear():
    with pytest.raises(BrokerUnreachable):
        replay(free_port(), record(series([1] * 5)))


def test_moments_without_an_offset_are_local():
    assert parse_moment("2018-01-01", "UTC") == T0
    assert parse_moment("2018-01-01", "Asia/Shanghai") == T0 - 8 * HOUR_US
    assert parse_moment("2018-01-01T08:00+08:00", "UTC") == T0
    with pytest.raises(ReplayError, match="is not a moment"):
        parse_moment("yesterday", "UTC")
    with pytest.raises(ReplayError, match="is not a moment"):
        parse_moment("2018-01-01", "Mars/Olympus")


# follow: the record as an endless tape

TAPE_HOURS = 15 * 24  # a day more than two weeks, which the tape leaves out


def tape_of(values: list[int], *, zero_is_missing: bool = False):
    return make_tapes(choose(record(series(values))), zero_is_missing=zero_is_missing)["b0-electricity"]


@pytest.fixture(scope="module")
def values() -> list[int]:
    return np.random.default_rng(3).integers(0, 500, TAPE_HOURS).tolist()


def test_a_tape_repeats_every_two_weeks_and_never_falls(values):
    tape = tape_of(values)
    total = sum(values[: 14 * 24]) / 10
    for hour in range(0, 14 * 24, 7):
        at_us = T0 + hour * HOUR_US + 123_456_789
        assert tape.value(at_us + 2 * WEEK_US) - tape.value(at_us) == pytest.approx(total, rel=1e-12)
    register = [tape.value(T0 + n * HOUR_US // 4) for n in range(5 * 4 * 14 * 24)]
    assert (np.diff(register) >= 0).all()


def test_a_tape_shows_each_row_s_amount_and_a_straight_line_inside(values):
    tape = tape_of(values)
    for hour in (0, 1, 100, 14 * 24 - 1):
        start_us = T0 + (hour + 28 * 24) * HOUR_US
        whole = tape.value(start_us + HOUR_US) - tape.value(start_us)
        assert whole == pytest.approx(values[hour] / 10, abs=1e-9)
        assert tape.value(start_us + HOUR_US // 4) - tape.value(start_us) == pytest.approx(
            whole / 4, abs=1e-9
        )
        assert tape.power_w(start_us + 1) == values[hour] * 100


def test_a_tape_is_silent_where_its_record_was(values):
    values = [max(1, value) for value in values]
    values[30:35] = [0] * 5
    tape = tape_of(values, zero_is_missing=True)
    assert tape.is_heard(T0 + 29 * HOUR_US)
    assert not any(tape.is_heard(T0 + hour * HOUR_US) for hour in range(30, 35))
    ends = tape.edges(T0 + 28 * HOUR_US, T0 + 38 * HOUR_US)
    assert ((ends - T0) // HOUR_US).tolist() == [28, 29, 30, 36, 37]


def test_a_record_of_days_can_not_be_followed():
    with pytest.raises(ReplayError, match="a week or more"):
        tape_of([1] * 24)


def test_following_publishes_the_past_and_goes_on(mosquitto, values):
    start = datetime(2026, 11, 21, 19, 28, 21, tzinfo=UTC)
    start_us = int(start.timestamp()) * 1_000_000
    clock = iter(start_us + n * 600_000_000 for n in range(10**6))  # ten minutes at every look

    async def run() -> None:
        chosen, broker = choose(record(series(values))), BrokerAddress(port=mosquitto.port)
        options = FollowOptions(history_s=86_400.0, every_s=600.0)
        following = asyncio.create_task(run_follow(chosen, options, broker, now_us=lambda: next(clock)))
        await asyncio.to_thread(heard.wait_for, 3)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following

    with listening(mosquitto.port) as heard:
        asyncio.run(run())
        objects = [o for _, o in heard.objects(3)]
    tape = tape_of(values)
    tick_us = start_us // 600_000_000 * 600_000_000
    past = [o for o in objects if o["ts"] * 1000 < tick_us]
    live = [o for o in objects if o["ts"] * 1000 >= tick_us]
    assert len(past) == 24
    assert all(o["ts"] % 3_600_000 == 0 for o in past)
    assert live[0]["ts"] * 1000 == tick_us  # now is heard at once, not only after `every_s`
    for o in objects:
        assert o["energy_active_import_total"] == tape.value(o["ts"] * 1000)
    assert all(o["power_active"] == round(tape.power_w(o["ts"] * 1000), 1) for o in live)
    assert [o["ts"] for o in objects] == sorted({o["ts"] for o in objects})
