"""Telling people of alerts: outbox, notices, deliveries and their log."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, *, null: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=null)


def _number(name: str, *, null: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _count(name: str, *, null: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), nullable=null)


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        _text("alert_id"),
        _count("number"),
        _text("kind"),
        _number("at_us"),
        _number("recorded_at_us"),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
    )
    op.create_table(
        "notice",
        _text("alert_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        _text("route_id"),
        _text("channel_id"),
        _text("event"),
        _number("at_us"),
        _number("noted_at_us"),
        _text("status"),
        _text("reason"),
        _text("delivery_id", null=True),
        sa.PrimaryKeyConstraint("alert_id", "number", "round", "route_id", "channel_id", name="pk_notice"),
    )
    op.create_index("ix_notice_delivery_id", "notice", ["delivery_id"])
    op.create_index("ix_notice_status_noted_at_us", "notice", ["status", "noted_at_us"])
    op.create_table(
        "following",
        _text("alert_id"),
        _text("route_id"),
        _count("number"),
        _number("since_us"),
        _number("told_at_us"),
        _count("step"),
        _count("round"),
        _number("next_at_us"),
        sa.PrimaryKeyConstraint("alert_id", "route_id", name="pk_following"),
    )
    op.create_index("ix_following_next_at_us", "following", ["next_at_us"])
    op.create_table(
        "delivery",
        _text("id"),
        _text("route_id"),
        _text("channel_id"),
        _text("told_group"),
        _count("alerts"),
        _text("status"),
        _number("created_at_us"),
        _number("next_at_us"),
        _count("tries"),
        _text("lease"),
        _number("lease_until_us"),
        _text("reason"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_status_next_at_us", "delivery", ["status", "next_at_us"])
    op.create_index("ix_delivery_created_at_us", "delivery", ["created_at_us"])
    op.create_index(
        "ix_delivery_route_id", "delivery", ["route_id", "channel_id", "told_group", "created_at_us"]
    )
    op.create_table(
        "delivery_attempt",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        _text("delivery_id"),
        _text("channel_id"),
        _text("lease"),
        _number("at_us"),
        sa.Column("duration_ms", sa.Double(), nullable=True),
        _text("outcome", null=True),
        _count("status", null=True),
        _text("detail"),
        sa.PrimaryKeyConstraint("seq", name="pk_delivery_attempt"),
    )
    op.create_index("ix_delivery_attempt_delivery_id", "delivery_attempt", ["delivery_id"])
    op.create_index("ix_delivery_attempt_channel_id", "delivery_attempt", ["channel_id", "at_us"])
    op.create_table(
        "channel_state",
        _text("channel_id"),
        _number("disabled_at_us", null=True),
        _number("not_before_us"),
        _text("reason"),
        sa.PrimaryKeyConstraint("channel_id", name="pk_channel_state"),
    )


def downgrade() -> None:
    for name in ("channel_state", "delivery_attempt", "delivery", "following", "notice", "outbox"):
        op.drop_table(name)
