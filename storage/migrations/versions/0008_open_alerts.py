"""Open alerts by time, however many are closed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_OPEN = sa.text("state in ('firing', 'stale')")


def upgrade() -> None:
    op.create_index("ix_alert_open", "alert", ["active_at_us"], sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_index("ix_alert_open", "alert")
