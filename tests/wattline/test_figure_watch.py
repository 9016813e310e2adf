"""Rules on figures against a real store: what fires, goes stale, resolves and survives a restart."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import StoreError
from core.model import Comparator, Device, DeviceKind
from core.quantities import Energy
from core.rules import Active, Consumption, Deviation, Period, Scope, Selector
from tests.wattline.figures import BERLIN, ENERGY, HOUR_US, MINUTE_US, NAME, Plant, rule, us
from wattline.figures import history, reads
from wattline.figures.watch import CHECKPOINT

HOURLY = Consumption(Energy.ELECTRICITY, Period.HOUR, Comparator.ABOVE, 10.0, 8.0, Scope.DEVICE)
DAILY = replace(HOURLY, period=Period.DAY, threshold=100.0, clear_threshold=100.0)
HOUR_ALONE = Deviation(factor=5.0, clear_factor=3.0, window_h=1, level_days=0, week_ago=False, peers=0)
MAIN = Selector(devices=("main",))
FIRED, RESOLVED, STALE = ((state, "high", "device:main") for state in ("firing", "resolved", "stale"))


@pytest.fixture
def plant(tmp_path):
    made = []

    def make(*rules, **more):
        made.append(Plant(tmp_path, rules, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def high(condition=HOURLY, **changes):
    return rule("high", condition, **{"select": MAIN} | changes)


def test_an_hour_above_fires_when_it_has_ended_and_one_below_resolves(plant):
    one = plant(high())
    one.book("main", us("2026-05-04T09:00"), [2.0] * 4 + [3.0] * 4 + [2.2] * 4 + [1.0] * 4)
    assert one.at("2026-05-04T10:02") == []
    assert one.at("2026-05-04T10:59") == []
    assert one.at("2026-05-04T11:01") == []
    assert one.at("2026-05-04T11:02") == [FIRED]
    alert = one.published[-1].alert
    assert (alert.value, alert.limit, alert.unit, alert.retrospective) == (12.0, 10.0, "kWh", False)
    assert alert.active_at_us == us("2026-05-04T11:00")
    assert one.at("2026-05-04T12:02") == []  # 8.8: between the thresholds
    assert one.at("2026-05-04T13:02") == [RESOLVED]
    assert [value for _, value in one.published[-1].evidence.samples] == [12.0, 4.0]


def test_waste_adds_up_and_has_a_price(plant):
    one = plant(high())
    one.book("main", us("2026-05-04T09:00"), [3.0] * 8 + [1.0] * 4)
    one.every("2026-05-04T10:02", "2026-05-04T12:02")
    waste = one.published[-1].alert.waste
    assert (waste.amount, waste.unit, waste.cost, waste.currency, waste.basis) == (
        pytest.approx(4.0), "kWh", pytest.approx(2.0), "EUR", "threshold",
    )  # fmt: skip


def test_a_place_is_held_against_its_area(plant):
    by_area = replace(HOURLY, scope=Scope.PLACE, per_m2=True, threshold=0.1, clear_threshold=0.1)
    one = plant(high(by_area, select=Selector(places=("hall",))))
    one.book("main", us("2026-05-04T09:00"), [3.0] * 4)
    one.book("sub-a", us("2026-05-04T09:00"), [2.0] * 4)  # is in main's already
    assert one.at("2026-05-04T10:02") == [("firing", "high", "place:hall")]
    alert = one.published[-1].alert
    assert (alert.value, alert.unit, alert.waste.amount) == (
        pytest.approx(0.12),
        "kWh/m2",
        pytest.approx(2.0),
    )


def test_what_is_not_measured_is_waited_for_and_then_left_out(plant):
    one = plant(high())
    one.at("2026-05-04T08:30")
    one.book("main", us("2026-05-04T09:00"), [5.0] * 3)
    assert one.at("2026-05-04T10:02") == []
    one.book("main", us("2026-05-04T09:45"), [5.0])
    assert one.at("2026-05-04T10:06") == []  # asked again five minutes later, not every minute
    assert one.at("2026-05-04T10:07") == [FIRED]
    one.book("main", us("2026-05-04T10:00"), [1.0] * 3)
    assert one.every("2026-05-04T11:02", "2026-05-04T11:57", 5 * MINUTE_US) == []
    one.book("main", us("2026-05-04T10:45"), [1.0])  # too late: the hour is left out
    assert one.at("2026-05-04T11:58") == []
    assert one.open()["high", "device:main"].state == "firing"


def test_enough_of_a_period_is_enough_after_half_an_hour(plant):
    one = plant(high())
    one.at("2026-05-04T08:30")
    one.book("main", us("2026-05-04T09:00"), [5.0] * 4, coverage=0.92)
    assert one.every("2026-05-04T10:02", "2026-05-04T10:27", 5 * MINUTE_US) == []
    assert one.at("2026-05-04T10:32") == [FIRED]


def test_a_gap_makes_it_stale_and_never_resolved(plant):
    one = plant(high())
    one.book("main", us("2026-05-04T09:00"), [3.0] * 4)
    assert one.at("2026-05-04T10:02") == [FIRED]
    assert one.every("2026-05-04T10:30", "2026-05-04T12:30") == []
    (stale,) = one.every("2026-05-04T13:01", "2026-05-04T13:41", 5 * MINUTE_US)
    assert stale[1:] == STALE
    assert one.published[-1].at_us == us("2026-05-04T13:00")  # two periods and an hour after the last
    one.book("main", us("2026-05-04T15:00"), [3.0] * 4)
    assert one.at("2026-05-04T16:02") == [FIRED]
    assert one.published[-1].previous == "stale"
    assert len(one.open()) == 1


def test_pending_goes_on_over_a_restart(plant):
    one = plant(high(for_s=7200.0))
    one.book("main", us("2026-05-04T09:00"), [3.0] * 12)
    assert one.every("2026-05-04T10:02", "2026-05-04T11:02") == []
    assert one.watch.states() == {("high", "device:main"): "pending"}
    one.restart()
    assert one.at("2026-05-04T11:10") == []
    assert one.watch.states() == {("high", "device:main"): "pending"}
    assert one.at("2026-05-04T12:02") == [FIRED]
    assert one.published[-1].alert.active_at_us == us("2026-05-04T10:00")


def test_firing_goes_on_over_a_restart_and_is_told_once(plant):
    one = plant(high())
    one.book("main", us("2026-05-04T09:00"), [3.0] * 8 + [1.0] * 4)
    assert one.at("2026-05-04T10:02") == [FIRED]
    one.restart()
    assert one.every("2026-05-04T10:03", "2026-05-04T11:03") == []
    assert one.at("2026-05-04T12:03") == [RESOLVED]


def test_what_happened_while_we_were_down_is_history(plant):
    one = plant(high())
    one.book("main", us("2026-05-04T08:00"), [1.0] * 4)
    one.at("2026-05-04T09:02")
    one.restart()
    one.book("main", us("2026-05-04T09:00"), [1.0] * 4 + [3.0] * 4 + [1.0] * 60 + [3.0] * 4)
    assert [state for state, _, _ in one.at("2026-05-05T03:02")] == ["firing", "resolved", "firing"]
    assert [change.alert.retrospective for change in one.published] == [True, True, False]


def test_after_a_restart_the_ledger_has_time_to_catch_up(plant):
    one = plant(high())
    one.book("main", us("2026-05-04T08:00"), [3.0] * 4)
    assert one.at("2026-05-04T09:02") == [FIRED]
    one.restart()
    assert one.at("2026-05-04T16:10") == []  # no data yet, and no reason to call it stale
    one.book("main", us("2026-05-04T09:00"), [3.0] * 28)
    assert one.at("2026-05-04T16:20") == []
    assert one.open()["high", "device:main"].state == "firing"


@pytest.mark.parametrize(("day", "slots"), [("2026-03-29", 92), ("2026-10-25", 100)])
def test_a_day_on_which_the_clocks_change_is_one_day(plant, day, slots):
    one = plant(high(DAILY))
    start_us = us(f"{day}T00:00")
    one.book("main", start_us - 24 * HOUR_US, [0.1] * 96 + [2.0] * slots)
    end_us = start_us + slots * 15 * MINUTE_US
    one.at(start_us + HOUR_US)
    assert one.at(end_us + MINUTE_US) == []
    assert one.at(end_us + 2 * MINUTE_US) == [FIRED]
    alert = one.published[-1].alert
    assert (alert.value, alert.active_at_us) == (2.0 * slots, end_us)


def test_every_hour_of_the_long_night_is_judged_once(plant):
    one = plant(high(replace(HOURLY, threshold=1.0, clear_threshold=1.0)))
    start_us = us("2026-10-25T00:00")
    one.book(
        "main", start_us - HOUR_US, [0.1] * 4 + [v for hour in range(25) for v in [0.5 * (hour % 2)] * 4]
    )
    found = one.every("2026-10-25T00:02", "2026-10-26T00:02")
    assert [state for _, state, _, _ in found] == ["firing", "resolved"] * 12
    assert len({change.at_us for change in one.published}) == 24


def test_a_rule_counts_in_its_hours_alone(plant):
    one = plant(high(active=Active.WORKING_HOURS))
    one.book("main", us("2026-05-04T05:00"), [3.0] * 32)
    found = one.every("2026-05-04T06:02", "2026-05-04T13:02")
    assert [(at_us, state) for at_us, state, _, _ in found] == [(us("2026-05-04T09:02"), "firing")]


def test_a_new_rule_and_a_new_meter_are_taken_up_at_once(plant):
    one = plant()
    one.book("main", us("2026-05-04T09:00"), [3.0] * 8)
    assert one.at("2026-05-04T10:02") == []
    one.registry.put_rule(high(select=Selector()))
    assert one.at("2026-05-04T10:30") == [FIRED]
    one.registry.put_device(one.meter("new", "hall"))
    one.registry.add_registers([("new", ENERGY)])
    one.catalog = one.registry.catalog()
    one.book("new", us("2026-05-04T10:00"), [3.0] * 4)
    assert one.at("2026-05-04T11:02") == [("firing", "high", "device:new")]


def test_what_is_no_longer_watched_is_stale(plant):
    one = plant(high())
    one.book("main", us("2026-05-04T09:00"), [3.0] * 8)
    assert one.at("2026-05-04T10:02") == [FIRED]
    one.registry.put_rule(high(enabled=False))
    assert one.at("2026-05-04T10:03") == [STALE]
    assert one.at("2026-05-04T10:04") == []
    assert one.watch.states() == {}


def test_an_alert_upstream_holds_back_those_below(plant):
    below = replace(high(select=Selector(devices=("sub-a",)), inhibited_by=("high",)), id="below")
    one = plant(high(), below)
    one.book("main", us("2026-05-04T09:00"), [3.0] * 8 + [1.0] * 8)
    one.book("sub-a", us("2026-05-04T09:00"), [0.1] * 4 + [3.0] * 12)
    found = one.every("2026-05-04T10:02", "2026-05-04T13:02")
    assert [(now_us, state, name) for now_us, state, name, _ in found] == [
        (us("2026-05-04T10:02"), "firing", "high"),
        (us("2026-05-04T12:02"), "resolved", "high"),
        (us("2026-05-04T13:02"), "firing", "below"),
    ]


def test_a_virtual_meter_is_a_meter(plant):
    formula = Device("rest", DeviceKind.VIRTUAL, "hall", NAME, formula="[main] - [sub-a]")
    one = plant(high(select=Selector(devices=("rest",))), devices=(formula,))
    one.book("main", us("2026-05-04T09:00"), [5.0] * 4)
    one.book("sub-a", us("2026-05-04T09:00"), [2.0] * 4)
    assert one.at("2026-05-04T10:02") == [("firing", "high", "device:rest")]
    assert one.published[-1].alert.value == pytest.approx(12.0)


def test_rules_that_look_at_the_same_read_it_once(plant):
    rules = [
        rule(f"high-{n}", replace(HOURLY, threshold=10.0 + n), select=Selector(places=("hall",)))
        for n in range(5)
    ]
    one = plant(*rules)
    for meter in ("main", "sub-a", "sub-b"):
        one.book(meter, us("2026-05-04T08:00"), [3.0] * 8)
    one.at("2026-05-04T09:02")
    one.store.asked.clear()
    one.at("2026-05-04T10:02")
    assert one.store.asked["interval_sums"] == 1
    one.store.asked.clear()
    one.at("2026-05-04T10:03")
    assert not one.store.asked


def test_months_of_history_are_read_once(plant):
    one = plant(rule("far", Deviation(warm_up_days=28, history_days=56, window_h=1), select=MAIN))
    start_us = us("2026-01-01T00:00")
    hours = (us("2026-05-05T00:00") - start_us) // HOUR_US
    usual = np.random.default_rng(0).normal(2.0, 0.05, 4 * hours)
    usual[-4 * 12 : -4 * 11] = 6.0  # noon of the last day
    one.book("main", start_us, usual.tolist())
    one.at("2026-05-04T09:02")
    months = one.store.slots
    assert months > 56 * 96
    one.store.slots = 0
    found = one.every("2026-05-04T10:02", "2026-05-04T23:02")
    assert [(at_us, state) for at_us, state, _, _ in found] == [
        (us("2026-05-04T13:02"), "firing"),
        (us("2026-05-04T14:02"), "resolved"),
    ]
    assert one.store.slots <= 14 * 8  # an hour, and the one before once more
    assert one.published[0].alert.waste.amount == pytest.approx(16.0, abs=0.5)


def test_the_hours_before_are_those_that_were_measured_when_new_ones_move_them(plant, monkeypatch):
    monkeypatch.setattr(history, "_SPARE", 10_000)  # no room to spare: each new day moves what there is
    one = plant(rule("far", Deviation(warm_up_days=7, history_days=14, window_h=1), select=MAIN))
    start_us = us("2026-01-01T00:00")
    amounts = np.random.default_rng(0).random((24 * 130, 4))
    one.book("main", start_us, amounts.ravel().tolist())
    beside, seen = reads._Beside, []

    def look(past, now, edges_us):
        seen.append((past.copy(), int(edges_us[0] - start_us) // HOUR_US))
        return beside(past, now, edges_us)

    monkeypatch.setattr(reads, "_Beside", look)
    one.every("2026-05-04T09:35", "2026-05-07T09:35")
    assert len(seen) == 73
    for past, first in seen:
        expected = amounts[first : first + past.shape[1]].sum(axis=1)
        np.testing.assert_allclose(past[0], expected, rtol=1e-6)


def test_a_store_that_fails_costs_a_round_and_one_line(plant, caplog):
    one = plant(high())
    one.book("main", us("2026-05-04T09:00"), [3.0] * 4)
    one.store.failing = StoreError("down", retryable=True)
    assert one.every("2026-05-04T10:02", "2026-05-04T10:04", MINUTE_US) == []
    assert [record.message for record in caplog.records] == ["rules on figures wait for the stores: down"]
    one.store.failing = None
    assert one.at("2026-05-04T10:05") == [FIRED]


def test_a_change_that_was_not_recorded_is_recorded_next_time(plant, monkeypatch):
    one = plant(high())
    one.book("main", us("2026-05-04T09:00"), [3.0] * 4)

    def refuse(*_):
        raise StoreError("locked", retryable=True)

    with monkeypatch.context() as patched:
        patched.setattr(type(one.registry), "record_alerts", refuse)
        assert one.at("2026-05-04T10:02") == []
    assert one.at("2026-05-04T10:03") == [FIRED]


def test_what_was_recorded_before_a_crash_is_not_news_again(plant):
    one = plant(high())
    one.book("main", us("2026-05-04T07:00"), [1.0] * 4)
    one.at("2026-05-04T08:02")
    before = one.registry.load_checkpoint(CHECKPOINT)
    one.book("main", us("2026-05-04T09:00"), [3.0] * 4)
    assert one.at("2026-05-04T10:02") == [FIRED]
    one.registry.save_checkpoint(CHECKPOINT, before)  # as if we had died in between
    one.restart()
    assert one.at("2026-05-04T10:04") == []
    assert one.watch.states() == {("high", "device:main"): "firing"}


def test_targets_go_by_the_day_of_their_own_place(plant):
    one = plant(high(DAILY, select=Selector()))
    one.book("main", us("2026-05-04T00:00", BERLIN), [2.0] * 96)
    one.book("other", us("2026-05-04T00:00", "Asia/Shanghai"), [2.0] * 96)
    one.at(us("2026-05-04T12:00"))
    assert one.at(us("2026-05-05T00:02", "Asia/Shanghai")) == [("firing", "high", "device:other")]
    assert one.at(us("2026-05-05T00:02", BERLIN)) == [FIRED]
