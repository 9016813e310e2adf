"""Length of the ledger's intervals, by place."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("place", sa.Column("base_minutes", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("place", "base_minutes")
