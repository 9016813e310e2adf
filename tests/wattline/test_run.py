"""`python -m wattline run` as a user starts it: real broker, real stores, real signals."""

import os
import socket
import subprocess
import threading
import time

import httpx
import paho.mqtt.client as paho
import pytest

NAME = {"zh": "名", "en": "name"}
MINUTE_MS = 60_000
START_MS = 1_700_000_100_000 // (15 * MINUTE_MS) * 15 * MINUTE_MS


def provision(product, devices=("m",)):
    product.post("places", {"id": "hall", "kind": "building", "name": NAME, "timezone": "UTC"})
    for device in devices:
        body = {"id": device, "kind": "meter", "place_id": "hall", "name": NAME, "expected_interval_s": 60}
        product.post("devices", body)


def publish(port, messages, pause_s=0.0):
    """Publish with QoS 1; returns once the broker has acknowledged all. Rests after each 20."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = []
    for number, (topic, payload) in enumerate(messages):
        sent.append(client.publish(topic, payload, qos=1))
        if pause_s and number % 20 == 0:
            time.sleep(pause_s)
    for message in sent:
        message.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def reading(minute, kwh, device="m"):
    payload = f'{{"ts": {START_MS + minute * MINUTE_MS}, "energy_active_import_total": {kwh}}}'
    return f"wattline/v1/{device}/readings", payload


def consumption(product, **more):
    given = {"place": "hall", "energy": "electricity", "interval": "15m"}
    span = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z"}
    return product.get("consumption", **given, **span, **more)


def amounts(product):
    return [item["amount"] for item in consumption(product)["items"] if item["amount"] is not None]


def test_a_message_becomes_a_figure(product):
    product.start()
    provision(product)
    publish(product.mqtt_port, [reading(minute, minute * 0.5) for minute in range(31)])
    product.wait_until(lambda: product.total("wattline_readings_total") == 31)
    product.wait_until(lambda: amounts(product) == pytest.approx([7.5, 7.5]))
    assert consumption(product)["total"] == pytest.approx(15.0)


def test_a_message_that_is_not_accepted_is_kept_with_its_reason(product):
    product.start()
    publish(product.mqtt_port, [("wattline/v1/stranger/readings", '{"power_active": 1}')])
    product.wait_until(lambda: product.get("dead-letters")["counts"] == {"unknown_device": 1})
    letter = product.get("dead-letters")["items"][0]
    assert (letter["topic"], letter["detail"]) == ("wattline/v1/stranger/readings", "stranger")


def test_ctrl_c_stops_cleanly_and_the_next_start_goes_on(product):
    product.start()
    provision(product)
    publish(product.mqtt_port, [reading(0, 0.0), reading(10, 2.0)])
    product.wait_until(lambda: product.total("wattline_readings_total") == 2)
    assert product.stop() == 0
    assert "Traceback" not in product.log
    product.start()
    publish(product.mqtt_port, [reading(15, 3.0)])
    product.wait_until(lambda: amounts(product) == pytest.approx([3.0]))


def test_kill_9_loses_no_message_and_doubles_none(product, mosquitto):
    """Killed three times under load; mosquitto keeps what was not acknowledged."""
    product.mqtt_port = mosquitto.port
    product.variables = {
        "WATTLINE_BROKER__KIND": "external",
        "WATTLINE_BROKER__PORT": str(mosquitto.port),
        "WATTLINE_BROKER__CLIENT_ID": f"killed-{product.http_port}",
        "WATTLINE_INGEST__BATCH_MESSAGES": "50",
    }
    product.start()
    provision(product)
    count = 3001
    messages = [reading(minute, minute * 0.25) for minute in range(count)]
    sender = threading.Thread(target=publish, args=(mosquitto.port, messages, 0.06))
    sender.start()
    for _ in range(3):
        product.wait_until(lambda: product.total("wattline_messages_total") > 100, what="load")
        product.kill()
        product.start()
    sender.join()
    product.wait_until(lambda: len(stored(product)) == count, what="every message stored")
    product.wait_until(product.settled)
    times = [row["time"] for row in stored(product)]
    assert times == sorted(set(times))
    end = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-20T00:00:00Z"}
    whole = {"place": "hall", "energy": "electricity", "interval": "15m", **end}
    product.wait_until(lambda: product.get("consumption", **whole)["total"] == pytest.approx(750.0))
    amounts = [item["amount"] for item in product.get("consumption", **whole)["items"]]
    assert [amount for amount in amounts if amount is not None] == pytest.approx([3.75] * 200)


RULES = """
rules:
  - id: over-power
    name: {zh: 超功率, en: Over power}
    condition:
      {kind: threshold, quantity: power_active, comparator: above, threshold: 1000, clear_threshold: 900}
    for_s: 30
    severity: critical
    action: {zh: 查看, en: Look}
"""


def test_an_alert_survives_kill_9_and_is_resolved_once(product, tmp_path):
    config = tmp_path / "config"
    config.mkdir()
    (config / "rules.yaml").write_text(RULES, encoding="utf-8")
    product.variables["WATTLINE_CONFIG"] = str(config)
    product.start()
    provision(product)
    now_s = int(time.time()) - 120

    def power(second, watts):
        return "wattline/v1/m/readings", f'{{"ts": {(now_s + second) * 1000}, "power_active": {watts}}}'

    def story():
        return [(item["state"], item["value"]) for item in product.get("alerts")["items"]]

    publish(product.mqtt_port, [power(0, 1500)])
    product.wait_until(lambda: product.total("wattline_readings_total") == 1)
    assert story() == []
    product.kill()  # while pending
    product.start()
    publish(product.mqtt_port, [power(40, 1600)])
    product.wait_until(lambda: story() == [("firing", 1600.0)])
    product.kill()  # while firing
    product.start()
    publish(product.mqtt_port, [power(50, 1700)])
    product.wait_until(lambda: product.total("wattline_readings_total") == 1)
    assert story() == [("firing", 1600.0)]
    publish(product.mqtt_port, [power(60, 800)])
    product.wait_until(lambda: story() == [("resolved", 800.0)])


def stored(product):
    rows, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        span = {"from": "2023-11-01T00:00:00Z", "to": "2024-11-01T00:00:00Z"}
        of = {"device": "m", "quantity": "energy_active_import_total", "limit": 1000}
        page = product.get("readings", **of, **span, **more)
        rows += page["items"]
        cursor = page["next"]
        if not cursor:
            return rows


def test_a_taken_port_is_one_line_that_says_what_to_change(product):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", product.http_port))
        holder.listen()
        done = product.command("run")
    assert done.returncode == 1
    told = f"port {product.http_port} on 127.0.0.1 is taken: stop what uses it"
    assert done.stderr == f"{told}, or set another with WATTLINE_HTTP__PORT=…\n"


def test_a_data_folder_that_cannot_be_written_is_one_line(product, tmp_path):
    (tmp_path / "file").write_text("in the way")
    product.variables["WATTLINE_DATA_DIR"] = str(tmp_path / "file" / "data")
    done = product.command("run")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "WATTLINE_DATA_DIR" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_line(product, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=True)
    try:
        product.variables["WATTLINE_DATA_DIR"] = str(small / "data")
        done = product.command("run")
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "make room" in done.stderr


def test_a_second_run_on_the_same_data_is_refused_in_one_line(product):
    product.start()
    other = type(product)(product.folder)
    done = other.command("run")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert httpx.get(f"{product.url}/healthz").status_code == 200


def test_the_api_alone_says_why_it_can_not_serve_a_duckdb_file(product):
    done = product.command("api")
    assert done.returncode == 1
    assert "WATTLINE_STORE__KIND=influx" in done.stderr
