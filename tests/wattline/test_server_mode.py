"""Ingest and API as processes of their own over InfluxDB and PostgreSQL, as in production."""

import contextlib
import json

import pytest
from websockets.sync.client import connect

from tests.servers import fresh_database
from tests.wattline.test_run import provision, publish, reading


@pytest.fixture
def processes(product, mosquitto, influxd, postgres):
    """(ingest, api): two products that share broker, InfluxDB and PostgreSQL."""
    with fresh_database(postgres, f"wattline{product.http_port}") as registry:
        product.variables = {
            "WATTLINE_BROKER__KIND": "external",
            "WATTLINE_BROKER__PORT": str(mosquitto.port),
            "WATTLINE_BROKER__CLIENT_ID": f"server-{product.http_port}",
            "WATTLINE_STORE__KIND": "influx",
            "WATTLINE_STORE__URL": influxd.url,
            "WATTLINE_STORE__DATABASE": f"server{product.http_port}",
            "WATTLINE_REGISTRY__URL": registry.replace("postgresql://", "postgresql+psycopg://"),
        }
        product.mqtt_port = mosquitto.port
        product.subcommand = "api"
        ingest = type(product)(product.folder / "ingest", subcommand="ingest", variables=product.variables)
        ingest.folder.mkdir()
        with contextlib.ExitStack() as stack:
            stack.callback(ingest.kill)
            stack.callback(product.kill)
            yield ingest, product


def test_the_api_shows_what_another_process_ingests(processes):
    ingest, api = processes
    ingest.launch(lambda: "connected to broker" in ingest.log)
    api.start()
    provision(api)
    with connect(f"ws://127.0.0.1:{api.http_port}/api/v1/live", origin=api.url) as live:
        assert json.loads(live.recv(10))["type"] == "hello"
        publish(api.mqtt_port, [reading(minute, minute * 0.5) for minute in range(31)])
        publish(api.mqtt_port, [("wattline/v1/m/readings", '{"power_active": 4200}')])
        seen = {}
        while "power" not in seen:
            message = json.loads(live.recv(20))
            seen[message["type"]] = message
    assert seen["power"]["items"][0]["power_w"] == 4200
    span = {"from": "2023-11-14", "to": "2023-11-16", "energy": "electricity", "interval": "1d"}
    api.wait_until(lambda: api.get("consumption", place="hall", **span)["total"] == pytest.approx(15.0))
    assert ingest.stop() == 0
