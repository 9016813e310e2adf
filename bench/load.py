"""Meters and their messages: five values in about 135 B, as every benchmark uses them."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from ingest.decoders import native
from ingest.mqtt import MqttOptions, MqttSource
from simulators.publish import BrokerAddress, Publisher
from simulators.stream import Message
from wattline.stated.configuration import load_estate

CONFIG = Path(__file__).parents[1] / "config"
NAME = Name("载", "load")
QUANTITIES = ("energy_active_import_total", "power_active", "voltage_l1", "current_l1", "power_factor")
PERIOD_MS = 10_000
"""A meter reports so often by its own clock."""


def now_us() -> int:
    """Wall clock in microseconds since 1970."""
    return time.time_ns() // 1000


def readings(count: int, devices: int) -> Iterator[tuple[int, int, int]]:
    """(device, turn, device time in ms) of messages: devices in turn, up to now."""
    rounds = -(-count // devices)
    start_ms = now_us() // 1000 - rounds * PERIOD_MS
    for number in range(count):
        turn, device = divmod(number, devices)
        yield device, turn, start_ms + turn * PERIOD_MS


def message(device: int, turn: int, time_ms: int) -> Message:
    """What a meter says."""
    payload = (
        f'{{"ts":{time_ms},"energy_active_import_total":{1000 + turn * 0.03:.2f},'
        f'"power_active":{10800 + device},"voltage_l1":229.8,"current_l1":15.7,"power_factor":0.97}}'
    )
    return Message(f"wattline/v1/load-{device:05d}/readings", payload.encode())


def messages(count: int, devices: int) -> list[Message]:
    """Readings of devices in turn, one every ten seconds of their time, up to now."""
    return [message(*reading) for reading in readings(count, devices)]


def estate(devices: int, buildings: int = 1, period_s: float = PERIOD_MS / 1000) -> Estate:
    """So many meters in so many buildings of one site, under the rules that ship."""
    site = Place("load", PlaceKind.SITE, NAME, "UTC")
    places = [
        Place(f"load-b{at}", PlaceKind.BUILDING, NAME, "UTC", parent_id=site.id) for at in range(buildings)
    ]
    meters = [
        Device(
            f"load-{at:05d}",
            DeviceKind.METER,
            f"load-b{at % buildings}",
            NAME,
            expected_interval_s=period_s,
        )
        for at in range(devices)
    ]
    return Estate((site, *places), tuple(meters), load_estate(CONFIG).rules)


def registers(devices: int) -> list[tuple[str, str]]:
    """What the meters of an estate report."""
    return [(f"load-{at:05d}", name) for at in range(devices) for name in QUANTITIES]


def session(port: int, client_id: str) -> MqttOptions:
    """A persistent session for readings."""
    return MqttOptions("127.0.0.1", port, native.TOPIC_FILTERS[:1], client_id=client_id)


async def queue_up(options: MqttOptions, backlog: list[Message]) -> None:
    """Open the session, leave it, and publish what it will find."""
    source = MqttSource(options, itertools.count(1).__next__)
    batches = source.batches()
    waiting = asyncio.ensure_future(anext(batches, None))
    while not source.connected:  # noqa: ASYNC110 the source offers no event
        await asyncio.sleep(0.01)
    source.close()
    await waiting
    await batches.aclose()
    async with Publisher(BrokerAddress(options.host, options.port), client_id="bench") as publisher:
        await publisher.publish(backlog)
