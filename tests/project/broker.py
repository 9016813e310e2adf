"""A real mosquitto with the production configuration, and clients of it that wait for each answer."""

import itertools
import queue
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ingest.mqtt import MqttOptions
from tests.servers import binary, free_port
from tools.deploy import make_secrets

ROOT = Path(__file__).parents[2]
WAIT_S = 20.0


class Broker:
    """mosquitto with config/mosquitto, its paths moved to a folder and its port to a free one.

    changes: lines of its configuration, and what a site has put in their place.
    """

    def __init__(self, folder: Path, changes: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.secrets = folder / "made"
        self.numbers = itertools.count(1)
        make_secrets(self.secrets, [])
        (folder / "data").mkdir()
        shutil.copytree(ROOT / "config" / "mosquitto", folder / "config")
        (folder / "secrets").symlink_to(self.secrets / "mqtt")
        self.port = free_port()
        path = folder / "config" / "mosquitto.conf"
        moved = (
            path.read_text()
            .replace("/mosquitto/", f"{folder}/")
            .replace("listener 8883", f"listener {self.port} 127.0.0.1")
        )
        for line, instead in (changes or {}).items():
            assert f"\n{line}\n" in moved
            moved = moved.replace(f"\n{line}\n", f"\n{instead}\n")
        # started by root it would become a user who can't enter the test's folder
        path.write_text(f"user root\n{moved}")
        self.start()

    def start(self) -> None:
        command = [binary("mosquitto", "mosquitto"), "-c", self.folder / "config" / "mosquitto.conf"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        # A handshake is answered by its main loop, before which SIGHUP would end it.
        context = ssl.create_default_context(cafile=self.folder / "secrets" / "ca.crt")
        deadline_s = time.monotonic() + WAIT_S
        while time.monotonic() < deadline_s and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), WAIT_S) as plain:
                    context.wrap_socket(plain, server_hostname="localhost").close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"mosquitto did not start: {(self.folder / 'log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(WAIT_S)

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def password(self, account: str) -> str:
        named = {
            "wattline": "mqtt_password",
            "watch": "mqtt_watch_password",
            "import": "mqtt_import_password",
            "health": "mqtt/health_password",
        }
        return (self.secrets / named[account]).read_text()


class Client:
    """A connection that waits for each of its answers."""

    def __init__(
        self,
        broker: Broker,
        account: str | None,
        password: str | None,
        *,
        version: int = 5,
        client_id: str = "",
        certificate: Path | None = None,
    ) -> None:
        protocol = mqtt.MQTTv5 if version == 5 else mqtt.MQTTv311
        self.answers: queue.Queue[object] = queue.Queue()
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.lost: queue.Queue[object] = queue.Queue()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol)
        mine = (
            (None, None) if certificate is None else (str(certificate), str(certificate.with_suffix(".key")))
        )
        self.client.tls_set(
            str(broker.folder / "secrets" / "ca.crt"), *mine, tls_version=ssl.PROTOCOL_TLS_CLIENT
        )
        self.client.username_pw_set(account, password)
        self.client.on_connect = lambda *given: self.answers.put(given[3])
        self.client.on_subscribe = lambda *given: self.answers.put(given[3])
        self.client.on_publish = lambda *given: self.answers.put(given[3])
        self.client.on_message = lambda *given: self.messages.put((given[2].topic, given[2].payload))
        self.client.on_disconnect = lambda *given: self.lost.put(given[3])
        properties = None
        if version == 5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 3600
            properties.MaximumPacketSize = MqttOptions("", 0, ()).max_packet_bytes
        clean = {"clean_start": False, "properties": properties} if version == 5 else {}
        self.client.connect("localhost", broker.port, **clean)
        self.client.loop_start()
        self.connected = self.answers.get(timeout=WAIT_S)

    def subscribe(self, topic: str) -> object:
        self.client.subscribe(topic, qos=1)
        return self.answers.get(timeout=WAIT_S)[0]

    def publish(self, topic: str, payload: bytes) -> object:
        self.client.publish(topic, payload, qos=1)
        return self.answers.get(timeout=WAIT_S)

    def next(self) -> tuple[str, bytes]:
        return self.messages.get(timeout=WAIT_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
