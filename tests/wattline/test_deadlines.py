"""What happens to alerts that nobody deals with."""

import asyncio
from types import SimpleNamespace

import pytest

from core.alerting import Act
from core.alerts import EventKind, Handled
from core.estate import Estate
from core.model import Name, Place, PlaceKind
from core.ports import AlertActed
from storage.registry import open_registry
from tests.storage.registries import FIRING, RESOLVED, change, rule
from wattline.assemble import Parts
from wattline.beside import deadlines_kept
from wattline.feed import LiveFeed
from wattline.telling.deadlines import escalate, responsible_above

HOUR_US = 3_600_000_000
NAME = Name("名", "Name")
PLACES = (
    Place("province", PlaceKind.ORGANISATION, NAME, "UTC"),
    Place("campus", PlaceKind.SITE, NAME, "UTC", "province"),
    Place("o", PlaceKind.ORGANISATION, NAME, "UTC", "campus"),
)


@pytest.fixture
def registry(tmp_path):
    opened = open_registry(f"sqlite:///{tmp_path / 'r.sqlite'}")
    opened.put_estate(Estate(PLACES, rules=(rule("r", deadline_s=3600.0, origin="api"),)))
    opened.record_alerts([change(FIRING, 150)], HOUR_US)
    yield opened
    opened.close()


def looked(registry, now_us):
    found = escalate(registry, registry.catalog(), now_us)
    return [(one.handling.organisation_id, one.handling.due_at_us) for one in found]


def kinds(registry):
    return [line.kind for line in registry.timeline("a")][2:]


def test_an_overdue_alert_goes_up_to_the_root_and_no_further(registry):
    due_us = registry.alert("a").handling.due_at_us
    assert looked(registry, due_us - 1) == []
    assert looked(registry, due_us) == [("province", due_us + HOUR_US)]
    assert looked(registry, due_us) == []
    assert looked(registry, due_us + HOUR_US) == [("province", None)]
    assert looked(registry, due_us + 100 * HOUR_US) == []
    assert kinds(registry) == ["escalated", "escalated"]
    assert registry.alert("a").handling.escalations == 2


def test_two_processes_that_look_at_once_go_one_step(registry):
    due_us = registry.alert("a").handling.due_at_us
    seen = registry.overdue(due_us)
    escalate(registry, registry.catalog(), due_us)
    registry.overdue = lambda _: seen
    assert escalate(registry, registry.catalog(), due_us) == []
    assert kinds(registry) == ["escalated"]


def test_acknowledging_does_not_stop_the_clock_and_closing_does(registry):
    due_us = registry.alert("a").handling.due_at_us
    registry.handle("a", Act(EventKind.ACKNOWLEDGED, HOUR_US, "Li"))
    assert len(looked(registry, due_us)) == 1
    registry.record_alerts([change(RESOLVED, 900, previous=FIRING)], due_us)
    registry.handle("a", Act(EventKind.CLOSING, due_us, "Li", {"reason": "fixed"}))
    assert looked(registry, due_us + 100 * HOUR_US) == []


def test_a_shelved_alert_waits_and_comes_back_with_a_new_deadline(registry):
    due_us = registry.alert("a").handling.due_at_us
    until_us = due_us + 5 * HOUR_US
    registry.handle("a", Act(EventKind.SHELVED, HOUR_US, "Li", {"until_us": until_us, "reason": "ordered"}))
    assert looked(registry, due_us) == []
    assert looked(registry, until_us) == [("o", until_us + HOUR_US)]
    assert kinds(registry) == ["shelved", "unshelved"]
    assert registry.timeline("a")[-1].detail["still_open"] is True
    assert registry.alert("a").handling.status is Handled.NEW


def test_the_deadline_is_that_of_the_severity_where_the_rule_says_nothing(registry):
    registry.put_rule(rule("r", origin="api"))
    due_us = registry.alert("a").handling.due_at_us
    assert looked(registry, due_us) == [("province", due_us + 24 * HOUR_US)]


def test_the_responsible_above_is_an_organisation_or_a_region(registry):
    registry.put_place(Place("city", PlaceKind.REGION, NAME, "UTC"))
    registry.put_place(Place("office", PlaceKind.ORGANISATION, NAME, "UTC", "city"))
    catalog = registry.catalog()
    assert responsible_above(catalog, "o") == "province"
    assert responsible_above(catalog, "office") == "city"
    assert responsible_above(catalog, "city") is None
    assert responsible_above(catalog, None) is None
    assert responsible_above(catalog, "gone") is None


@pytest.mark.anyio
async def test_every_live_client_hears_what_a_deadline_does(registry):
    feed = LiveFeed(asyncio.get_running_loop())
    parts = Parts(registry, None, SimpleNamespace(current=registry.catalog()), feed)
    heard = asyncio.ensure_future(anext(feed.events()))
    await asyncio.sleep(0)
    async with deadlines_kept(parts, every_s=0.01):  # the alert has been overdue since 1970
        moved = await asyncio.wait_for(heard, 20)
    assert moved.news == [AlertActed("a")]


@pytest.fixture
def anyio_backend():
    return "asyncio"
