"""Wattline with the settings of docker-compose.yml, on real servers with the production configuration."""

from pathlib import Path

import httpx
import yaml

from tests.project.broker import Broker, Client
from tests.servers import fresh_database
from tools.deploy import add_device

ROOT = Path(__file__).parents[2]
NAME = {"zh": "名", "en": "name"}
HOUR = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z"}


def _energies(product) -> list[float]:
    given = {"device": "meter-17", "quantity": "energy_active_import_total", **HOUR}
    answer = httpx.get(f"{product.url}/api/v1/readings", params=given, timeout=60)
    if answer.status_code == 422:  # the meter has not reported yet
        return []
    return [row["value"] for row in answer.raise_for_status().json()["items"]]


def _publish(
    broker: Broker, password: str, *energies: int, account: str = "meter-17", version: int = 5
) -> None:
    meter = Client(broker, account, password, version=version)
    for energy in energies:
        payload = f'{{"ts": "2026-01-01T00:{energy:02}:00Z", "energy_active_import_total": {energy}}}'
        assert meter.publish("wattline/v1/meter-17/readings", payload.encode()) == 0
    meter.close()


def test_a_device_is_heard_through_the_production_set_up(tmp_path, product, influxd, postgres) -> None:
    """Over TLS, with passwords, from nobody else; what comes while Wattline is away waits for it."""
    (tmp_path / "mosquitto").mkdir()
    broker = Broker(tmp_path / "mosquitto")
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    settings = dict(services["wattline"]["environment"])
    account = (broker.secrets / "wattline.env").read_text().strip().partition("=")[2]
    assert account.startswith("postgresql+psycopg://wattline:")
    with fresh_database(postgres, "deployment") as database:
        here = {
            "WATTLINE_BROKER__HOST": "localhost",
            "WATTLINE_BROKER__PORT": str(broker.port),
            "WATTLINE_BROKER__CA_FILE": str(broker.secrets / "mqtt" / "ca.crt"),
            "WATTLINE_BROKER__WATCH_PASSWORD_FILE": str(broker.secrets / "mqtt_watch_password"),
            "WATTLINE_BROKER__IMPORT_PASSWORD_FILE": str(broker.secrets / "mqtt_import_password"),
            "WATTLINE_BROKER__PASSWORD_FILE": str(broker.secrets / "mqtt_password"),
            "WATTLINE_STORE__URL": influxd.url,
            "WATTLINE_STORE__DATABASE": "deployment",
            "WATTLINE_STORE__PASSWORD_FILE": str(broker.secrets / "influx_wattline"),
            "WATTLINE_REGISTRY__URL": database.replace("postgresql://", "postgresql+psycopg://"),
            "WATTLINE_HTTP__HOST": "127.0.0.1",
            "WATTLINE_HTTP__PORT": str(product.http_port),
            "WATTLINE_DATA_DIR": str(tmp_path / "data"),
        }
        assert here.keys() - settings.keys() == {"WATTLINE_REGISTRY__URL"}
        product.variables = settings | here
        try:
            product.start()
            product.post("places", {"id": "hall", "kind": "building", "name": NAME, "timezone": "UTC"})
            device = {"id": "meter-17", "kind": "meter", "place_id": "hall", "name": NAME}
            product.post("devices", device | {"expected_interval_s": 60})
            password = add_device(broker.secrets, "meter-17")
            other = add_device(broker.secrets, "meter-18")
            broker.reload()
            # MQTT 3.1.1 answers a forgery as a success; what counts is that no row comes of it.
            _publish(broker, other, 40, 41, account="meter-18", version=3)
            _publish(broker, password, 1, 2)
            product.wait_until(lambda: _energies(product) == [1, 2])
            product.wait_until(lambda: product.total("wattline_broker_watched") == 1)
            assert product.total("wattline_broker_messages_dropped_total") == 0
            assert product.total("wattline_broker_reconnects_total") == 0  # nobody took ingest's session over
            assert product.stop() == 0
            _publish(broker, password, 3, 4)
            product.start()
            product.wait_until(lambda: _energies(product) == [1, 2, 3, 4])
            by_hand = tmp_path / "by-hand.csv"
            by_hand.write_text(
                "device,quantity,time,value\nmeter-17,energy_active_import_total,2026-01-01 00:05,5\n"
            )
            done = product.command("import", str(by_hand))
            assert done.returncode == 0, done.stderr
            product.wait_until(lambda: _energies(product) == [1, 2, 3, 4, 5])
            assert product.total("wattline_broker_reconnects_total") == 0
        finally:
            product.kill()
            broker.stop()
