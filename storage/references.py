"""Documents that figures are computed with, as rows of kind, id and JSON."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from core.errors import StoreError
from core.reference import KINDS, Reference, References
from storage import tables
from storage.statements import upsert


def ids_of(connection: Connection, kind: str) -> frozenset[str]:
    """Ids of all documents of a kind."""
    reference = tables.reference.c
    return frozenset(connection.scalars(select(reference.id).where(reference.kind == kind)))


def tariff_energies(connection: Connection) -> dict[str, str]:
    """What each tariff prices, by tariff id."""
    reference = tables.reference.c
    found = connection.execute(select(reference.id, reference.body).where(reference.kind == "tariffs"))
    return {row.id: msgspec.json.decode(bytes(row.body))["energy"] for row in found}


def put(connection: Connection, references: References) -> bool:
    """Add or update documents by kind and id; whether that changed anything."""
    known = {(row.kind, row.id): bytes(row.body) for row in connection.execute(select(tables.reference))}
    rows = [
        {"kind": kind, "id": id_, "body": msgspec.json.encode(document)}
        for kind in KINDS
        for id_, document in getattr(references, kind).items()
    ]
    new = [row for row in rows if known.get((row["kind"], row["id"])) != row["body"]]
    upsert(connection, tables.reference, new, key=("kind", "id"))
    return bool(new)


def read(connection: Connection, kinds: Iterable[str] = tuple(KINDS)) -> References:
    """Documents of some kinds. Raises StoreError if another version wrote one that we can't read."""
    reference = tables.reference
    query = select(reference).where(reference.c.kind.in_(list(kinds))).order_by(reference.c.id)
    found: dict[str, dict[str, Reference]] = {kind: {} for kind in KINDS}
    for row in connection.execute(query):
        try:
            found[row.kind][row.id] = msgspec.json.decode(bytes(row.body), type=KINDS[row.kind])
        except msgspec.ValidationError as error:
            raise StoreError(
                f"{row.kind} {row.id!r} in the registry can't be read ({error}): "
                f"state it in config/{row.kind}.yaml and start again",
                retryable=False,
            ) from error
    return References(**found)  # type: ignore[arg-type]  # each kind has documents of its type
