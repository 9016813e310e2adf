"""A world on SQLite with a webhook that a test scripts."""

import pytest

from tests.notify.receivers import Receiver
from tests.notify.world import World, hook


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def receiver():
    made = Receiver()
    async with made.serving():
        yield made


@pytest.fixture
def make(tmp_path, receiver):
    """Makes a world whose channel "hook" is the receiver."""
    made = []

    def make(**more):
        settings = more.pop("settings", [hook(receiver.port)])
        world = World(f"sqlite:///{tmp_path}/registry{len(made)}.sqlite", settings=settings, **more)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make):
    return make()
