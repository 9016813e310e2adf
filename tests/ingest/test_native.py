import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.catalog import Catalog
from core.columns import RegisterColumns
from core.errors import RejectReason
from core.model import Device, DeviceKind, Name, Place, PlaceKind, Register
from core.ports import RawBatch
from core.quality import ReadingQuality
from core.quantities import QUANTITIES
from ingest.decoders import DECODERS, native
from ingest.decoders.samples import NumberSamples
from ingest.normalise import RegisterIndex, normalise
from ingest.validate import validate

NAME = Name("名", "name")
NOW_US = 1_795_161_600_000_000
NOW_MS = NOW_US // 1000


def raw(*messages):
    """messages: (topic, payload); a payload that is not bytes is sent as JSON."""
    payloads = [body if isinstance(body, bytes) else json.dumps(body).encode() for _, body in messages]
    return RawBatch([topic for topic, _ in messages], payloads, NOW_US, 1, list(range(1, len(messages) + 1)))


def catalog(quantities=("energy_active_import_total", "power_active", "voltage_l1"), ratio=1.0):
    places = [Place("hall", PlaceKind.BUILDING, NAME, "UTC")]
    devices = [
        (0, Device("m1", DeviceKind.METER, "hall", NAME)),
        (1, Device("v1", DeviceKind.VEHICLE, "hall", NAME)),
    ]
    registers = [
        Register(
            at, "m1", name, QUANTITIES[name].kind, QUANTITIES[name].unit, QUANTITIES[name].energy, ratio=ratio
        )
        for at, name in enumerate(quantities)
    ]
    return Catalog(places, devices, registers)


def accept(batch, known=None):
    found = known or catalog()
    index = RegisterIndex(found, RegisterColumns.of(found))
    decoded = native.decode(batch)
    normalised = normalise(decoded, batch, index)
    size = len(index.catalog.registers)
    accepted = validate(
        normalised, index.catalog, index.columns, np.full(size, -1, np.int64), np.full(size, np.nan)
    )
    return accepted, decoded.rejected + normalised.rejected + accepted.rejected, normalised.wanted


def rows(accepted):
    batch = accepted.readings
    return list(zip(batch.register.tolist(), batch.event_time_us.tolist(), batch.value.tolist(), strict=True))


def reasons(rejected):
    return [(rejection.message, rejection.reason) for rejection in rejected]


def test_a_message_becomes_one_row_a_quantity():
    accepted, rejected, _ = accept(
        raw(
            (
                "wattline/v1/m1/readings",
                {"ts": NOW_MS, "energy_active_import_total": 12.5, "power_active": 900},
            )
        )
    )
    assert rows(accepted) == [(0, NOW_US, 12.5), (1, NOW_US, 900.0)]
    assert rejected == []


def test_a_list_holds_several_samples_each_with_its_time():
    accepted, _, _ = accept(
        raw(
            (
                "wattline/v1/m1/readings",
                [{"ts": NOW_MS - 1000, "voltage_l1": 1}, {"ts": NOW_MS, "voltage_l1": 2}],
            )
        )
    )
    assert rows(accepted) == [(2, NOW_US - 1_000_000, 1.0), (2, NOW_US, 2.0)]


def test_time_may_be_rfc3339_or_absent():
    accepted, _, _ = accept(
        raw(
            ("wattline/v1/m1/readings", {"ts": "2026-11-20T08:00:00+08:00", "voltage_l1": 1}),
            ("wattline/v1/m1/readings", {"ts": "2026-11-20T00:00:00.25Z", "voltage_l1": 2}),
            ("wattline/v1/m1/readings", {"voltage_l1": 3}),
        )
    )
    midnight_us = 1_795_132_800_000_000
    assert [time for _, time, _ in rows(accepted)] == [midnight_us, midnight_us + 250_000, NOW_US]
    assert accepted.readings.quality.tolist() == [0, 0, ReadingQuality.RECEIVE_TIME]


def test_a_bad_message_costs_only_itself():
    accepted, rejected, _ = accept(
        raw(
            ("wattline/v1/m1/readings", b"{not json"),
            ("wattline/v1/m1/readings", {"ts": NOW_MS, "voltage_l1": 230}),
            ("wattline/v1/m1/readings", b"\xff\xfe"),
            ("wattline/v1/m1/readings", [1]),
            ("wattline/v1/m1/elsewhere", {}),
            ("other/topic", {}),
            ("wattline/v1/nobody/readings", {"voltage_l1": 1}),
            ("wattline/v1/m1/readings", {"ts": "yesterday", "voltage_l1": 1}),
            ("wattline/v1/m1/readings", {"ts": "2026-11-20T08:00:00", "voltage_l1": 1}),
            ("wattline/v1/m1/readings", {"ts": True, "voltage_l1": 1}),
            ("wattline/v1/m1/readings", {"ts": NOW_MS}),
        )
    )
    assert rows(accepted) == [(2, NOW_US, 230.0)]
    assert sorted(reasons(rejected)) == [
        (0, RejectReason.UNDECODABLE),
        (2, RejectReason.UNDECODABLE),
        (3, RejectReason.UNDECODABLE),
        (4, RejectReason.UNKNOWN_TOPIC),
        (5, RejectReason.UNKNOWN_TOPIC),
        (6, RejectReason.UNKNOWN_DEVICE),
        (7, RejectReason.BAD_TIME),
        (8, RejectReason.BAD_TIME),
        (9, RejectReason.BAD_TIME),
        (10, RejectReason.UNDECODABLE),
    ]


def test_a_bad_value_costs_only_itself():
    accepted, rejected, _ = accept(
        raw(
            ("wattline/v1/m1/readings", {"ts": NOW_MS, "power_active": None, "voltage_l1": [1], "colour": 3})
        ),
    )
    assert rows(accepted) == []
    assert sorted(reason for _, reason in reasons(rejected)) == [
        RejectReason.NOT_A_NUMBER,
        RejectReason.NOT_A_NUMBER,
        RejectReason.UNKNOWN_QUANTITY,
    ]
    assert {rejection.detail.split(":")[0] for rejection in rejected} == {
        "power_active",
        "voltage_l1",
        "colour",
    }


def test_a_number_may_be_sent_as_text_and_text_is_no_number():
    accepted, rejected, _ = accept(
        raw(
            ("wattline/v1/m1/readings", {"ts": NOW_MS, "power_active": " 9.5e2", "voltage_l1": "1_000"}),
            ("wattline/v1/m1/readings", {"ts": NOW_MS, "power_active": "", "voltage_l1": "nan"}),
        )
    )
    assert rows(accepted) == [(1, NOW_US, 950.0)]
    assert reasons(rejected) == [(at, RejectReason.NOT_A_NUMBER) for at in (0, 1, 1)]


def test_a_list_of_what_is_no_object_is_one_rejection():
    accepted, rejected, _ = accept(
        raw(("wattline/v1/m1/readings", [1, {"ts": NOW_MS, "voltage_l1": 2}, "x", None]))
    )
    assert rows(accepted) == [(2, NOW_US, 2.0)]
    assert [rejection.detail for rejection in rejected] == ["expected an object, got int and 2 more"]


def test_a_canonical_quantity_that_a_known_device_never_sent_is_wanted():
    _, rejected, wanted = accept(raw(("wattline/v1/m1/readings", {"frequency": 50.0})))
    assert wanted == [("m1", "frequency")]
    assert rejected == []


def test_the_ratio_is_applied_before_the_range_is_checked():
    accepted, rejected, _ = accept(
        raw(("wattline/v1/m1/readings", {"ts": NOW_MS, "voltage_l1": 100, "power_active": 5})),
        catalog(ratio=1e5),
    )
    assert rows(accepted) == [(1, NOW_US, 5e5)]
    assert reasons(rejected) == [(0, RejectReason.OUT_OF_RANGE)]


def test_clocks_that_were_never_set_are_rejected_and_old_history_is_not():
    accepted, rejected, _ = accept(
        raw(
            ("wattline/v1/m1/readings", {"ts": 1000, "voltage_l1": 1}),
            ("wattline/v1/m1/readings", {"ts": NOW_MS // 1000, "voltage_l1": 1}),
            ("wattline/v1/m1/readings", {"ts": NOW_MS + 601_000, "voltage_l1": 1}),
            ("wattline/v1/m1/readings", {"ts": "2018-01-01T00:00:00Z", "voltage_l1": 1}),
        )
    )
    assert reasons(rejected) == [
        (2, RejectReason.CLOCK_FUTURE),
        (0, RejectReason.CLOCK_PAST),
        (1, RejectReason.CLOCK_PAST),
    ]
    assert len(accepted.readings) == 1


def test_a_position_becomes_a_fix_and_no_place_on_earth_does_not():
    accepted, rejected, _ = accept(
        raw(
            (
                "wattline/v1/v1/position",
                {"ts": NOW_MS, "lat": 29.5, "lon": 106.5, "speed": 62, "ignition": True},
            ),
            ("wattline/v1/v1/position", {"ts": NOW_MS, "lat": 0, "lon": 0}),
            ("wattline/v1/v1/position", {"ts": NOW_MS, "lat": 99, "lon": 0}),
            ("wattline/v1/v1/position", {"ts": NOW_MS, "lon": 0}),
        )
    )
    fixes = accepted.positions
    assert (fixes.latitude_deg.tolist(), fixes.ignition.tolist(), fixes.speed_kmh.tolist()) == (
        [29.5],
        [1.0],
        [62.0],
    )
    assert math.isnan(fixes.odometer_km[0])
    assert reasons(rejected) == [(at, RejectReason.BAD_POSITION) for at in (1, 2, 3)]


def test_what_a_tracker_can_not_have_measured_is_unknown_and_such_a_speed_is_refused():
    fix = {"ts": NOW_MS, "lat": 52.5, "lon": 13.4}
    accepted, rejected, _ = accept(
        raw(
            (
                "wattline/v1/v1/position",
                fix | {"course": 1e300, "odometer": "inf", "fuel": -1e300, "soc": 50},
            ),
            ("wattline/v1/v1/position", {**fix, "speed": 1e300}),
        )
    )
    (course,), (odometer,) = accepted.positions.course_deg, accepted.positions.odometer_km
    (fuel,), (soc,) = accepted.positions.fuel_l, accepted.positions.soc_pct
    assert np.isnan([course, odometer, fuel]).all()
    assert soc == 50
    assert reasons(rejected) == [(1, RejectReason.OUT_OF_RANGE)]


def test_positions_are_stored_in_wgs84_whatever_system_the_tracker_sends():
    places = [Place("depot", PlaceKind.SITE, NAME, "UTC")]
    trackers = [
        (at, Device(f"v{at}", DeviceKind.VEHICLE, "depot", NAME, coordinate_system=system))
        for at, system in enumerate(["wgs84", "gcj02", "bd09"])
    ]
    sent = [(29.563010, 106.551556), (29.560161, 106.555274), (29.566476, 106.561704)]
    accepted, rejected, _ = accept(
        raw(
            *((f"wattline/v1/v{at}/position", {"lat": lat, "lon": lon}) for at, (lat, lon) in enumerate(sent))
        ),
        Catalog(places, trackers, []),
    )
    assert rejected == []
    np.testing.assert_allclose(accepted.positions.latitude_deg, 29.563010, atol=2e-6)
    np.testing.assert_allclose(accepted.positions.longitude_deg, 106.551556, atol=2e-6)


def test_every_decoder_names_its_topics():
    assert all(decoder.TOPIC_FILTERS for decoder in DECODERS.values())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["ts", "lat", "lon", "speed", "power_active", "energy_active_import_total", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(st.tuples(
    st.sampled_from(["wattline/v1/m1/readings", "wattline/v1/v1/position", "wattline/v1//readings", "a/b"]),
    JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)), max_size=8))  # fmt: skip
def test_no_payload_stops_the_batch(messages):
    good = ("wattline/v1/m1/readings", {"ts": NOW_MS, "voltage_l1": 230.0})
    accepted, rejected, _ = accept(raw(*messages, good))
    assert (2, NOW_US, 230.0) in rows(accepted)
    assert all(0 <= rejection.message < len(messages) for rejection in rejected)
    assert np.isfinite(accepted.readings.value).all()


def test_two_kinds_of_message_in_turn_are_both_parsed_straight_into_numbers():
    native._routes.clear()
    kinds = [{"ts": NOW_MS, "voltage_l1": 230.5}, {"ts": NOW_MS + 1, "power_active": 7, "voltage_l1": 2}]
    batch = raw(*(("wattline/v1/m1/readings", kinds[at % 2]) for at in range(20)))
    native.decode(batch)
    block = native.decode(batch).samples[0]
    assert isinstance(block, NumberSamples)
    assert block.message.tolist() == list(range(20))
    assert [channel.keys for channel in block.channel[:2]] == [
        ("voltage_l1",),
        ("power_active", "voltage_l1"),
    ]
    assert block.time_us[:2].tolist() == [NOW_US, NOW_US + 1000]
    assert block.values[:3].tolist() == [230.5, 7.0, 2.0]


def newest(found):
    """The last value of each identity: what a store would answer."""
    return {(register, time): value for register, time, value in found}


NUMBER = st.sampled_from(["0", "-0.0", "1", "230.5", "1e3", "1e-320", "12345678901234567890", "0.1"])
VALUE = NUMBER | st.sampled_from(["true", "null", '"5"', '"x"', "[1]", "{}", "1e999", "NaN", ""])
TS = st.sampled_from([str(NOW_MS), f"{NOW_MS}.001", f"{NOW_MS}e0", "9007199254740992", "1e300", "-5",
                      "null", "true", '"2026-11-20T00:00:00.25Z"', '"now"'])  # fmt: skip
PAIR = st.tuples(st.just("ts"), TS) | st.tuples(
    st.sampled_from(["voltage_l1", "power_active", "x", "frequency"]), NUMBER | VALUE
)
OBJECT = st.lists(PAIR, max_size=4).map(
    lambda pairs: "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
)


@given(st.lists(OBJECT, min_size=1, max_size=12), st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_a_message_reads_the_same_whatever_its_topic_sent_before(objects, repeats):
    messages = [
        ("wattline/v1/m1/readings", text.encode())
        for text, times in zip(objects, repeats, strict=False)
        for _ in range(times)
    ]
    native._routes.clear()
    together, rejected, wanted = accept(raw(*messages))
    apart, apart_rejected, apart_wanted = [], [], {}
    for number, message in enumerate(messages):
        native._routes.clear()
        accepted, found, missing = accept(raw(message))
        apart += rows(accepted)
        apart_rejected += [(number, rejection.reason, rejection.detail) for rejection in found]
        apart_wanted |= dict.fromkeys(missing)
    assert sorted(rows(together)) == sorted(apart)
    assert newest(rows(together)) == newest(apart)
    assert sorted((r.message, r.reason, r.detail) for r in rejected) == sorted(apart_rejected)
    assert sorted(wanted) == sorted(apart_wanted)


def test_what_comes_in_the_name_of_a_virtual_meter_is_rejected():
    devices = [(0, Device("sum", DeviceKind.VIRTUAL, "hall", NAME, formula="[m1]"))]
    known = Catalog([Place("hall", PlaceKind.BUILDING, NAME, "UTC")], devices, [])
    accepted, rejected, wanted = accept(raw(("wattline/v1/sum/readings", {"power_active": 5})), known)
    assert (rows(accepted), wanted) == ([], [])
    assert reasons(rejected) == [(0, RejectReason.UNKNOWN_DEVICE)]
