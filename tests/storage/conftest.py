"""A place where each kind of time-series store can be opened, closed and opened again."""

import itertools

import pytest

from storage.duckdb import DuckDBStore
from storage.influx import InfluxStore
from tests.storage.batches import catalog

_NUMBER = itertools.count()


class Site:
    """Stores on the same data; open() closes the one before."""

    def __init__(self, make):
        self._make = make
        self.store = None

    def open(self):
        self.close()
        self.store = self._make()
        return self.store

    def close(self):
        if self.store is not None:
            self.store.close()
            self.store = None


@pytest.fixture(params=["duckdb", "influx"])
def site(request, tmp_path):
    """Where the contract's store lives; open() again shows what is durable."""
    if request.param == "duckdb":
        made = Site(lambda: DuckDBStore(tmp_path / "wattline.duckdb"))
    else:
        server, name, known = request.getfixturevalue("influxd"), f"contract {next(_NUMBER)}", catalog()
        made = Site(lambda: InfluxStore(server.url, name, catalog=lambda: known))
    yield made
    made.close()


@pytest.fixture
def store(site):
    """An empty store of each kind."""
    return site.open()
