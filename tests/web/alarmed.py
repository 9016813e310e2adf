"""A small estate whose meters can be driven past their limits."""

import json
import time
from pathlib import Path

import paho.mqtt.client as paho

from tests.product import Product

RULES = """
rules:
  - id: overload
    name: {zh: 过载, en: Overload}
    condition:
      {kind: threshold, quantity: power_active, comparator: above, threshold: 80000, clear_threshold: 75000}
    severity: critical
    action: {zh: 关停非必要负荷并通知值班电工。, en: Switch off what is not needed and call the electrician.}
    runbook: https://intranet.example/overload
    deadline_s: 7200
  - id: voltage-high
    name: {zh: 电压偏高, en: Voltage high}
    condition:
      {kind: threshold, quantity: voltage_l1, comparator: above, threshold: 235.4, clear_threshold: 233.0}
    severity: warning
    action: {zh: 核对变压器分接头并联系供电单位。, en: Check the transformer tap and call the utility.}
    approval: true
"""
PLACES = (
    ("city", None, "region", "云阳市", "Yunyang"),
    ("bureau", "city", "organisation", "机关事务管理局", "Government Offices Bureau"),
    ("hall", "bureau", "building", "市政府办公楼", "City hall"),
    ("archive", "bureau", "building", "档案馆", "City archive"),
)
DEVICES = (
    ("hall-main", "hall", "总进线电表", "Main meter", 3600),
    ("hall-pump", "hall", "水泵房电表", "Pump room meter", 3600),
    ("late-main", "hall", "备用电表", "Standby meter", 3600),
    ("annex-main", "archive", "附楼总表", "Annex main meter", 3600),
    ("annex-pump", "archive", "附楼水泵电表", "Annex pump meter", 3600),
    ("archive-main", "archive", "档案馆总表", "Archive main meter", 1),
)


class Alarmed:
    """The product with this estate, and a client that speaks for its meters."""

    def __init__(self, product: Product, config: Path) -> None:
        config.mkdir()
        (config / "rules.yaml").write_text(RULES, encoding="utf-8")
        product.variables["WATTLINE_CONFIG"] = str(config)
        self.product = product
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)

    def start(self) -> "Alarmed":
        self.product.start()
        for id_, parent, kind, zh, en in PLACES:
            place = {"id": id_, "kind": kind, "parent_id": parent, "name": {"zh": zh, "en": en}}
            self.product.post("places", place | {"timezone": "Asia/Shanghai"})
        for id_, place_id, zh, en, interval_s in DEVICES:
            device = {"id": id_, "kind": "meter", "place_id": place_id, "name": {"zh": zh, "en": en}}
            self.product.post("devices", device | {"expected_interval_s": interval_s})
        self._client.connect("127.0.0.1", self.product.mqtt_port)
        self._client.loop_start()
        return self

    def say(self, device: str, seconds_ago: float = 0.0, **readings: float) -> None:
        """Publish readings of a meter, made so long ago."""
        payload = {"ts": int((time.time() - seconds_ago) * 1000), **readings}
        self._client.publish(f"wattline/v1/{device}/readings", json.dumps(payload), qos=1).wait_for_publish(
            30
        )

    def alert(self, device: str, state: str | None = None) -> dict:
        """The newest alert of a device, in this state if one is named, once there is one."""
        found: list[dict] = []

        def there() -> bool:
            found[:] = [
                one
                for one in self.product.get("alerts")["items"]
                if one["device_id"] == device and state in (None, one["state"])
            ]
            return bool(found)

        self.product.wait_until(there, what=f"an alert of {device}, {state or 'in any state'}")
        return found[0]

    def timeline(self, alert: dict) -> list[dict]:
        return self.product.get(f"alerts/{alert['id']}/timeline")["items"]

    def stop(self) -> None:
        self._client.loop_stop()
        self.product.kill()
