"""What people read."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alerts import Alert, AlertRecord, AlertState, Handling, Target, TargetKind, Waste
from core.catalog import Catalog
from core.delivery import Event, Language, Notice, Route
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.rules import Rule, Threshold
from notify.compose import Composer
from notify.message import Form, cut, from_body
from notify.routing import Known

AT_US = 1_795_320_000_000_000  # 2026-11-22 04:00 UTC


def composed(form, *, language=Language.EN, names=None, layout="alerts", alerts=1, **more):
    name = names or Name("一号楼", "Building 1")
    places = [
        Place("city", PlaceKind.REGION, Name("城市", "City"), "Asia/Shanghai"),
        Place("b0", PlaceKind.BUILDING, name, "Asia/Shanghai", "city"),
    ]
    devices = [(0, Device("m0", DeviceKind.METER, "b0", name))]
    rule = Rule(
        "r",
        Name("功率过高", "Power too high"),
        Severity.WARNING,
        Name("检查空调", "Check the chillers"),
        Threshold("power_active", Comparator.ABOVE, 5e4),
        runbook="https://intranet.example/r",
    )
    known = Known(Catalog(places, devices, []), {"r": rule})
    alert = Alert(
        "r:place:b0:1",
        "r",
        Target(TargetKind.PLACE, "b0"),
        "b0",
        "m0",
        "power_active",
        "W",
        Severity.WARNING,
        AlertState.FIRING,
        61_250.0,
        50_000.0,
        Comparator.ABOVE,
        AT_US,
        AT_US,
        waste=Waste(12.5, "kWh", 8.75, "CNY", "threshold"),
    )
    alert = replace(alert, **more)
    event = Event.RESOLVED if alert.state is AlertState.RESOLVED else Event.FIRING
    told = [
        (
            Notice(f"a{n}", 1, 0, "all", "c", event, AT_US + 5_400_000_000, AT_US),
            AlertRecord(replace(alert, id=f"a{n}"), Handling(), 1),
        )
        for n in range(alerts)
    ]
    composer = Composer(known, {"c": form}, "https://wattline.example")
    return from_body(composer(Route("all", ("c",), language=language), "c", layout, told))


def test_a_message_says_what_where_since_when_how_much_and_what_to_do():
    text = composed(Form.MAIL).text
    for line in (
        "1. Power too high (warning): alert",
        "Where: City / Building 1",
        "Device: Building 1 (m0), power_active",
        "Since: 2026-11-22 12:00:00+08:00, for 1 h 30 min",
        "Value: 61,250 W, above the limit of 50,000 W",
        "Estimated waste: 12.5 kWh, 8.75 CNY",
        "Next: Check the chillers",
        "Runbook: https://intranet.example/r",
        "Details: https://wattline.example/?place=b0&alert=a0",
    ):
        assert line in text, text


def test_in_chinese_and_in_both_languages():
    assert "下一步\uff1a检查空调" in composed(Form.MAIL, language=Language.ZH).text
    both = composed(Form.MAIL, language=Language.BOTH)
    assert "检查空调" in both.text
    assert "Check the chillers" in both.text
    assert both.title.count("/") >= 1


def test_others_are_counted():
    text = composed(Form.MAIL, alerts=25).text
    assert "And 15 others." in text
    assert "[warning] Power too high and others: 25 alerts" in text


def test_what_is_over_has_no_next_step_and_a_value_on_the_right_side():
    resolved_at_us = AT_US + 3_600_000_000
    text = composed(Form.MAIL, state=AlertState.RESOLVED, resolved_at_us=resolved_at_us, value=900.0).text
    assert "Value: 900 W, limit 50,000 W" in text
    assert "resolved" in text
    assert "for 1 h" in text
    assert "Next:" not in text


def test_a_number_that_is_none_is_not_invented():
    nan = float("nan")
    text = composed(Form.MAIL, value=nan, waste=Waste(nan, "kWh", None, None, "usual")).text
    assert "Value: ?, above" in text
    assert "waste" not in text
    assert composed(Form.DATA, value=nan).data["data"]["alerts"][0]["value"] is None


EVIL = Name("x](https://evil.example) **<b>", "x](https://evil.example) **<b>\r\nBcc: you@evil.example")


@pytest.mark.parametrize("form", [Form.DINGTALK, Form.WECOM])
def test_a_name_can_not_become_a_link_for_robots_without_escapes(form):
    text = composed(form, names=EVIL).text
    assert "](https://evil" not in text
    assert "<b>" not in text


def test_a_name_can_not_become_a_link_or_a_header_or_html():
    feishu = composed(Form.FEISHU, names=EVIL).text
    assert "x\\]\\(https://evil.example\\)" in feishu
    mail = composed(Form.MAIL, names=EVIL)
    assert "\n" not in mail.title
    assert "\r" not in mail.title
    assert "<b>\r" not in mail.html
    assert "&lt;b&gt;" in mail.html


def test_machines_get_the_words_of_the_api():
    data = composed(Form.DATA).data
    assert json.loads(json.dumps(data)) == data
    [alert] = data["data"]["alerts"]
    assert alert["active_at"] == "2026-11-22T04:00:00Z"
    assert alert["event"] == "firing"
    assert alert["waste"] == {"amount": 12.5, "unit": "kWh", "cost": 8.75, "currency": "CNY"}


@given(st.text(max_size=300), st.integers(10, 400))
def test_a_text_is_cut_to_its_bytes_and_stays_text(text, most):
    short = cut(text, most)
    assert len(short.encode()) <= most
    assert short == text or text.startswith(short.removesuffix("\n…"))
