"""Gauges that never change and counters that stand while power flows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.rules import Frozen
from tests.analytics.watched import Watched, catalog, rule

HOUR = 3600
IMPORT, EXPORT, POWER = "energy_active_import_total", "energy_active_export_total", "power_active"


def gauge(hold_s=2 * HOUR):
    return Watched([rule(Frozen("voltage_l1", hold_s))], catalog(1, ("voltage_l1",), expected_s=900.0))


def counter(quantity=IMPORT, hold_s=2 * HOUR, minimum_w=100.0, ratio=1.0):
    watched = Watched(
        [rule(Frozen(quantity, hold_s, minimum_w))], catalog(1, (quantity, POWER), expected_s=900.0)
    )
    watched.columns.ratio[0] = ratio
    return watched


def quarters(*values, register=0, first=0):
    return [(register, (first + at) * 900, value) for at, value in enumerate(values)]


def verdicts(seen):
    return ["breach" if breach else "clear" if clear else "between" for _, _, breach, clear in seen]


def test_a_gauge_that_says_the_same_for_long_is_frozen():
    seen = gauge().look(*quarters(*[230.1] * 9))
    assert verdicts(seen) == ["between"] * 8 + ["breach"]
    assert seen[-1][:2] == (2 * HOUR, 2 * HOUR)


def test_a_gauge_that_moves_is_not():
    watched = gauge()
    assert verdicts(watched.look(*quarters(*[230.1, 230.2] * 9))).count("clear") == 17
    watched.look(*quarters(*[230.0] * 9, first=18))
    assert verdicts(watched.look(*quarters(230.1, first=27))) == ["clear"]


def test_a_gauge_at_zero_is_at_rest():
    assert "breach" not in verdicts(gauge().look(*quarters(*[0.0] * 20)))


def test_nobody_knows_that_a_value_stood_during_a_silence():
    watched = gauge()
    watched.look(*quarters(*[230.1] * 8))
    assert "breach" not in verdicts(watched.look(*quarters(*[230.1] * 8, first=12)))
    assert verdicts(watched.look(*quarters(230.1, first=20))) == ["breach"]


def test_a_counter_that_stands_while_power_flows_is_frozen():
    watched = counter()
    seen = watched.look(*quarters(*[77.0] * 9), *quarters(*[5000.0] * 9, register=1))
    assert verdicts(seen) == ["between"] * 8 + ["breach"]
    assert verdicts(watched.look((0, 9 * 900, 77.5), (1, 9 * 900, 5000.0))) == ["clear"]


def test_a_counter_that_stands_without_power_is_at_rest():
    watched = counter()
    assert "breach" not in verdicts(
        watched.look(*quarters(*[77.0] * 20), *quarters(*[99.0] * 20, register=1))
    )
    assert "breach" not in verdicts(watched.look(*quarters(*[77.0] * 20, first=20)))


def test_the_time_without_power_does_not_count():
    watched = counter()
    watched.look(*quarters(*[77.0] * 8), *quarters(*[5000.0] * 8, register=1))
    seen = watched.look(*quarters(*[77.0] * 8, first=8), *quarters(0.0, *[5000.0] * 7, register=1, first=8))
    assert "breach" not in verdicts(seen)


def test_a_counter_may_stand_for_as_long_as_its_step_takes():
    slow = counter(minimum_w=100.0, ratio=100.0)  # its dial moves by 100 kWh
    assert "breach" not in verdicts(slow.look(*quarters(*[77.0] * 40), *quarters(*[5000.0] * 40, register=1)))
    assert "breach" in verdicts(
        slow.look(*quarters(*[77.0] * 50, first=40), *quarters(*[5000.0] * 50, register=1, first=40))
    )


def test_a_counter_of_coarse_steps_is_given_two_of_them():
    watched = counter(hold_s=HOUR)
    steps = [(0, 0, 100.0), (0, 900, 120.0)]  # 20 kWh at once
    watched.look(*steps, *quarters(5000.0, 5000.0, register=1))
    seen = watched.look(*quarters(*[120.0] * 31, first=2), *quarters(*[5000.0] * 31, register=1, first=2))
    assert "breach" not in verdicts(seen)
    seen = watched.look(*quarters(120.0, first=33), *quarters(5000.0, register=1, first=33))
    assert verdicts(seen) == ["breach"]


def test_power_that_flows_back_moves_the_export_counter():
    for quantity, power, expected in (
        (EXPORT, -5000.0, True),
        (EXPORT, 5000.0, False),
        (IMPORT, -5e3, False),
    ):
        seen = counter(quantity).look(*quarters(*[7.0] * 9), *quarters(*[power] * 9, register=1))
        assert ("breach" in verdicts(seen)) is expected


def test_power_that_came_in_an_earlier_batch_is_remembered():
    watched = counter()
    seen = []
    for at in range(9):
        watched.look(*quarters(5000.0, register=1, first=at))
        seen += watched.look(*quarters(77.0, first=at))
    assert verdicts(seen) == ["between"] * 8 + ["breach"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([600, 900, 3000]),
            st.sampled_from([0.0, 0.0, 0.0, 1.0]),  # rise of the counter
            st.sampled_from([0.0, 5000.0, 20_000.0, 20_000.0]),
        ),
        min_size=1,
        max_size=40,
    ),
    st.sets(st.integers(1, 39)),
)
def test_any_split_of_a_stream_is_seen_the_same(stream, cuts):
    now, value, messages = 0, 0.0, []
    for pause, rise, power in stream:
        now, value = now + pause, value + rise
        messages.append([(0, now, value), (1, now, power)])
    edges = [0, *sorted(cut for cut in cuts if cut < len(messages)), len(messages)]

    def seen(parts):
        watched = counter(hold_s=HOUR)
        return [one for part in parts for one in watched.look(*(row for message in part for row in message))]

    whole = seen([messages])
    assert seen([messages[a:b] for a, b in pairwise(edges)]) == whole
    assert seen([[message] for message in messages]) == whole
