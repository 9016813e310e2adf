"""A place where each kind of time-series store can be opened, closed and opened again."""

import pytest

from storage.duckdb import DuckDBStore


class DuckDBSite:
    """Stores on one DuckDB file; open() closes the one before."""

    def __init__(self, folder):
        self.path = folder / "wattline.duckdb"
        self.store = None

    def open(self):
        self.close()
        self.store = DuckDBStore(self.path)
        return self.store

    def close(self):
        if self.store is not None:
            self.store.close()
            self.store = None


SITES = {"duckdb": DuckDBSite}


@pytest.fixture(params=sorted(SITES))
def site(request, tmp_path):
    """Where the contract's store lives; open() again shows what is durable."""
    made = SITES[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def store(site):
    """An empty store of each kind."""
    return site.open()
