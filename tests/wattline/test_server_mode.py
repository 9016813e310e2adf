"""Ingest and API as processes of their own over InfluxDB and PostgreSQL, as in production."""

import contextlib
import json

import pytest
from websockets.sync.client import connect

from tests.servers import fresh_database
from tests.wattline.test_handling_run import RULE
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


def test_what_is_done_through_one_api_process_is_heard_from_another(processes):
    ingest, api = processes
    other = type(api)(api.folder / "other", subcommand="api", variables=api.variables)
    other.folder.mkdir()
    ingest.launch(lambda: "connected to broker" in ingest.log)
    try:
        for process in (api, other):
            process.start()
        provision(api)
        api.post("rules", RULE | {"deadline_s": 3600})
        with connect(f"ws://127.0.0.1:{other.http_port}/api/v1/live", origin=other.url) as live:

            def heard(wanted):
                while (message := json.loads(live.recv(30)))["type"] != "alert" or not wanted(message):
                    pass
                return message

            def fires():
                publish(api.mqtt_port, [("wattline/v1/m/readings", '{"power_active": 4200}')])
                return api.get("alerts")["items"]

            api.wait_until(fires, what="an alert")
            fired = heard(lambda message: message["previous"] == "inactive")
            assert fired["alert"]["handling"]["status"] == "new"
            api.post(f"alerts/{fired['alert']['id']}/acknowledge", {"by": "Li"})
            acted = heard(lambda message: message["alert"]["handling"]["status"] != "new")
        assert (acted["previous"], acted["alert"]["handling"]["acknowledged_by"]) == ("firing", "Li")
    finally:
        other.kill()
    assert ingest.stop() == 0
