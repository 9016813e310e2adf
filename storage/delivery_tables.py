"""Tables of the registry for telling people of alerts; part of storage.tables.metadata."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, Table, Text

from storage.tables import metadata

# SQLite numbers rows by itself only in a column of this very type.
SERIAL = BigInteger().with_variant(Integer(), "sqlite")

# alert_id has no reference anywhere here: what was told outlives what it was about.
outbox = Table(
    "outbox",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("alert_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
)

notice = Table(
    "notice",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("route_id", Text, primary_key=True),
    Column("channel_id", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("noted_at_us", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("delivery_id", Text),
    Index("ix_notice_delivery_id", "delivery_id"),
    Index("ix_notice_status_noted_at_us", "status", "noted_at_us"),
)

following = Table(
    "following",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("route_id", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("told_at_us", BigInteger, nullable=False),
    Column("step", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("next_at_us", BigInteger, nullable=False),
    Index("ix_following_next_at_us", "next_at_us"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("route_id", Text, nullable=False),
    Column("channel_id", Text, nullable=False),
    Column("told_group", Text, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("next_at_us", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("lease", Text, nullable=False),
    Column("lease_until_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_delivery_status_next_at_us", "status", "next_at_us"),
    Index("ix_delivery_created_at_us", "created_at_us"),
    Index("ix_delivery_route_id", "route_id", "channel_id", "told_group", "created_at_us"),
)

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("delivery_id", Text, nullable=False),
    Column("channel_id", Text, nullable=False),
    Column("lease", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("duration_ms", Double),
    Column("outcome", Text),
    Column("status", Integer),
    Column("detail", Text, nullable=False),
    Index("ix_delivery_attempt_delivery_id", "delivery_id"),
    Index("ix_delivery_attempt_channel_id", "channel_id", "at_us"),
)

# Of channels that take nothing now: disabled (disabled_at_us is set), or not before a time.
channel_state = Table(
    "channel_state",
    metadata,
    Column("channel_id", Text, primary_key=True),
    Column("disabled_at_us", BigInteger),
    Column("not_before_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)
