"""The rounds of figure rules beside everything else."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from wattline.beside import figures_watched


class Registry:
    """Asked first in every round; holds it up until it may go on."""

    def __init__(self, error=None):
        self.asked, self.done, self.error = threading.Event(), 0, error
        self.may_go_on = threading.Event()

    def load_checkpoint(self, _):
        self.asked.set()
        assert self.may_go_on.wait(10)
        self.done += 1
        if self.error is not None:
            raise self.error
        raise KeyError("not reached by anything real")


def parts(registry):
    feed = SimpleNamespace(publish=print, rounds={})
    return SimpleNamespace(store=None, registry=registry, catalogs=SimpleNamespace(current=None), feed=feed)


async def test_a_round_that_runs_is_waited_for():
    registry = Registry()

    async def stopped():
        async with figures_watched(parts(registry)):
            await asyncio.to_thread(registry.asked.wait)

    stopping = asyncio.create_task(stopped())
    await asyncio.to_thread(registry.asked.wait)
    await asyncio.sleep(0.05)
    assert not stopping.done()
    registry.may_go_on.set()
    await stopping
    assert registry.done == 1


async def test_a_round_that_fails_is_told_and_the_next_one_comes(caplog):
    registry = Registry(ValueError("no such figure"))
    registry.may_go_on.set()
    around = parts(registry)
    async with figures_watched(around, every_s=0.01):
        while registry.done < 3:
            await asyncio.sleep(0.01)
    assert "no such figure" in caplog.text
    assert around.feed.rounds['wattline_rounds_total{of="figures"}'] == registry.done
    assert around.feed.rounds['wattline_rounds_failed_total{of="figures"}'] == registry.done
    assert around.feed.rounds['wattline_round_seconds{of="figures"}'] >= 0


@pytest.fixture
def anyio_backend():
    return "asyncio"


pytestmark = pytest.mark.anyio
