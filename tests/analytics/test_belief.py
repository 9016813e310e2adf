"""Which readings are believed: each test is a meter that somebody had."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.belief import believe
from core.batch import ReadingBatch
from core.model import Replacement
from core.quality import Quality
from tests.columns import register_columns

MINUTE_US = 60_000_000


def chain(*rows, register=0):
    """rows: (minute, value)."""
    minute, value = zip(*rows, strict=True)
    size = len(rows)
    return ReadingBatch(
        np.full(size, register, np.int32),
        (np.array(minute) * MINUTE_US).astype(np.int64),
        np.array(value, np.float64),
        np.zeros(size, np.uint8),
        np.zeros(size, np.int64),
    )


def every_15_minutes(*values):
    return chain(*((15 * number, value) for number, value in enumerate(values)))


def booked(found):
    """(amount, flags) of every segment."""
    segments = found.segments
    return list(zip(segments.amount.tolist(), map(Quality, segments.quality.tolist()), strict=True))


def test_a_rise_is_consumption():
    found = believe(every_15_minutes(100, 112.5, 113), register_columns())
    assert booked(found) == [(12.5, Quality.MEASURED), (0.5, Quality.MEASURED)]


def test_one_false_zero_does_not_book_a_lifetime():
    found = believe(every_15_minutes(20_183, 0, 20_183.5), register_columns())
    assert booked(found) == [(0.5, Quality.DOUBTED | Quality.GAP_SPREAD)]
    assert found.doubted.tolist() == [1]


def test_a_meter_that_boots_with_zeros_is_not_reset():
    found = believe(every_15_minutes(500, 0, 0, 501, 502), register_columns())
    assert [amount for amount, _ in booked(found)] == [1.0, 1.0]


def test_a_fall_waits_until_it_is_confirmed():
    table = register_columns(confirm=3)
    found = believe(every_15_minutes(500, 1, 2), table)
    assert booked(found) == []
    assert found.waiting.tolist() == [1, 2]
    assert found.bases.value.tolist() == [500.0]
    found = believe(every_15_minutes(500, 1, 2, 4), table)
    assert booked(found) == [(1.0, Quality.RESET), (1.0, Quality.MEASURED), (2.0, Quality.MEASURED)]


def test_rollover_is_not_a_reset():
    table = register_columns(rollover_at=1_000_000.0, confirm=1)
    assert booked(believe(every_15_minutes(999_990, 5), table)) == [(15.0, Quality.ROLLOVER)]


def test_a_fall_far_from_the_rollover_value_is_a_reset_from_zero():
    table = register_columns(rollover_at=1_000_000.0, confirm=1)
    assert booked(believe(every_15_minutes(500_000, 5), table)) == [(5.0, Quality.RESET)]


def test_a_rollover_that_can_not_have_been_is_none():
    table = register_columns(rollover_at=1_000_000.0, max_rate=100.0, confirm=1)
    assert booked(believe(every_15_minutes(999_900, 90), table)) == [(0.0, Quality.JUMP)]


def test_jitter_books_nothing_and_the_way_back_up_is_not_counted_again():
    found = believe(every_15_minutes(100, 99.96, 99.98, 100.0, 101), register_columns(jitter=0.05))
    assert [amount for amount, _ in booked(found)] == [0.0, 0.0, 0.0, 1.0]


def test_a_confirmed_small_fall_books_nothing():
    found = believe(every_15_minutes(50_000, 49_990), register_columns(confirm=1))
    assert booked(found) == [(0.0, Quality.JUMP)]


def test_a_reset_to_more_than_the_meter_can_count_books_nothing():
    table = register_columns(max_rate=100.0, confirm=1)
    assert booked(believe(every_15_minutes(50_000, 20_000), table)) == [(0.0, Quality.JUMP)]
    assert booked(believe(every_15_minutes(50_000, 20), table)) == [(20.0, Quality.RESET)]


def test_a_spike_that_comes_back_was_none():
    found = believe(every_15_minutes(100, 70_000, 102), register_columns(max_rate=400.0))
    assert booked(found) == [(2.0, Quality.DOUBTED | Quality.GAP_SPREAD)]


def test_a_jump_that_stays_books_nothing_for_the_jump():
    found = believe(every_15_minutes(100, 70_000, 70_001, 70_002), register_columns(max_rate=400.0))
    assert booked(found) == [(0.0, Quality.JUMP), (1.0, Quality.MEASURED), (1.0, Quality.MEASURED)]


def test_a_meter_that_is_rated_too_low_loses_nothing():
    found = believe(every_15_minutes(0, 300, 600, 900, 1200), register_columns(max_rate=400.0))
    assert [amount for amount, _ in booked(found)] == [300.0, 300.0]
    assert all(flags & Quality.DOUBTED for _, flags in booked(found))
    assert found.waiting.tolist() == [3, 4]


def test_what_was_used_while_the_meter_was_silent_is_plausible_by_the_time_that_passed():
    found = believe(chain((0, 0), (24 * 60, 2000)), register_columns(max_rate=100.0))
    assert booked(found) == [(2000.0, Quality.GAP_SPREAD)]


def test_a_prepaid_meter_counts_down_and_a_top_up_is_no_consumption():
    table = register_columns(sign=-1.0, confirm=1)
    found = believe(every_15_minutes(50, 48, 47, 147, 145), table)
    assert [amount for amount, _ in booked(found)] == [2.0, 1.0, 0.0, 2.0]
    assert booked(found)[2][1] == Quality.RESET


def test_a_current_transformer_multiplies_what_was_used():
    assert booked(believe(every_15_minutes(1, 2, 4), register_columns(ratio=40.0))) == [
        (40.0, Quality.MEASURED),
        (80.0, Quality.MEASURED),
    ]


def replaced(minute, final, initial, ratio=None):
    event = Replacement("r", "m", "q", minute * MINUTE_US, final, initial, ratio)
    return register_columns(replacements={0: (event,)})


def test_a_replaced_meter_counts_to_its_end_and_the_new_one_from_its_beginning():
    found = believe(every_15_minutes(1000, 1002, 7, 9), replaced(20, 1003, 5))
    assert [amount for amount, _ in booked(found)] == [2.0, 1.0, 2.0, 2.0]
    assert [bool(flags & Quality.REPLACED) for _, flags in booked(found)] == [False, True, True, False]
    assert found.segments.end_us.tolist() == [minute * MINUTE_US for minute in (15, 20, 30, 45)]


def test_a_new_ratio_holds_from_its_date_on():
    found = believe(every_15_minutes(0, 1, 2, 3), replaced(15, 1, 1, ratio=10.0))
    assert [amount for amount, _ in booked(found)] == [1.0, 10.0, 10.0]


def test_a_replacement_without_a_final_reading_books_what_is_known():
    found = believe(every_15_minutes(1000, 1002, 7, 9), replaced(20, None, 5))
    assert [amount for amount, _ in booked(found)] == [2.0, 0.0, 2.0, 2.0]
    assert booked(found)[1][1] & Quality.DOUBTED


def test_readings_that_fell_just_before_the_stated_time_of_a_replacement_are_the_new_meter_s():
    found = believe(chain((0, 1000), (15, 1), (20, 2), (30, 3)), replaced(22, 1001, 0))
    assert sum(amount for amount, _ in booked(found)) == 4.0


def test_other_registers_are_not_touched_by_one_that_is_doubted():
    both = ReadingBatch.concat([chain((0, 5), (15, 0), (30, 6)), chain((0, 1), (15, 2), (30, 3), register=1)])
    found = believe(both, register_columns(2))
    assert found.segments.register.tolist() == [0, 1, 1]
    assert found.segments.amount.tolist() == [1.0, 1.0, 1.0]
    assert found.bases.value.tolist() == [6.0, 3.0]


@given(st.lists(st.sampled_from([-500, -3, -0.02, 0, 1, 2, 900]), min_size=1, max_size=40), st.integers(1, 4))
def test_believing_in_pieces_is_believing_at_once(rises, confirm):
    values = np.maximum(np.cumsum([600.0, *rises]), 0)
    table = register_columns(max_rate=1200.0, jitter=0.05, confirm=confirm, rollover_at=1000.0)
    whole = every_15_minutes(*values)
    at_once = believe(whole, table)
    for cut in range(1, len(whole)):
        first = believe(whole.take(slice(0, cut)), table)
        base = ReadingBatch(
            first.bases.register,
            first.bases.time_us,
            first.bases.value,
            first.bases.quality,
            np.zeros(1, np.int64),
        )
        waited = whole.take(first.waiting)
        second = believe(ReadingBatch.concat([base, waited, whole.take(slice(cut, None))]), table)
        parts = [first.segments, second.segments]
        for name in ("start_us", "end_us", "amount", "covered_from_us"):
            pieces = np.concatenate([getattr(part, name) for part in parts])
            np.testing.assert_allclose(pieces, getattr(at_once.segments, name), err_msg=name)
