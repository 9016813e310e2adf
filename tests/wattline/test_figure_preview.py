"""A look back at stored history sees what the watch would have seen."""

from dataclasses import replace

import numpy as np
import pytest

from analytics import alerts
from analytics.alerts import AlertsState
from api.estate import estate_of
from core.model import Comparator
from core.quality import Quality
from core.quantities import Energy
from core.rules import (
    Consumption,
    DemandProjected,
    Deviation,
    Implausible,
    NightFlow,
    NoData,
    OffHours,
    Period,
    QuotaBurn,
    Scope,
)
from tests.wattline.figures import REFERENCES, WATER, Plant, rule, us
from wattline.figures import reads, rounds
from wattline.figures.preview import looked_back

HOURLY = Consumption(Energy.ELECTRICITY, Period.HOUR, Comparator.ABOVE, 10.0, 8.0, Scope.DEVICE)


@pytest.fixture
def plant(tmp_path):
    made = []

    def make(*rules):
        made.append(Plant(tmp_path, rules))
        return made[-1]

    yield make
    for one in made:
        one.close()


def back(plant, rule_, from_, until):
    estate = estate_of(plant.catalog)
    targets, seen, terms = looked_back(
        rule_, plant.duckdb, estate, REFERENCES, from_us=us(from_), until_us=us(until)
    )
    _, moved = alerts.step(AlertsState.empty(len(targets)), seen, terms)
    return [
        (at_us, alerts.STATES[after].value, str(targets[watch]))
        for at_us, after, watch in zip(
            moved.at_us.tolist(), moved.after.tolist(), moved.watch.tolist(), strict=True
        )
    ]


@pytest.mark.parametrize(
    "condition",
    [
        HOURLY,
        replace(HOURLY, period=Period.DAY, threshold=200.0, clear_threshold=150.0),
        Deviation(warm_up_days=7, history_days=14),
        OffHours(history_days=14),
        Implausible(share=0.1),
        NightFlow(nights=1),
    ],
)
def test_a_look_back_tells_what_the_watch_told(plant, condition):
    asked = rule("asked", condition)
    one = plant(asked)
    rng = np.random.default_rng(3)
    odd = rng.integers(96 * 20, 96 * 22, 40)
    for meter, quantity in (("main", "energy_active_import_total"), ("water", WATER)):
        amounts = rng.normal(2.0, 0.05, 96 * 22) if meter == "main" else np.zeros(96 * 22)
        amounts[odd] = 9.0
        amounts[96 * 20 + 50 : 96 * 21 + 50] += 2.0
        quality = np.isin(np.arange(len(amounts)), odd) * int(Quality.DOUBTED)
        one.book(meter, us("2026-04-20T00:00"), amounts.tolist(), quantity, quality=quality)
    one.every("2026-05-10T00:02", "2026-05-12T00:02")
    live = [(change.at_us, change.alert.state.value, str(change.alert.target)) for change in one.published]
    found = back(one, asked, "2026-05-09T23:00", "2026-05-12T00:00")
    assert live
    assert sorted(found) == sorted(live)


@pytest.mark.parametrize(
    "condition",
    [
        HOURLY,
        Deviation(warm_up_days=7, history_days=14, peers=0),
        OffHours(history_days=14, scope=Scope.DEVICE),
    ],
)
def test_targets_are_judged_in_pieces_as_together(plant, condition, monkeypatch):
    asked = rule("asked", condition)
    one = plant(asked)
    for meter, seed in (("main", 3), ("sub-a", 4), ("sub-b", 5)):
        rng = np.random.default_rng(seed)
        amounts = rng.normal(2.0, 0.05, 96 * 22)
        amounts[rng.integers(96 * 20, 96 * 21) :] = 4.0
        one.book(meter, us("2026-04-20T00:00"), amounts.tolist())
    together = back(one, asked, "2026-05-09T23:00", "2026-05-12T00:00")
    monkeypatch.setattr(reads, "_AT_ONCE", 2)
    monkeypatch.setattr(rounds, "_AT_ONCE", 2)
    assert {target for _, _, target in together} >= {"device:main", "device:sub-a", "device:sub-b"}
    assert back(one, asked, "2026-05-09T23:00", "2026-05-12T00:00") == together


def test_demand_is_looked_back_at_by_windows_that_have_ended(plant):
    one = plant()
    one.book("main", us("2026-05-04T09:00"), [1.0, 3.0, 3.0, 1.0])  # 4 and 12 kW
    found = back(one, rule("asked", DemandProjected()), "2026-05-04T09:00", "2026-05-04T10:00")
    assert found == [
        (us("2026-05-04T09:30"), "firing", "place:hall"),
        (us("2026-05-04T10:00"), "resolved", "place:hall"),
    ]


def test_a_quota_is_looked_back_at_day_by_day(plant):
    one = plant()
    one.book("main", us("2026-01-01T00:00"), [2.0 / 96] * 96 * 40 + [12.0 / 96] * 96 * 40)
    found = back(one, rule("asked", QuotaBurn()), "2026-02-01T00:00", "2026-03-20T00:00")
    # d days of 2 kWh, then of 12: more than 1000/365 a day on average from the 44th day on.
    assert found == [(us("2026-02-14T00:00"), "firing", "place:hall")]


def test_a_rule_on_readings_has_no_figures(plant):
    with pytest.raises(TypeError):
        back(plant(), rule("asked", NoData()), "2026-05-04T09:00", "2026-05-04T10:00")
