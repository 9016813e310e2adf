"""How often what is registered has changed, so that every process knows when to read it again."""

from sqlalchemy import Connection, select

from core.registered import Revision
from storage import tables
from storage.statements import insert_or

ESTATE, REGISTERS, RULES, ALERTS = 0, 1, 2, 3
"""Rows of the table estate_revision."""


def revision(connection: Connection) -> Revision:
    """How often each has changed."""
    table = tables.estate_revision.c
    found = {row.id: row.revision for row in connection.execute(select(table.id, table.revision))}
    return Revision(found.get(ESTATE, 0), found.get(REGISTERS, 0), found.get(RULES, 0))


def count_change(connection: Connection, of: int) -> int:
    """Count one more change; how many there have been."""
    table = tables.estate_revision
    first = insert_or(connection, table).values(id=of, revision=1)
    again = {"revision": table.c.revision + 1}
    counted = first.on_conflict_do_update(index_elements=["id"], set_=again).returning(table.c.revision)
    return int(connection.execute(counted).scalar_one())


def alerts_revision(connection: Connection) -> int:
    """How often alerts have changed."""
    table = tables.estate_revision.c
    return connection.scalar(select(table.revision).where(table.id == ALERTS)) or 0
