"""The only place that constructs adapters: from settings to a set of connected parts."""

import asyncio
import logging
import os
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import FastAPI

from api.app import create_app
from api.services import Services
from core.errors import StartError
from core.ports import Registry, TimeSeriesStore
from ingest.decoders import DECODERS
from ingest.mqtt import MqttOptions, MqttSource
from notify.channels.base import Broker as MessageBroker
from notify.channels.base import Surroundings
from notify.http import Transport
from simulators.publish import BrokerAddress
from storage.duckdb import DuckDBStore
from storage.influx import InfluxStore
from storage.registry import open_registry
from wattline import VERSION
from wattline.broker.embedded import IN_FLIGHT
from wattline.broker.watch import BrokerWatch, WatchOptions
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.imports.importer import FileImporter
from wattline.pipeline import Pipeline
from wattline.retention import Keeping
from wattline.rules.preview import RulePreviewer
from wattline.shards import SLOTS, WHOLE, Shard
from wattline.stated.channels import Told
from wattline.stated.settings import BATCH_MESSAGES, RECEIVE_MAXIMUM, Broker, Settings
from wattline.telling.channels import OpenChannels

log = logging.getLogger(__name__)

WEB_DIST = Path(__file__).parent.parent / "web" / "dist"


def now_us() -> int:
    """Wall clock in microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(slots=True)
class ReceiveClock:
    """Wall clock that never repeats or goes back: received_at_us orders the batches.

    slot: the remainder that its times leave by SLOTS, so that no other process has the same.
    """

    last_us: int
    slot: int = 0

    def __call__(self) -> int:
        """Give the time of a batch that is being received."""
        earliest_us = max(now_us(), self.last_us + 1)
        self.last_us = earliest_us + (self.slot - earliest_us) % SLOTS
        return self.last_us


@dataclass(slots=True)
class Parts:
    """What a process is made of. telling: channels that are open, once make_telling has been asked."""

    registry: Registry
    store: TimeSeriesStore
    catalogs: Catalogs
    feed: LiveFeed
    telling: OpenChannels | None = None

    def close(self) -> None:
        """Release the stores."""
        self.store.close()
        self.registry.close()


def open_parts(settings: Settings, loop: asyncio.AbstractEventLoop) -> Parts:
    """Open the stores and what connects them; raises StoreError or StartError."""
    registry = open_registry(settings.registry_url)
    catalogs = Catalogs(registry)
    return Parts(registry, _STORES[settings.store.kind](settings, catalogs), catalogs, LiveFeed(loop))


def make_pipeline(
    settings: Settings, parts: Parts, shard: Shard = WHOLE, *, leave: bool = False
) -> tuple[Pipeline, MqttSource]:
    """The pipeline and the source that feeds it; closing the source ends the pipeline.

    leave: the source ends by itself, and its session with it, once that is empty.
    """
    options = replace(mqtt_options(settings, shard), task="leave" if leave else "take")
    source = MqttSource(options, ReceiveClock(parts.store.last_received_us(), shard.slot))
    pipeline = Pipeline(
        source=source,
        decoder=DECODERS["native"],
        store=parts.store,
        registry=parts.registry,
        catalogs=parts.catalogs,
        feed=parts.feed,
        now_us=now_us,
        keeping=Keeping.of(settings.retention),
        shard=shard,
    )
    parts.feed.is_connected = lambda: source.connected
    parts.feed.totals = lambda: (
        dict(pipeline.totals)
        | source.totals()
        | {"wattline_store_incidents_total": len(parts.store.incidents())}
    )
    return pipeline, source


def make_telling(settings: Settings, parts: Parts, told: Told) -> OpenChannels:
    """Open the channels that people are told on; raises StartError."""
    broker = settings.broker
    return OpenChannels(
        told,
        Surroundings(
            Transport(settings.alerts.allow_networks),
            MessageBroker(broker.host, broker.port, tls_context(broker)),
            os.environ,
        ),
        parts.registry,
        parts.registry.deliveries,
        catalog=lambda: parts.catalogs.current,
        now_us=now_us,
        public_url=settings.alerts.public_url,
    )


def make_app(settings: Settings, parts: Parts) -> FastAPI:
    """The HTTP application over the parts."""
    return create_app(make_services(parts, make_importer(settings, parts)))


def make_importer(settings: Settings, parts: Parts) -> FileImporter:
    """What takes files of readings. Raises StartError if a named file can't be read."""
    return FileImporter(
        parts.store,
        lambda: parts.catalogs.current,
        import_broker(settings),
        now_us,
        settings.retention.readings_days,
    )


def import_broker(settings: Settings) -> BrokerAddress | str:
    """Where to publish what a person imports, or why we can't.

    Not with the account of ingest: where the account is the client id, as in
    config/mosquitto, that would take ingest's session over. Raises StartError.
    """
    broker = settings.broker
    if broker.kind == "embedded":
        return BrokerAddress(broker.host, broker.device_port)
    if broker.username is not None and broker.import_username is None:
        return (
            "no account may publish imports: set broker.import_username and broker.import_password_file "
            "(`make secrets` makes both for config/mosquitto)"
        )
    password = secret(broker.import_password_file, "broker.import_password_file")
    return BrokerAddress(broker.host, broker.port, broker.import_username, password, tls_context(broker))


def make_services(parts: Parts, importer: FileImporter | None = None) -> Services:
    """What HTTP serves from."""
    return Services(
        registry=parts.registry,
        store=parts.store,
        feed=parts.feed,
        clock=now_us,
        web_dist=WEB_DIST if (WEB_DIST / "index.html").is_file() else None,
        catalog=lambda: parts.catalogs.current,
        reload_catalog=parts.catalogs.reload,
        version=VERSION,
        importer=importer,
        previewer=RulePreviewer(parts.store, parts.registry, lambda: parts.catalogs.current),
        telling=parts.telling,
    )


def mqtt_options(settings: Settings, shard: Shard = WHOLE) -> MqttOptions:
    """How to reach the broker, and what to take; raises StartError if a named file can't be read."""
    broker = settings.broker
    embedded = broker.kind == "embedded"
    receive_maximum = broker.receive_maximum or RECEIVE_MAXIMUM[settings.store.kind]
    return MqttOptions(
        host=broker.host,
        port=broker.port,
        topic_filters=DECODERS["native"].TOPIC_FILTERS,
        client_id=shard.client_id(broker.client_id),
        username=broker.username,
        password=secret(broker.password_file, "broker.password_file"),
        tls=tls_context(broker),
        keep_alive_s=broker.keep_alive_s,
        session_expiry_s=broker.session_expiry_s,
        receive_maximum=min(receive_maximum, IN_FLIGHT) if embedded else receive_maximum,
        batch_messages=settings.ingest.batch_messages or BATCH_MESSAGES[settings.store.kind],
        batch_bytes=settings.ingest.batch_bytes,
        linger_s=settings.ingest.linger_ms / 1000,
        unacked_s=broker.unacked_s,
        wants=None if shard == WHOLE else shard.wants,
    )


def make_watch(settings: Settings) -> BrokerWatch | None:
    """What follows the broker's own figures; None where there are none, or no account to read them with.

    Not with the account of ingest unless told so: where the account is the client id, as in
    config/mosquitto, that would take ingest's session over. Raises StartError.
    """
    broker = settings.broker
    if broker.kind == "embedded":
        return None
    if broker.username is not None and broker.watch_username is None:
        log.info("no broker.watch_username is set: messages that the broker drops are not seen")
        return None
    options = WatchOptions(
        host=broker.host,
        port=broker.port,
        client_id=f"{broker.client_id}-watch-{secrets.token_hex(4)}",
        username=broker.watch_username,
        password=secret(broker.watch_password_file, "broker.watch_password_file"),
        tls=tls_context(broker),
    )
    return BrokerWatch(options, now_us)


def secret(path: Path | None, key: str) -> str | None:
    """Content of a secret's file without its line end; None without a file."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise StartError(f"{key} = {str(path)!r} can't be read ({error.strerror}): correct it") from error


def tls_context(broker: Broker) -> ssl.SSLContext | None:
    """TLS for the broker as configured; None for plain TCP. Raises StartError."""
    if not broker.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=broker.ca_file)
        if broker.certificate_file is not None:
            # An empty password: OpenSSL would ask the terminal for that of a locked key.
            context.load_cert_chain(broker.certificate_file, broker.key_file, password="")
    except OSError as error:  # ssl.SSLError is one
        raise StartError(f"broker TLS files can't be used ({error}): correct broker.*_file") from error
    return context


def _duckdb(settings: Settings, _: Catalogs) -> TimeSeriesStore:
    return DuckDBStore(settings.duckdb_path)


def _influx(settings: Settings, catalogs: Catalogs) -> TimeSeriesStore:
    store = settings.store
    return InfluxStore(
        store.url,
        store.database,
        catalog=lambda: catalogs.current,
        username=store.username,
        password=secret(store.password_file, "store.password_file"),
        token=secret(store.token_file, "store.token_file"),
        org=store.org,
        compress=store.compress,
    )


_STORES: dict[str, Callable[[Settings, Catalogs], TimeSeriesStore]] = {"duckdb": _duckdb, "influx": _influx}
