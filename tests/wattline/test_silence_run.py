"""Silence in the product as it runs, killed at the wrong moment."""

from urllib.parse import quote

from tests.wattline.test_run import NAME, publish


def test_kill_9_right_after_a_silence_is_told_does_not_tell_it_again(product):
    """Another device, heard after the kill, is silent later: by then the first would have been told again."""
    product.start()
    product.post("places", {"id": "hall", "kind": "building", "name": NAME, "timezone": "UTC"})
    device = {"kind": "meter", "place_id": "hall", "name": NAME}
    product.post("devices", device | {"id": "first", "expected_interval_s": 1})
    product.post("devices", device | {"id": "later", "expected_interval_s": 3})
    silent = {"id": "silent", "name": NAME, "action": NAME, "severity": "warning"}
    product.post("rules", silent | {"condition": {"kind": "no_data", "factor": 3, "minimum_s": 3}})

    def speaks(id_):
        publish(product.mqtt_port, [(f"wattline/v1/{id_}/readings", '{"power_active": 1}')])

    def alerts(id_):
        return [alert["id"] for alert in product.get("alerts")["items"] if alert["device_id"] == id_]

    speaks("first")
    product.wait_until(lambda: alerts("first"), what="an alert")
    [before] = alerts("first")
    product.kill()
    product.start()
    speaks("later")
    product.wait_until(lambda: alerts("later"), what="the silence of another device")
    [only] = alerts("first")
    assert only == before
    timeline = product.get(f"alerts/{quote(only, safe='')}/timeline")["items"]
    assert [line["kind"] for line in timeline] == ["fired"]
