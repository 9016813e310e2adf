"""A place where each kind of time-series store can be opened, closed and opened again."""

import itertools

import pytest

from core.estate import Estate
from storage.duckdb import DuckDBStore
from storage.influx import InfluxStore
from storage.registry import open_registry
from tests.servers import fresh_database
from tests.storage.batches import catalog
from tests.storage.registries import device, place

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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """A database of each kind in which nothing is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.sqlite'}"
    else:
        server = request.getfixturevalue("postgres")
        with fresh_database(server, f"registry_{next(_NUMBER)}") as made:
            yield made


@pytest.fixture
def registry(url):
    opened = open_registry(url)
    yield opened
    opened.close()


@pytest.fixture
def estate(registry):
    """A registry with a place, three devices and a register of each of two."""
    registry.put_estate(Estate((place("p"),), (device("d0"), device("d1"), device("d2"))))
    registry.add_registers([("d0", "power_active"), ("d1", "power_active")])
    return registry
