"""From a reading to a message that somebody gets: the whole product, real sockets."""

import email
import email.policy
import json
import time

import paho.mqtt.client as paho
import pytest
from paho.mqtt import publish as paho_publish

from tests.notify.receivers import Mailbox, mail_server

RULES = """
rules:
  - id: over-power
    name: {zh: 超功率, en: Over power}
    condition:
      {kind: threshold, quantity: power_active, comparator: above, threshold: 1000, clear_threshold: 900}
    severity: critical
    action: {zh: 查看, en: Look}
"""
CHANNELS = """
channels:
  - {{id: duty, kind: email, host: localhost, port: {port}, security: none,
      sender: wattline@city.example, to: [duty@city.example]}}
  - {{id: wall, kind: mqtt}}
routes:
  - {{id: all, channels: [duty, wall], language: both, group_wait_s: 0, group_interval_s: 0}}
"""
NAME = {"zh": "大会堂", "en": "Hall"}


@pytest.fixture
def told(product, tmp_path):
    """A product that tells by mail and over its own broker, and the mailbox."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "rules.yaml").write_text(RULES, encoding="utf-8")
    product.variables["WATTLINE_CONFIG"] = str(config)
    product.variables["WATTLINE_ALERTS__PUBLIC_URL"] = "https://wattline.example"
    box = Mailbox()
    with mail_server(box) as port:
        (config / "channels.yaml").write_text(CHANNELS.format(port=port), encoding="utf-8")
        product.start()
        place = {"id": "hall", "kind": "building", "name": NAME, "timezone": "Asia/Shanghai"}
        product.post("places", place)
        product.post("devices", {"id": "m", "kind": "meter", "place_id": "hall", "name": NAME})
        yield product, box


def test_a_reading_above_the_limit_reaches_a_mailbox_and_a_display(told):
    product, box = told
    heard = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, message: heard.append(message)
    client.connect("127.0.0.1", product.mqtt_port)
    client.subscribe("wattline/v1/alerts/#", qos=1)
    client.loop_start()
    try:
        _publish(product, 1500)
        product.wait_until(lambda: box.mails and heard, what="a mail and a message")
        _publish(product, 500)
        product.wait_until(lambda: len(box.mails) == len(heard) == 2, what="that it is over")
    finally:
        client.disconnect()
        client.loop_stop()
    first = email.message_from_bytes(box.mails[0][2], policy=email.policy.default)
    text = first.get_body(("plain",)).get_content()
    for said in ("超功率", "Over power", "大会堂", "1,500 W", "https://wattline.example/?place=hall&alert="):
        assert said in text
    assert heard[0].topic == "wattline/v1/alerts/critical/hall"
    assert [json.loads(one.payload)["data"]["alerts"][0]["event"] for one in heard] == ["firing", "resolved"]
    [alert] = product.get("alerts")["items"]
    log = product.get("deliveries", alert=alert["id"])["items"]
    product.wait_until(lambda: {one["status"] for one in _log(product, alert["id"])} == {"delivered"})
    assert len(log) == 4
    assert product.stop() == 0


def _log(product, alert):
    return product.get("deliveries", alert=alert)["items"]


def _publish(product, watts):
    payload = json.dumps({"ts": time.time_ns() // 1_000_000, "power_active": watts})
    paho_publish.single(
        "wattline/v1/m/readings", payload, qos=1, hostname="127.0.0.1", port=product.mqtt_port
    )
