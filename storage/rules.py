"""Rules as rows of id and JSON; a condition is known by its kind."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, get_type_hints

import msgspec
from sqlalchemy import Connection, select

from core.errors import Conflict, StoreError
from core.rules import CONDITIONS, KIND_OF, Rule
from storage import estate_check, tables
from storage.statements import rows_where_in, upsert

_TYPES = get_type_hints(Rule)


def read(connection: Connection) -> list[Rule]:
    """All rules by id, but those that were dropped."""
    table = tables.rule
    query = select(table.c.id, table.c.body).where(~table.c.dropped).order_by(table.c.id)
    return sorted((_rule(row.id, row.body) for row in connection.execute(query)), key=lambda rule: rule.id)


def one(connection: Connection, id_: str) -> Rule | None:
    """One rule, also a dropped one."""
    return next(iter(some(connection, [id_]).values()), None)


def some(connection: Connection, ids: Sequence[str]) -> dict[str, Rule]:
    """Those of these rules that there are or were, by id."""
    return {
        row["id"]: _rule(row["id"], row["body"]) for row in rows_where_in(connection, tables.rule.c.id, ids)
    }


def put(connection: Connection, rules: Sequence[Rule], *, all_of_files: bool = False) -> bool:
    """Add or update by id; whether that changed anything.

    all_of_files: these are all rules that files state; others that files stated are dropped.
    What a file names may be registered later: until then it selects nothing.
    """
    if not all_of_files and not rules:
        return False
    new = {rule.id: rule for rule in rules}
    held = {rule.id: rule for rule in _readable(connection)}
    gone = {id_ for id_, rule in held.items() if all_of_files and rule.origin == "file" and id_ not in new}
    changed = [rule for rule in new.values() if held.get(rule.id) != rule]
    upsert(
        connection,
        tables.rule,
        [{"id": rule.id, "body": body(rule), "origin": rule.origin, "dropped": False} for rule in changed],
    )
    _drop(connection, gone)
    return bool(changed or gone)


def check(connection: Connection, rule: Rule) -> None:
    """Raise Conflict with everything a rule names that there is not, and for one of a file."""
    table = tables.rule
    held = {row.id: row.origin for row in connection.execute(select(table).where(~table.c.dropped))}
    if held.get(rule.id) == "file" and rule.origin != "file":
        raise Conflict(f"rule {rule.id!r} is stated in rules.yaml: edit it there and start again")
    known = estate_check.Selectable(
        {row["id"] for row in rows_where_in(connection, tables.place.c.id, rule.select.places)},
        {row["id"] for row in rows_where_in(connection, tables.device.c.id, rule.select.devices)},
        held.keys() | {rule.id},
    )
    if wrong := estate_check.rule_mistakes(rule, known):
        raise Conflict("\n".join(wrong))


def drop(connection: Connection, id_: str) -> bool:
    """Forget one; whether there was one. Raises Conflict for one of a file, or that others name."""
    held = {rule.id: rule for rule in read(connection)}
    if id_ not in held:
        return False
    if held[id_].origin == "file":
        raise Conflict(f"rule {id_!r} is stated in rules.yaml: edit it there and start again")
    naming = [rule.id for rule in held.values() if id_ in rule.inhibited_by and rule.id != id_]
    if naming:
        raise Conflict(f"rule {id_!r} inhibits {', '.join(naming)}: take it out of inhibited_by there first")
    _drop(connection, {id_})
    return True


def body(rule: Rule) -> bytes:
    """A rule in JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(rule)
    plain["condition"] = {"kind": KIND_OF[type(rule.condition)], **plain["condition"]}
    return msgspec.json.encode(plain)


def _readable(connection: Connection) -> Iterator[Rule]:
    """Rules but those that can't be read: they may be stated anew."""
    table = tables.rule
    for row in connection.execute(select(table.c.id, table.c.body).where(~table.c.dropped)):
        with suppress(StoreError):
            yield _rule(row.id, row.body)


def _rule(id_: str, stored: bytes) -> Rule:
    plain: dict[str, Any] = msgspec.json.decode(bytes(stored))
    kind = plain["condition"].get("kind")
    type_ = CONDITIONS.get(kind)
    if type_ is None:
        raise _unreadable(id_, f"its condition is of kind {kind!r}, which is unknown here")
    types = _TYPES | {"condition": type_}
    try:
        return Rule(
            **{key: msgspec.convert(value, types[key]) for key, value in plain.items() if key in types}
        )
    except (msgspec.ValidationError, TypeError) as error:
        raise _unreadable(id_, str(error)) from error


def _unreadable(id_: str, why: str) -> StoreError:
    return StoreError(
        f"rule {id_!r} in the registry can't be read ({why}): another version wrote it; "
        "start that version, or state the rule anew in config/rules.yaml",
        retryable=False,
    )


def _drop(connection: Connection, ids: Iterable[str]) -> None:
    table = tables.rule
    connection.execute(table.update().where(table.c.id.in_(list(ids))).values(dropped=True))
