"""The embedded broker of `run`: rumqttd, from the iotcore wheel, in a child process.

It needs nothing installed and carries twice mosquitto's load on two cores, but it has two
limits. It keeps sessions and queues in memory: what it had not delivered when it is killed
is gone. And it never has more than 100 messages in flight to one session, so that a batch
that must be durable before it is acknowledged is a small one. In production use mosquitto
with persistence (config/mosquitto).
"""

from pathlib import Path

from iotcore import Broker

from core.errors import StartError
from wattline.stated.settings import Broker as BrokerSettings

IN_FLIGHT = 100
"""Most unacknowledged messages of a session, whatever the configuration says (rumqttd 0.20)."""

# rumqttd speaks one protocol version a port. Its commit log holds up to
# segment size x count bytes a topic filter; a reader further behind than that loses data.
_CONFIG = """
id = 0

[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 16777216
max_segment_count = 16

[v4.devices]
name = "devices"
listen = "{host}:{device_port}"
next_connection_delay_ms = 1
[v4.devices.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 500
dynamic_filters = true

[v5.ingest]
name = "ingest"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[v5.ingest.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 100
dynamic_filters = true
"""


def start_broker(settings: BrokerSettings, data_dir: Path) -> Broker:
    """Start the broker on both ports and wait until it listens; raises StartError."""
    config = data_dir / "broker.toml"
    config.write_text(
        _CONFIG.format(
            host=settings.host,
            port=settings.port,
            device_port=settings.device_port,
        ),
        encoding="utf-8",
    )
    broker = Broker(config_path=str(config))
    try:
        return broker.start()
    except (OSError, RuntimeError) as error:
        raise StartError(f"the embedded broker does not start: {error}") from error
