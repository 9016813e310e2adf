"""Writes registers: dense numbers that never change, and what can be set of them.

Each function runs in a transaction that is alone in writing, so that no number is given twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, func, insert, select

from core.errors import Conflict
from core.model import Register, RegisterSettings
from core.quantities import QUANTITIES
from storage import estate_check, tables
from storage import registry_rows as rows

_SETTINGS = ("ratio", "rollover_at", "max_rate", "policy", "rated_rate")


def add(connection: Connection, wanted: Sequence[tuple[str, str]]) -> tuple[list[Register], bool]:
    """Registers in the order asked for, and whether any is new; raises Conflict with every mistake."""
    known = _registers(connection, (device_id for device_id, _ in wanted))
    missing = [key for key in dict.fromkeys(wanted) if key not in known]
    devices = {one.id: one for _, one in rows.DEVICES.of(connection, (device_id for device_id, _ in missing))}
    wrong = [line for key in missing for line in estate_check.register_mistakes(*key, devices)]
    if wrong:
        raise Conflict("\n".join(dict.fromkeys(wrong)))
    known |= _insert(connection, [RegisterSettings(*key) for key in missing])
    return [known[key] for key in wanted], bool(missing)


def put(connection: Connection, settings: Mapping[tuple[str, str], RegisterSettings]) -> tuple[bool, bool]:
    """Set registers by device and quantity, made where missing.

    Whether a register changed, and whether one was made.
    """
    known = _registers(connection, (device_id for device_id, _ in settings))
    table = tables.register
    changed = False
    for key, register in known.items():
        one = settings.get(key)
        after = register if one is None else _with_settings(register, one)
        if after != register:
            values = {name: getattr(after, name) for name in _SETTINGS}
            connection.execute(table.update().where(table.c.id == register.id).values(values))
            changed = True
    missing = [one for key, one in settings.items() if key not in known]
    _insert(connection, missing)
    return changed, bool(missing)


def _with_settings(register: Register, settings: RegisterSettings) -> Register:
    return replace(register, **{name: getattr(settings, name) for name in _SETTINGS})


def _registers(connection: Connection, device_ids: Iterable[str]) -> dict[tuple[str, str], Register]:
    found = rows.REGISTERS.of(connection, device_ids, "device_id")
    return {(register.device_id, register.quantity): register for register in found}


def _insert(connection: Connection, missing: Sequence[RegisterSettings]) -> dict[tuple[str, str], Register]:
    """Make registers with the next ids."""
    if not missing:
        return {}
    first = connection.scalar(select(func.coalesce(func.max(tables.register.c.id) + 1, 0))) or 0
    made = {}
    for number, settings in enumerate(missing, first):
        quantity = QUANTITIES[settings.quantity]
        register = Register(
            number,
            settings.device_id,
            quantity.name,
            quantity.kind,
            quantity.unit,
            energy=quantity.energy,
            exported=quantity.exported,
        )
        made[settings.device_id, quantity.name] = _with_settings(register, settings)
    connection.execute(insert(tables.register), [rows.to_row(register) for register in made.values()])
    return made
