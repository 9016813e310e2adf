"""Places, devices, registers, rules, map layers, alerts, dead letters, checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("state in ('pending', 'firing')")


def upgrade() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("watermark_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_checkpoint"),
    )
    op.create_table(
        "dead_letter",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("received_at_us", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_dead_letter"),
    )
    op.create_index("ix_dead_letter_reason_seq", "dead_letter", ["reason", "seq"], unique=False)
    op.create_table(
        "dead_letter_count",
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reason", name="pk_dead_letter_count"),
    )
    op.create_table(
        "estate_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_estate_revision"),
    )
    op.create_table(
        "map_layer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("geojson", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_map_layer"),
    )
    op.create_table(
        "place",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("floor_area_m2", sa.Double(), nullable=True),
        sa.Column("headcount", sa.Integer(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("latitude_deg", sa.Double(), nullable=True),
        sa.Column("longitude_deg", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["place.id"], name="fk_place_parent_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_place"),
    )
    op.create_table(
        "rule",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("comparator", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("clear_threshold", sa.Double(), nullable=False),
        sa.Column("for_s", sa.Double(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("action_zh", sa.Text(), nullable=False),
        sa.Column("action_en", sa.Text(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("devices", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rule"),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("parent_device_id", sa.Text(), nullable=True),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("decoder", sa.Text(), nullable=False),
        sa.Column("expected_interval_s", sa.Double(), nullable=False),
        sa.Column("coordinate_system", sa.Text(), nullable=False),
        sa.Column("valid_from_us", sa.BigInteger(), nullable=True),
        sa.Column("valid_to_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_device_id"],
            ["device.id"],
            name="fk_device_parent_device_id",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["place.id"], name="fk_device_place_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.UniqueConstraint("number", name="uq_device_number"),
    )
    op.create_table(
        "register",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("energy", sa.Text(), nullable=True),
        sa.Column("exported", sa.Boolean(), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=False),
        sa.Column("rollover_at", sa.Double(), nullable=True),
        sa.Column("max_rate", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name="fk_register_device_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_register"),
        sa.UniqueConstraint("device_id", "quantity", name="uq_register_device_id"),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("register", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("active_at_us", sa.BigInteger(), nullable=False),
        sa.Column("fired_at_us", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["register"], ["register.id"], name="fk_alert_register", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index("ix_alert_active_at_us", "alert", ["active_at_us"], unique=False)
    op.create_index(
        "uq_alert_open",
        "alert",
        ["rule_id", "register"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "alert_event",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.id"], name="fk_alert_event_alert_id", initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_alert_event"),
        sa.UniqueConstraint("alert_id", "state", name="uq_alert_event_alert_id"),
    )


def downgrade() -> None:
    op.drop_table("alert_event")
    op.drop_index("uq_alert_open", table_name="alert")
    op.drop_index("ix_alert_active_at_us", table_name="alert")
    op.drop_table("alert")
    op.drop_table("register")
    op.drop_table("device")
    op.drop_table("rule")
    op.drop_table("place")
    op.drop_table("map_layer")
    op.drop_table("estate_revision")
    op.drop_table("dead_letter_count")
    op.drop_index("ix_dead_letter_reason_seq", table_name="dead_letter")
    op.drop_table("dead_letter")
    op.drop_table("checkpoint")
