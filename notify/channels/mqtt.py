"""Messages to Wattline's own MQTT broker, for displays, sirens and other programs.

MQTT 5, QoS 1: delivered means that the broker has sent its PUBACK.
"""

import asyncio
import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

import mqtt5
from pydantic import AfterValidator

from core.delivery import Outcome, Said
from notify.channels.base import Broker, ChannelSettings, Surroundings
from notify.message import Form, Message

_Packet = TypeVar("_Packet")

_DEADLINE_S = 15.0
_READ_BYTES = 65_536
_KEEP_ALIVE_S = 60  # rumqttd ends a connection that names none
_FIELDS = ("severity", "rule", "place", "event")
_LATER = (0x88, 0x89, 0x97)  # unavailable, busy, quota exceeded (MQTT 5.0 section 2.4)
_ERROR = 0x80


def _is_topic(text: str) -> str:
    plain = re.sub(r"\{(\w+)\}", "x", text)
    unknown = [name for name in re.findall(r"\{(\w*)\}", text) if name not in _FIELDS]
    if unknown or "{" in plain or "}" in plain:
        raise ValueError(f"may hold {', '.join('{' + name + '}' for name in _FIELDS)}, and no other braces")
    if not plain or any(c in plain for c in "+#\0"):
        raise ValueError("write a topic to publish to, without + and #")
    return text


class MqttSettings(ChannelSettings):
    """topic: may name {severity}, {rule}, {place} and {event} of what is told ("many" if they differ)."""

    MAY_HAVE = ("password",)
    kind: Literal["mqtt"]
    topic: Annotated[str, AfterValidator(_is_topic)] = "wattline/v1/alerts/{severity}/{place}"
    retain: bool = False
    rate_per_minute: int = 600
    username: str | None = None
    password_file: Path | None = None
    password_env: str | None = None

    def open(self, around: Surroundings) -> "MqttChannel":
        """Take the broker of the product."""
        if around.broker is None:
            raise ValueError("kind = 'mqtt': there is no broker: set broker in wattline.yaml")
        return MqttChannel(self, self.secret("password", around.environ), around.broker)

    def target(self) -> str:
        """The topic."""
        return self.topic


@dataclass(frozen=True, slots=True)
class MqttChannel:
    """Connects for each message: there are few, and nothing is left that could be lost."""

    form: ClassVar[Form] = Form.DATA
    settings: MqttSettings
    password: str
    broker: Broker

    async def send(self, id_: str, message: Message, now_us: int) -> Said:  # noqa: ARG002 it is told when it is told
        """Publish {"id", "type", "timestamp", "data", "text"} and wait for the PUBACK."""
        payload = json.dumps(message.data | {"id": id_, "text": message.text}, ensure_ascii=False)
        topic = self.settings.topic.format(**{name: _level(message.topic.get(name, "")) for name in _FIELDS})
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await self._publish(topic, payload.encode())
        except TimeoutError:
            return Said(Outcome.RETRY, None, f"no answer within {_DEADLINE_S:g} s")
        except (OSError, EOFError, ValueError) as error:
            return Said(Outcome.RETRY, None, f"the broker: {error or type(error).__name__}")

    async def _publish(self, topic: str, payload: bytes) -> Said:
        settings, broker = self.settings, self.broker
        reader, writer = await asyncio.open_connection(broker.host, broker.port, ssl=broker.tls)
        try:
            connect = mqtt5.ConnectPacket(
                f"wattline-tell-{secrets.token_hex(6)}",
                username=settings.username,
                password=self.password.encode() if self.password else None,
                clean_start=True,
                keep_alive=_KEEP_ALIVE_S,
            )
            writer.write(connect.write())
            connack = await _next(reader, mqtt5.ConnAckPacket)
            if int(connack.reason_code) >= _ERROR:
                return _refused(int(connack.reason_code), "the broker refuses the connection")
            writer.write(
                mqtt5.PublishPacket(
                    topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=settings.retain, packet_id=1
                ).write()
            )
            puback = await _next(reader, mqtt5.PubAckPacket)
            writer.write(mqtt5.DisconnectPacket().write())
            await writer.drain()
        finally:
            writer.close()
        if int(puback.reason_code) >= _ERROR:
            return _refused(int(puback.reason_code), f"the broker refuses {topic}")
        return Said(Outcome.DELIVERED, int(puback.reason_code), f"PUBACK for {topic}")


async def _next(reader: asyncio.StreamReader, kind: type[_Packet]) -> _Packet:
    """The next packet of a kind; others are passed over. Raises EOFError or ValueError."""
    read = b""
    while True:
        try:
            packet, size = mqtt5.read(memoryview(read))
        except IndexError:  # not whole yet
            more = await reader.read(_READ_BYTES)
            if not more:
                raise EOFError("closed the connection") from None
            read += more
            continue
        read = read[size:]
        if isinstance(packet, kind):
            return packet
        if isinstance(packet, mqtt5.DisconnectPacket):
            raise EOFError(f"ended the connection ({packet.reason_code})")  # noqa: TRY004 no fault of ours


def _refused(code: int, what: str) -> Said:
    return Said(Outcome.RETRY if code in _LATER else Outcome.DEAD, code, f"{what} (0x{code:02x})")


def _level(text: str) -> str:
    """Text as one level of a topic."""
    return re.sub(r"[/+#\0\s]", "_", text) or "_"
