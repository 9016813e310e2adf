"""What an API that runs apart from ingest hears of alerts: transitions, and what others do about them."""

import asyncio

import pytest

from core.alerting import Act
from core.alerts import EventKind
from core.estate import Estate
from core.ports import AlertActed
from storage.registry import open_registry
from tests.storage.registries import FIRING, RESOLVED, STALE, change, organisation, place, rule
from wattline.assemble import Parts
from wattline.catalogs import Catalogs
from wattline.feed import LiveFeed
from wattline.follow import Follower


class Store:
    """Holds nothing: this is about alerts."""

    def received_after(self, _):
        return iter(())

    def last_received_us(self):
        return 0

    def close(self):
        pass


@pytest.fixture
def registry(tmp_path):
    opened = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    opened.put_estate(Estate((organisation("o"), place("p", "o")), rules=(rule("r"),)))
    yield opened
    opened.close()


@pytest.fixture
def other(tmp_path):
    """The registry, as another process has it open."""
    opened = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def heard(registry):
    """Look as the follower does, and say what it told."""
    loop = asyncio.new_event_loop()
    parts = Parts(registry, Store(), Catalogs(registry), LiveFeed(loop))
    told = []
    parts.feed.publish = told.append
    registry.record_alerts([change(FIRING, 150)], 1000)
    follower = Follower(parts)
    follower._restore(registry, parts.store)

    def look():
        told.clear()
        follower._tell_alerts(registry)
        return list(told)

    yield look
    loop.close()


def test_a_transition_is_told_with_the_state_before(heard, other):
    assert heard() == []
    other.record_alerts([change(STALE, 400, previous=FIRING)], 1000)
    (told,) = heard()
    assert (told.previous, told.alert.state, told.at_us) == (FIRING, STALE, 400)
    other.record_alerts([change(RESOLVED, 900, previous=STALE)], 1000)
    (told,) = heard()
    assert (told.previous, told.alert.state, told.at_us) == (STALE, RESOLVED, 900)
    other.record_alerts([change(FIRING, 2000, alert="b", active_at_us=1900)], 1000)
    (told,) = heard()
    assert (told.alert.id, told.previous) == ("b", "inactive")


def test_what_was_done_through_another_process_is_told(heard, other):
    other.handle("a", Act(EventKind.ACKNOWLEDGED, 500, "Li"))
    assert heard() == [AlertActed("a")]
    assert heard() == []
    other.record_alerts([change(RESOLVED, 900, previous=FIRING)], 1000)
    heard()
    other.handle("a", Act(EventKind.CLOSING, 1000, "Li", {"reason": "fixed"}))
    assert heard() == [AlertActed("a")]


def test_looking_reads_what_changed_and_not_all_alerts(heard, registry, monkeypatch):
    monkeypatch.setattr(registry, "alerts", None)  # whoever asks for all of them fails
    looks = []
    read = registry._database.read
    monkeypatch.setattr(registry._database, "read", lambda: looks.append(1) or read())
    assert heard() == []
    assert len(looks) == 1
