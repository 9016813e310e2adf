"""What can be set in config/wattline.yaml, with its defaults: everything on one machine."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from wattline.shards import Shard

BATCH_MESSAGES = {"duckdb": 10_000, "influx": 20_000}
"""Most messages in a batch: a line costs InfluxDB a third less in bodies of 20,000 than of 10,000."""

RECEIVE_MAXIMUM = {"duckdb": 20_000, "influx": 60_000}
"""Messages under way: for InfluxDB a batch that is stored, one that is ready, and one that gathers."""

Port = Annotated[int, Field(ge=1, le=65535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Broker(_Section):
    """Where messages come from; embedded starts a broker inside `run`.

    port speaks MQTT 5 and is what ingest uses. The embedded broker serves MQTT 3.1.1,
    which most devices speak, on device_port. watch_*: an account that may read the broker's
    own figures; without one they are read only from a broker that asks for no account.
    import_*: an account that may publish what a person imports.
    """

    kind: Literal["embedded", "external"] = "embedded"
    host: str = "127.0.0.1"
    port: Port = 1884
    device_port: Port = 1883
    client_id: str = "wattline-ingest"
    username: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    keep_alive_s: Annotated[int, Field(ge=5, le=3600)] = 30
    session_expiry_s: Annotated[int, Field(ge=60)] = 7 * 24 * 3600
    watch_username: str | None = None
    watch_password_file: Path | None = None
    import_username: str | None = None
    import_password_file: Path | None = None
    receive_maximum: Annotated[int, Field(ge=1, le=65535)] | None = None  # RECEIVE_MAXIMUM of the store
    unacked_s: Annotated[float, Field(ge=1)] = 300.0


class Store(_Section):
    """Where readings, positions and intervals are kept."""

    kind: Literal["duckdb", "influx"] = "duckdb"
    path: Path | None = None  # of the DuckDB file; default: wattline.duckdb in data_dir
    url: str = "http://127.0.0.1:8086"
    database: str = "wattline"
    org: str | None = None
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    compress: bool = False


class RegistrySettings(_Section):
    """Where places, devices, rules and alerts are kept; default: registry.sqlite in data_dir."""

    url: str | None = None


class Http(_Section):
    """Where API and page are served."""

    host: str = "127.0.0.1"
    port: Port = 8420


class Ingest(_Section):
    """How messages are gathered into batches, and which of them are ours."""

    batch_messages: Annotated[int, Field(ge=1, le=100_000)] | None = None  # BATCH_MESSAGES of the store
    batch_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 8 * 1024 * 1024
    linger_ms: Annotated[float, Field(ge=0, le=1000)] = 5.0
    shard: str = "0/1"
    http_port: Port | None = None

    @field_validator("shard")
    @classmethod
    def _is_shard(cls, text: str) -> str:
        Shard.parse(text)
        return text


class RetentionSettings(_Section):
    """How long rows are kept, in days; null is for ever. Ledger intervals are kept for ever.

    Thirteen months at full resolution compare any month with the same one a year before.
    Positions are personal data: a quarter, and a quarter to check it.
    """

    full_resolution_days: Annotated[int, Field(ge=2)] | None = 400
    readings_days: Annotated[int, Field(ge=2)] | None = None
    positions_days: Annotated[int, Field(ge=2)] | None = 184


class AlertSettings(_Section):
    """How people are told of alerts; channels and routes are in channels.yaml.

    public_url: of the page, as people reach it, for links in messages. allow_networks: ranges of
    addresses of the inside that messages may go to. deliver: whether this process tells people;
    of several on one registry, any may. log_days: how long what was told is kept.
    """

    public_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    allow_networks: tuple[str, ...] = ()
    deliver: bool = True
    log_days: Annotated[int, Field(ge=1)] = 400

    @field_validator("allow_networks")
    @classmethod
    def _are_networks(cls, ranges: tuple[str, ...]) -> tuple[str, ...]:
        for one in ranges:
            try:
                ip_network(one)
            except ValueError as error:
                where = "in a variable several are separated by commas, without brackets"
                raise ValueError(f"write ranges like 10.20.0.0/16; {where} ({error})") from None
        return ranges


class Settings(_Section):
    """All settings of one process."""

    data_dir: Path = Path("data")
    broker: Broker = Broker()
    store: Store = Store()
    registry: RegistrySettings = RegistrySettings()
    http: Http = Http()
    ingest: Ingest = Ingest()
    retention: RetentionSettings = RetentionSettings()
    alerts: AlertSettings = AlertSettings()
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def duckdb_path(self) -> Path:
        """File of the embedded store."""
        return self.store.path or self.data_dir / "wattline.duckdb"

    @property
    def registry_url(self) -> str:
        """Database of the registry, as SQLAlchemy names it."""
        return self.registry.url or f"sqlite:///{self.data_dir / 'registry.sqlite'}"
