"""Tables of the registry, as the newest migration leaves them.

A change here comes with a migration; a test compares the two.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite numbers rows by itself only in a column of this very type.
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


def _reference(target: str) -> ForeignKey:
    """A reference that is checked at commit, so that rows may be written in any order."""
    return ForeignKey(target, deferrable=True, initially="DEFERRED")


place = Table(
    "place",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("parent_id", Text, _reference("place.id")),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("floor_area_m2", Double),
    Column("headcount", Integer),
    Column("category", Text),
    Column("latitude_deg", Double),
    Column("longitude_deg", Double),
    Column("climate_zone", Text),
    Column("calendar_id", Text),
    Column("tariffs", JSON(none_as_null=True)),
    Column("contract_demand_w", Double),
    Column("region_code", Text),
    Column("base_minutes", Integer),
)

device = Table(
    "device",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("place_id", Text, _reference("place.id"), nullable=False),
    Column("parent_device_id", Text, _reference("device.id")),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("decoder", Text, nullable=False),
    Column("expected_interval_s", Double, nullable=False),
    Column("coordinate_system", Text, nullable=False),
    Column("valid_from_us", BigInteger),
    Column("valid_to_us", BigInteger),
    Column("meter_type", Text),
    Column("rated_power_w", Double),
    Column("accuracy_class", Double),
    Column("item", Text),
    # No reference: SQLite can't add a deferred one to a table. What is put is checked.
    Column("organisation_id", Text),
    Column("formula", Text),
    Column("gateway_id", Text),
    Column("tags", JSON(none_as_null=True)),
)

register = Table(
    "register",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("device_id", Text, _reference("device.id"), nullable=False),
    Column("quantity", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("energy", Text),
    Column("exported", Boolean, nullable=False),
    Column("ratio", Double, nullable=False),
    Column("rollover_at", Double),
    Column("max_rate", Double),
    Column("policy", Text),
    Column("rated_rate", Double),
    UniqueConstraint("device_id", "quantity"),
)

replacement = Table(
    "replacement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("device_id", Text, _reference("device.id"), nullable=False),
    Column("quantity", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("final_value", Double),
    Column("initial_value", Double),
    Column("ratio", Double),
    Column("rollover_at", Double),
    Column("note", Text, nullable=False),
    UniqueConstraint("device_id", "quantity", "at_us"),
)

placement = Table(
    "placement",
    metadata,
    Column("device_id", Text, _reference("device.id"), primary_key=True),
    Column("from_us", BigInteger, primary_key=True, autoincrement=False),
    Column("place_id", Text, _reference("place.id"), nullable=False),
    Column("parent_device_id", Text, _reference("device.id")),
)

# Calendars, tariffs, factors, quotas and counter policies: documents of core.reference.
reference = Table(
    "reference",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

# body: the rule in JSON, its condition with the kind. A dropped one stays for its alerts.
rule = Table(
    "rule",
    metadata,
    Column("id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("origin", Text, nullable=False),
    Column("dropped", Boolean, nullable=False),
)

map_layer = Table(
    "map_layer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("geojson", Text, nullable=False),
)

OPEN_STATES = "state in ('firing', 'stale')"
TELEMETRY = "kind in ('fired', 'live', 'stale', 'returned', 'resolved', 'superseded')"

# Nothing has a reference: what a rule once raised on a target outlives both. handling: JSON; the four
# columns before it say what queries ask of it. events, last_hash: the end of the timeline. revision: of
# the last change but for what was told, counted over all alerts.
alert = Table(
    "alert",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule_id", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("place_id", Text, nullable=False),
    Column("device_id", Text),
    Column("quantity", Text),
    Column("unit", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("value", Double),
    Column("limit", Double),
    Column("comparator", Text, nullable=False),
    Column("active_at_us", BigInteger, nullable=False),
    Column("fired_at_us", BigInteger, nullable=False),
    Column("resolved_at_us", BigInteger),
    Column("stale_at_us", BigInteger),
    Column("retrospective", Boolean, nullable=False),
    Column("organisation_id", Text),
    Column("waste", JSON(none_as_null=True)),
    Column("handled", Text, nullable=False),
    Column("responsible_id", Text),
    Column("due_at_us", BigInteger),
    Column("shelved_until_us", BigInteger),
    Column("handling", LargeBinary, nullable=False),
    Column("events", Integer, nullable=False),
    Column("last_hash", Text, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Index("ix_alert_active_at_us", "active_at_us"),
    Index(
        "ix_alert_open",
        "active_at_us",
        sqlite_where=text(OPEN_STATES),
        postgresql_where=text(OPEN_STATES),
    ),
    Index("ix_alert_due_at_us", "due_at_us"),
    Index("ix_alert_shelved_until_us", "shelved_until_us"),
    Index("ix_alert_revision", "revision"),
    Index(
        "uq_alert_open",
        "rule_id",
        "target",
        unique=True,
        sqlite_where=text(OPEN_STATES),
        postgresql_where=text(OPEN_STATES),
    ),
)

# Triggers (storage.append_only) let it only grow. detail: JSON, as it was hashed.
alert_event = Table(
    "alert_event",
    metadata,
    Column("alert_id", Text, _reference("alert.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(
        "uq_alert_event_telemetry",
        "alert_id",
        "kind",
        "at_us",
        unique=True,
        sqlite_where=text(TELEMETRY),
        postgresql_where=text(TELEMETRY),
    ),
)

silence = Table(
    "silence",
    metadata,
    Column("id", Text, primary_key=True),
    Column("starts_at_us", BigInteger, nullable=False),
    Column("ends_at_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("places", JSON, nullable=False),
    Column("devices", JSON, nullable=False),
    Column("severities", JSON, nullable=False),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("received_at_us", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_dead_letter_reason_seq", "reason", "seq"),
)

dead_letter_count = Table(
    "dead_letter_count",
    metadata,
    Column("reason", Text, primary_key=True),
    Column("total", BigInteger, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("name", Text, primary_key=True),
    Column("watermark_us", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

# Four rows, for processes that keep a catalog: how often the registers have grown in number (id 1),
# how often the rules have changed (2), the alerts (3), and anything else that is registered (0).
estate_revision = Table(
    "estate_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)

entered_value = Table(
    "entered_value",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("place_id", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("quarter", Integer, nullable=False),
    Column("item", Text, nullable=False),
    Column("amount", Double),
    Column("source", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Index("ix_entered_value_year", "year"),
)

# place_id has no reference: what was reported outlives the place.
closed_report = Table(
    "closed_report",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("place_id", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("closed_at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("basis", LargeBinary, nullable=False),
)
