"""When an alert changed last, counted over all of them, so that other processes find what is new."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("alert", sa.Column("revision", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("ix_alert_revision", "alert", ["revision"])


def downgrade() -> None:
    op.drop_index("ix_alert_revision", "alert")
    op.drop_column("alert", "revision")
