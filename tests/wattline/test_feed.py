"""What readers of the live feed get of alerts."""

import asyncio

import pytest

from core.ports import AlertActed, AlertsMoved, LedgerChanged
from wattline.feed import LiveFeed

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_news_of_alerts_that_wait_come_at_once_and_in_order():
    feed = LiveFeed(asyncio.get_running_loop())
    readers = [feed.events() for _ in range(2)]
    upcoming = [asyncio.ensure_future(anext(reader)) for reader in readers]
    await asyncio.sleep(0)
    news = [AlertActed(str(number)) for number in range(1500)]
    for one in news:
        feed.publish(one)
    feed.publish(LedgerChanged(["p"]))
    first, second = [await one for one in upcoming]
    assert first == second
    heard = [*first.news]
    while not isinstance(event := await anext(readers[0]), LedgerChanged):
        assert isinstance(event, AlertsMoved)
        heard += event.news
    assert heard == news
