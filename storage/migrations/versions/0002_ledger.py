"""Replacements, placements, references, and more columns of places, devices and registers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COLUMNS = {
    "place": {
        "climate_zone": sa.Text,
        "calendar_id": sa.Text,
        "tariffs": sa.JSON,
        "contract_demand_w": sa.Double,
        "region_code": sa.Text,
    },
    "device": {
        "meter_type": sa.Text,
        "rated_power_w": sa.Double,
        "accuracy_class": sa.Double,
        "item": sa.Text,
        "organisation_id": sa.Text,
        "formula": sa.Text,
    },
    "register": {"policy": sa.Text, "rated_rate": sa.Double},
}


def upgrade() -> None:
    for table, columns in _COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind(), nullable=True))
    op.create_table(
        "replacement",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("final_value", sa.Double(), nullable=True),
        sa.Column("initial_value", sa.Double(), nullable=True),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("rollover_at", sa.Double(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        _to("device_id", "device.id", "fk_replacement_device_id"),
        sa.PrimaryKeyConstraint("id", name="pk_replacement"),
        sa.UniqueConstraint("device_id", "quantity", "at_us", name="uq_replacement_device_id"),
    )
    op.create_table(
        "placement",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("parent_device_id", sa.Text(), nullable=True),
        _to("device_id", "device.id", "fk_placement_device_id"),
        _to("place_id", "place.id", "fk_placement_place_id"),
        _to("parent_device_id", "device.id", "fk_placement_parent_device_id"),
        sa.PrimaryKeyConstraint("device_id", "from_us", name="pk_placement"),
    )
    op.create_table(
        "reference",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_reference"),
    )


def _to(column: str, target: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=name, initially="DEFERRED", deferrable=True)


def downgrade() -> None:
    for table in ("reference", "placement", "replacement"):
        op.drop_table(table)
    for table, columns in _COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)
