"""A rule made in the API, its alert, and what people do about it, in the product as it runs."""

import time
from urllib.parse import quote

import httpx

from tests.wattline.test_run import NAME, publish

RULE = {
    "id": "over-power",
    "name": NAME,
    "action": NAME,
    "condition": {"kind": "threshold", "quantity": "power_active", "comparator": "above", "threshold": 1000},
    "select": {"devices": ["m"]},
    "severity": "critical",
    "deadline_s": 1,
    "approval": True,
}


def test_an_alert_is_handled_while_the_product_runs(product):
    product.start()
    for id_, parent in (("city", None), ("office", "city"), ("hall", "office")):
        kind = "building" if id_ == "hall" else "organisation"
        place = {"id": id_, "kind": kind, "name": NAME, "timezone": "UTC", "parent_id": parent}
        product.post("places", place)
    product.post(
        "devices", {"id": "m", "kind": "meter", "place_id": "hall", "name": NAME, "expected_interval_s": 60}
    )
    product.post("rules", RULE)
    start_ms = int(time.time() * 1000) - 30_000

    def power(second, watts):
        payload = f'{{"ts": {start_ms + second * 1000}, "power_active": {watts}}}'
        publish(product.mqtt_port, [("wattline/v1/m/readings", payload)])

    def only():
        items = product.get("alerts")["items"]
        return items[0] if items else None

    def fires():
        power(int(time.time() * 1000 - start_ms) // 1000, 1500)
        return only() is not None

    product.wait_until(fires, what="an alert of a rule that was made while ingest ran")
    alert = only()
    address = f"{product.url}/api/v1/alerts/{quote(alert['id'], safe='')}"

    def act(verb, **body):
        return httpx.post(f"{address}/{verb}", json=body, timeout=30)

    assert alert["handling"]["organisation_id"] == "office"
    assert act("acknowledge", by="Li").status_code == 200
    assert act("close", by="Li", reason="fixed").status_code == 409
    escalated = "an alert nobody closed in time goes up"
    product.wait_until(lambda: only()["handling"]["organisation_id"] == "city", 60, escalated)
    power(int(time.time() * 1000 - start_ms) // 1000 + 1, 500)
    product.wait_until(lambda: only()["state"] == "resolved")
    product.kill()
    product.start()
    assert act("close", by="Li", reason="fixed").json()["handling"]["status"] == "closing"
    assert act("approve", by="Li").status_code == 409
    closed = act("approve", by="Zhao").json()["handling"]
    assert (closed["status"], closed["approved_by"]) == ("closed", "Zhao")
    assert closed["evidence"]["samples"][-1]["value"] == 500.0
    timeline = httpx.get(f"{address}/timeline", timeout=30).json()
    assert timeline["whole"] is True
    kinds = [line["kind"] for line in timeline["items"]]
    assert "escalated" in kinds
    told = ["fired", "assigned", "acknowledged", "resolved", "closing", "closed"]
    assert [kind for kind in kinds if kind not in ("escalated", "not_told")] == told
