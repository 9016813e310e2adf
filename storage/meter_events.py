"""Writes dated events of meters: replacements and moves. They hold from their moment on.

Each function runs in a transaction that is alone in writing, and says whether it changed
anything.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert

from core.catalog import Catalog
from core.errors import Conflict
from core.model import Placement, Replacement
from storage import estate_check, tables
from storage import registry_rows as rows
from storage.statements import upsert


def put_replacement(connection: Connection, replacement: Replacement) -> bool:
    """Add or update one; whether that changed anything. Raises Conflict."""
    table = tables.replacement.c
    devices = {one.id: one for _, one in rows.DEVICES.of(connection, [replacement.device_id])}
    wrong = estate_check.replacement_mistakes(replacement, devices)
    of_register = rows.REPLACEMENTS.all(
        connection, table.device_id == replacement.device_id, table.quantity == replacement.quantity
    )
    for other in of_register:
        if other.at_us == replacement.at_us and other.id != replacement.id:
            wrong.append(f"{other.id!r} is a replacement at the same moment: correct that one")
    same = next(iter(rows.REPLACEMENTS.of(connection, [replacement.id])), None)
    if same is not None and (same.device_id, same.quantity) != (replacement.device_id, replacement.quantity):
        wrong.append(f"{replacement.id!r} is a replacement of another register: choose another id")
    if wrong:
        raise Conflict("\n".join(wrong))
    if same == replacement:
        return False
    upsert(connection, tables.replacement, [rows.to_row(replacement)])
    return True


def drop_replacement(connection: Connection, id_: str) -> bool:
    """Forget one; whether there was one."""
    table = tables.replacement
    return bool(connection.execute(delete(table).where(table.c.id == id_)).rowcount)


def put_placement(connection: Connection, placement: Placement) -> bool:
    """Move a device from a moment on; whether that changed anything. Raises Conflict."""
    known = Catalog(
        rows.PLACES.all(connection), rows.DEVICES.all(connection), (), (), rows.PLACEMENTS.all(connection)
    )
    device = known.devices.get(placement.device_id)
    if device is None:
        raise Conflict(f"device {placement.device_id!r} is not registered")
    # Where it is now is where it has always been, if this is its first move.
    always = Placement(device.id, 0, device.place_id, device.parent_device_id)
    before = known.placements.get(device.id, (always,))
    after = _ordered([*(one for one in before if one.from_us != placement.from_us), placement])
    if after == list(before):
        return False
    elsewhere = [one for id_, been in known.placements.items() if id_ != device.id for one in been]
    moved = Catalog(known.places.values(), enumerate(known.devices.values()), (), (), [*elsewhere, *after])
    if wrong := estate_check.placement_mistakes(moved, placement):
        raise Conflict("\n".join(wrong))
    _write_placements(connection, device.id, after)
    return True


def drop_placement(connection: Connection, device_id: str, from_us: int) -> bool:
    """Undo a move, as if the device had stayed; whether there was one. Raises Conflict."""
    been = rows.PLACEMENTS.all(connection, tables.placement.c.device_id == device_id)
    if from_us <= 0 or all(one.from_us != from_us for one in been):
        return False
    _write_placements(connection, device_id, [one for one in been if one.from_us != from_us])
    return True


def _ordered(placements: Iterable[Placement]) -> list[Placement]:
    return sorted(placements, key=lambda one: one.from_us)


def _write_placements(connection: Connection, device_id: str, been: Iterable[Placement]) -> None:
    """Replace a device's placements; the newest is where it is. One alone needs no row."""
    ordered = _ordered(been)
    placement, device = tables.placement, tables.device
    connection.execute(delete(placement).where(placement.c.device_id == device_id))
    if len(ordered) > 1:
        connection.execute(insert(placement), [rows.to_row(one) for one in ordered])
    where = {"place_id": ordered[-1].place_id, "parent_device_id": ordered[-1].parent_device_id}
    connection.execute(device.update().where(device.c.id == device_id).values(where))
