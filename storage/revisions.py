"""How often what is registered has changed, so that every process knows when to read it again."""

from sqlalchemy import Connection, select

from core.registered import Revision
from storage import tables
from storage.statements import insert_or

ESTATE, REGISTERS, RULES = 0, 1, 2
"""Rows of the table estate_revision."""


def revision(connection: Connection) -> Revision:
    """How often each has changed."""
    table = tables.estate_revision.c
    found = {row.id: row.revision for row in connection.execute(select(table.id, table.revision))}
    return Revision(found.get(ESTATE, 0), found.get(REGISTERS, 0), found.get(RULES, 0))


def count_change(connection: Connection, of: int) -> None:
    """Count one more change."""
    table = tables.estate_revision
    first = insert_or(connection, table).values(id=of, revision=1)
    again = {"revision": table.c.revision + 1}
    connection.execute(first.on_conflict_do_update(index_elements=["id"], set_=again))
