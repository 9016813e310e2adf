"""Wattline's own topic for what a person read: wattline/v1/<device>/manual."""

from core.errors import RejectReason
from core.quality import ReadingQuality
from tests.ingest.test_native import NOW_MS, NOW_US, accept, raw, reasons, rows


def test_what_a_person_read_is_flagged_however_often_it_comes():
    """Also the third of its kind, which a device's own topic would parse straight into numbers."""
    message = ("wattline/v1/m1/manual", [{"ts": NOW_MS - at, "voltage_l1": at} for at in range(3)])
    own = ("wattline/v1/m1/readings", {"ts": NOW_MS, "voltage_l1": 230})
    for _ in range(4):
        accepted, rejected, _ = accept(raw(own, message, own))
        assert accepted.readings.quality.tolist() == [0, *3 * [ReadingQuality.MANUAL], 0]
        assert rejected == []


def test_a_reading_by_a_person_needs_its_time_and_a_quantity():
    accepted, rejected, _ = accept(
        raw(
            ("wattline/v1/m1/manual", {"voltage_l1": 230}),
            ("wattline/v1/m1/manual", {"ts": NOW_MS}),
            ("wattline/v1/m1/manual", {"ts": NOW_MS, "voltage_l1": 231}),
        )
    )
    assert rows(accepted) == [(2, NOW_US, 231.0)]
    assert reasons(rejected) == [(0, RejectReason.BAD_TIME), (1, RejectReason.UNDECODABLE)]
