"""Encoder output, read back with nothing but json."""

import json

from simulators.encoders import LIST_LIMIT, encode, message_of
from simulators.stream import Sample, Topic

T0 = 1_795_161_600_000_000


def reading(number: int, device: str = "m-1") -> Sample:
    return Sample(device, Topic.READINGS, T0 + number * 5_000_000, {"power_active": 9880.0 + number})


def position(number: int) -> Sample:
    values = {"lat": 29.56301, "lon": 106.551556, "ignition": True}
    return Sample("v-1", Topic.POSITION, T0 + number * 5_000_000, values)


def test_a_reading_is_an_object_with_milliseconds():
    sample = Sample(
        "m-1", Topic.READINGS, T0 + 7000, {"energy_active_import_total": 12345.67, "power_active": 9880.0}
    )
    message = message_of([sample])
    assert message.topic == "wattline/v1/m-1/readings"
    assert json.loads(message.payload) == {
        "ts": T0 // 1000 + 7,
        "energy_active_import_total": 12345.67,
        "power_active": 9880.0,
    }


def test_a_position_is_an_object_with_json_truth():
    message = message_of([position(0)])
    assert message.topic == "wattline/v1/v-1/position"
    assert b'"ignition":true' in message.payload


def test_neighbouring_readings_of_a_device_share_a_list():
    parsed = [json.loads(m.payload) for m in encode([reading(0), reading(1), reading(2, "m-2"), reading(3)])]
    assert [len(one) if isinstance(one, list) else 1 for one in parsed] == [2, 1, 1]


def test_a_repeated_sample_is_a_message_of_its_own():
    assert len(list(encode([reading(0), reading(0)]))) == 2


def test_positions_never_share_a_message():
    assert len(list(encode([position(0), position(1)]))) == 2


def test_lists_are_bounded():
    sizes = [len(json.loads(m.payload)) for m in encode(reading(n) for n in range(LIST_LIMIT + 5))]
    assert sizes == [LIST_LIMIT, 5]
