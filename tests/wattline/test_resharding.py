"""Shards as processes over mosquitto, InfluxDB and PostgreSQL: killed, and 2 become 3 under load."""

import contextlib
import json
import threading
import time
from functools import partial

import httpx
import paho.mqtt.client as paho
import psycopg
import pytest

from tests.product import Product
from tests.servers import fresh_database
from tests.wattline.test_run import MINUTE_MS, NAME, START_MS, provision, publish

DEVICES = tuple(f"m{number}" for number in range(24))


@pytest.fixture
def api(product, mosquitto, influxd, postgres):
    """The API over stores that shards fill; database is its registry."""
    name = f"shards{product.http_port}"
    with fresh_database(postgres, name) as database:
        product.subcommand = "api"
        product.variables = {
            "WATTLINE_BROKER__KIND": "external",
            "WATTLINE_BROKER__PORT": str(mosquitto.port),
            "WATTLINE_BROKER__CLIENT_ID": name,
            "WATTLINE_STORE__KIND": "influx",
            "WATTLINE_STORE__URL": influxd.url,
            "WATTLINE_STORE__DATABASE": name,
            "WATTLINE_REGISTRY__URL": database.replace("postgresql://", "postgresql+psycopg://"),
            "WATTLINE_INGEST__BATCH_MESSAGES": "50",
        }
        product.database = database
        yield product.start()
        product.kill()


@pytest.fixture
def shards(api):
    """Makes the process of a shard, killed at the end."""
    with contextlib.ExitStack() as stack:

        def make(which, *more):
            folder = api.folder / which.replace("/", "-of-")
            folder.mkdir(exist_ok=True)
            arguments = ("--shard", which, *more)
            shard = Product(folder, arguments=arguments, subcommand="ingest", variables=dict(api.variables))
            shard.variables["WATTLINE_INGEST__HTTP_PORT"] = str(shard.http_port)
            stack.callback(shard.kill)
            return shard

        yield make


def takes(shard):
    """Started until it is ready."""
    return shard.start()


def waits(shard):
    return shard.launch(lambda: "messages are kept for us" in shard.log)


def leave(make, which):
    shard = make(which, "--leave")
    done = shard.command("ingest", *shard.arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def reading(minute, device):
    number = DEVICES.index(device)
    body = {"ts": START_MS + minute * MINUTE_MS, "energy_active_import_total": minute * (number + 1) * 0.25}
    return f"wattline/v1/{device}/readings", json.dumps(body)


def has_stored(api, device, count):
    """Whether there are that many readings of a device, each once; more are an error."""
    span = {"from": "2023-11-01T00:00:00Z", "to": "2024-11-01T00:00:00Z"}
    of = {"device": device, "quantity": "energy_active_import_total", "limit": 1000}
    if not api.get("registers", device=device)["items"]:
        return False
    page = api.get("readings", **of, **span)
    items = page["items"]
    while page["next"]:
        page = api.get("readings", **of, **span, cursor=page["next"])
        items += page["items"]
    times = [item["time"] for item in items]
    assert times == sorted(set(times))
    assert len(times) <= count
    return len(times) == count


def figures_are_exact(api, device, quarters):
    """Whether the first quarters of an hour are what follows from all readings."""
    span = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-16T00:00:00Z", "interval": "15m"}
    answer = api.get("consumption", device=device, energy="electricity", **span)
    amounts = [item["amount"] for item in answer["items"] if item["amount"] is not None]
    each = 15 * 0.25 * (DEVICES.index(device) + 1)
    return amounts[:quarters] == pytest.approx([each] * quarters)


@contextlib.contextmanager
def publishing(port):
    """Every device publishes, minute after minute, while the block runs; then rounds says how many."""
    done, rounds = threading.Event(), []

    def go_on():
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", port)
        client.loop_start()
        sent = []
        while not done.wait(0.15):
            sent += [client.publish(*reading(len(rounds), device), qos=1) for device in DEVICES]
            rounds.append(len(rounds))
        for message in sent:
            message.wait_for_publish(30)
        client.disconnect()
        client.loop_stop()

    sender = threading.Thread(target=go_on)
    sender.start()
    try:
        yield rounds
    finally:
        done.set()
        sender.join()


def test_two_shards_become_three_under_load_and_kill_9(api, shards, mosquitto):
    """Two are killed on the way, one before and one after: nothing lost or doubled, every figure exact."""
    provision(api, DEVICES)
    one, other = takes(shards("0/2")), takes(shards("1/2"))
    with publishing(mosquitto.port) as rounds:
        under_load(one)
        under_load(other)
        other.kill()  # what comes now waits in its session, and in no other
        three = [waits(shards(f"{index}/3")) for index in range(3)]
        assert one.stop() == 0
        assert "left" in leave(shards, "0/2")
        assert not any("taking messages" in shard.log for shard in three)
        assert "left" in leave(shards, "1/2")
        for shard in three:
            under_load(shard)
        three[1].kill()
        under_load(takes(three[1]))
    publish(mosquitto.port, [("wattline/v1/stranger/readings", '{"power_active": 1}')] * 5)

    print(len(rounds) * len(DEVICES), "readings attempted")  # noqa: T201 shown when it fails
    for device in DEVICES:
        api.wait_until(partial(has_stored, api, device, len(rounds)), what=f"all of {device}")
        api.wait_until(partial(figures_are_exact, api, device, len(rounds) // 15 - 1))
    api.wait_until(lambda: api.get("dead-letters")["counts"] == {"unknown_device": 5})
    with psycopg.connect(api.database) as connection:
        ids = [row[0] for row in connection.execute("select id from register order by id")]
    assert ids == list(range(len(DEVICES)))
    assert [shard.total("wattline_broker_sessions_lost_total") for shard in three] == [0, 0, 0]


def under_load(shard):
    shard.wait_until(shard._ready, 60, what="ready")
    shard.wait_until(lambda: shard.total("wattline_messages_total") > 100, what="load")


def test_one_process_becomes_two_shards(api, shards, mosquitto):
    provision(api, DEVICES)
    whole = takes(shards("0/1"))
    publish(mosquitto.port, [reading(minute, device) for minute in range(40) for device in DEVICES])
    whole.wait_until(lambda: whole.total("wattline_messages_total") == 40 * len(DEVICES))
    assert whole.stop() == 0
    two = [waits(shards(f"{index}/2")) for index in range(2)]
    publish(mosquitto.port, [reading(minute, device) for minute in range(40, 61) for device in DEVICES])
    leave(shards, "0/1")
    for shard in two:
        shard.wait_until(shard._ready, what="taking over")
    for device in DEVICES:
        api.wait_until(partial(has_stored, api, device, 61), what=f"all of {device}")
        api.wait_until(partial(figures_are_exact, api, device, 4))


def test_a_dead_gateway_of_two_shards_is_one_alert(api, shards, mosquitto):
    """Fifty meters behind it, and one that stands alone and is silent later: by then all is told."""
    meters, alone = [f"b{number}" for number in range(50)], "alone"
    place = {"id": "hall", "kind": "building", "name": NAME, "timezone": "UTC"}
    device = {"kind": "meter", "place_id": "hall", "name": NAME, "expected_interval_s": 2}
    api.post("places", place)
    api.post("devices", device | {"id": "box", "kind": "gateway"})
    for meter in meters:
        api.post("devices", device | {"id": meter, "gateway_id": "box"})
    api.post("devices", device | {"id": alone, "expected_interval_s": 8})
    silent = {"id": "silent", "name": NAME, "action": NAME, "severity": "warning"}
    api.post("rules", silent | {"condition": {"kind": "no_data", "factor": 5, "minimum_s": 10}})
    two = [takes(shards(f"{index}/2")) for index in range(2)]
    for _ in range(15):
        topics = [f"wattline/v1/{meter}/readings" for meter in (*meters, alone)]
        publish(mosquitto.port, [(topic, '{"power_active": 1}') for topic in topics])
        time.sleep(0.5)

    def targets():
        return sorted(alert["device_id"] for alert in api.get("alerts")["items"])

    assert all(shard.total("wattline_messages_total") > 100 for shard in two)
    api.wait_until(lambda: alone in targets(), 90, what="the silence of all")
    assert targets() == [alone, "box"]


@pytest.mark.usefixtures("api")
def test_a_shard_says_whether_it_can_work(shards):
    shard = takes(shards("1/2"))
    assert httpx.get(f"{shard.url}/readyz").json()["checks"]["broker"] == "ok"
    assert "wattline_broker_connected 1" in httpx.get(f"{shard.url}/metrics").text
    assert httpx.get(f"{shard.url}/api/v1/places").status_code == 404


@pytest.mark.usefixtures("api")
def test_a_shard_that_never_ran_does_not_leave(shards):
    """What its session holds, the layout before holds too; it would derive beside that."""
    assert takes(shards("0/2")).stop() == 0
    early = shards("0/3", "--leave")
    done = early.command("ingest", *early.arguments)
    assert done.returncode == 1
    assert "let 0/2, 1/2 leave" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_shard_needs_stores_that_processes_can_share(product):
    done = product.command("ingest", "--shard", "0/2")
    assert done.returncode == 1
    for word in ("WATTLINE_BROKER__KIND", "WATTLINE_STORE__KIND", "WATTLINE_REGISTRY__URL"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_the_whole_product_is_no_shard(product):
    product.variables["WATTLINE_INGEST__SHARD"] = "0/2"
    done = product.command("run")
    assert done.returncode == 1
    assert "`run` takes all devices" in done.stderr


def test_a_shard_that_is_none_is_refused_in_the_settings(product):
    product.variables["WATTLINE_INGEST__SHARD"] = "2"
    done = product.command("ingest")
    assert done.returncode == 1
    assert "WATTLINE_INGEST__SHARD = '2': write i/n" in done.stderr


def test_a_shard_that_is_none_is_refused_on_the_command_line(product):
    done = product.command("ingest", "--shard", "2/2")
    assert done.returncode == 2
    assert "write i/n" in done.stderr


def test_the_whole_product_does_not_start_beside_shards(api, shards):
    takes(shards("0/2")).stop()
    api.stop()
    done = api.command("run")
    assert done.returncode == 1
    assert "0/2, 1/2 have not left" in done.stderr
