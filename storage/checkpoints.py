"""Checkpoints in the registry: a row each, whose state may have tens of megabytes."""

import sqlite3

from sqlalchemy import Connection, delete, func, literal_column, select, update

from core.ports import Checkpoint
from storage.statements import upsert
from storage.tables import checkpoint as table


def save(connection: Connection, name: str, checkpoint: Checkpoint) -> None:
    """Replace the named one."""
    driver = connection.connection.driver_connection
    row = {"name": name, "watermark_us": checkpoint.watermark_us, "state": checkpoint.state}
    if not isinstance(driver, sqlite3.Connection):
        upsert(connection, table, [row], key="name")
        return
    # SQLite would copy the state twice as a value, and keep one of the copies with the statement.
    upsert(connection, table, [row | {"state": b""}], key="name")
    mine = table.c.name == name
    room = func.zeroblob(len(checkpoint.state))
    connection.execute(update(table).where(mine).values(state=room))
    number: int = connection.execute(
        select(literal_column("rowid")).select_from(table).where(mine)
    ).scalar_one()
    with driver.blobopen(table.name, table.c.state.name, number) as state:
        state.write(checkpoint.state)


def load(connection: Connection, name: str) -> Checkpoint | None:
    """The named one, if one was saved."""
    row = connection.execute(select(table).where(table.c.name == name)).mappings().first()
    return None if row is None else Checkpoint(row["watermark_us"], bytes(row["state"]))


def names(connection: Connection) -> list[str]:
    """Names of all, in order."""
    return sorted(connection.scalars(select(table.c.name)))


def drop(connection: Connection, name: str) -> None:
    """Forget the named one."""
    connection.execute(delete(table).where(table.c.name == name))
