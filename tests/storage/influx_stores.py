"""InfluxDB stores over the test catalog, and something to write."""

import contextlib

from storage.influx import InfluxStore
from tests.storage.batches import (
    NOON_US,
    catalog,
    readings,
)

EVER = (0, 4_000_000_000_000_000)


@contextlib.contextmanager
def store_of(url, database="wattline", **more):
    known = catalog()
    store = InfluxStore(url, database, catalog=lambda: known, **more)
    try:
        yield store
    finally:
        store.close()


def some_readings(count=20):
    """One line each: consecutive readings of different devices."""
    return readings(*((5 * (n % 6), NOON_US + n, n) for n in range(count)))
