"""When devices were heard, asked of DuckDB: it folds what came together, so that values need not travel."""

import numpy as np

from core.batch import I64
from core.receipts import Receipts, Senders
from storage.duckdb_queries import Cursor, among, within
from storage.pauses import between

_BUCKET_US = 60_000_000


def heard(cursor: Cursor, senders: Senders, start_us: int, end_us: int) -> Receipts:
    """Every time of receipt in a range."""
    time = within("received_at_us", start_us, end_us)
    # Folding what came together takes DuckDB twice as long as it takes us.
    where = f"{among(cursor, 'register', senders.register)} and {time}"
    read = cursor.execute(
        f"select register, received_at_us from reading where {where}"  # noqa: S608 - integers
    ).fetchnumpy()
    where = f"{among(cursor, 'device', senders.tracked)} and {time}"
    moved = cursor.execute(
        f"select device, received_at_us from position where {where}"  # noqa: S608 - integers
    ).fetchnumpy()
    owner = np.zeros(int(senders.register.max(initial=-1)) + 1, np.int32)
    owner[senders.register] = senders.device
    return Receipts.of(
        np.concatenate([owner[read["register"]], moved["device"]]),
        np.concatenate([read["received_at_us"], moved["received_at_us"]]),
    )


def last_heard(cursor: Cursor, senders: Senders, before_us: int) -> Receipts:
    """The last one of each device before a time."""
    time = within("received_at_us", np.iinfo(np.int64).min, before_us)
    newest: dict[int, int] = {}
    for table, column, ids in (
        ("reading", "register", senders.register),
        ("position", "device", senders.tracked),
    ):
        owner = dict(zip(senders.register.tolist(), senders.device.tolist(), strict=True))
        where = f"{among(cursor, column, ids)} and {time}"
        query = f"select {column}, max(received_at_us) from {table} where {where} group by {column}"  # noqa: S608
        for id_, at_us in cursor.execute(query).fetchall():
            device = owner[id_] if column == "register" else id_
            newest[device] = max(newest.get(device, at_us), at_us)
    return Receipts.of(np.array(list(newest), np.int64), np.array(list(newest.values()), np.int64))


def pauses(cursor: Cursor, start_us: int, end_us: int, longer_than_us: int) -> I64:
    """(n, 2): stretches in which nothing was received, each from a receipt or start_us to one or end_us."""
    time = within("received_at_us", start_us, end_us)
    bucket_us = max(min(_BUCKET_US, longer_than_us), 1)
    # What is longer than a bucket lies between the last of one and the first of another.
    found = cursor.execute(
        f"""select min(received_at_us) as first_us, max(received_at_us) as last_us from (
            select received_at_us from reading where {time}
            union all
            select received_at_us from position where {time}
        ) group by received_at_us // {bucket_us} order by first_us"""  # noqa: S608 - integers
    ).fetchnumpy()
    return between(found["first_us"], found["last_us"], start_us, end_us, longer_than_us)
