"""Each fault does what it says, to whom it says, when it says, and the same every time."""

import pytest

from simulators.fault_line import FaultLine
from simulators.faults import FAULTS, FaultError, Offline, Rollover, Skew, Spike, parse_fault
from simulators.stream import Sample, Topic

T0 = 1_795_161_600_000_000
S = 1_000_000


def stream(count: int = 60, device: str = "m-1") -> list[Sample]:
    """A reading every second; the counter rises by 0.5 from 100, power is 1000 + second."""
    return [
        Sample(
            device,
            Topic.READINGS,
            T0 + n * S,
            {"energy_active_import_total": 100 + 0.5 * n, "power_active": 1000.0 + n, "current_l1": 4.0},
        )
        for n in range(count)
    ]


def run(fault: str, samples: list[Sample], seed: int = 1) -> list[tuple[int, Sample]]:
    """(second of sending, sample), the stream's end at its last second."""
    line = FaultLine([parse_fault(fault)], origin_us=T0, seed=seed)
    sent = []
    seconds = sorted({sample.event_time_us for sample in samples})
    for now_us in seconds:
        made = [sample for sample in samples if sample.event_time_us == now_us]
        sent += [((now_us - T0) // S, sample) for sample in line.step(now_us, made)]
    return sent + [((seconds[-1] - T0) // S + 1, sample) for sample in line.flush()]


def seconds(sent: list[tuple[int, Sample]]) -> list[int]:
    return [(sample.event_time_us - T0) // S for _, sample in sent]


def energies(sent: list[tuple[int, Sample]]) -> list[float]:
    return [sample.values["energy_active_import_total"] for _, sample in sent]


def test_dropout_loses_the_window_s_messages():
    assert seconds(run("dropout:device=m-1,start=10,duration=5", stream(20))) == [*range(10), *range(15, 20)]


def test_dropout_with_a_probability_loses_a_share():
    kept = run("dropout:device=m-1,probability=0.3", stream(1000))
    assert 620 < len(kept) < 780


def test_offline_uploads_its_buffer_in_order_when_the_window_ends():
    sent = run("offline:device=m-1,start=10,duration=5", stream(20))
    assert seconds(sent) == list(range(20))
    assert [second for second, sample in sent if 10 <= (sample.event_time_us - T0) // S < 15] == [15] * 5


def test_offline_at_the_end_of_the_stream_still_uploads():
    assert seconds(run("offline:device=m-1,start=10", stream(20))) == list(range(20))


def test_an_upload_keeps_each_device_together():
    samples = [sample for pair in zip(stream(20), stream(20, "m-2"), strict=True) for sample in pair]
    sent = run("offline:device=m-*,start=5,duration=5", samples)
    uploaded = [sample.device for second, sample in sent if second == 10][:10]
    assert uploaded == ["m-1"] * 5 + ["m-2"] * 5


def test_duplicate_sends_copies_and_loses_nothing():
    sent = run("duplicate:device=m-1,copies=2,start=5,duration=3", stream(10))
    assert seconds(sent) == [0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 9]


def test_reorder_changes_the_order_within_its_span_and_nothing_else():
    sent = run("reorder:device=m-1,span=10", stream(60))
    assert seconds(sent) != list(range(60))
    assert sorted(seconds(sent)) == list(range(60))
    assert all(second - at <= 11 for (second, _), at in zip(sent, seconds(sent), strict=True))


def test_reset_starts_counters_again_from_the_last_value_before():
    values = energies(run("reset:device=m-1,start=10", stream(13)))
    assert values[9] == 104.5
    assert values[10:] == [0.5, 1.0, 1.5]


def test_reset_can_happen_again_and_again():
    values = energies(run("reset:device=m-1,start=5,every=5", stream(15)))
    assert values[5] == values[10] == 0.5


def test_rollover_shows_the_counter_modulo():
    values = energies(run("rollover:device=m-1,modulus=103", stream(10)))
    assert values[5:7] == [102.5, 0.0]


def test_rollover_with_headroom_starts_just_below_modulus():
    values = energies(run("rollover:device=m-1,modulus=1000,headroom=2", stream(10)))
    assert values[0] == 998.0
    assert values[4] == 0.0


def test_stuck_repeats_the_last_values_before_the_window():
    sent = run("stuck:device=m-1,start=10,duration=5", stream(20))
    assert energies(sent)[9:16] == [104.5] * 6 + [107.5]
    assert seconds(sent) == list(range(20))


def test_stuck_can_hold_one_quantity_only():
    sent = run("stuck:device=m-1,quantity=power_active,start=10", stream(15))
    assert sent[-1][1].values["power_active"] == 1009.0
    assert energies(sent)[-1] == 107.0


def test_spike_multiplies_power_and_its_currents():
    sent = run("spike:device=m-1,quantity=power_active,factor=10,start=3,duration=1", stream(5))
    assert sent[3][1].values["power_active"] == 10030.0
    assert sent[3][1].values["current_l1"] == 40.0
    assert sent[4][1].values == stream(5)[4].values


def test_spike_can_set_a_value_repeatedly():
    sent = run("spike:device=m-1,quantity=power_active,value=7,start=3,duration=1,every=4", stream(12))
    assert [n for n, (_, sample) in enumerate(sent) if sample.values["power_active"] == 7] == [3, 7, 11]


def test_skew_shifts_and_drifts_the_device_s_clock():
    sent = run("skew:device=m-1,offset=-30,drift_ppm=100000", stream(21))
    assert sent[0][1].event_time_us == T0 - 30 * S
    assert sent[20][1].event_time_us == T0 + 20 * S - 30 * S + 2 * S


def test_a_skewed_clock_does_not_move_the_windows_of_later_faults():
    line = FaultLine(
        [Skew(device="m-1", offset=1000.0), Offline(device="m-1", start=5, duration=100)],
        origin_us=T0,
        seed=1,
    )
    assert not [sample for n in range(5, 9) for sample in line.step(T0 + n * S, [stream()[n]])]


@pytest.mark.parametrize(
    "fault", [f"{name}:device=m-1" for name in FAULTS if name not in {"spike", "rollover"}]
)
def test_other_devices_are_left_alone(fault):
    other = stream(30, "m-2")
    assert [sample for _, sample in run(fault, other)] == other


@pytest.mark.parametrize(
    "fault",
    ["dropout:device=m-1,probability=0.5", "duplicate:device=m-1,probability=0.5", "reorder:device=m-1"],
)
def test_chance_depends_on_the_seed_only(fault):
    assert run(fault, stream(), seed=1) == run(fault, stream(), seed=1)
    assert run(fault, stream(), seed=1) != run(fault, stream(), seed=2)


def test_faults_of_a_vehicle_hit_its_positions():
    fixes = [Sample("v-1", Topic.POSITION, T0 + n * S, {"lat": 29.0 + n, "lon": 106.0}) for n in range(5)]
    sent = run("stuck:device=v-*,start=2", fixes)
    assert [sample.values["lat"] for _, sample in sent] == [29.0, 30.0, 30.0, 30.0, 30.0]


def test_a_fault_is_read_with_its_parameters():
    assert parse_fault("offline:device=m-1,start=60,duration=120") == Offline(
        device="m-1", start=60, duration=120
    )
    assert parse_fault(" rollover: device=m-*, modulus=1e5 ") == Rollover(device="m-*", modulus=1e5)
    spike = parse_fault("spike:device=m,quantity=frequency,value=-1,every=9,duration=3")
    assert spike == Spike(device="m", quantity="frequency", value=-1, every=9, duration=3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("offlin:device=m", "unknown: write one of dropout, offline"),
        ("offline", "device must be given"),
        ("offline:start=1", "device must be given"),
        ("offline:device=m,begin=1", "'begin' is unknown: offline takes device, start, duration, every"),
        ("offline:device=m,start", "'start' is unknown"),
        ("offline:device=m,start=soon", "start='soon' is not a number"),
        ("offline:device=m,start=nan", "start='nan' is not a number"),
        ("offline:device=m,start=-1", "can't be negative"),
        ("offline:device=m,duration=0", "duration must be above 0"),
        ("offline:device=m,duration=9,every=5", "longer than every"),
        ("duplicate:device=m,copies=1.5", "is not a number"),
        ("duplicate:device=m,copies=0", "copies must be 1 or more"),
        ("dropout:device=m,probability=2", "probability"),
        ("reset:device=m,duration=5", "leave out duration"),
        ("rollover:device=m", "modulus must be given"),
        ("rollover:device=m,modulus=0", "modulus must be above 0"),
        ("spike:device=m,quantity=power_active", "either factor or value"),
        ("spike:device=m,quantity=powr,value=1", "quantity 'powr' is unknown"),
    ],
)
def test_a_wrong_fault_is_refused_with_the_reason(text, said):
    with pytest.raises(FaultError) as caught:
        parse_fault(text)
    assert said in str(caught.value)
