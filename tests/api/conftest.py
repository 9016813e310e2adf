"""The app over real embedded stores, asked through an in-process HTTP client."""

import httpx
import pytest

from storage.duckdb import DuckDBStore
from storage.registry import open_registry
from tests.api.world import World


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def world(tmp_path):
    registry = open_registry(f"sqlite:///{tmp_path}/registry.sqlite")
    store = DuckDBStore(tmp_path / "wattline.duckdb")
    yield World(registry, store)
    store.close()
    registry.close()


@pytest.fixture
async def client(world):
    async with client_of(world.app()) as made:
        yield made


def client_of(app):
    """A client of the app that sees 500 answers as a browser would."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://wattline.test")
